package perspective

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Part is a part of a text.
type Part struct {
	Text string
	// Begin and End are its place, in UTF-16 code units.
	Begin, End int
}

// Sentences gives the sentences of a text in order, without the space around
// them, at most most of them: the last then has all that is left. A sentence ends
// at a line's end, and behind a mark that ends one and a space; the marks of
// scripts that put no space behind them end one by themselves.
func Sentences(text string, most int) []Part {
	var out []Part
	begin, units := 0, 0 // of the sentence, in bytes; of what is before at, in units
	at := 0
	add := func(end int) {
		piece := text[begin:end]
		trimmed := strings.TrimLeftFunc(piece, unicode.IsSpace)
		from := begin + len(piece) - len(trimmed)
		if trimmed = strings.TrimRightFunc(trimmed, unicode.IsSpace); trimmed != "" {
			units += Units(text[at:from])
			first := units
			units += Units(trimmed)
			at = from + len(trimmed)
			out = append(out, Part{Text: trimmed, Begin: first, End: units})
		}
		begin = end
	}
	for i, r := range text {
		if len(out) == most-1 {
			break
		}
		next := i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size := utf8.DecodeRuneInString(text[i:])
			next = i + size
		}
		switch {
		case r == '\n', strings.ContainsRune("。！？｡", r):
			add(next)
		case strings.ContainsRune(".!?…", r):
			if after, _ := utf8.DecodeRuneInString(text[next:]); unicode.IsSpace(after) {
				add(next)
			}
		}
	}
	add(len(text))
	return out
}

// Units gives the length of a text in UTF-16 code units.
func Units(text string) int {
	n := 0
	for _, r := range text {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}
