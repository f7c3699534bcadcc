package spec

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// source is the text of a file as lines of characters.
type source struct {
	path  string
	lines [][]rune
	// badLine and badColumn are the place of the first byte that is not UTF-8;
	// 0 where all is.
	badLine, badColumn int
}

// newSource splits text into lines, at line feeds and carriage returns or both
// together, without a byte order mark.
func newSource(path string, text []byte) *source {
	s := &source{path: path}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	s.badLine, s.badColumn = notUTF8(text)
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		s.lines = append(s.lines, []rune(string(line)))
	}
	return s
}

// line gives a line of the file, from 1; nil beyond its end.
func (s *source) line(n int) []rune {
	if n < 1 || n > len(s.lines) {
		return nil
	}
	return s.lines[n-1]
}

// text gives the lines joined again, for the YAML library. A tab within a line
// is given as a space: the library loses count of characters after one.
func (s *source) text(lines [][]rune) string {
	var b strings.Builder
	for _, line := range lines {
		begun := false
		for _, r := range line {
			if begun = begun || r != ' ' && r != '\t'; begun && r == '\t' {
				r = ' '
			}
			b.WriteRune(r)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// tooLong finds the first line beyond the bounds.
func tooLong(s *source) (line int, found bool) {
	if len(s.lines) > maxLines {
		return maxLines + 1, true
	}
	for i, text := range s.lines {
		if len(text) > maxLine {
			return i + 1, true
		}
	}
	return 0, false
}

// word gives the span of the text that begins at a place and ends before a
// space or the end of the line.
func (s *source) word(line, column int) span {
	text := s.line(line)
	end := column
	for end-1 < len(text) && text[end-1] != ' ' && text[end-1] != '\t' {
		end++
	}
	return span{line, column, max(end, column+1)}
}

// notUTF8 gives the line and column of the first byte that is not UTF-8; 0
// where all is.
func notUTF8(text []byte) (line, column int) {
	line, column = 1, 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			return line, column
		}
		text = text[size:]
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return 0, 0
}
