package control_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/text"
)

// found is what of a match does not depend on how a list lies in memory.
type found struct {
	Entry control.Entry
	Span  orrery.Span
}

func find(t interface{ Fatal(...any) }, list *control.List, message string, at orrery.Instant) (out []found, places int) {
	var n text.Normal
	if err := n.Reset(message); err != nil {
		t.Fatal(err)
	}
	var f control.Finder
	matches := f.Find(list, &n, at)
	for _, m := range matches {
		out = append(out, found{*m.Entry, m.Span})
	}
	return out, control.Places(matches)
}

// TestTermsDoNotDependOnLayers makes changes with merges at random, and holds
// what is found to a list that got its entries by one change.
func TestTermsDoNotDependOnLayers(t *testing.T) {
	terms := []string{"zorg", "zorg blim", "blim*", "*lim", "z*rg", "/z[o0]rg+/", "blim zorg blim", "quax", "Quax"}
	messages := []string{"zorg", "the z0rg blim", "b l i m zorg blim", "zorgblim quax", "b.l.i.m z*rg", "quaxes and zorg zorg", ""}
	rapid.Check(t, func(t *rapid.T) {
		s := control.New()
		if rapid.Bool().Draw(t, "later") {
			s.MergeLater()
		}
		var merge *control.Merge
		for i := range rapid.IntRange(1, 12).Draw(t, "changes") {
			change := control.Change{List: "words"}
			for _, term := range rapid.SliceOfNDistinct(rapid.SampledFrom(terms), 0, 4, rapid.ID).Draw(t, "terms") {
				if rapid.IntRange(0, 3).Draw(t, "off") == 0 {
					change.Remove = append(change.Remove, term)
					continue
				}
				change.Add = append(change.Add, control.Item{Key: term, Until: orrery.Instant(rapid.IntRange(0, 3).Draw(t, "until")),
					Details: control.Details{Allow: rapid.IntRange(0, 2).Draw(t, "allow") == 0, Category: rapid.SampledFrom([]string{"", "rude"}).Draw(t, "category")}})
			}
			p, err := control.Prepare(change, 1, rapid.Bool().Draw(t, "compiled"))
			if err != nil {
				t.Fatal(err)
			}
			s.ApplyPrepared(orrery.Offset(i+1), p)
			if rapid.Bool().Draw(t, "found between") {
				find(t, s.Lists().List("words"), messages[0], 0)
			}
			if merge == nil {
				if merge = s.Due(); merge != nil {
					merge.Run()
				}
			} else {
				s.Install(merge)
				merge = nil
			}
		}
		list, once := s.Lists().List("words"), control.Change{List: "words"}
		for _, e := range list.Entries("", 1000) {
			once.Add = append(once.Add, control.Item{Key: e.Key, Until: e.Until, Details: e.Details})
		}
		plain := control.New()
		p, err := control.Prepare(once, 1, true)
		if err != nil {
			t.Fatal(err)
		}
		plain.ApplyPrepared(1, p)
		for _, message := range messages {
			for at := range orrery.Instant(4) {
				got, n := find(t, list, message, at)
				want, m := find(t, plain.Lists().List("words"), message, at)
				if !reflect.DeepEqual(got, want) || n != m {
					t.Fatalf("%q at %d: %+v (%d places), want %+v (%d)", message, at, got, n, want, m)
				}
			}
		}
	})
}

// TestSpansAreOfTheOriginal finds a term that was written to be missed.
func TestSpansAreOfTheOriginal(t *testing.T) {
	s := control.New()
	p, err := control.Prepare(control.Change{List: "words", Add: []control.Item{
		{Key: "zorgle"}, {Key: "a, b"}, {Key: `say "quax"`}, {Key: "#tag"}, {Key: "zorgle garden", Details: control.Details{Allow: true}}}}, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	s.ApplyPrepared(1, p)
	for message, want := range map[string]string{
		"you ＺＯＲＧＬＥ!":          "ＺＯＲＧＬＥ",
		"z o r g l e there":    "z o r g l e",
		"the zorgle garden":    "",
		"zorgle zorgle garden": "zorgle",
		"it is a, b":           "a, b",
		`to say "quax" is`:     `say "quax"`,
		"zorgles":              "",
	} {
		got, _ := find(t, s.Lists().List("words"), message, 0)
		text := ""
		for _, f := range got {
			text += message[f.Span.Start:f.Span.End]
		}
		if text != want {
			t.Errorf("%q: found %q, want %q", message, text, want)
		}
	}
}

func TestWhatIsNoTerm(t *testing.T) {
	for _, term := range []string{"", "  ", "!", "/(/", "//", "/a*/", "/" + strings.Repeat("a", 2000) + "/", strings.Repeat("ab ", 100), "**", "\xff"} {
		if control.CheckTerm(term) == nil {
			t.Errorf("%q is a term", term)
		}
	}
	for _, term := range []string{"a", "#tag", `"quoted"`, "/a,b/", "a, b", "bad*", "/b[ae]d/", "!not"} {
		if err := control.CheckTerm(term); err != nil {
			t.Errorf("%q: %v", term, err)
		}
	}
}

// FuzzTerm has any text as a term on a list, and any message read for it.
func FuzzTerm(f *testing.F) {
	f.Add("zorg", "a zorg b")
	f.Add(`/z(o|0)+rg/`, "z0rg")
	f.Add(`"a, b`, "a, b")
	f.Fuzz(func(t *testing.T, term, message string) {
		known := control.CheckTerm(term) == nil
		s := control.New()
		p, err := control.Prepare(control.Change{List: "words", Add: control.Keys(term)}, 1, true)
		if err != nil {
			t.Fatal(err)
		}
		s.ApplyPrepared(1, p)
		var n text.Normal
		if n.Reset(message) != nil {
			return
		}
		var finder control.Finder
		for _, m := range finder.Find(s.Lists().List("words"), &n, 0) {
			if !known || m.Span.Start < 0 || m.Span.Start >= m.Span.End || m.Span.End > len(message) {
				t.Fatalf("%q in %q: %+v", term, message, m)
			}
		}
	})
}

// chat has ordinary words.
var chat = strings.Fields(`honestly think the second half of that match was best anyone here has seen all year so no idea why they kept
on talking about weather and last season instead but there it is who wants to play another round before dinner my connection drops again
thanks for stream everyone good luck with exam tomorrow that boss fight took me three hours yesterday`)

// BenchmarkTerms finds the terms of a list of 100,000, with and without patterns, in
// messages of 200 characters: as one change put them there, and with later changes of one term
// each behind them. The normal form is part of it in the last.
func BenchmarkTerms(b *testing.B) {
	for _, patterns := range []int{0, 200} {
		b.Run(fmt.Sprint(patterns, " patterns"), func(b *testing.B) { benchTerms(b, patterns) })
	}
}

func benchTerms(b *testing.B, patterns int) {
	r := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		syllables := []string{"ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu", "gra", "plo", "sti", "dre"}
		w := ""
		for range 2 + r.IntN(3) {
			w += syllables[r.IntN(len(syllables))]
		}
		return w
	}
	change := control.Change{List: "words"}
	named := map[string]bool{}
	for len(change.Add) < 100_000 {
		term := word()
		if r.IntN(3) == 0 {
			term += " " + word()
		}
		if !named[term] {
			named[term] = true
			change.Add = append(change.Add, control.Item{Key: term})
		}
	}
	for i := range patterns {
		change.Add = append(change.Add, control.Item{Key: fmt.Sprintf("/%s[xyz]+%d/", word(), i)})
	}
	var messages []text.Normal
	var raw []string
	for range 100 {
		message := ""
		for len(message) < 200 {
			message += chat[r.IntN(len(chat))] + " "
		}
		raw = append(raw, message[:200])
		messages = append(messages, text.Normal{})
		if err := messages[len(messages)-1].Reset(message[:200]); err != nil {
			b.Fatal(err)
		}
	}
	s := control.New()
	p, err := control.Prepare(change, 1, true)
	if err != nil {
		b.Fatal(err)
	}
	s.ApplyPrepared(1, p)
	run := func(name string, n func(i int) *text.Normal) {
		list := s.Lists().List("words")
		list.Compile()
		b.Run(name, func(b *testing.B) {
			var f control.Finder
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f.Find(list, n(i%len(messages)), 0)
				i++
			}
		})
	}
	at := func(i int) *text.Normal { return &messages[i] }
	run("one layer", at)
	for i := range 2000 {
		p, err := control.Prepare(control.Change{List: "words", Add: control.Keys(fmt.Sprint(word(), " ", i))}, 1, false)
		if err != nil {
			b.Fatal(err)
		}
		s.ApplyPrepared(orrery.Offset(i+2), p)
	}
	run("after 2000 changes", at)
	var normal text.Normal
	run("with its normal form", func(i int) *text.Normal {
		_ = normal.Reset(raw[i])
		return &normal
	})
}

// BenchmarkChange applies changes of one term each behind 100,000, as a replay
// does, with a message read for terms after each.
func BenchmarkChange(b *testing.B) {
	var n text.Normal
	if err := n.Reset("nothing of all that is in here"); err != nil {
		b.Fatal(err)
	}
	change := control.Change{List: "words"}
	for i := range 100_000 {
		change.Add = append(change.Add, control.Item{Key: fmt.Sprintf("%dth term", i)})
	}
	s := control.New()
	p, err := control.Prepare(change, 1, true)
	if err != nil {
		b.Fatal(err)
	}
	s.ApplyPrepared(1, p)
	var f control.Finder
	i := 0
	for b.Loop() {
		c := made(b, control.TypeList, 1, control.Change{List: "words", Add: control.Keys(fmt.Sprint("more ", i))})
		if err := s.Apply(orrery.Offset(i+2), &c); err != nil {
			b.Fatal(err)
		}
		f.Find(s.Lists().List("words"), &n, 0)
		i++
	}
}
