package train

import (
	"strings"
	"unicode"

	"orrery.dev/numeric"
)

// misspelt gives the rows, and behind them again each with the chance given, its
// text written as somebody would who wants to get past a filter, for half the
// weight. The copies are the last; of gives the row that each is of.
func misspelt(rows *Rows, chance float64, seed uint64) (out *Rows, of []int) {
	if chance == 0 {
		return rows, nil
	}
	copied := *rows
	out = &copied
	n, columns := rows.Len(), len(rows.Names)
	out.X, out.Y, out.Text = rows.X[:n*columns:n*columns], rows.Y[:n:n], rows.Text[:n:n]
	out.Weight = make([]float64, n, 2*n)
	for i := range n {
		out.Weight[i] = rows.weight(i)
	}
	for i := range n {
		random := numeric.NewRandom(seed, uint64(i)+16)
		if random.Float64() >= chance {
			continue
		}
		text := trick(random, rows.Text[i])
		if text == rows.Text[i] {
			continue
		}
		of = append(of, i)
		out.X, out.Y = append(out.X, rows.Row(i)...), append(out.Y, rows.Y[i])
		out.Text, out.Weight = append(out.Text, text), append(out.Weight, misspeltWeight*rows.weight(i))
	}
	return out, of
}

// misspeltWeight is what a copy counts beside its row.
const misspeltWeight = 0.5

// trick writes a text with one of the usual tricks of spelling.
func trick(random *numeric.Random, text string) string {
	which := random.IntN(4)
	if which == 0 {
		return joined(random, text)
	}
	return eachWord(text, func(word []rune) []rune {
		if len(word) < 3 || random.IntN(3) == 0 {
			return word
		}
		switch which {
		case 1:
			return swapped(random, word)
		case 2:
			i := random.IntN(len(word))
			return append(word[:i], word[i+1:]...)
		default:
			return signed(random, word)
		}
	})
}

// joined leaves spaces out, half of them or all.
func joined(random *numeric.Random, text string) string {
	all := random.IntN(2) == 0
	return strings.Map(func(r rune) rune {
		if r == ' ' && (all || random.IntN(2) == 0) {
			return -1
		}
		return r
	}, text)
}

// swapped exchanges two neighbouring letters.
func swapped(random *numeric.Random, word []rune) []rune {
	i := random.IntN(len(word) - 1)
	word[i], word[i+1] = word[i+1], word[i]
	return word
}

// signed writes digits and signs for letters that they look like.
func signed(random *numeric.Random, word []rune) []rune {
	for i, r := range word {
		if like := signs[unicode.ToLower(r)]; like != "" && random.IntN(4) > 0 {
			word[i] = rune(like[random.IntN(len(like))])
		}
	}
	return word
}

var signs = map[rune]string{'a': "4@", 'b': "8", 'e': "3", 'g': "9", 'i': "1!", 'l': "1", 'o': "0", 's': "5$", 't': "7"}

// eachWord does something to each run of letters, of which it gets a copy.
func eachWord(text string, do func(word []rune) []rune) string {
	var out, word []rune
	for _, r := range text + "\x00" {
		if unicode.IsLetter(r) {
			word = append(word, r)
			continue
		}
		if len(word) > 0 {
			out = append(out, do(word)...)
			word = word[:0]
		}
		out = append(out, r)
	}
	return string(out[:len(out)-1])
}
