package tokenizer

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// cut is a part of a text, bytes [from, to), that a pattern matches or not.
type cut struct {
	from, to int
	match    bool
}

// pattern parts a text into what it matches and what lies between: find appends
// the parts, in order and without gaps, to out.
type pattern interface {
	find(b []byte, out []cut) []cut
}

// literal matches a text.
type literal string

func (p literal) find(b []byte, out []cut) []cut {
	from := 0
	for {
		i := bytes.Index(b[from:], []byte(p))
		if i < 0 {
			break
		}
		out = matched(out, from, from+i, from+i+len(p))
		from += i + len(p)
	}
	return rest(out, from, len(b))
}

// matched appends a match [from, to), and before it what lies between.
func matched(out []cut, last, from, to int) []cut {
	return append(rest(out, last, from), cut{from, to, true})
}

func rest(out []cut, from, to int) []cut {
	if from < to {
		out = append(out, cut{from, to, false})
	}
	return out
}

// class of characters, each of which is a match by itself.
type runeSet func(r rune) bool

func (p runeSet) find(b []byte, out []cut) []cut {
	last := 0
	each(b, func(r rune, from, to int) {
		if p(r) {
			out = matched(out, last, from, to)
			last = to
		}
	})
	return rest(out, last, len(b))
}

// inverted matches what a pattern does not.
type inverted struct{ pattern }

func (p inverted) find(b []byte, out []cut) []cut {
	n := len(out)
	out = p.pattern.find(b, out)
	for i := range out[n:] {
		out[n+i].match = !out[n+i].match
	}
	return out
}

// behavior says what becomes of what a pattern matches.
type behavior string

const (
	removed            behavior = "Removed"
	isolated           behavior = "Isolated"
	mergedWithPrevious behavior = "MergedWithPrevious"
	mergedWithNext     behavior = "MergedWithNext"
	contiguous         behavior = "Contiguous"
)

func (b behavior) valid() bool {
	return slices.Contains([]behavior{removed, isolated, mergedWithPrevious, mergedWithNext, contiguous}, b)
}

// apply makes of matches and what lies between them the parts of a text.
func (b behavior) apply(cuts []cut) []cut {
	out := cuts[:0]
	switch b {
	case removed:
		for _, c := range cuts {
			if !c.match {
				out = append(out, c)
			}
		}
	case isolated:
		return cuts
	case mergedWithNext:
		slices.Reverse(cuts)
		previous := false
		for _, c := range cuts {
			if c.match && !previous && len(out) > 0 {
				out[len(out)-1].from = c.from
			} else {
				out = append(out, c)
			}
			previous = c.match
		}
		slices.Reverse(out)
	default:
		previous := false
		for _, c := range cuts {
			together := c.match && !previous
			if b == contiguous {
				together = c.match == previous
			}
			if together && len(out) > 0 {
				out[len(out)-1].to = c.to
			} else {
				out = append(out, c)
			}
			previous = c.match
		}
	}
	return out
}

// isPunctuation is what BERT takes for punctuation.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r < 0x7f
	}
	return unicode.IsPunct(r)
}

// isWord is \w of Unicode (UTS #18).
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.IsLetter(r) || unicode.In(r, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic) || r == 0x200c || r == 0x200d
}
