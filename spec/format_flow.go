package spec

import (
	"strings"
	"unicode/utf8"
)

// A piece is what a value in brackets or quotes is made of.
type piece uint8

const (
	pieceNone  piece = iota
	pieceOpen        // [ or {
	pieceClose       // ] or }
	pieceComma
	pieceColon
	pieceText // a plain text, or the part of it on one line
	pieceQuoted
	pieceComment
)

// flow rewrites one value in brackets or quotes, over as many lines as it has.
type flow struct {
	f *formatter
	// indent and text are the line that is being written, rest what is left of
	// the line that is being read.
	indent     int
	text, rest string
	// columns has the column behind each open bracket.
	columns []int
	last    piece
	// breaks counts the line breaks since the last piece, and spaced says that a
	// blank came before this one. comma waits to be written, since the last of a
	// collection is not.
	breaks        int
	spaced, comma bool
}

// run reads the value and what stands behind it on its last line.
func (w *flow) run() {
	for w.last == pieceNone || len(w.columns) > 0 {
		trimmed := strings.TrimLeft(w.rest, " \t")
		w.spaced, w.rest = len(trimmed) < len(w.rest), trimmed
		if w.rest == "" {
			if !w.nextLine() {
				break
			}
			w.breaks++
			continue
		}
		w.piece()
	}
	before, comment := splitComment(w.rest)
	if before = strings.TrimLeft(before, " \t"); before != "" {
		w.text += " " + before
	}
	w.f.emit(w.indent, w.text, comment)
	w.f.next++
}

// nextLine goes on to the next line of the text; false at its end.
func (w *flow) nextLine() bool {
	if w.f.next+1 >= len(w.f.source) {
		return false
	}
	w.f.next++
	w.rest = w.f.source[w.f.next]
	return true
}

// piece reads and writes the next piece.
func (w *flow) piece() {
	switch b := w.rest[0]; {
	case b == '#' && (w.spaced || w.breaks > 0):
		w.remark()
	case b == '[' || b == '{':
		w.write(pieceOpen, 1)
		w.columns = append(w.columns, w.column())
	case b == ']' || b == '}':
		w.write(pieceClose, 1)
		w.columns = w.columns[:max(len(w.columns)-1, 0)]
	case b == ',':
		w.comma, w.rest, w.breaks, w.last = true, w.rest[1:], 0, pieceComma
	case b == ':' && (w.last == pieceQuoted || endsKey(w.rest[1:])):
		w.write(pieceColon, 1)
	case b == '"' || b == '\'':
		w.quoted(b)
	default:
		w.write(pieceText, wordLength(w.rest))
	}
}

func (w *flow) column() int { return w.indent + utf8.RuneCountInString(w.text) }

// endsKey reports whether a colon before this text ends a key.
func endsKey(text string) bool {
	return text == "" || strings.IndexByte(" \t,[]{}", text[0]) >= 0
}

// wordLength gives the length of the plain text that a line begins with.
func wordLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch b := text[i]; {
		case strings.IndexByte(",[]{}", b) >= 0, b == ':' && endsKey(text[i+1:]), b == '#' && isBlankByte(text[i-1]):
			return i
		}
	}
	return len(text)
}

// write adds the first n bytes of the rest to the result as one piece.
func (w *flow) write(p piece, n int) {
	w.lead(p)
	text := strings.TrimRight(w.rest[:n], " \t")
	w.text, w.rest, w.last, w.breaks = w.text+text, w.rest[len(text):], p, 0
}

// lead writes what stands between the last piece and this one.
func (w *flow) lead(p piece) {
	if w.comma && p != pieceClose {
		w.text += ","
	}
	w.comma = false
	switch {
	case w.last == pieceNone:
	case w.last == pieceComment, w.breaks > 0 && w.last != pieceOpen && p != pieceClose && p != pieceComma && p != pieceColon:
		w.lineBreak()
		if w.last == pieceText && p == pieceText {
			w.f.blankLines(w.breaks - 1)
		}
	case w.last == pieceComma && p != pieceClose, w.last == pieceColon && p != pieceClose,
		w.spaced && p != pieceClose && p != pieceColon && w.last != pieceOpen:
		w.text += " "
	}
}

// lineBreak ends the line that is being written.
func (w *flow) lineBreak() {
	if w.last != pieceComment {
		w.f.emit(w.indent, w.text, "")
	}
	w.indent, w.text = w.f.childIndent(), ""
	if len(w.columns) > 0 {
		w.indent = w.columns[len(w.columns)-1]
	}
}

// remark writes a comment, which ends its line.
func (w *flow) remark() {
	comment := strings.TrimRight(w.rest, " \t")
	if w.comma {
		w.text, w.comma = w.text+",", false
	}
	if w.breaks > 0 {
		w.lineBreak()
		w.text, comment = comment, ""
	}
	w.f.emit(w.indent, w.text, comment)
	w.rest, w.last, w.breaks = "", pieceComment, 0
}

// quoted writes a text in quotes, over as many lines as it has.
func (w *flow) quoted(quote byte) {
	w.lead(pieceQuoted)
	w.last, w.breaks = pieceQuoted, 0
	from := 1
	for {
		end := closingQuote(w.rest, from, quote)
		if end >= 0 {
			w.text, w.rest = w.text+w.rest[:end+1], w.rest[end+1:]
			return
		}
		w.text += w.rest
		w.endQuotedLine(quote)
		for {
			if !w.nextLine() {
				w.rest = ""
				return
			}
			if w.rest = strings.TrimLeft(w.rest, " \t"); w.rest != "" {
				break
			}
			w.f.blankLines(1)
		}
		from = 0
	}
}

// endQuotedLine breaks a line inside quotes. Blanks at its end mean nothing
// unless a backslash stands before them.
func (w *flow) endQuotedLine(quote byte) {
	text := w.text
	if trimmed := strings.TrimRight(text, " \t"); quote == '\'' || !strings.HasSuffix(trimmed, `\`) {
		text = trimmed
	}
	w.f.emit(w.indent, "", "")
	w.f.out[len(w.f.out)-1].text = strings.Repeat(" ", w.indent) + text
	w.indent, w.text = w.f.childIndent(), ""
	if len(w.columns) > 0 {
		w.indent = w.columns[len(w.columns)-1]
	}
}
