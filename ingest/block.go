package ingest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"orrery.dev"
	"orrery.dev/ingest/parquet"
)

// block is a piece of one file on its way: cut by the file's reader, decoded by
// a worker, taken by the merge.
type block struct {
	source *source
	piece  piece
	// rows are those of a Parquet file, which has no piece.
	rows *parquet.Rows
	// done holds a token once the rest is there.
	done chan struct{}

	events   []orrery.Event
	slab     *slab
	rejected []Rejection
	counts   map[string]int64
	refused  int64
	// first is the line of the first event.
	first int64
	// disorder is the first event that is earlier than the one before it.
	disorder *UnsortedError
}

// blockParser decodes a block.
type blockParser struct {
	parser parser
	header *header
	quoted bool
	// valid says that the block's text is UTF-8, where that is asked.
	valid bool
	cells []cell
	block *block
	path  string
	limit int
	// keep bounds the rejections that are listed.
	keep int
	// length is that of a line that was too long to be held.
	length int64
	// rowText is a refused row of a Parquet file, as JSON.
	rowText string
	line    int64
	last    orrery.Instant
}

// decode fills in the block's events and rejections.
func (b *block) decode() {
	s := b.source
	p := blockParser{parser: parser{Decoder: s.decoder}, header: s.header, quoted: b.piece.ends != nil, block: b,
		path: s.file.path, limit: s.limit, keep: s.keep, line: b.piece.line}
	if b.piece.tooLong > 0 {
		p.tooLong(b.piece.tooLong)
		return
	}
	if b.rows != nil {
		b.decodeRows(&p)
		return
	}
	text := string(b.piece.text)
	valid := utf8.ValidString(text)
	b.slab.values = grown(b.slab.values, (b.piece.lines+1)*len(s.decoder.rules))
	values := b.slab.values
	width := len(s.decoder.rules)
	for ends := b.piece.ends; len(text) > 0; {
		var record string
		record, text, ends = cutRecord(text, ends, len(b.piece.text))
		if p.record(record, values[:width:width], valid) {
			values = values[width:]
		}
		p.line += 1
		if b.piece.ends != nil {
			p.line += int64(max(0, strings.Count(record, "\n")-1))
		}
	}
}

// cutRecord takes the first record with its line break off the text, which is
// the tail of a block of total bytes.
func cutRecord(text string, ends []int, total int) (record, rest string, _ []int) {
	if len(ends) > 0 {
		n := ends[0] - (total - len(text))
		return text[:n], text[n:], ends[1:]
	}
	if k := strings.IndexByte(text, '\n'); k >= 0 {
		return text[:k+1], text[k+1:], nil
	}
	return text, "", nil
}

// record decodes one record and reports whether it used the values.
func (p *blockParser) record(record string, values []orrery.Value, valid bool) bool {
	record = trimLine(record)
	if len(record) > p.limit {
		p.tooLong(int64(len(record)))
		return false
	}
	if strings.TrimLeft(record, " \t\r") == "" {
		return false
	}
	var event orrery.Event
	ok := false
	if p.header == nil {
		clear(values)
		event, ok = p.parser.object(record, values)
	} else {
		for _, i := range p.header.absent {
			values[i] = orrery.Value{}
		}
		p.parser.values, p.parser.idText = values, ""
		event, ok = p.row(record)
		if !valid && !utf8.ValidString(record) {
			p.parser.checkUTF8()
			ok = false
		}
	}
	if !ok {
		p.reject(record, p.parser.faults)
		return false
	}
	p.accept(event)
	return true
}

func (p *blockParser) accept(event orrery.Event) {
	b := p.block
	if len(b.events) == 0 {
		b.first = p.line
	} else if event.Received < p.last && b.disorder == nil {
		b.disorder = &UnsortedError{Path: p.path, Line: p.line, Time: event.Received, Before: p.last, Received: p.parser.received >= 0}
	}
	p.last = event.Received
	b.events = append(b.events, event)
}

func (p *blockParser) reject(record string, faults []Fault) {
	b := p.block
	if b.counts == nil {
		b.counts = map[string]int64{}
	}
	b.counts[faults[0].Code]++
	b.refused++
	if len(b.rejected) < p.keep {
		for i := range faults {
			f := &faults[i]
			if b.rows != nil {
				f.Line, f.Column, f.Offset = p.line, f.Offset+1, 0
			} else {
				f.Line, f.Column = place(record, p.line, f.Offset)
			}
		}
		b.rejected = append(b.rejected, Rejection{Path: p.path, Line: faults[0].Line, Column: faults[0].Column, Faults: faults,
			Event: b.source.decoder.event.Name, Input: p.input(record)})
	}
}

// input keeps the text of a refused record.
func (p *blockParser) input(record string) RawInput {
	s := p.block.source
	in := Raw(InputJSON, record)
	switch {
	case s.table != nil:
		in = Raw(InputJSON, p.rowText)
	case p.header != nil:
		in.Format, in.Columns = InputCSV, p.header.names
	}
	in.Length = max(in.Length, p.length)
	if s.decoder.received >= 0 {
		in.Received = s.decoder.names[s.decoder.received]
	}
	return in
}

func (p *blockParser) tooLong(length int64) {
	p.length = length
	defer func() { p.length = 0 }()
	p.reject("", []Fault{{Code: "line_too_long", Message: fmt.Sprintf("the line has %d bytes; at most %d are taken", length, p.limit),
		Next: "check the program that writes it"}})
}

// place turns an offset in a record that begins a line into a line and a column.
func place(record string, line int64, offset int) (int64, int) {
	before := record[:min(offset, len(record))]
	line += int64(strings.Count(before, "\n"))
	return line, len(before) - strings.LastIndexByte(before, '\n')
}

// grown gives a slice of length n, the old one where it is large enough.
func grown[T any](old []T, n int) []T {
	if cap(old) >= n {
		return old[:n]
	}
	return make([]T, n)
}
