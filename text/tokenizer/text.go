package tokenizer

import "unicode/utf8"

// text is a text on its way: UTF-8, and for each byte the part of the original
// that it came from.
type text struct {
	b  []byte
	at []Span
}

func (t text) slice(from, to int) text { return text{t.b[from:to], t.at[from:to]} }

// piece is a part of a text, or an added token that was found in it.
type piece struct {
	text
	token int32 // -1 for a part
}

// token is what a model makes of some bytes of a word. The next token begins
// onward bytes after it does.
type token struct{ id, length, onward int32 }

// scratch is the working memory of one encoding. What is written in it stays until
// it is reset.
type scratch struct {
	out    text
	begun  int
	tokens []token
	parts  []part
	queue  []merge
	ways   []best
	runes  []change
	cuts   []cut
	known  map[string][]token
}

func newScratch() *scratch { return &scratch{known: map[string][]token{}} }

// mostRoom bounds what a scratch keeps between texts, in bytes.
const mostRoom = 1 << 20

func (s *scratch) reset() {
	s.out.b, s.out.at = s.out.b[:0], s.out.at[:0]
	if cap(s.out.b) > mostRoom {
		s.out = text{}
	}
}

// read takes a text as it is.
func (s *scratch) read(whole string) text {
	s.begin()
	for i := 0; i < len(whole); {
		r, size := rune(whole[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(whole[i:])
		}
		s.write(r, Span{int32(i), int32(i + size)})
		i += size
	}
	return s.end()
}

// begin, write and end make a text.
func (s *scratch) begin() { s.begun = len(s.out.b) }

func (s *scratch) write(r rune, at Span) {
	if r < utf8.RuneSelf {
		s.out.b, s.out.at = append(s.out.b, byte(r)), append(s.out.at, at)
		return
	}
	n := len(s.out.b)
	s.out.b = utf8.AppendRune(s.out.b, r)
	for range len(s.out.b) - n {
		s.out.at = append(s.out.at, at)
	}
}

// copy writes what a text has from one byte to another as it is.
func (s *scratch) copy(in text, from, to int) {
	s.out.b, s.out.at = append(s.out.b, in.b[from:to]...), append(s.out.at, in.at[from:to]...)
}

func (s *scratch) end() text {
	n := len(s.out.b)
	return text{s.out.b[s.begun:n:n], s.out.at[s.begun:n:n]}
}

// change is a character that replaces one and takes as many behind that away as
// gone says. Where gone is positive the character is put in besides.
type change struct {
	r    rune
	gone int
}

// transform writes a text that differs by changes. What replaces a character
// comes from where that came from, what is put in from where the last one did.
func (s *scratch) transform(in text, changes []change) text {
	s.begin()
	at := 0
	for _, c := range changes {
		if c.gone > 0 {
			s.write(c.r, in.at[max(at-1, 0)])
			continue
		}
		s.write(c.r, in.at[min(at, len(in.at)-1)])
		for range 1 - c.gone {
			_, size := utf8.DecodeRune(in.b[at:])
			at += size
		}
	}
	return s.end()
}

// each calls visit for each character, with its bytes' place.
func each(b []byte, visit func(r rune, from, to int)) {
	for i := 0; i < len(b); {
		r, size := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(b[i:])
		}
		visit(r, i, i+size)
		i += size
	}
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
