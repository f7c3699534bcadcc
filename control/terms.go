package control

import (
	"cmp"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/text"
	"orrery.dev/text/match"
)

// Match is a place in a text where a term of a list occurs.
type Match struct {
	Entry *Entry
	// Span is the place in the text as it was written.
	Span orrery.Span
	// normal is the place in its normal form.
	normal text.Span
}

// Finder finds the terms of lists. It keeps working memory from one text to the
// next, and is for one goroutine at a time.
type Finder struct {
	raw   []match.Match
	found []Match
	allow []Match
}

// matcher finds the terms of one layer: entries has that of each.
type matcher struct {
	*match.Matcher
	entries []*Entry
}

// terms gives the layer's matcher, made at the first call.
func (l *layer) terms() *matcher {
	l.build.Do(func() { l.matcher.Store(newMatcher(l)) })
	return l.matcher.Load()
}

// newMatcher compiles a layer's terms. What is no term, on a list that was one of
// keys before, matches nothing.
func newMatcher(l *layer) *matcher {
	m := &matcher{}
	for _, mark := range l.marks {
		if mark.entry != nil {
			m.entries = append(m.entries, mark.entry)
		}
	}
	slices.SortFunc(m.entries, func(a, b *Entry) int { return strings.Compare(a.Key, b.Key) })
	var list match.List
	known := m.entries[:0]
	for _, e := range m.entries {
		if t, err := parseTerm(e.Key); err == nil {
			t.Allow = e.Allow
			list.Terms, known = append(list.Terms, t), append(known, e)
		}
	}
	m.Matcher, m.entries = match.Compile([]match.List{list}), known
	return m
}

// parseTerm reads a term. A line of a list has other columns behind commas, signs
// of its own before it, and quotes against both.
func parseTerm(term string) (match.Term, error) {
	return match.Parse(`"`+strings.ReplaceAll(term, `"`, `""`)+`"`, match.Defaults{})
}

// CheckTerm says what is wrong with a term, nil where nothing is: see package
// text/match for what a term can be.
func CheckTerm(term string) error {
	_, err := parseTerm(term)
	return err
}

// Compile makes ready what Find needs, which takes time where terms are many.
func (l *List) Compile() {
	for _, layer := range l.layers {
		layer.terms()
	}
}

// Find gives the places where terms of the list occur in a text, for an event that
// happens at an instant: by where they begin, the longer first, and then by their
// keys. A term that is to allow something is not among them, nor is a place that
// overlaps one of such a term and is not longer. The result is good until the next
// call.
func (f *Finder) Find(l *List, n *text.Normal, at orrery.Instant) []Match {
	f.found, f.allow = f.found[:0], f.allow[:0]
	for i, layer := range l.layers {
		m := layer.terms()
		f.raw = m.All(n, f.raw[:0])
		for j := range f.raw {
			r := &f.raw[j]
			e := m.entries[r.Term]
			if !e.holds(at) || l.hidden(i, e.Key) {
				continue
			}
			one := Match{Entry: e, Span: orrery.Span{Start: r.Span.Start, End: r.Span.End}, normal: r.Normal}
			if e.Allow {
				f.allow = append(f.allow, one)
			} else {
				f.found = append(f.found, one)
			}
		}
	}
	if len(f.found) == 0 {
		return nil
	}
	if len(f.allow) > 0 {
		f.cancel()
	}
	slices.SortFunc(f.found, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.normal.Start, b.normal.Start), cmp.Compare(b.normal.End, a.normal.End), strings.Compare(a.Entry.Key, b.Entry.Key))
	})
	f.found = slices.CompactFunc(f.found, func(a, b Match) bool { return a.Entry == b.Entry && a.normal == b.normal })
	return f.found
}

// cancel drops what is allowed.
func (f *Finder) cancel() {
	slices.SortFunc(f.allow, func(a, b Match) int { return cmp.Compare(a.normal.Start, b.normal.Start) })
	longest := 0
	for i := range f.allow {
		longest = max(longest, f.allow[i].normal.End-f.allow[i].normal.Start)
	}
	f.found = slices.DeleteFunc(f.found, func(m Match) bool {
		s := m.normal
		first, _ := slices.BinarySearchFunc(f.allow, s.Start-longest, func(a Match, at int) int { return cmp.Compare(a.normal.Start, at) })
		for _, a := range f.allow[first:] {
			if a.normal.Start >= s.End {
				break
			}
			if a.normal.End > s.Start && s.End-s.Start <= a.normal.End-a.normal.Start {
				return true
			}
		}
		return false
	})
}

// Places counts the places that matches, as Find gives them, take up: those that
// overlap are one.
func Places(found []Match) int {
	n, end := 0, -1
	for i := range found {
		if s := found[i].normal; s.Start >= end {
			n++
		}
		end = max(end, found[i].normal.End)
	}
	return n
}
