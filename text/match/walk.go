package match

import "orrery.dev/text"

// maxSteps bounds the readings that are followed from one place. Ordinary text
// has one reading, and the worst that is written by hand some dozens.
const maxSteps = 4096

// walker finds terms in one message. A walk begins at every place where a term
// may begin and follows all readings through a trie, so it ends as soon as none
// is the beginning of a term, and is never longer than the longest term.
type walker struct {
	m     *Matcher
	n     *text.Normal
	found []Match
	steps int
	due   []int32 // patterns whose literal was found

	inWord bool // walking in a word of several
	joined together
}

func (w *walker) run() {
	flags := w.n.Flags
	anchored, floating := !w.m.anchored.empty(), !w.m.floating.empty()
	for i, f := range flags {
		if anchored && (i == 0 || f&flags[i-1]&text.Word == 0 || f&text.Break != 0) {
			w.steps = maxSteps
			w.walk(&w.m.anchored, 0, i, i)
		}
		if floating {
			w.steps = maxSteps
			w.walk(&w.m.floating, 0, i, i)
		}
	}
	w.words()
	w.patterns()
}

// walk follows the readings of the bytes from at on, where the node has been
// reached by those from start.
func (w *walker) walk(t *trie, node int32, start, at int) {
	for {
		if terms := t.terms(node); len(terms) > 0 {
			if w.inWord {
				w.endsWithin(terms, start, at)
			} else {
				w.ends(terms, start, at)
			}
		}
		if at >= len(w.n.Text) || w.steps == 0 {
			return
		}
		w.steps--
		f := w.n.Flags[at]
		if f > text.Optional|text.Break|text.Word || f&text.Optional != 0 {
			w.others(t, node, start, at, f)
		}
		next := t.child(node, w.n.Text[at])
		if next == 0 {
			return
		}
		node = next
		at++
	}
}

// others follows the readings in which the byte is another letter, or left out.
func (w *walker) others(t *trie, node int32, start, at int, f text.Flag) {
	if f&text.Optional != 0 && at > start {
		if f&text.Word == 0 {
			if next := t.child(node, ' '); next > 0 {
				w.walk(t, next, start, at+1) // bad-word as bad word
			}
		}
		next := at + 1
		for next < len(w.n.Text) && w.n.Text[next]&0xC0 == 0x80 {
			next++
		}
		w.skip(t, node, start, next)
	}
	if f.Hides() {
		return
	}
	for _, r := range []byte(f.Others()) {
		if next := t.child(node, r); next > 0 {
			w.walk(t, next, start, at+1)
		}
	}
}

// skip goes on behind a byte that is left out; a term that ended before it has
// been found already.
func (w *walker) skip(t *trie, node int32, start, at int) {
	if at >= len(w.n.Text) {
		return
	}
	f := w.n.Flags[at]
	if f > text.Optional|text.Break|text.Word {
		w.others(t, node, start, at, f&^text.Optional)
	}
	if next := t.child(node, w.n.Text[at]); next > 0 {
		w.walk(t, next, start, at+1)
	}
}

// ends records the terms that end at a node, if the message has a boundary where
// they need one. What a term leaves open of a word is part of the match,
// as far as MaxTermBytes on either side.
func (w *walker) ends(terms []int32, start, end int) {
	for _, number := range terms {
		if number < 0 {
			w.due = append(w.due, ^number)
			continue
		}
		c := &w.m.terms[number]
		if c.form&openTail == 0 && !w.n.Boundary(end) || !w.whole(c, start, end) {
			continue
		}
		from, to := start, end
		for c.form&openHead != 0 && !w.n.Boundary(from) && start-from < MaxTermBytes {
			from--
		}
		for c.form&openTail != 0 && !w.n.Boundary(to) && to-end < MaxTermBytes {
			to++
		}
		w.add(number, from, to)
	}
}

// fewest is how many bytes a term needs to be found within a row of letters that
// were written apart: in "a b a d o n e", every short word is.
const fewest = 4

// whole says whether a term may be found between these bounds, if they are in a
// row of letters that were written apart.
func (w *walker) whole(c *compiled, start, end int) bool {
	if end-start >= fewest || w.n.Text[start] >= 0x80 {
		return true
	}
	return !w.within(start) && !w.within(end)
}

// within says whether letters written apart meet at i.
func (w *walker) within(i int) bool {
	flags := w.n.Flags
	return i > 0 && i < len(flags) && flags[i]&flags[i-1]&text.Word != 0 && flags[i]&text.Break != 0
}

func (w *walker) add(number int32, start, end int) {
	c := &w.m.terms[number]
	w.found = append(w.found, Match{List: int(c.list), Term: int(c.term), Category: c.category, Severity: int(c.severity),
		Span: w.n.Origin(start, end), Normal: text.Span{Start: start, End: end}, allow: c.allow})
}
