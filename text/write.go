package text

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// write puts the cells together as the normal form: words with their tricks
// undone, single spaces, no more than three of a sign in a row.
func (n *Normal) write() {
	gap := extent{}
	cells := n.cells
	n.Text, n.Flags, n.origin = slices.Grow(n.Text, len(cells)), slices.Grow(n.Flags, len(cells)), slices.Grow(n.origin, len(cells))
	for i := 0; i < len(cells); {
		c := &cells[i]
		if c.class == space {
			if gap.end == 0 {
				gap.start = c.start
			}
			gap.end = c.end
			i++
			continue
		}
		if gap.end > 0 {
			if len(n.Text) > 0 {
				n.emit(' ', 0, gap)
			}
			gap = extent{}
		}
		if end := n.plain(i); end > i {
			i = end
			continue
		}
		if end := n.spaced(i); end > i {
			i = end
			continue
		}
		if end := n.tokenEnd(i); end > i {
			n.token(cells[i:end])
			i = end
			continue
		}
		n.sign(i)
		i++
	}
}

// plain writes a word of Latin letters with nothing to undo, as most are, and
// gives its end; i for any other.
func (n *Normal) plain(i int) int {
	cells := n.cells
	j := i
	for j < len(cells) && cells[j].class == letter && cells[j].r < utf8.RuneSelf {
		if j-i >= 2 && cells[j].r == cells[j-1].r && cells[j].r == cells[j-2].r {
			return i
		}
		j++
	}
	if j-i < 2 {
		return i
	}
	if j < len(cells) {
		if c := &cells[j]; c.class != space && (wordClass(c.class) || inWord(c.r) || hides(c.r)) {
			return i
		}
	}
	for k := i; k < j; k++ {
		c := &cells[k]
		n.Text = append(n.Text, byte(c.r))
		n.Flags = append(n.Flags, Word)
		n.origin = append(n.origin, extent{c.start, c.end})
	}
	return j
}

// emit writes one character.
func (n *Normal) emit(r rune, f Flag, from extent) {
	if r < utf8.RuneSelf {
		n.Text = append(n.Text, byte(r))
		n.Flags = append(n.Flags, f)
		n.origin = append(n.origin, from)
		return
	}
	before := len(n.Text)
	n.Text = utf8.AppendRune(n.Text, r)
	for i := before; i < len(n.Text); i++ {
		n.Flags = append(n.Flags, f)
		n.origin = append(n.origin, from)
		f &^= Break
	}
}

// sign writes a punctuation mark or symbol, of a row of equal ones the first
// three.
func (n *Normal) sign(i int) {
	c := &n.cells[i]
	if i >= 3 && n.cells[i-1].r == c.r && n.cells[i-2].r == c.r && n.cells[i-3].r == c.r && len(n.origin) > 0 {
		n.origin[len(n.origin)-1].end = c.end
		return
	}
	f := Flag(0)
	if n.divides(i) {
		f = Optional
	} else if number := leet(c.r); number > 0 && !inWord(c.r) && n.wordAt(i-1) && n.wordAt(i+1) {
		f = number << firstOther // sh!t
	}
	n.emit(c.r, f, extent{c.start, c.end})
}

// divides says whether a sign stands in a word so that the word may be meant
// without it: a hyphen, or a full stop beside a single letter.
func (n *Normal) divides(i int) bool {
	if i == 0 || i+1 >= len(n.cells) || n.cells[i-1].class != letter || n.cells[i+1].class != letter {
		return false
	}
	switch n.cells[i].r {
	case '-', '_', '~', '^', '\\', '=', '`':
		return true
	case '.', '·', ',', '/':
		return !n.wordAt(i-2) || !n.wordAt(i+2)
	}
	return false
}

// wordAt says whether the cell is there and a letter, mark or digit.
func (n *Normal) wordAt(i int) bool {
	return i >= 0 && i < len(n.cells) && wordClass(n.cells[i].class)
}

func wordClass(c class) bool { return c == letter || c == digit || c == mark }

// tokenEnd gives the end of the token that begins at i, or i if none does: a run
// of letters, digits and marks, with what stands for letters and stars that hide
// them.
func (n *Normal) tokenEnd(i int) int {
	cells := n.cells
	j := i
	if !wordClass(cells[i].class) {
		if !n.leads(i) {
			return i
		}
		j++
	}
	for j < len(cells) {
		c := &cells[j]
		switch {
		case wordClass(c.class):
			j++
		case c.class == space:
			return j
		default:
			next := n.signsEnd(j)
			if next == j {
				return j
			}
			j = next
		}
	}
	return j
}

// leads says whether the sign at i begins a word in place of a letter: $hit,
// @ss; not a price, nor a name that is addressed.
func (n *Normal) leads(i int) bool {
	c := &n.cells[i]
	if c.r != '$' && c.r != '@' && c.r != '€' && c.r != '£' || n.wordAt(i-1) {
		return false
	}
	j := i + 1
	for j < len(n.cells) && n.cells[j].class == letter {
		j++
	}
	length := j - i - 1
	return length > 1 && (c.r != '@' || length < 4) && !n.wordAt(j)
}

// signsEnd gives the end of the signs from j on, if they are part of the word
// before them, else j.
func (n *Normal) signsEnd(j int) int {
	cells := n.cells
	k, stars := j, 0
	for k < len(cells) && (inWord(cells[k].r) || hides(cells[k].r)) {
		if hides(cells[k].r) {
			stars++
		}
		k++
	}
	switch {
	case k == j:
		return j
	case k < len(cells) && wordClass(cells[k].class):
		if stars < k-j && (k-j > 3 || n.address(k)) || !n.hiding(j, k) {
			return j
		}
		n.cover(j, k)
		return k
	}
	// at the end of the word
	switch {
	case run(cells, j, '*') == k-j && k-j >= 2:
		n.cover(j, k)
		return k
	case cells[j].r == '$':
		return j + run(cells, j, '$')
	case cells[j].r == '@' && k == j+1 && (k == len(cells) || cells[k].class == space):
		return k
	}
	return j
}

// inWord says whether a symbol in a word is part of it, as the letter that it
// looks like.
func inWord(r rune) bool {
	return r == '@' || r == '$' || r == '€' || r == '£' || r == '¥' || r == '¢'
}

// run counts equal characters.
func run(cells []cell, i int, r rune) int {
	j := i
	for j < len(cells) && cells[j].r == r {
		j++
	}
	return j - i
}

// hides says whether a sign may hide a letter.
func hides(r rune) bool { return r == '*' || r == '#' || r == '-' || r == '_' }

// hiding says whether the signs from j to k hide letters: any stars; dashes when
// they are several and few letters stand before and behind (f--k), since dashes
// also divide.
func (n *Normal) hiding(j, k int) bool {
	for i := j; i < k; i++ {
		if r := n.cells[i].r; r == '-' || r == '_' {
			return k-j > 1 && !(n.wordAt(j-1) && n.wordAt(j-2) && n.wordAt(j-3)) && !(n.wordAt(k) && n.wordAt(k+1) && n.wordAt(k+2))
		}
	}
	return true
}

// cover marks the signs that hide letters.
func (n *Normal) cover(from, to int) {
	for i := from; i < to; i++ {
		if hides(n.cells[i].r) {
			n.cells[i].hides = true
		}
	}
}

// address says whether the word at i goes on as the domain of an e-mail address.
func (n *Normal) address(i int) bool {
	for i < len(n.cells) && wordClass(n.cells[i].class) {
		i++
	}
	return i+1 < len(n.cells) && n.cells[i].r == '.' && n.cells[i+1].class == letter
}

// token writes one word.
func (n *Normal) token(token []cell) {
	letters, latin := 0, 0
	for i := range token {
		if token[i].class == letter {
			letters++
			if token[i].script == Latin {
				latin++
			}
		}
	}
	if latin < letters {
		n.unifyScript(token, letters, latin)
	}
	if letters < len(token) && letters > 0 {
		n.undoLeet(token)
	}
	n.letters(token)
}

// letters writes the characters of a word, of three and more equal letters in a
// row two, the second to be left out at will.
func (n *Normal) letters(token []cell) {
	most, row := 2, 0
	for i := range token {
		c := &token[i]
		if i > 0 && c.class == letter && c.r == token[i-1].r {
			row++
		} else {
			row = 0
		}
		if row == 2 && numeral(token) {
			most = 3
		}
		if row >= most {
			n.origin[len(n.origin)-1].end = c.end
			n.Tricks.Repeated++
			if most == 2 && row == most {
				n.optional(c.r)
			}
			continue
		}
		f := Word | c.others<<firstOther
		if c.hides {
			f = Word | maskedOther<<firstOther
			n.Tricks.Masked++
		}
		if c.apart || i > 0 && c.class == letter && !c.script.spaced() {
			f |= Break
		}
		n.emit(c.r, f, extent{c.start, c.end})
	}
}

// optional marks the last character written as one that may be left out.
func (n *Normal) optional(r rune) {
	for i := len(n.Flags) - utf8.RuneLen(r); i < len(n.Flags); i++ {
		n.Flags[i] |= Optional
	}
}

// numeral says whether a word is of one letter alone or of i, v and x, so that
// three in a row are no trick: www, xxx, viii.
func numeral(token []cell) bool {
	one, roman := true, true
	for i := range token {
		one = one && token[i].r == token[0].r
		roman = roman && strings.ContainsRune("ivx", token[i].r)
		if !one && !roman {
			return false
		}
	}
	return len(token) > 2
}
