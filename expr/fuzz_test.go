package expr

import (
	"testing"
	"unicode/utf8"
)

// FuzzCompile holds Compile to what it promises on any text: no panic, issues
// within the text, and of what it accepts a canonical form that means the same.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		"order.at.getHours() <= 6", "order.at.getDayOfWeek('Europe/Paris') in [0, 6]", "score >= 0.9 && !order.rush", "7d + 12h",
		"order.id.matches('^[a-z]+$')", "coalesce(score, risk, 0) / 0", "a.b.c[0].d({x: 1}, null)", "((((", "1d12h", "'\\u00fc' == \"\"\"x\"\"\"",
		"timestamp('2018-04-01T00:00:00Z') - order.at < -7d", "has(score) ? -score : - - 5", "b'x' rb'y' `z` 5u 0x1F .5 1e9 // c", "€", "\xff", "import.a{b: 1}",
	} {
		f.Add(text)
	}
	env := testEnv(f, "America/New_York")
	f.Fuzz(func(t *testing.T, text string) {
		p, issues := env.Compile(text)
		if (p == nil) == (len(issues) == 0) {
			t.Fatalf("%q: program %v, issues %+v", text, p, issues)
		}
		for _, i := range issues {
			if i.Offset < 0 || i.Length < 0 || i.Offset+i.Length > len(text) || i.Code == "" || i.Message == "" ||
				utf8.ValidString(text) && !utf8.ValidString(text[i.Offset:i.Offset+i.Length]) {
				t.Fatalf("%q: bad issue %+v", text, i)
			}
		}
		if p == nil || len(p.Canonical()) > maxSource {
			return
		}
		again, issues := env.Compile(p.Canonical())
		if again == nil || again.Canonical() != p.Canonical() || again.Cost() != p.Cost() {
			t.Fatalf("%q: canonical %q is not a fixed point: %+v", text, p.Canonical(), issues)
		}
		for _, in := range []*Input{full(), empty(), {}} {
			if got, want := exactly(again.result(in)), exactly(p.result(in)); got != want {
				t.Fatalf("%q is %s, its canonical form %q is %s", text, want, p.Canonical(), got)
			}
		}
	})
}
