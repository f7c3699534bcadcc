package ingest

import (
	"bytes"
	"errors"
	"io"
)

// splitter cuts a text into blocks of whole lines; in CSV a line break between
// quotes ends no line.
type splitter struct {
	r     io.Reader
	csv   bool
	limit int
	size  int
	buf   []byte
	err   error
	// line is the number of the line at buf[0], offset the bytes before it.
	line, offset int64
	// take gives an empty buffer with the capacity asked for.
	take func(size int) []byte
}

// piece is a block's text.
type piece struct {
	text []byte
	// ends are the offsets behind each record, where quotes make it other than
	// the offsets behind each line break; nil otherwise.
	ends         []int
	line, offset int64
	// lines counts the line breaks.
	lines int
	// tooLong says that this is no text but a line over the limit, of that length.
	tooLong int64
}

// next gives the next piece. At the end of the text, or where it cannot be read
// further, the error says so; what is not a whole line is left then, unless the
// end is the ordinary one.
func (s *splitter) next() (piece, error) {
	for {
		s.fill()
		final := errors.Is(s.err, io.EOF)
		cut, ends := s.cut(final)
		switch {
		case cut > 0:
			return s.emit(cut, ends), nil
		case s.err != nil:
			return piece{}, s.err
		case beyond(s.buf, s.limit):
			return s.skipLine(), nil
		}
		s.grow()
	}
}

func (s *splitter) fill() {
	if s.buf == nil {
		s.buf = s.take(s.size)
	}
	for s.err == nil && len(s.buf) < cap(s.buf) {
		var n int
		n, s.err = s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
	}
}

func (s *splitter) grow() {
	bigger := make([]byte, len(s.buf), 2*cap(s.buf))
	copy(bigger, s.buf)
	s.buf = bigger
}

// cut gives the length of the whole records in the buffer.
func (s *splitter) cut(final bool) (int, []int) {
	if s.csv && bytes.IndexByte(s.buf, '"') >= 0 {
		return s.cutQuoted(final)
	}
	if final {
		return len(s.buf), nil
	}
	return bytes.LastIndexByte(s.buf, '\n') + 1, nil
}

func (s *splitter) cutQuoted(final bool) (int, []int) {
	ends := make([]int, 0, len(s.buf)/32)
	at := 0
	for at < len(s.buf) {
		end := recordEnd(s.buf[at:], s.limit, final)
		if end < 0 {
			break
		}
		at += end
		ends = append(ends, at)
	}
	return at, ends
}

func (s *splitter) emit(cut int, ends []int) piece {
	p := piece{text: s.buf[:cut], ends: ends, line: s.line, offset: s.offset, lines: bytes.Count(s.buf[:cut], newline)}
	rest := s.buf[cut:]
	s.buf = append(s.take(max(s.size, len(rest)+s.size/2)), rest...)
	s.line += int64(p.lines)
	s.offset += int64(cut)
	return p
}

var newline = []byte{'\n'}

// skipLine reads past a line that does not fit, holding no more of it than the
// buffer.
func (s *splitter) skipLine() piece {
	p := piece{line: s.line, offset: s.offset}
	last := byte(0)
	for {
		part := s.buf
		at := bytes.IndexByte(s.buf, '\n')
		if at >= 0 {
			part = s.buf[:at]
		}
		if len(part) > 0 {
			last = part[len(part)-1]
		}
		p.tooLong += int64(len(part))
		if at >= 0 {
			s.buf = s.buf[:copy(s.buf, s.buf[at+1:])]
			break
		}
		s.buf = s.buf[:0]
		if s.err != nil {
			break
		}
		s.fill()
	}
	s.line++
	s.offset += p.tooLong + 1
	if last == '\r' {
		p.tooLong--
	}
	return p
}

// recordEnd gives the length of the CSV record at the head of s with its line
// break, by RFC 4180: a cell that begins with a quote ends at the next single
// one. It is -1 where the record goes on beyond s. Where a quoted cell does not
// end as it should, or a record of several lines is over the limit, the record
// ends with its first line, so that a stray quote costs no more than that.
func recordEnd(s []byte, limit int, final bool) int {
	end, ok := wholeRecord(s, final)
	switch {
	case end < 0 && !beyond(s, limit):
		return -1
	case end < 0, !ok, len(trimLine(s[:end])) > limit:
		return lineEnd(s, final)
	}
	return end
}

// beyond reports whether a text without an end is over the limit, even if a
// line break comes next.
func beyond(s []byte, limit int) bool { return len(s) > limit+len("\r\n") }

// wholeRecord is recordEnd without limit; ok is false for quotes out of place.
func wholeRecord(s []byte, final bool) (end int, ok bool) {
	i := 0
	for {
		if i < len(s) && s[i] == '"' {
			if i, ok = quotedEnd(s, i+1, final); i < 0 || !ok {
				return i, ok
			}
		}
		for i < len(s) && s[i] != ',' && s[i] != '\n' {
			i++
		}
		switch {
		case i == len(s) && final:
			return i, true
		case i == len(s):
			return -1, true
		case s[i] == '\n':
			return i + 1, true
		}
		i++
	}
}

// quotedEnd gives the offset behind the closing quote of a cell, and whether a
// comma, a line break or the end follows it; -1 where more text is needed to
// tell.
func quotedEnd(s []byte, i int, final bool) (end int, ok bool) {
	for {
		k := bytes.IndexByte(s[i:], '"')
		if k < 0 && final {
			return len(s), false
		}
		if k < 0 {
			return -1, false
		}
		i += k + 1
		if i < len(s) && s[i] == '"' {
			i++
			continue
		}
		break
	}
	rest := s[i:]
	if !final && (len(rest) == 0 || len(rest) == 1 && rest[0] == '\r') {
		return -1, false
	}
	return i, len(rest) == 0 || rest[0] == ',' || rest[0] == '\n' || rest[0] == '\r' && (len(rest) == 1 || rest[1] == '\n')
}

func lineEnd(s []byte, final bool) int {
	if k := bytes.IndexByte(s, '\n'); k >= 0 {
		return k + 1
	}
	if final {
		return len(s)
	}
	return -1
}
