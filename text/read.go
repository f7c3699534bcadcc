package text

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// cell is one character of the message, folded, on its way into the normal form.
type cell struct {
	r          rune
	start, end uint32 // of the original
	class      class
	script     Script
	latin      byte // see entry
	others     Flag // number of the letters that it may also stand for
	hides      bool // it hides a letter
	apart      bool // there was a separator before it
}

// maxMarks is how many marks a letter keeps, in scripts that write vowels as
// marks. More is scribble.
const maxMarks = 4

// asciiClass is the class of each ASCII character.
var asciiClass = func() (classes [utf8.RuneSelf]class) {
	for r := range classes {
		switch {
		case r == ' ' || r >= '\t' && r <= '\r':
			classes[r] = space
		case r < ' ' || r == 0x7F:
			classes[r] = ignorable
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			classes[r] = letter
		case r >= '0' && r <= '9':
			classes[r] = digit
		case r == '$' || r == '+' || r == '<' || r == '=' || r == '>' || r == '^' || r == '`' || r == '|' || r == '~':
			classes[r] = symbol
		default:
			classes[r] = punctuation
		}
	}
	return classes
}()

// read takes the message apart into cells: escapes resolved, case and
// compatibility folded, marks and invisible characters taken away. It gives the
// place of the first byte that is not UTF-8, or -1.
func (n *Normal) read(message string) int {
	latin, marks := 0, 0
	for i := 0; i < len(message); {
		b := message[i]
		if b < utf8.RuneSelf && b != '%' && b != '&' {
			c := asciiClass[b]
			r := rune(b)
			if c == letter {
				r |= 0x20
				latin++
			} else if c == ignorable {
				n.hide(i + 1)
				i++
				continue
			}
			cell := cell{r: r, start: uint32(i), end: uint32(i + 1), class: c}
			if c == letter {
				cell.script = Latin
			}
			n.cells = append(n.cells, cell)
			i++
			marks = 0
			continue
		}
		r, size := utf8.DecodeRuneInString(message[i:])
		if r == utf8.RuneError && size < 2 {
			return i
		}
		if b < utf8.RuneSelf {
			if q, length := unescape(message, i); length > 0 {
				r, size = q, length
				n.Tricks.Escaped++
			}
		}
		marks = n.add(r, i, i+size, marks)
		i += size
	}
	n.Letters[Latin] += latin
	if n.regional {
		n.indicators()
	}
	return -1
}

// indicators makes letters of the regional indicators that are no flag.
func (n *Normal) indicators() {
	for i := range n.cells {
		if c := &n.cells[i]; c.class == regional {
			c.r, c.class, c.script = 'a'+c.r-0x1F1E6, letter, Latin
			n.Tricks.Lookalikes++
		}
	}
}

// hide lets the character before stand for what shows nothing, so that masking
// it masks that too.
func (n *Normal) hide(end int) {
	n.Tricks.Invisible++
	if last := len(n.cells) - 1; last >= 0 && n.cells[last].class != space {
		n.cells[last].end = uint32(end)
	}
}

// add folds one character, with how many marks the letter before has kept; it
// gives how many the last letter now has.
func (n *Normal) add(r rune, start, end, marks int) int {
	if r < utf8.RuneSelf {
		if asciiClass[r] == ignorable {
			n.hide(end)
			return marks
		}
		n.put(r, nil, start, end)
		return 0
	}
	t := load()
	e := t.of(r)
	switch {
	case e.class == ignorable:
		n.hide(end)
		return marks
	case e.class == mark:
		return n.mark(r, e, start, end, marks)
	case e.fold == 0:
		if e.script != Hangul || !n.compose(r, end) {
			n.put(r, e, start, end)
		}
		return 0
	}
	if styled(r) {
		n.Tricks.Lookalikes++
	}
	for _, q := range t.texts[e.fold] {
		if f := t.of(q); q >= utf8.RuneSelf && f.class == mark {
			marks = n.mark(q, f, start, end, marks)
			continue
		}
		n.put(q, e, start, end)
	}
	return 0
}

// put adds a cell for a folded character; from is the entry of the character
// that it was, nil for itself.
func (n *Normal) put(r rune, from *entry, start, end int) {
	c := cell{r: r, start: uint32(start), end: uint32(end)}
	if r < utf8.RuneSelf {
		if c.class = asciiClass[r]; c.class == letter {
			c.r, c.script = r|0x20, Latin
		}
	} else {
		e := load().of(r)
		c.class, c.script, c.latin = e.class, e.script, e.latin
	}
	if from != nil && from.latin != 0 {
		c.latin = from.latin
	}
	if c.class == letter {
		n.Letters[c.script]++
		if c.script != Latin && (c.latin == 0 || c.latin < 'a') {
			n.distinct++
		}
	}
	if c.class == regional {
		n.regional = true
		if last := len(n.cells) - 1; last >= 0 && n.cells[last].class == regional && n.cells[last].end == c.start {
			c.class, n.cells[last].class = symbol, symbol
		}
	}
	n.cells = append(n.cells, c)
}

// styled says whether a character is a letter in a style that Unicode keeps
// apart or a drawing like one, rather than a letter of some alphabet with marks.
func styled(r rune) bool {
	return r >= 0x250 && r < 0x370 || r >= 0x1D00 && r < 0x1E00 || r >= 0x2070 && r < 0x2C00 || r >= 0xA700 && r < 0xAB70 ||
		r >= 0xFF00 && r < 0xFF60 || r >= 0x1D400 && r < 0x1F200
}

// mark adds a combining mark to the letter before it, or hides it.
func (n *Normal) mark(r rune, e *entry, start, end, marks int) int {
	last := len(n.cells) - 1
	if last < 0 || marks >= maxMarks || n.cells[last].class != letter && n.cells[last].class != mark ||
		n.cells[last].script == Latin || n.cells[last].script == Greek {
		n.hide(end)
		return marks
	}
	if n.compose(r, end) {
		return marks + 1
	}
	if e.script == Common {
		n.hide(end)
		return marks
	}
	n.cells = append(n.cells, cell{r: r, start: uint32(start), end: uint32(end), class: mark, script: e.script})
	return marks + 1
}

// compose makes one character of the last and r, where Unicode has it.
func (n *Normal) compose(r rune, end int) bool {
	last := len(n.cells) - 1
	if last < 0 || n.cells[last].r < utf8.RuneSelf {
		return false
	}
	before := n.cells[last].r
	pair := utf8.AppendRune(utf8.AppendRune(n.scratch[:0], before), r)
	n.scratch = norm.NFC.Append(pair, pair...)
	both := n.scratch[len(pair):]
	q, size := utf8.DecodeRune(both)
	if size != len(both) {
		return false
	}
	e := load().of(q)
	if e.fold != 0 {
		return false
	}
	c := &n.cells[last]
	c.r, c.end, c.latin = q, uint32(end), e.latin
	return true
}
