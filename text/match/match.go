// Package match finds the terms and patterns of lists in messages, as they are
// written and as they are meant: in every reading that a text.Normal marks.
//
// A term is a word or phrase, normalised as messages are, and found between word
// boundaries. Stars make it more:
//
//	badword    the word
//	bad word   the phrase
//	bad*       words that begin so
//	*word      words that end so
//	*badword*  anywhere
//	b*dw*rd    a star within hides one letter
//	/b[ae]d/   a regular expression (RE2) on the normal form, not on its readings
//	!badwords  not to be found: what lies in it, or overlaps it and is not longer, is dropped
//
// The other way round, stars in a message hide letters: b**word is found by
// badword where its first letter and one more show.
//
// A Matcher does not change and may be shared. To change a list, compile a new one
// and exchange the pointers.
package match

import (
	"cmp"
	"slices"
	"sort"

	"orrery.dev/text"
)

// List is a list of terms.
type List struct {
	Name  string
	Terms []Term
}

// Match is one term or pattern found in a message.
type Match struct {
	// List and Term say which: the index of the list as it was given to Compile
	// and of the term in it.
	List, Term int
	Category   string
	Severity   int
	// Span is where in the original message, in bytes.
	Span text.Span
	// Normal is where in the normal form, in bytes.
	Normal text.Span

	allow bool
}

// Matcher holds lists compiled. It is made by Compile and never changes.
type Matcher struct {
	terms    []compiled
	anchored trie // terms that begin where a word may begin
	floating trie // terms and literals of patterns that begin anywhere
	veiled   veiled
	patterns []pattern
	always   []int32 // patterns without a literal to look for
	allows   bool
}

// compiled is one term, or one pattern.
type compiled struct {
	list, term int32
	severity   int32
	category   string
	form       form
	allow      bool
}

// form says where a term may stand.
type form uint8

const (
	whole    form = 0
	openHead form = 1 // need not begin where a word does
	openTail form = 2 // need not end where a word does
)

// Compile makes a matcher of lists. Terms that Parse or Read gave are all it
// takes. It takes about a quarter of a second for 100,000 terms.
func Compile(lists []List) *Matcher {
	m := &Matcher{}
	var anchored, floating keys
	for l, list := range lists {
		for i := range list.Terms {
			t := &list.Terms[i]
			number := int32(len(m.terms))
			m.terms = append(m.terms, compiled{list: int32(l), term: int32(i), severity: int32(t.Severity),
				category: t.Category, form: t.form, allow: t.Allow})
			m.allows = m.allows || t.Allow
			switch {
			case t.pattern != nil:
				m.addPattern(t, number, &floating)
			case t.hidden:
				m.veiled.addHidden(t.readings[0], number)
			case t.form&openHead != 0:
				floating.add(t.readings, number)
			default:
				anchored.add(t.readings, number)
				if t.form == whole {
					for _, r := range t.readings {
						m.veiled.addPlain(r, number)
					}
				}
			}
		}
	}
	m.anchored = anchored.compile()
	m.floating = floating.compile()
	m.veiled.compile()
	return m
}

// Len gives the number of terms and patterns.
func (m *Matcher) Len() int { return len(m.terms) }

// Find appends to found what the message has, in order of where it begins, the
// longer before the shorter. What an allowed term covers is not among it, nor
// what lies within another match of the same category.
func (m *Matcher) Find(n *text.Normal, found []Match) []Match {
	first := len(found)
	w := walker{m: m, n: n, found: found}
	w.run()
	found = w.found
	if len(found) == first {
		return found
	}
	slices.SortStableFunc(found[first:], order)
	kept := m.resolve(found[first:])
	return found[:first+kept]
}

// order sorts matches: where they begin, the longer first, by list and term.
func order(a, b Match) int {
	return cmp.Or(cmp.Compare(a.Normal.Start, b.Normal.Start), cmp.Compare(b.Normal.End, a.Normal.End),
		cmp.Compare(a.List, b.List), cmp.Compare(a.Term, b.Term))
}

// resolve drops what is allowed, found twice or within another of its category,
// and gives how many remain.
func (m *Matcher) resolve(found []Match) int {
	if m.allows {
		found = found[:allowed(found)]
	}
	kept := 0
	var memory [4]reached
	reach := memory[:0]
	for i := range found {
		if inside(&found[i], &reach) {
			continue
		}
		found[kept] = found[i]
		kept++
	}
	return kept
}

// reached is how far the matches of a category have come.
type reached struct {
	category string
	end      int
}

// inside says whether a match lies within an earlier one of its category. Those
// before it, in order, begin no later, so one that ends no earlier contains it.
func inside(f *Match, reach *[]reached) bool {
	for i := range *reach {
		r := &(*reach)[i]
		if r.category == f.Category {
			inside := f.Normal.End <= r.end
			r.end = max(r.end, f.Normal.End)
			return inside
		}
	}
	*reach = append(*reach, reached{f.Category, f.Normal.End})
	return false
}

// allowed drops the allowing matches and what they cover, and gives how many
// remain: a match is covered that overlaps one of them and is not longer.
func allowed(found []Match) int {
	var covers []cover
	for i := range found {
		if found[i].allow {
			c := cover{found[i].Normal, found[i].Normal.End}
			if k := len(covers); k > 0 {
				c.reach = max(c.reach, covers[k-1].reach)
			}
			covers = append(covers, c)
		}
	}
	kept := 0
	for i := range found {
		if found[i].allow || covered(covers, found[i].Normal) {
			continue
		}
		found[kept] = found[i]
		kept++
	}
	return kept
}

// cover is where an allowed term is, and the furthest end of those up to it.
type cover struct {
	text.Span
	reach int
}

// covered looks from the last cover that begins before the end of a match
// backwards, as far as one can reach into it.
func covered(covers []cover, s text.Span) bool {
	i := sort.Search(len(covers), func(i int) bool { return covers[i].Start >= s.End })
	for i--; i >= 0 && covers[i].reach > s.Start; i-- {
		if c := covers[i]; c.End > s.Start && s.End-s.Start <= c.End-c.Start {
			return true
		}
	}
	return false
}
