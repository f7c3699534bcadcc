package parquet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"

	library "github.com/parquet-go/parquet-go"
)

// How many rows are read at a time, and how much text makes a run end early.
const (
	stepRows = 256
	maxRows  = 4096
	maxText  = 256 << 10
)

// Cell is one value.
type Cell struct {
	State State
	// Bits is a whole number, a decimal's units, a timestamp's microseconds, the
	// IEEE 754 bits of a double (of a Float too, widened), or 1 for true.
	Bits int64
	// From and Len are the place in Rows.Text of a text, or of a number that is Wide.
	From, Len int
}

// State says whether a cell has a value.
type State uint8

// The states of a cell. A Wide number does not fit Cell.Bits and stands in
// Rows.Text; the text of a Long value was not kept, Len is its length.
const (
	Null State = iota
	Present
	Wide
	Long
)

// Rows is a run of rows.
type Rows struct {
	// First is the number of the first row, counted from 1.
	First int64
	N     int
	// Cells has for each column asked for, in their order, one cell a row.
	Cells [][]Cell
	Text  []byte
}

// Reader reads some columns of a file from its first row to its last.
type Reader struct {
	file    *File
	columns []int
	longest int
	// group is the next row group.
	group   int
	cursors []cursor
	// left counts the rows of the group that are still to come.
	left int64
	next int64
	// err is why no more rows can be read.
	err error
	buf [stepRows]library.Value
}

// Read gives a reader of the columns with those indexes, none of them of kind
// Other or LocalTimestamp. A text of more than longest bytes is not kept.
func (f *File) Read(columns []int, longest int) *Reader {
	return &Reader{file: f, columns: columns, longest: longest, next: 1}
}

// Next reads the next run of rows into rows, whose memory it uses again. At the
// end it gives io.EOF; where the file cannot be read further, an error with the
// code parquet_damaged or file_unreadable after all rows before that.
func (r *Reader) Next(rows *Rows) error {
	rows.First, rows.N, rows.Text = r.next, 0, rows.Text[:0]
	if len(rows.Cells) != len(r.columns) {
		rows.Cells = make([][]Cell, len(r.columns))
	}
	for i := range rows.Cells {
		rows.Cells[i] = rows.Cells[i][:0]
	}
	for rows.N < maxRows && len(rows.Text) < maxText {
		n := 0
		if r.err == nil {
			r.err = guard(func() (err error) {
				n, err = r.step(rows)
				return err
			})
		}
		if r.err == nil {
			rows.N += n
			r.next += int64(n)
			continue
		}
		// Columns that were read before the one that failed have cells too many.
		for i := range rows.Cells {
			rows.Cells[i] = rows.Cells[i][:min(len(rows.Cells[i]), rows.N)]
		}
		if rows.N > 0 {
			return nil // The next call gives the error.
		}
		if errors.Is(r.err, errDone) {
			return io.EOF
		}
		return r.file.damaged(fmt.Sprintf("it cannot be read from row %d on", r.next), r.err)
	}
	return nil
}

var errDone = errors.New("no more rows")

// step reads a few rows.
func (r *Reader) step(rows *Rows) (int, error) {
	for r.left == 0 {
		if r.group == len(r.file.meta.RowGroups) {
			return 0, errDone
		}
		r.open(r.group)
		r.group++
	}
	n := int(min(r.left, stepRows))
	for i := range r.cursors {
		if err := r.read(&r.cursors[i], i, n, rows); err != nil {
			return 0, err
		}
	}
	r.left -= int64(n)
	return n, nil
}

// cursor is the place in one column of the row group.
type cursor struct {
	column *Column
	pages  library.Pages
	page   library.Page
	values library.ValueReader
}

func (r *Reader) open(group int) {
	for i := range r.cursors {
		r.cursors[i].close()
	}
	r.cursors = r.cursors[:0]
	meta, chunks := &r.file.meta.RowGroups[group], r.file.file.RowGroups()[group].ColumnChunks()
	for _, c := range r.columns {
		column := &r.file.columns[c]
		pages := newSource(r.file.r, &meta.Columns[column.leaf].MetaData, column.column, meta.NumRows)
		r.cursors = append(r.cursors, cursor{column: column, pages: chunks[column.leaf].(*library.FileColumnChunk).PagesFrom(pages)})
	}
	r.left = meta.NumRows
}

func (c *cursor) close() {
	if c.page != nil {
		library.Release(c.page)
	}
	_ = c.pages.Close()
	c.page, c.values = nil, nil
}

// read takes n values of a column.
func (r *Reader) read(c *cursor, i, n int, rows *Rows) error {
	for n > 0 {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				return unexpected(err)
			}
			c.page, c.values = page, page.Values()
		}
		got, err := c.values.ReadValues(r.buf[:n])
		for _, v := range r.buf[:got] {
			rows.Cells[i] = append(rows.Cells[i], r.cell(c.column, v, rows))
		}
		n -= got
		if err != nil || got == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			library.Release(c.page)
			c.page, c.values = nil, nil
		}
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (r *Reader) cell(c *Column, v library.Value, rows *Rows) Cell {
	if v.IsNull() {
		return Cell{}
	}
	switch c.Kind {
	case Text:
		return r.textCell(c, v.ByteArray(), rows)
	case Decimal:
		return decimalCell(v, rows)
	case Timestamp:
		return timestampCell(c, v, rows)
	case Float:
		return Cell{State: Present, Bits: int64(math.Float64bits(float64(v.Float())))}
	case Double:
		return Cell{State: Present, Bits: int64(math.Float64bits(v.Double()))}
	case Bool:
		if v.Boolean() {
			return Cell{State: Present, Bits: 1}
		}
		return Cell{State: Present}
	}
	return intCell(c, v, rows)
}

func (r *Reader) textCell(c *Column, text []byte, rows *Rows) Cell {
	if c.uuid && len(text) == 16 {
		var digits [32]byte
		hex.Encode(digits[:], text)
		d := string(digits[:])
		text = []byte(d[:8] + "-" + d[8:12] + "-" + d[12:16] + "-" + d[16:20] + "-" + d[20:])
	}
	if len(text) > r.longest {
		return Cell{State: Long, Len: len(text)}
	}
	cell := Cell{State: Present, From: len(rows.Text), Len: len(text)}
	rows.Text = append(rows.Text, text...)
	return cell
}

func wide(text string, rows *Rows) Cell {
	rows.Text = append(rows.Text, text...)
	return Cell{State: Wide, From: len(rows.Text) - len(text), Len: len(text)}
}

func intCell(c *Column, v library.Value, rows *Rows) Cell {
	switch {
	case v.Kind() == library.Int32 && c.unsigned:
		return Cell{State: Present, Bits: int64(v.Uint32())}
	case v.Kind() == library.Int32:
		return Cell{State: Present, Bits: int64(v.Int32())}
	case c.unsigned && v.Uint64() > math.MaxInt64:
		return wide(strconv.FormatUint(v.Uint64(), 10), rows)
	}
	return Cell{State: Present, Bits: v.Int64()}
}

// decimalCell reads the units of a decimal: an integer, or big-endian two's
// complement.
func decimalCell(v library.Value, rows *Rows) Cell {
	switch v.Kind() {
	case library.Int32:
		return Cell{State: Present, Bits: int64(v.Int32())}
	case library.Int64:
		return Cell{State: Present, Bits: v.Int64()}
	}
	b := v.ByteArray()
	if len(b) <= 8 {
		n := uint64(0)
		for _, digit := range b {
			n = n<<8 | uint64(digit)
		}
		unused := 64 - 8*len(b)
		return Cell{State: Present, Bits: int64(n<<unused) >> unused}
	}
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if n.IsInt64() {
		return Cell{State: Present, Bits: n.Int64()}
	}
	return wide(n.String(), rows)
}

func timestampCell(c *Column, v library.Value, rows *Rows) Cell {
	if v.Kind() == library.Int96 {
		return int96Cell(v)
	}
	n := v.Int64()
	if n > math.MaxInt64/c.micros || n < math.MinInt64/c.micros {
		return wide(strconv.FormatInt(n, 10), rows)
	}
	n *= c.micros
	micros := n / c.perMicro
	if n%c.perMicro < 0 {
		micros--
	}
	return Cell{State: Present, Bits: micros}
}

// int96Cell reads nanoseconds of the day and the Julian day, little-endian; that
// of 1970-01-01 is 2440588.
func int96Cell(v library.Value) Cell {
	i := v.Int96()
	nanos := int64(uint64(i[1])<<32 | uint64(i[0]))
	day := int64(int32(i[2])) - 2440588
	micros := nanos / 1000
	if nanos%1000 < 0 {
		micros--
	}
	return Cell{State: Present, Bits: day*86_400_000_000 + micros}
}
