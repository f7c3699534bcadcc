package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// postProcessor finishes an encoding.
type postProcessor interface {
	process(text string, e *Encoding)
	// adds gives the number of tokens that it adds.
	adds() int
}

// templatePart is tokens to add, or where the text's tokens go.
type templatePart struct {
	ids  []int32 // nil for the text
	part int32   // what Types says of them
}

// template puts tokens around those of the text.
type template []templatePart

func (p template) adds() int {
	n := 0
	for _, part := range p {
		n += len(part.ids)
	}
	return n
}

func (p template) process(_ string, e *Encoding) {
	n := e.Len() + p.adds()
	out := &Encoding{IDs: make([]int32, 0, n), Types: make([]int32, 0, n), Offsets: make([]Span, 0, n), Mask: make([]int32, 0, n), Special: make([]int32, 0, n)}
	for _, part := range p {
		if part.ids == nil {
			out.IDs, out.Offsets = append(out.IDs, e.IDs...), append(out.Offsets, e.Offsets...)
			out.Mask, out.Special = append(out.Mask, e.Mask...), append(out.Special, e.Special...)
			for range e.Types {
				out.Types = append(out.Types, part.part)
			}
			continue
		}
		for _, id := range part.ids {
			out.add(id, Span{})
			out.Types, out.Mask, out.Special = append(out.Types, part.part), append(out.Mask, 1), append(out.Special, 1)
		}
	}
	*e = *out
}

// trimOffsets takes the blanks at the ends of tokens out of their places. Where a
// blank was put in front of the text, the only one of the first token is that.
type trimOffsets struct {
	blank bool
	ends  []blanksOf // by id
	added []bool     // by id: the token is what stands in the text
}

// blanksOf counts the blanks that a token begins and ends with, in characters.
type blanksOf struct{ before, behind int32 }

func (p *trimOffsets) adds() int { return 0 }

func (p *trimOffsets) process(text string, e *Encoding) {
	for i, id := range e.IDs {
		if e.Special[i] == 1 {
			continue
		}
		at := &e.Offsets[i]
		ends := p.ends[id]
		if p.added[id] {
			ends = blanksAround(text[at.Start:at.End])
		}
		if ends.before == 1 && p.blank && (i == 0 || at.Start == 0) {
			ends.before = 0
		}
		for ; ends.before > 0 && at.Start < at.End; ends.before-- {
			_, size := utf8.DecodeRuneInString(text[at.Start:at.End])
			at.Start += int32(size)
		}
		for ; ends.behind > 0 && at.Start < at.End; ends.behind-- {
			_, size := utf8.DecodeLastRuneInString(text[at.Start:at.End])
			at.End -= int32(size)
		}
	}
}

// blanksAround counts the white space at the ends of a text; the sign that stands
// for a blank is such.
func blanksAround(token string) (out blanksOf) {
	for _, r := range token {
		if !blank(r) {
			break
		}
		out.before++
	}
	for token != "" {
		r, size := utf8.DecodeLastRuneInString(token)
		if !blank(r) {
			break
		}
		out.behind++
		token = token[:len(token)-size]
	}
	return out
}

func blank(r rune) bool { return r == byteRunes[' '] || unicode.IsSpace(r) }
