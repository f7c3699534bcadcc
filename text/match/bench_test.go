package match_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"orrery.dev/text"
	"orrery.dev/text/match"
)

// manyTerms makes words, phrases and open words out of syllables, as many as are
// asked for and no two alike.
func manyTerms(t testing.TB, count int) []string {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	starts := []string{"b", "br", "c", "ch", "d", "f", "fl", "g", "h", "k", "l", "m", "n", "p", "r", "s", "sh", "st", "t", "v", "w", "z"}
	middles := []string{"a", "e", "i", "o", "u", "ai", "ee", "oo"}
	ends := []string{"", "n", "r", "s", "ck", "ll", "m", "t", "rd", "nt"}
	word := func() string {
		s := ""
		for range 2 + random.IntN(3) {
			s += starts[random.IntN(len(starts))] + middles[random.IntN(len(middles))] + ends[random.IntN(len(ends))]
		}
		return s
	}
	seen, terms := map[string]bool{}, make([]string, 0, count)
	for len(terms) < count {
		s := word()
		switch random.IntN(10) {
		case 0, 1:
			s += " " + word()
		case 2:
			s += "*"
		}
		if !seen[s] {
			seen[s] = true
			terms = append(terms, s)
		}
	}
	return terms
}

// bigMessages are of about two hundred characters.
var bigMessages = []struct{ name, text string }{
	{"plain", "I honestly think the second half of that match was the best football anyone here has seen all year, so no idea why the " +
		"commentators kept on talking about the weather and last season instead, but there it is"},
	{"tricks", "y0u are such a b4dw0rd, b a d w o r d, bаdwоrd, ｂａｄｗｏｒｄ b*dw*rd baaaaadword, b.a.d.w.o.r.d %62%61d k1ll " +
		"sh!p f**k b****d and s0 on, all the w4y to the end of it, with st*rs and m0re l33t"},
}

func BenchmarkFind(b *testing.B) {
	lines := append(manyTerms(b, 100_000), "badword", "kill")
	m, _ := compile(b, lines...)
	for _, message := range bigMessages {
		b.Run(message.name, func(b *testing.B) {
			var n text.Normal
			if err := n.Reset(message.text); err != nil {
				b.Fatal(err)
			}
			var found []match.Match
			b.ReportAllocs()
			for b.Loop() {
				found = m.Find(&n, found[:0])
			}
			b.ReportMetric(float64(len(found)), "found")
		})
		b.Run(message.name+" and normalise", func(b *testing.B) {
			var n text.Normal
			var found []match.Match
			for b.Loop() {
				if err := n.Reset(message.text); err != nil {
					b.Fatal(err)
				}
				found = m.Find(&n, found[:0])
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, count := range []int{1000, 100_000} {
		_, terms := compile(b, manyTerms(b, count)...)
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				match.Compile([]match.List{{Terms: terms}})
			}
		})
	}
}
