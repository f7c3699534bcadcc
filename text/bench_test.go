package text_test

import (
	"testing"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"orrery.dev/text"
)

// messages are of about a hundred characters each.
var messages = map[string]string{
	"ascii":    "I honestly think the second half of that match was the best football anyone here has seen all year, so",
	"tweet":    "RT @someone_else: honestly, the second half of that match!! was the BEST football 2day http://t.co/x1 &#8220;wow&#8221;",
	"cyrillic": "Честно говоря, второй тайм этого матча был лучшим футболом, который мы видели за весь год, вот так",
	"tricks":   "y0u are such a b4dw0rd, b a d w o r d, bаdwоrd, ｂａｄｗｏｒｄ b*dw*rd baaaaadword, b.a.d.w.o.r.d %62%61d",
	"emoji":    "that match 😂😂😂😂 was 🔥🔥🔥 honestly the best 👍🏽 football of the year 🏆 so happy right now ❤️❤️❤️ omg wow",
}

func BenchmarkNormal(b *testing.B) {
	for _, name := range []string{"ascii", "tweet", "cyrillic", "tricks", "emoji"} {
		b.Run(name, func(b *testing.B) {
			var n text.Normal
			b.ReportAllocs()
			b.SetBytes(int64(len(messages[name])))
			for b.Loop() {
				if err := n.Reset(messages[name]); err != nil {
					b.Fatal(err)
				}
			}
		})
		// What golang.org/x/text takes for normal form and case alone.
		b.Run(name+" NFKC and case", func(b *testing.B) {
			fold := cases.Fold()
			for b.Loop() {
				_ = norm.NFKC.String(fold.String(messages[name]))
			}
		})
	}
}
