package text

import (
	"sync"
	"unicode/utf8"
)

// fold: the characters from lo to hi become to, or with step, lo becomes to and
// each after it the character that follows.
type fold struct {
	lo, hi rune
	to     string
	step   bool
}

type alike struct {
	lo, hi rune
	latin  byte
}

type kind struct {
	lo, hi rune
	class  class
	script Script
}

// class says what part a character plays in a message.
type class uint8

const (
	other class = iota // unassigned
	space
	letter
	digit
	mark // combines with the character before it
	punctuation
	symbol
	ignorable // shows nothing
	regional  // indicator, two of which make a flag
)

// entry is what the tables know of a character.
type entry struct {
	fold   uint16 // index into table.texts, 0 for a character that stays
	class  class
	script Script
	latin  byte // the Latin letter it resembles, a capital where roughly
}

// table is the generated ranges laid out for look-up: a page for every 256
// characters, equal pages shared.
type table struct {
	pages [(utf8.MaxRune + 1) >> 8]*[256]entry
	texts []string
	// shared are the pages of more than one place, which are copied to be altered.
	shared map[*[256]entry]bool
}

// load lays the tables out when the first character beyond ASCII comes, in about
// a millisecond.
var load = sync.OnceValue(func() *table {
	t := &table{texts: []string{""}, shared: map[*[256]entry]bool{}}
	numbers := map[string]uint16{}
	number := func(s string) uint16 {
		n, known := numbers[s]
		if !known {
			n = uint16(len(t.texts))
			numbers[s] = n
			t.texts = append(t.texts, s)
		}
		return n
	}
	for _, k := range kinds {
		t.fill(k.lo, k.hi, entry{class: k.class, script: k.script})
	}
	for _, f := range folds {
		to := f.to
		for r := f.lo; r <= f.hi; r++ {
			t.own(r).fold = number(to)
			if f.step {
				next, _ := utf8.DecodeRuneInString(to)
				to = string(next + 1)
			}
		}
	}
	for _, a := range alikes {
		for r := a.lo; r <= a.hi; r++ {
			t.own(r).latin = a.latin
		}
	}
	for i := range t.pages {
		if t.pages[i] == nil {
			t.pages[i] = &nothing
		}
	}
	return t
})

var nothing [256]entry

// fill sets the characters from lo to hi; whole pages share one.
func (t *table) fill(lo, hi rune, e entry) {
	var whole *[256]entry
	for r := lo; r <= hi; {
		if r&255 != 0 || hi-r < 255 {
			*t.own(r) = e
			r++
			continue
		}
		if whole == nil {
			whole = new([256]entry)
			for i := range whole {
				whole[i] = e
			}
			t.shared[whole] = true
		}
		t.pages[r>>8] = whole
		r += 256
	}
}

// own gives the entry of a character, for writing.
func (t *table) own(r rune) *entry {
	page := &t.pages[r>>8]
	if *page == nil {
		*page = new([256]entry)
	} else if t.shared[*page] {
		copied := **page
		*page = &copied
	}
	return &(*page)[r&255]
}

func (t *table) of(r rune) *entry { return &t.pages[r>>8][r&255] }
