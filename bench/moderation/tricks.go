package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"orrery.dev/numeric"
)

// tricks measures what tricks of spelling do to the accuracy on messages that were
// not trained on: one trick in every message.
func (b *bench) tricks() error {
	for _, name := range []string{"davidson_dev", "tweeteval_hate_train"} {
		all, err := readMessages(filepath.Join(b.dir, name+".csv.gz"))
		if err != nil {
			return err
		}
		fold, err := readFolds("", all)
		if err != nil {
			return err
		}
		in, out := all.part(func(i int) bool { return fold[i] != 0 }), all.part(func(i int) bool { return fold[i] == 0 })
		m, err := b.fit(in)
		if err != nil {
			return err
		}
		accuracy := func(trick func(*numeric.Random, string) string) float64 {
			random := numeric.NewRandom(1, 2)
			said, scores := make([]int, len(out.text)), make([]float64, len(out.classes))
			for i, text := range out.text {
				m.ScoresText(trick(random, text), nil, scores)
				said[i] = m.Choose(scores)
			}
			return out.accuracy(said)
		}
		plain := accuracy(func(_ *numeric.Random, text string) string { return text })
		fmt.Printf("tricks on %s: accuracy as written %.3f", name, plain)
		for _, t := range spelling {
			fmt.Printf("; %s %+.3f", t.name, accuracy(t.apply)-plain)
		}
		fmt.Println()
	}
	return nil
}

// spelling lists the tricks, each done to every word of at least four letters, or
// to all spaces.
var spelling = []struct {
	name  string
	apply func(r *numeric.Random, text string) string
}{
	{"letters swapped", eachWord(func(r *numeric.Random, w []rune) []rune {
		i := 1 + r.IntN(len(w)-2)
		w[i], w[i+1] = w[i+1], w[i]
		return w
	})},
	{"letter left out", eachWord(func(r *numeric.Random, w []rune) []rune {
		i := 1 + r.IntN(len(w)-1)
		return append(w[:i], w[i+1:]...)
	})},
	{"spaces left out", func(_ *numeric.Random, text string) string { return strings.ReplaceAll(text, " ", "") }},
	{"spaces between letters", eachWord(func(_ *numeric.Random, w []rune) []rune {
		return []rune(strings.Join(strings.Split(string(w), ""), " "))
	})},
	{"leet", eachWord(func(_ *numeric.Random, w []rune) []rune {
		return []rune(strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0", "s", "5").Replace(string(w)))
	})},
}

// eachWord does something to each word of four letters or more.
func eachWord(do func(r *numeric.Random, word []rune) []rune) func(*numeric.Random, string) string {
	return func(r *numeric.Random, text string) string {
		var out []rune
		in := []rune(text)
		for from := 0; from < len(in); {
			to := from
			for to < len(in) && unicode.IsLetter(in[to]) {
				to++
			}
			switch {
			case to-from >= 4:
				out = append(out, do(r, append([]rune(nil), in[from:to]...))...)
			case to > from:
				out = append(out, in[from:to]...)
			default:
				out = append(out, in[from])
				to++
			}
			from = to
		}
		return string(out)
	}
}
