package text

import "strings"

// least is how many single letters in a row are taken for one word.
const least = 3

// spaced brings letters together that were written apart (h e l l o, h.e.l.l.o,
// h - e - l - l - o) and writes them, beginning at cell i. It gives the cell
// behind them, or i where no such row begins. Where the gap is wider than between
// the letters, a new word begins.
func (n *Normal) spaced(i int) int {
	if i < n.tried || !n.single(i) {
		return i
	}
	g, next := n.gap(i + 1)
	if next < 0 {
		return i
	}
	if g2, after := n.gap(next + 1); after < 0 || g2.sign != g.sign || g2.spaces < g.spaces {
		return i
	}
	n.gathered = append(n.gathered[:0], n.cells[i])
	letters, signs, end := 0, 0, i
	for at := i; ; {
		if n.cells[at].class == letter {
			letters++
		} else {
			signs++
		}
		end = at
		h, next := n.gap(at + 1)
		if next < 0 || h.sign != g.sign || h.spaces < g.spaces || h.spaces > g.spaces && g.spaces == 0 {
			break
		}
		c := n.cells[next]
		c.apart = true
		if h.spaces > g.spaces {
			c.hides = true // borrowed: a new word begins here
		}
		n.gathered = append(n.gathered, c)
		at = next
	}
	if letters < least || letters < 2*signs || g.sign == 0 && n.said() {
		n.tried = end // else a long row would be read again from each of its characters
		return i
	}
	n.Tricks.Spaced += len(n.gathered)
	from := 0
	for k := 1; k <= len(n.gathered); k++ {
		if k < len(n.gathered) && !n.gathered[k].hides {
			continue
		}
		word := n.gathered[from:k]
		if from > 0 {
			n.emit(' ', 0, extent{n.gathered[from-1].end, word[0].start})
			word[0].hides = false
		}
		for j := range word {
			word[j].hides = word[j].r == '*'
		}
		n.token(word)
		from = k
	}
	return end + 1
}

// said says whether the letters gathered may be words one by one, as in "u r a".
func (n *Normal) said() bool {
	for i := range n.gathered {
		if !strings.ContainsRune("aiurny", n.gathered[i].r) {
			return false
		}
	}
	return true
}

// separator is what stands between two letters.
type separator struct {
	sign   rune // 0 for none
	spaces int
}

// gap reads the separator at cell i and gives the single letter behind it, or -1.
func (n *Normal) gap(i int) (separator, int) {
	g := separator{}
	signs := 0
	for ; i < len(n.cells); i++ {
		c := &n.cells[i]
		switch {
		case c.class == space:
			g.spaces++
		case g.sign == 0 && separates(c.r) || c.r == g.sign && signs < 4:
			g.sign = c.r
			signs++
		case n.single(i) && g != separator{}:
			return g, i
		default:
			return g, -1
		}
	}
	return g, -1
}

func separates(r rune) bool {
	switch r {
	case '.', '-', '_', '*', '~', '/', '|', '·', '\\', '=', '^':
		return true
	}
	return false
}

// single says whether cell i is one letter, or a sign for one, with no part of a
// word on either side. Scripts in which one character is a syllable or a word
// have none.
func (n *Normal) single(i int) bool {
	c := &n.cells[i]
	if c.class == letter {
		if c.script > Arabic && c.script != Georgian {
			return false
		}
	} else if c.r != '*' && (leet(c.r) == 0 || c.r == '!' || c.r == '6' || c.r == '9' || c.r == '(' || c.r == '|') {
		return false
	}
	return !n.wordAt(i-1) && !n.wordAt(i+1)
}
