package match_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	orrery "orrery.dev"
	"orrery.dev/text"
	"orrery.dev/text/match"
)

// compile makes a matcher of one list, which must have no fault.
func compile(t testing.TB, lines ...string) (*match.Matcher, []match.Term) {
	t.Helper()
	terms, faults, err := match.Read(strings.NewReader(strings.Join(lines, "\n")), match.Defaults{Category: "abuse"})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return match.Compile([]match.List{{Name: "list", Terms: terms}}), terms
}

// find gives what is found, as it stands in the message, with the term.
func find(t testing.TB, m *match.Matcher, terms []match.Term, message string) string {
	t.Helper()
	var n text.Normal
	if err := n.Reset(message); err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, f := range m.Find(&n, nil) {
		parts = append(parts, fmt.Sprintf("%s=%s", message[f.Span.Start:f.Span.End], terms[f.Term].Text))
	}
	return strings.Join(parts, " ")
}

func TestFind(t *testing.T) {
	lines := []string{"badword", "kill", "go away now", "blor*", "*zark", "*frob*", "gr*mp", "qu[i]ll", "/s[ae]nd me \\d+ dollars/",
		"/wib(ble|bly)/", "boob", "coop", "ass", "соре", "!badword show", "!frobisher", "well-known", "4chan", "idiot", "slurry"}
	m, terms := compile(t, lines...)
	for _, c := range []struct{ message, want string }{
		{"nothing here", ""},
		{"a badword!", "badword=badword"},
		{"BADWORD, Badword", "BADWORD=badword Badword=badword"},
		{"badwords mybadword badword1", ""},
		{"ｂａｄｗｏｒｄ bаdwоrd b\u200bádw̷ord", "ｂａｄｗｏｒｄ=badword bаdwоrd=badword b\u200bádw̷ord=badword"},
		{"b4dw0rd k1ll ki11 k!ll", "b4dw0rd=badword k1ll=kill k!ll=kill"},
		{"b a d w o r d", "b a d w o r d=badword"},
		{"so b.a.d.w.o.r.d.", "b.a.d.w.o.r.d=badword"},
		{"b a d w o r d k i l l", "b a d w o r d=badword k i l l=kill"},
		{"a s s", "a s s=ass"},
		{"p a s s i t", ""},
		{"b-a-dword bad-word bad.word", "b-a-dword=badword bad-word=badword"},
		{"baaaadword booob coooop", "baaaadword=badword booob=boob coooop=coop"},
		{"%62adword &#98;adword", "%62adword=badword &#98;adword=badword"},
		{"b*dword b**word badw*** *adword b*******", "b*dword=badword b**word=badword badw***=badword"},
		{"go away now, go  away\nnow go-away-now go away, now", "go away now=go away now go  away\nnow=go away now go-away-now=go away now"},
		{"blorp blor xblor", "blorp=blor* blor=blor*"},
		{"quzark zark zarks", "quzark=*zark zark=*zark"},
		{"unfrobbed", "unfrobbed=*frob*"},
		{"frobisher refrobisher", "refrobisher=*frob*"},
		{"grump gramp grmp gr*mp gruump", "grump=gr*mp gramp=gr*mp gr*mp=gr*mp"},
		{"please send me 500 dollars or SAND me 1 dollars", "send me 500 dollars=/s[ae]nd me \\d+ dollars/ SAND me 1 dollars=/s[ae]nd me \\d+ dollars/"},
		{"wibbly wobble", "wibbly=/wib(ble|bly)/"},
		{"badword show badword", "badword=badword"},
		{"the соре cope в хоре соре наш", "соре=соре cope=соре соре=соре"},
		{"well known wellknown well-known", "wellknown=well-known well-known=well-known"},
		{"4chan achan", "4chan=4chan"},
		{"1diot ldiot |diot", "1diot=idiot"},
		{"slurry", "slurry=slurry"},
		{"youareabadword #killallbadword1s allthebadwordis", "badword=badword badword=badword badword=badword"},
		{"thebadword mybadwordtone", ""},
		{"4ss a55 45s", ""},
		{"@ss a$$", "@ss=ass a$$=ass"},
	} {
		if got := find(t, m, terms, c.message); got != c.want {
			t.Errorf("%q: found\n%s, want\n%s", c.message, got, c.want)
		}
	}
}

func TestFaults(t *testing.T) {
	list := strings.Join([]string{
		"# a comment", "", "good term", "//", "/a*/", "/(/", "/" + strings.Repeat("a", 1001) + "/", "/(abcdefghijkl){200}/", "***",
		"-", "Good  TERM", strings.Repeat("xy", 65), "b* d*y word", "a***", "one,two,three", "one,two,3,4", `"one, two",threat,3`,
		`"open`, "bad\xff", "x,,1001", strings.Repeat("long ", 20000), "f**", "/ok/,c", "/ok/, c", `"say ""no""`, "!", "/a,b/,x", "last",
	}, "\r\n")
	terms, faults, err := match.Read(strings.NewReader(list), match.Defaults{Category: "abuse", Severity: 2})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults {
		if f.Message == "" || !f.Warning && f.Next == "" && f.Code != "list_severity" && f.Code != "list_pattern_invalid" {
			t.Errorf("%v says too little", f)
		}
		got = append(got, fmt.Sprintf("%d %s %v", f.Line, f.Code, f.Warning))
	}
	want := []string{
		"4 list_pattern_empty false", "5 list_pattern_empty false", "6 list_pattern_invalid false", "7 list_pattern_too_long false",
		"8 list_pattern_too_large false", "9 list_star false", "10 list_term_empty false", "11 list_duplicate true",
		"12 list_term_too_long false", "13 list_star false", "14 list_star false", "15 list_severity false", "16 list_columns false",
		"18 list_quote false", "19 list_not_utf8 false", "20 list_severity false", "21 list_line_too_long false", "22 list_star false",
		"24 list_duplicate true", "25 list_quote false", "26 list_term_empty false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults\n%s\nwant\n%s\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"), faults)
	}
	var kept []string
	for _, term := range terms {
		kept = append(kept, fmt.Sprintf("%d %s %s %d", term.Line, term.Text, term.Category, term.Severity))
	}
	if want := []string{"3 good term abuse 2", "17 one, two threat 3", "23 /ok/ c 2", "27 /a,b/ x 2", "28 last abuse 2"}; !slices.Equal(kept, want) {
		t.Errorf("terms %q, want %q", kept, want)
	}
}

func TestParse(t *testing.T) {
	if term, err := match.Parse("Bad Word, threat, 4", match.Defaults{}); err != nil || term.Text != "Bad Word" || term.Category != "threat" || term.Severity != 4 {
		t.Errorf("%+v %v", term, err)
	}
	for _, empty := range []string{"", "# x", "//", "\u200b"} {
		_, err := match.Parse(empty, match.Defaults{})
		var e *orrery.Error
		if !errors.As(err, &e) || e.Kind != orrery.Invalid {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

func TestOverlaps(t *testing.T) {
	read := func(d match.Defaults, lines ...string) []match.Term {
		terms, faults, err := match.Read(strings.NewReader(strings.Join(lines, "\n")), d)
		if err != nil || len(faults) > 0 {
			t.Fatal(err, faults)
		}
		return terms
	}
	m := match.Compile([]match.List{
		{Name: "a", Terms: read(match.Defaults{Category: "insult"}, "bad word", "word", "word hereafter", "bad")},
		{Name: "b", Terms: read(match.Defaults{Category: "threat"}, "word", "bad word")},
		{Name: "c", Terms: read(match.Defaults{Category: "insult"}, "bad word")},
		{Name: "allow", Terms: read(match.Defaults{Allow: true}, "good bad", "nice word")},
	})
	for _, c := range []struct{ message, want string }{
		// The longer of a category stands for what lies within it; categories do not
		// hide each other; what overlaps in part is given twice.
		{"bad word", "a/bad word b/bad word"},
		{"bad word hereafter", "a/bad word b/bad word a/word hereafter"},
		{"bad", "a/bad"},
		// An allowed term covers what overlaps it and is not longer.
		{"good bad word", "a/word b/word"},
		{"nice word hereafter", "a/word hereafter"},
		{"nice word here", ""},
		{"good nice word", ""},
	} {
		var n text.Normal
		if err := n.Reset(c.message); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range m.Find(&n, nil) {
			got = append(got, "abc"[f.List:f.List+1]+"/"+c.message[f.Span.Start:f.Span.End])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %s, want %s", c.message, s, c.want)
		}
	}
}

func TestMask(t *testing.T) {
	for _, c := range []struct {
		in    string
		spans []text.Span
		want  string
	}{
		{"a badword!", []text.Span{{Start: 2, End: 9}}, "a *******!"},
		{"b a d", []text.Span{{Start: 0, End: 5}}, "* * *"},
		{"z̷̡a", []text.Span{{Start: 0, End: 1}}, "*a"},
		{"👨‍👩‍👧👍🏽", []text.Span{{Start: 4, End: 5}}, "*👍🏽"},
		{"abcdef", []text.Span{{Start: 3, End: 5}, {Start: 0, End: 2}, {Start: 1, End: 4}}, "*****f"},
		{"abc", []text.Span{{Start: 2, End: 99}, {Start: 1, End: 1}, {Start: -4, End: 1}}, "*b*"},
		{"abc", nil, "abc"},
		{"", []text.Span{{Start: 0, End: 1}}, ""},
	} {
		if got := match.Mask(c.in, c.spans, '*'); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	if got := match.Mask("bad", []text.Span{{Start: 0, End: 3}}, '█'); got != "███" {
		t.Error(got)
	}
}

// TestManyMatches has the messages for which a careless resolution takes
// quadratic time.
func TestManyMatches(t *testing.T) {
	m, _ := compile(t, "badword", "bad*", "badword,threat", "!goodword", "bad word", "a b a b a b a b", "/w+o/", "*or*")
	for _, part := range []string{"badword ", "goodword ", "bad word ", "a b ", "a-b-", "b1dw0rd ", "b*dw**d ", "youareabadwordto", "bad"} {
		var n text.Normal
		if err := n.Reset(strings.Repeat(part, 40_000)); err != nil {
			t.Fatal(err)
		}
		found := m.Find(&n, nil)
		if part == "badword " && len(found) != 80_000 {
			t.Errorf("%q: %d found", part, len(found))
		}
	}
}
