package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"orrery.dev"
)

// header is what the first line of a CSV file says.
type header struct {
	// names are those of the columns; fields has for each column the index of its
	// field, -1 for one that is none.
	names  []string
	fields []int
	// absent are the fields without a column.
	absent  []int
	notices []string
}

// readHeader takes the first record off the splitter and matches its columns to
// the type's fields by name.
func (d *Decoder) readHeader(f *file, s *splitter) (*header, error) {
	text, err := s.firstRecord()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, f.readError(err, 1, 0)
	}
	broken := func(format string, args ...any) error {
		return orrery.Errorf(orrery.Invalid, "header_broken", "%s:1: %s", f.path, fmt.Sprintf(format, args...)).
			WithNext("the first line must name the columns: %s", strings.Join(d.names, ","))
	}
	if text == nil {
		return nil, broken("the header is longer than %d bytes", s.limit)
	}
	cells, wrong := splitCells(trimLine(string(text)), nil)
	if wrong.Code != "" {
		return nil, broken("%s", wrong.Message)
	}
	names := make([]string, len(cells))
	for i := range cells {
		names[i] = strings.TrimSpace(cells[i].text)
	}
	return d.matchHeader(f, names)
}

// matchHeader matches the names of a file's columns to the type's fields.
func (d *Decoder) matchHeader(f *file, names []string) (*header, error) {
	h := &header{names: names}
	var unknown []string
	for i, name := range names {
		field, ok := d.index[name]
		switch {
		case !ok:
			field = -1
			unknown = append(unknown, name)
		case slices.Contains(h.fields, field):
			return nil, orrery.Errorf(orrery.Invalid, "header_duplicate", "%s: the column `%s` is there twice, the second time as column %d", f.headerPlace(), name, i+1).
				WithField(name).WithNext("remove or rename one of them")
		}
		h.fields = append(h.fields, field)
	}
	var missing []string
	for i := range d.rules {
		if slices.Contains(h.fields, i) {
			continue
		}
		h.absent = append(h.absent, i)
		if d.rules[i].required {
			missing = append(missing, d.names[i])
		}
	}
	if len(missing) > 0 {
		return nil, d.missingColumns(f, missing, unknown, names)
	}
	if len(unknown) > 0 {
		h.notices = append(h.notices, d.ignored(f.path, unknown, h.absent))
	}
	return h, nil
}

// missingColumns names every required field without a column, and the column
// that may be meant to be it.
func (d *Decoder) missingColumns(f *file, missing, unknown, names []string) error {
	var hints []string
	for _, name := range missing {
		if near := nearest(name, unknown); near != "" {
			hints = append(hints, fmt.Sprintf("rename the column `%s` to `%s`", near, name))
		}
	}
	noun := "a column for the required field"
	if len(missing) > 1 {
		noun = "columns for the required fields"
	}
	lacks := fmt.Sprintf("%s %s of %s", noun, listed(missing), d.event.Name)
	if d.received >= 0 && missing[0] == d.names[d.received] {
		lacks = "the column " + listed(missing) + " of the received time"
	}
	e := orrery.Errorf(orrery.Invalid, "header_missing", "%s: the %s lacks %s", f.headerPlace(), f.headerName(), lacks).WithField(missing[0])
	if len(hints) > 0 {
		return e.WithNext("%s", strings.Join(hints, ", "))
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t|") {
		return e.WithNext("separate the columns with commas; the first line is %s", excerpt(names[0]))
	}
	if f.format == formatParquet {
		return e.WithNext("its columns are %s", listed(names))
	}
	return e.WithNext("the first line must name the columns; it has %s", listed(names))
}

// headerPlace says where the names of the columns stand, headerName what has them.
func (f *file) headerPlace() string {
	if f.format == formatParquet {
		return f.path
	}
	return f.path + ":1"
}

func (f *file) headerName() string {
	if f.format == formatParquet {
		return "file"
	}
	return "header"
}

func (d *Decoder) ignored(path string, unknown []string, absent []int) string {
	verb := "is no field of %s and is ignored"
	if len(unknown) > 1 {
		verb = "are no fields of %s and are ignored"
	}
	notice := fmt.Sprintf("%s: %s "+verb, path, listed(unknown), d.event.Name)
	for _, i := range absent {
		if near := nearest(d.names[i], unknown); near != "" {
			notice += fmt.Sprintf("; `%s` may be meant to be `%s`", near, d.names[i])
		}
	}
	return notice
}

// firstRecord takes the first record off; it is nil where that is over the limit.
func (s *splitter) firstRecord() ([]byte, error) {
	for {
		s.fill()
		final := errors.Is(s.err, io.EOF)
		end := recordEnd(s.buf, s.limit, final)
		switch {
		case end >= 0 && beyond(s.buf[:end], s.limit):
			return nil, nil
		case end >= 0:
			text := bytes.Clone(s.buf[:end])
			s.buf = s.buf[:copy(s.buf, s.buf[end:])]
			s.line += int64(bytes.Count(text, newline))
			s.offset += int64(end)
			return text, nil
		case s.err != nil:
			return nil, s.err
		case beyond(s.buf, s.limit):
			return nil, nil
		}
		s.grow()
	}
}

// trimLine drops the line break of a line or a record.
func trimLine[T string | []byte](s T) T {
	if n := len(s); n > 0 && s[n-1] == '\n' {
		s = s[:n-1]
	}
	if n := len(s); n > 0 && s[n-1] == '\r' {
		s = s[:n-1]
	}
	return s
}
