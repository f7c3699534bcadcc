package ingest

import (
	"fmt"
	"strings"

	"orrery.dev"
)

// cell is one cell of a record: its text, unquoted, and where it begins.
type cell struct {
	text string
	at   int
}

// splitCells takes a record without its line break apart, by RFC 4180. The
// fault has a code where the quotes are wrong.
func splitCells(s string, cells []cell) ([]cell, Fault) {
	for i := 0; ; i++ {
		if i < len(s) && s[i] == '"' {
			text, end, fault := unquote(s, i)
			if fault.Code != "" {
				return nil, fault
			}
			cells = append(cells, cell{text, i})
			if i = end; i == len(s) {
				return cells, Fault{}
			}
			continue
		}
		end := len(s)
		if k := strings.IndexByte(s[i:], ','); k >= 0 {
			end = i + k
		}
		if k := strings.IndexByte(s[i:end], '"'); k >= 0 {
			return nil, quoteFault("a quote stands inside of a cell that does not begin with one", i+k)
		}
		cells = append(cells, cell{s[i:end], i})
		if i = end; i == len(s) {
			return cells, Fault{}
		}
	}
}

// unquote reads the quoted cell at i; it gives the offset of the comma or the
// end behind it.
func unquote(s string, i int) (text string, end int, fault Fault) {
	doubled := false
	for j := i + 1; ; j++ {
		k := strings.IndexByte(s[j:], '"')
		if k < 0 {
			return "", 0, quoteFault("a quote is opened and not closed", i)
		}
		if j += k; j+1 < len(s) && s[j+1] == '"' {
			doubled = true
			j++
			continue
		}
		if j+1 < len(s) && s[j+1] != ',' {
			return "", 0, quoteFault("text follows a closing quote", j+1)
		}
		if text = s[i+1 : j]; doubled {
			text = strings.ReplaceAll(text, `""`, `"`)
		}
		return text, j + 1, Fault{}
	}
}

func quoteFault(message string, at int) Fault {
	return Fault{Code: "csv_quote", Message: message, Next: `put the whole cell in quotes and double the quotes in it: "a ""b"" c"`, Offset: at}
}

// row reads a record into values, whose absent fields are missing already.
func (b *blockParser) row(rec string) (orrery.Event, bool) {
	p := &b.parser
	p.faults, p.s = nil, rec
	if b.quoted && strings.IndexByte(rec, '"') >= 0 {
		var fault Fault
		if b.cells, fault = splitCells(rec, b.cells[:0]); fault.Code != "" {
			p.add(fault)
			return orrery.Event{}, false
		}
		return b.quotedRow(len(rec))
	}
	at := 0
	for i, field := range b.header.fields {
		end := len(rec)
		if k := strings.IndexByte(rec[at:], ','); k >= 0 {
			end = at + k
		}
		if last := i == len(b.header.fields)-1; last != (end == len(rec)) {
			return b.columns(1+strings.Count(rec, ","), at)
		}
		if field >= 0 {
			p.cell(field, rec[at:end], at)
		}
		at = end + 1
	}
	return b.rowEnd()
}

func (b *blockParser) quotedRow(length int) (orrery.Event, bool) {
	if len(b.cells) != len(b.header.fields) {
		return b.columns(len(b.cells), length)
	}
	for i, field := range b.header.fields {
		if field >= 0 {
			b.parser.cell(field, b.cells[i].text, b.cells[i].at)
		}
	}
	return b.rowEnd()
}

func (b *blockParser) rowEnd() (orrery.Event, bool) {
	return b.parser.end()
}

// columns faults a record with another number of cells than the header. What
// its cells hold is then anyone's guess, so that nothing else is said.
func (b *blockParser) columns(n, at int) (orrery.Event, bool) {
	want, next := len(b.header.fields), "quote cells that hold a comma"
	if n < want {
		next = "leave the cell of a missing value empty, but keep its comma"
	}
	b.parser.faults = []Fault{{Code: "csv_columns", Message: fmt.Sprintf("the line has %s, the header %d", plural(n, "column"), want),
		Next: next, Offset: at}}
	return orrery.Event{}, false
}

// cell reads the text of field f. An empty cell is a missing value.
func (p *parser) cell(f int, text string, at int) {
	if text == "" {
		p.values[f] = orrery.Value{}
		if p.rules[f].required {
			p.add(p.missingFault(f, at))
		}
		return
	}
	p.set(f, text, at)
}
