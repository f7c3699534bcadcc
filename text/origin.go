package text

import "unicode/utf8"

// UTF16 turns spans of bytes of a message into spans of UTF-16 code units, which
// is how the Perspective API and JavaScript count. The spans must be in order of
// their starts; an end within a character counts as behind it.
func UTF16(message string, spans []Span) []Span {
	out := make([]Span, len(spans))
	at, units := 0, 0
	to := func(position int) int {
		for at < position && at < len(message) {
			r, size := utf8.DecodeRuneInString(message[at:])
			at += size
			units++
			if r > 0xFFFF {
				units++
			}
		}
		return units
	}
	for i, s := range spans {
		if i > 0 && s.Start < at {
			at, units = 0, 0
		}
		out[i].Start = to(s.Start)
		back, backUnits := at, units
		out[i].End = to(s.End)
		if i+1 < len(spans) && spans[i+1].Start < at {
			at, units = back, backUnits
		}
	}
	return out
}
