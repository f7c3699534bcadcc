package match

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"orrery.dev/text"
)

// hidden stands for a hidden letter in the readings of a term.
const hidden = "*"

// fewestShown is how many letters must show in a word with hidden ones.
const fewestShown = 2

// veiled finds words of which letters are hidden: by stars in the message, among
// all single words of the lists, and by stars in a term. Words are looked up by
// their number of letters, their first byte and their last.
type veiled struct {
	plain, hidden shapes
}

type shape struct {
	size uint32
	text string
	term int32
}

// shapes are sorted by size, so that those of one size lie side by side.
type shapes []shape

// size puts the number of letters, the first and the last byte in one number.
func size(letters int, first, last byte) uint32 {
	return uint32(letters)<<16 | uint32(first)<<8 | uint32(last)
}

func (v *veiled) addPlain(s string, term int32) {
	if !strings.Contains(s, " ") {
		v.plain = v.plain.add(s, term)
	}
}

func (v *veiled) addHidden(s string, term int32) { v.hidden = v.hidden.add(s, term) }

func (s shapes) add(word string, term int32) shapes {
	return append(s, shape{size(utf8.RuneCountInString(word), word[0], word[len(word)-1]), word, term})
}

func (v *veiled) compile() {
	for _, s := range []shapes{v.plain, v.hidden} {
		slices.SortFunc(s, func(a, b shape) int {
			if c := cmp.Compare(a.size, b.size); c != 0 {
				return c
			}
			if c := cmp.Compare(a.text, b.text); c != 0 {
				return c
			}
			return cmp.Compare(a.term, b.term)
		})
	}
}

// words looks at every word of the message by itself: at those that hide letters,
// if a term does at every one, and into those that may be several.
func (w *walker) words() {
	n := w.n
	veils := n.Tricks.Masked > 0 || len(w.m.veiled.hidden) > 0
	for i := 0; i < len(n.Text); {
		if n.Flags[i]&text.Word == 0 {
			i++
			continue
		}
		start := i
		for i++; i < len(n.Text) && n.Flags[i]&text.Word != 0 && n.Flags[i]&text.Break == 0; i++ {
		}
		if veils && i-start <= MaxTermBytes {
			w.veiled(start, i)
		}
		if i-start >= leastTogether && !w.m.anchored.empty() {
			w.lookInto(start, i)
		}
	}
}

// veiled finds what a word with hidden letters may be.
func (w *walker) veiled(start, end int) {
	letters, hides := 0, false
	for i := start; i < end; i++ {
		hides = hides || w.n.Flags[i].Hides()
		if w.n.Text[i]&0xC0 != 0x80 {
			letters++
		}
	}
	if hides {
		w.look(w.m.veiled.plain, start, end, letters)
	}
	w.look(w.m.veiled.hidden, start, end, letters)
}

// look compares a word of the message with the shapes of its size.
func (w *walker) look(s shapes, start, end, letters int) {
	if len(s) == 0 {
		return
	}
	last := end - 1
	lowest, highest := w.n.Text[last], w.n.Text[last]
	if f := w.n.Flags[last]; f.Hides() || f.Others() != "" || f&text.Optional != 0 {
		lowest, highest = 0, 255
	}
	others := w.n.Flags[start].Others()
	for k := -1; k < len(others); k++ {
		first := w.n.Text[start]
		if k >= 0 {
			first = others[k]
		}
		at, _ := slices.BinarySearchFunc(s, size(letters, first, lowest), func(e shape, want uint32) int { return cmp.Compare(e.size, want) })
		for ; at < len(s) && s[at].size <= size(letters, first, highest); at++ {
			if w.fits(s[at].text, start, end) {
				w.add(s[at].term, start, end)
			}
		}
	}
}

// fits says whether a word of the message can be the term, hidden letters on
// either side being any.
func (w *walker) fits(term string, start, end int) bool {
	n := w.n
	shown := 0
	i, j := start, 0
	for i < end && j < len(term) {
		switch {
		case n.Flags[i].Hides() || term[j] == hidden[0]:
			i, j = next(n.Text, i), nextIn(term, j)
			continue
		case n.Text[i] == term[j]:
			if term[j]&0xC0 != 0x80 {
				shown++
			}
		case strings.IndexByte(n.Flags[i].Others(), term[j]) < 0:
			return false
		}
		i++
		j++
	}
	return i == end && j == len(term) && shown >= fewestShown
}

// next gives where the character behind the one at i begins.
func next(s []byte, i int) int {
	for i++; i < len(s) && s[i]&0xC0 == 0x80; i++ {
	}
	return i
}

func nextIn(s string, i int) int {
	for i++; i < len(s) && s[i]&0xC0 == 0x80; i++ {
	}
	return i
}
