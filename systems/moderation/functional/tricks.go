package functional

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// Trick is a way of spelling a text so that a person still reads it and a list of
// words does not find it.
type Trick struct {
	Name  string
	About string
	apply func(words []string, r *rand.Rand) []string
}

// Apply gives the text with the trick done to it, for a source of randomness the
// same always. A text with no word long enough stays as it is.
func (t Trick) Apply(text string, r *rand.Rand) string {
	return strings.Join(t.apply(strings.Fields(text), r), " ")
}

// Tricks are the tricks of the suite, in order. All but the last two act on the
// text's longest word or two: those carry its meaning as a rule, and touching every
// word would leave nothing to read.
var Tricks = []Trick{
	{"swap", "two neighbouring letters change places", inLongest(swap)},
	{"delete", "a letter is left out", inLongest(drop)},
	{"space", "the letters of a word are parted by spaces", inLongest(part)},
	{"join", "spaces between words are left out", join},
	{"leet", "digits and signs stand for letters", leet},
}

// inLongest makes a trick of what is done to a word, which must have four letters
// or more; of a text of eight words or more two are taken.
func inLongest(do func(word []rune, r *rand.Rand) string) func([]string, *rand.Rand) []string {
	return func(words []string, r *rand.Rand) []string {
		done := map[int]bool{}
		for range min(1+len(words)/8, 2) {
			best, most := -1, 3
			for i, w := range words {
				if n := letters(w); n > most && !done[i] {
					best, most = i, n
				}
			}
			if best < 0 {
				break
			}
			done[best] = true
			words[best] = do([]rune(words[best]), r)
		}
		return words
	}
}

func letters(word string) (n int) {
	for _, c := range word {
		if unicode.IsLetter(c) {
			n++
		}
	}
	return n
}

// inside gives a place in a word where a letter and its right neighbour are
// neither its first letter nor its last.
func inside(word []rune, r *rand.Rand) int {
	from, to := 0, len(word)-1
	for !unicode.IsLetter(word[from]) {
		from++
	}
	for !unicode.IsLetter(word[to]) {
		to--
	}
	if to-from < 3 {
		return from + 1
	}
	return from + 1 + r.IntN(to-from-2)
}

func swap(word []rune, r *rand.Rand) string {
	i := inside(word, r)
	for n := 0; n < len(word) && word[i] == word[i+1]; n++ { // two alike would change nothing
		i = inside(word, r)
	}
	word[i], word[i+1] = word[i+1], word[i]
	return string(word)
}

func drop(word []rune, r *rand.Rand) string {
	i := inside(word, r)
	return string(word[:i]) + string(word[i+1:])
}

func part(word []rune, _ *rand.Rand) string {
	var b strings.Builder
	for i, c := range word {
		if i > 0 && unicode.IsLetter(c) && unicode.IsLetter(word[i-1]) {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// join leaves out about half of the spaces, one at least.
func join(words []string, r *rand.Rand) []string {
	if len(words) < 2 {
		return words
	}
	must := 1 + r.IntN(len(words)-1)
	out := words[:1:1]
	for i, w := range words[1:] {
		if i+1 == must || r.IntN(2) == 0 {
			out[len(out)-1] += w
		} else {
			out = append(out, w)
		}
	}
	return out
}

var leetSigns = map[rune]rune{'a': '4', 'e': '3', 'i': '1', 'o': '0', 's': '5', 't': '7'}

// leet alters about two thirds of the letters that it can.
func leet(words []string, r *rand.Rand) []string {
	for i, w := range words {
		words[i] = strings.Map(func(c rune) rune {
			if sign, ok := leetSigns[unicode.ToLower(c)]; ok && r.IntN(3) > 0 {
				return sign
			}
			return c
		}, w)
	}
	return words
}
