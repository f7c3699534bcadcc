package match_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"orrery.dev/text"
	"orrery.dev/text/match"
)

// The oracle tries every term at every place of the normal form and follows every
// reading by recursion. It shares no code with the matcher but the normal forms.

// reads says whether term is a reading of the bytes [at, end).
func reads(n *text.Normal, term string, at, end int, first bool) bool {
	if at == end {
		return term == ""
	}
	f := n.Flags[at]
	size := utf8.RuneLen(runeAt(n, at))
	if f&text.Optional != 0 && !first {
		if at+size < end && reads(n, term, at+size, end, false) {
			return true
		}
		if f&text.Word == 0 && strings.HasPrefix(term, " ") && reads(n, term[1:], at+1, end, false) {
			return true
		}
	}
	if term == "" {
		return false
	}
	if strings.HasPrefix(term, string(n.Text[at:at+size])) && reads(n, term[size:], at+size, end, false) {
		return true
	}
	return strings.IndexByte(f.Others(), term[0]) >= 0 && reads(n, term[1:], at+1, end, false)
}

func runeAt(n *text.Normal, i int) rune {
	r, _ := utf8.DecodeRune(n.Text[i:])
	return r
}

// fitsHidden says whether the word [start, end) and the word of a term agree,
// stars on either side being any letter.
func fitsHidden(n *text.Normal, term string, start, end int) bool {
	var word []rune
	var at []int
	for i := start; i < end; i += utf8.RuneLen(runeAt(n, i)) {
		word = append(word, runeAt(n, i))
		at = append(at, i)
	}
	letters := []rune(term)
	if len(letters) != len(word) {
		return false
	}
	shown := 0
	for i, l := range letters {
		f := n.Flags[at[i]]
		switch {
		case f.Hides() || l == '*':
			if i == 0 {
				return false
			}
		case l == word[i]:
			shown++
		case !strings.ContainsRune(f.Others(), l):
			return false
		}
	}
	return shown >= 2
}

// normals gives the forms that a term of plain words has: whole, and without what
// is optional.
func normals(t *rapid.T, word string) (forms []string, hidden bool) {
	for _, keep := range []bool{false, true} {
		n := text.Normal{KeepScript: keep}
		if err := n.Reset(word); err != nil {
			t.Fatal(err)
		}
		whole, short := "", ""
		for i := range n.Text {
			c := string(n.Text[i : i+1])
			if n.Flags[i].Hides() {
				c, hidden = "*", true
			}
			whole += c
			if n.Flags[i]&text.Optional == 0 {
				short += c
			}
		}
		forms = append(forms, whole, short)
	}
	return forms, hidden
}

// mostCommon gives the greatest number of common words that spell text in full,
// with the letters of it, -1 for none.
func mostCommon(text string) int {
	if text == "" {
		return 0
	}
	most := -1
	for _, c := range match.CommonWords() {
		if rest, found := strings.CutPrefix(text, c); found {
			if more := mostCommon(rest); more >= 0 {
				most = max(most, more+1)
			}
		}
	}
	return most
}

// inWord says whether a term stands in a word of several.
func inWord(n *text.Normal, start, end int) bool {
	from, to := start, end
	for !n.Boundary(from) {
		from--
	}
	for !n.Boundary(to) {
		to++
	}
	for i := from + 1; i < to; i++ {
		if n.Boundary(i) {
			return false
		}
	}
	if to-from < 9 || to-from > 64 || end-start < 4 || n.Flags[from]&text.Word == 0 {
		return false
	}
	before, behind := mostCommon(string(n.Text[from:start])), mostCommon(string(n.Text[end:to]))
	return before >= 0 && behind >= 0 && before+behind >= 2 && to-from-(end-start) >= 5
}

type hit struct {
	start, end, term int
}

func oracle(t *rapid.T, terms []match.Term, n *text.Normal) []match.Match {
	var hits []hit
	length := len(n.Text)
	within := func(i int) bool {
		return i > 0 && i < length && n.Boundary(i) && n.Flags[i]&n.Flags[i-1]&text.Word != 0
	}
	for number, term := range terms {
		word := strings.TrimPrefix(term.Text, "*")
		head := word != term.Text
		tail := strings.HasSuffix(word, "*")
		forms, hidden := normals(t, strings.TrimSuffix(word, "*"))
		for start := range length {
			if !utf8.RuneStart(n.Text[start]) {
				continue
			}
			for end := start + 1; end <= length; end++ {
				if end < length && !utf8.RuneStart(n.Text[end]) {
					continue
				}
				if !head && !tail && !term.Allow && !hidden && inWord(n, start, end) {
					for _, form := range forms {
						if reads(n, form, start, end, true) {
							hits = append(hits, hit{start, end, number})
							break
						}
					}
				}
				if !head && !n.Boundary(start) || !tail && !n.Boundary(end) {
					continue
				}
				found := false
				for _, form := range forms {
					oneWord := !head && !tail && n.Boundary(start) && n.Flags[start]&text.Word != 0 && !strings.Contains(form, " ")
					for i := start + 1; i < end; i++ {
						oneWord = oneWord && !n.Boundary(i)
					}
					if !hidden && reads(n, form, start, end, true) &&
						(end-start >= 4 || n.Text[start] >= 0x80 || !within(start) && !within(end)) {
						found = true
					}
					hides := hidden
					for i := start; i < end; i++ {
						hides = hides || n.Flags[i].Hides()
					}
					if oneWord && hides && fitsHidden(n, form, start, end) {
						found = true
					}
				}
				if found {
					from, to := start, end
					for head && !n.Boundary(from) {
						from--
					}
					for tail && !n.Boundary(to) {
						to++
					}
					hits = append(hits, hit{from, to, number})
				}
			}
		}
	}
	return settle(terms, hits, n)
}

// settle applies the rules of overlap one pair at a time.
func settle(terms []match.Term, hits []hit, n *text.Normal) []match.Match {
	drop := make([]bool, len(hits))
	for i, h := range hits {
		for _, a := range hits {
			if terms[a.term].Allow && a.start < h.end && h.start < a.end && h.end-h.start <= a.end-a.start {
				drop[i] = true
			}
		}
	}
	var out []match.Match
	for i, h := range hits {
		inside := drop[i] || terms[h.term].Allow
		for j, k := range hits {
			if i == j || drop[j] || terms[k.term].Category != terms[h.term].Category || k.start > h.start || k.end < h.end {
				continue
			}
			same := k.start == h.start && k.end == h.end
			if !same || k.term < h.term || k.term == h.term && j < i {
				inside = true
			}
		}
		if !inside {
			out = append(out, match.Match{Term: h.term, Category: terms[h.term].Category, Severity: terms[h.term].Severity,
				Span: n.Origin(h.start, h.end), Normal: text.Span{Start: h.start, End: h.end}})
		}
	}
	slices.SortFunc(out, func(a, b match.Match) int {
		if a.Normal.Start != b.Normal.Start {
			return a.Normal.Start - b.Normal.Start
		}
		if a.Normal.End != b.Normal.End {
			return b.Normal.End - a.Normal.End
		}
		return a.Term - b.Term
	})
	return out
}

var pieces = []string{"a", "b", "d", "i", "l", "s", "t", "ad", "ba", "bad", "ll", "dll", " ", " ", "-", "*", "**", "1", "3", "$", "!", ".", "а", "б",
	"к", "é", "你", "aaa", "bbb", "a b d ", "ж", "youare", "the", "badd"}

// TestAgainstOracle finds random terms in random messages and compares.
func TestAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 4).Draw(t, "term"), "")
		})
		var lines []string
		for range rapid.IntRange(1, 6).Draw(t, "terms") {
			line := rapid.SampledFrom([]string{"", "", "", "*", "!"}).Draw(t, "before") + word.Draw(t, "word") +
				rapid.SampledFrom([]string{"", "", "*"}).Draw(t, "behind")
			lines = append(lines, line+rapid.SampledFrom([]string{"", ",threat,2"}).Draw(t, "columns"))
		}
		terms, _, err := match.Read(strings.NewReader(strings.Join(lines, "\n")), match.Defaults{Category: "abuse"})
		if err != nil {
			t.Fatal(err)
		}
		m := match.Compile([]match.List{{Terms: terms}})
		message := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 14).Draw(t, "message"), "")
		var n text.Normal
		if err := n.Reset(message); err != nil {
			t.Fatal(err)
		}
		got, want := m.Find(&n, nil), oracle(t, terms, &n)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("terms %q in %q, which reads %q %v: found\n%+v, want\n%+v", lines, message, n.Text, n.Flags, got, want)
		}
	})
}

// TestTogetherAgainstOracle writes words and terms together.
func TestTogetherAgainstOracle(t *testing.T) {
	parts := rapid.SampledFrom(append(match.CommonWords(), "badd", "zark", "ass", "blorp", "1", "z4rk", "ra", "badd", "zark", "blorp"))
	rapid.Check(t, func(t *rapid.T) {
		terms, _, err := match.Read(strings.NewReader("badd\nzark\nass\nblorp\n!iblorp\n!theblorpis"), match.Defaults{Category: "abuse"})
		if err != nil {
			t.Fatal(err)
		}
		m := match.Compile([]match.List{{Terms: terms}})
		message := strings.Join(rapid.SliceOfN(parts, 1, 7).Draw(t, "message"), "")
		var n text.Normal
		if err := n.Reset(message); err != nil {
			t.Fatal(err)
		}
		got, want := m.Find(&n, nil), oracle(t, terms, &n)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q, which reads %q %v: found\n%+v, want\n%+v", message, n.Text, n.Flags, got, want)
		}
	})
}

// TestPatternsAgainstOracle compares with running every pattern on the whole
// normal form.
func TestPatternsAgainstOracle(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "ba", "bad", "d", "[ab]", "(?:ad|bd)", "(ab|ba|d)", "a?", "b+", "d*", ".", `\b`, " ", "l{2}", "AD", "i"})
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		for range rapid.IntRange(1, 4).Draw(t, "patterns") {
			lines = append(lines, "/"+strings.Join(rapid.SliceOfN(part, 1, 5).Draw(t, "pattern"), "")+"/")
		}
		terms, _, err := match.Read(strings.NewReader(strings.Join(lines, "\n")), match.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		m := match.Compile([]match.List{{Terms: terms}})
		message := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 14).Draw(t, "message"), "")
		var n text.Normal
		if err := n.Reset(message); err != nil {
			t.Fatal(err)
		}
		var hits []hit
		for number, term := range terms {
			for _, at := range regexp.MustCompile("(?i:"+strings.Trim(term.Text, "/")+")").FindAllIndex(n.Text, -1) {
				if at[1] > at[0] {
					hits = append(hits, hit{at[0], at[1], number})
				}
			}
		}
		got, want := m.Find(&n, nil), settle(terms, hits, &n)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("patterns %q in %q: found\n%+v, want\n%+v", lines, n.Text, got, want)
		}
	})
}
