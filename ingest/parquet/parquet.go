// Package parquet reads flat Parquet files as columns of plain values, and
// writes such files. It is the one place that knows the library underneath, and
// it guards against it: whatever a damaged file makes the library do comes back
// as an error, and no count or size in a file is believed before it has been
// held against the bytes that are there.
package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"orrery.dev"
)

// Kind is what the values of a column are.
type Kind uint8

// The kinds of column.
const (
	// Other is what cannot be read: lists, groups, dates, times of day and the like.
	Other Kind = iota
	// Text is UTF-8: STRING, ENUM, JSON, UUID, and byte arrays without annotation.
	Text
	// Int is a whole number of any width, signed or not.
	Int
	// Decimal is a whole number of units of 10^-Scale.
	Decimal
	// Timestamp is an instant, whole microseconds since 1970, rounded down.
	Timestamp
	// LocalTimestamp is a timestamp that names no instant, since its zone is not
	// known. Its values are not read.
	LocalTimestamp
	// Float and Double are IEEE 754 numbers of 32 and 64 bits.
	Float
	Double
	// Bool is true or false.
	Bool
)

// Column describes a column at the top of the file's schema.
type Column struct {
	Name string
	Kind Kind
	// Scale is that of a Decimal.
	Scale int
	// Type is the type as the file declares it, for people.
	Type string

	// leaf is the column's place among those with values.
	leaf   int
	column *library.Column
	// perMicro and micros turn a Timestamp's unit into microseconds: one of them is 1.
	perMicro, micros int64
	unsigned, uuid   bool
}

// File is an open Parquet file.
type File struct {
	path string
	r    io.ReaderAt
	// meta is the footer; file has the same columns, and pages that a source gives.
	meta    format.FileMetaData
	file    *library.File
	columns []Column
}

// magic begins and ends a file, trailer is what follows the footer.
const (
	magic     = "PAR1"
	encrypted = "PARE"
	trailer   = 8
)

// Open reads the file's footer. The errors name the path and have the codes
// parquet_truncated, parquet_encrypted, parquet_codec, parquet_damaged and
// file_unreadable.
func Open(path string, r io.ReaderAt, size int64) (*File, error) {
	f := &File{path: path, r: r}
	footer, err := f.checkEnds(size)
	if err != nil {
		return nil, err
	}
	err = guard(func() error { return f.open(footer, size) })
	var known *orrery.Error
	switch {
	case errors.As(err, &known):
		return nil, err
	case err != nil:
		return nil, f.damaged("its footer cannot be read", err)
	}
	return f, nil
}

// open reads the footer of that many bytes.
func (f *File) open(footer, size int64) error {
	b := make([]byte, footer)
	if _, err := f.r.ReadAt(b, size-trailer-footer); err != nil {
		return err
	}
	n, err := compactLength(b)
	if err != nil {
		return err
	}
	// A signature may follow, which is of no use without the key.
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, b[:n], &f.meta); err != nil {
		return err
	}
	if f.meta.EncryptionAlgorithm.Value != nil {
		return f.encrypted()
	}
	if err := cmp.Or(f.checkSchema(), f.checkRows(), f.checkChunks(size)); err != nil {
		return err
	}
	if f.file, err = skeleton(&f.meta); err != nil {
		return err
	}
	for _, c := range f.file.Root().Columns() {
		f.columns = append(f.columns, describe(c))
	}
	return nil
}

// skeleton opens a file with the same columns and nothing else, not compressed.
func skeleton(meta *format.FileMetaData) (*library.File, error) {
	s := format.FileMetaData{Version: meta.Version, Schema: meta.Schema, NumRows: meta.NumRows}
	for _, group := range meta.RowGroups {
		g := format.RowGroup{NumRows: group.NumRows}
		for i := range group.Columns {
			c := &group.Columns[i].MetaData
			g.Columns = append(g.Columns, format.ColumnChunk{MetaData: format.ColumnMetaData{
				Type: c.Type, Encoding: c.Encoding, PathInSchema: c.PathInSchema, NumValues: c.NumValues,
				DataPageOffset: chunkStart, TotalCompressedSize: math.MaxInt64 - chunkStart,
			}})
		}
		s.RowGroups = append(s.RowGroups, g)
	}
	b, err := thrift.Marshal(&thrift.CompactProtocol{}, &s)
	if err != nil {
		return nil, err
	}
	b = append([]byte(magic), b...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)-len(magic)))
	b = append(b, magic...)
	return library.OpenFile(bytes.NewReader(b), int64(len(b)), library.SkipPageIndex(true), library.SkipBloomFilters(true), library.ReadBufferSize(64<<10))
}

// checkEnds looks at the first and the last bytes, and gives the footer's length.
func (f *File) checkEnds(size int64) (int64, error) {
	var head, tail [trailer]byte
	if size >= trailer+int64(len(magic)) {
		if _, err := f.r.ReadAt(head[:], 0); err != nil {
			return 0, f.damaged("it cannot be read", err)
		}
		if _, err := f.r.ReadAt(tail[:], size-trailer); err != nil && !errors.Is(err, io.EOF) {
			return 0, f.damaged("it cannot be read", err)
		}
	}
	switch end := string(tail[4:]); {
	case end == encrypted:
		return 0, f.encrypted()
	case end != magic:
		return 0, orrery.Errorf(orrery.Damaged, "parquet_truncated", "%s ends in the middle: the footer that a Parquet file ends with is missing", f.path).
			WithNext("copy or download the file again; without its footer nothing of it can be read")
	case string(head[:4]) != magic:
		return 0, f.damaged("it does not begin as a Parquet file", fmt.Errorf("its first bytes are %q", head[:4]))
	}
	footer := int64(binary.LittleEndian.Uint32(tail[:]))
	if footer > size-trailer-int64(len(magic)) {
		return 0, f.damaged("its footer cannot be read", fmt.Errorf("it is said to have %d bytes of %d", footer, size))
	}
	return footer, nil
}

func (f *File) encrypted() error {
	return orrery.Errorf(orrery.Invalid, "parquet_encrypted", "%s is encrypted", f.path).WithNext("write it without encryption")
}

// checkSchema sees to it that the tree of columns has a bottom, and that each row
// group has its columns: the library takes memory for the product of their
// numbers.
func (f *File) checkSchema() error {
	leaves := 0
	var open []int32 // The children that each group above still waits for.
	for i := range f.meta.Schema {
		e := &f.meta.Schema[i]
		if e.Type.Valid {
			leaves++
		}
		if e.NumChildren.Valid && e.NumChildren.V > 0 {
			open = append(open, e.NumChildren.V)
			if len(open) > maxNesting {
				return errors.New("its columns are nested too deep")
			}
			continue
		}
		for len(open) > 0 {
			if open[len(open)-1]--; open[len(open)-1] > 0 {
				break
			}
			open = open[:len(open)-1]
		}
	}
	for _, group := range f.meta.RowGroups {
		if len(group.Columns) != leaves {
			return fmt.Errorf("a row group of %d columns where the schema has %d", len(group.Columns), leaves)
		}
	}
	return nil
}

// checkRows holds the footer's counts against each other.
func (f *File) checkRows() error {
	total := int64(0)
	for _, group := range f.meta.RowGroups {
		if group.NumRows < 0 {
			return fmt.Errorf("a row group of %d rows", group.NumRows)
		}
		total += group.NumRows
	}
	if total != f.meta.NumRows {
		return fmt.Errorf("%d rows where the row groups have %d", f.meta.NumRows, total)
	}
	return nil
}

// checkChunks sees to it that each column lies within the file, and is compressed
// in a way that is known.
func (f *File) checkChunks(size int64) error {
	for _, group := range f.meta.RowGroups {
		for i := range group.Columns {
			c := &group.Columns[i].MetaData
			if !readable(c.Codec) {
				return orrery.Errorf(orrery.Invalid, "parquet_codec", "%s is compressed with %s, which is not read", f.path, c.Codec).
					WithNext("write it with snappy, zstd or gzip")
			}
			for _, offset := range []int64{c.DataPageOffset, c.DictionaryPageOffset} {
				if offset < 0 || c.TotalCompressedSize < 0 || offset > size || c.TotalCompressedSize > size {
					return fmt.Errorf("the column %q is said to lie outside of the file", c.PathInSchema)
				}
			}
		}
	}
	return nil
}

// Columns lists the columns at the top of the schema.
func (f *File) Columns() []Column { return f.columns }

// NumRows counts the rows of the file.
func (f *File) NumRows() int64 { return f.meta.NumRows }

func describe(c *library.Column) Column {
	d := Column{Name: c.Name(), leaf: c.Index(), column: c}
	switch {
	case c.Repeated():
		d.Type = "a repeated column"
		return d
	case !c.Leaf():
		d.Type = "a nested column"
		return d
	}
	t := c.Type()
	d.Type = t.String()
	if logical := t.LogicalType(); logical != nil && logical.Value != nil {
		d.annotated(t, logical.Value)
	} else {
		d.plain(t.Kind())
	}
	return d
}

// annotated finds the kind of a column with a logical type.
func (c *Column) annotated(t library.Type, logical format.LogicalTypeValue) {
	switch l := logical.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		c.Kind = Text
	case *format.UUIDType:
		c.Kind, c.uuid = Text, true
	case *format.IntType:
		c.Kind, c.unsigned = Int, !l.IsSigned
	case *format.DecimalType:
		if l.Scale >= 0 && l.Scale <= l.Precision && l.Precision <= 100 {
			c.Kind, c.Scale = Decimal, int(l.Scale)
		}
	case *format.TimestampType:
		c.Kind = Timestamp
		if !l.IsAdjustedToUTC {
			c.Kind = LocalTimestamp
		}
		c.perMicro, c.micros = 1, 1
		switch l.Unit.Value.(type) {
		case *format.MilliSeconds:
			c.micros = 1000
		case *format.NanoSeconds:
			c.perMicro = 1000
		}
	}
	if c.Kind != Text && c.Kind != Decimal && c.Kind != Other && t.Kind() != library.Int32 && t.Kind() != library.Int64 {
		c.Kind = Other
	}
}

// plain finds the kind of a column that has a physical type only.
func (c *Column) plain(kind library.Kind) {
	switch kind {
	case library.Boolean:
		c.Kind = Bool
	case library.Int32, library.Int64:
		c.Kind = Int
	case library.Int96:
		// What Spark and Impala wrote timestamps as: UTC by their convention.
		c.Kind, c.perMicro, c.micros = Timestamp, 1, 1
	case library.Float:
		c.Kind = Float
	case library.Double:
		c.Kind = Double
	case library.ByteArray:
		c.Kind = Text
	}
}

// damaged wraps what the library or the disk says.
func (f *File) damaged(what string, cause error) error {
	var system *fs.PathError
	if errors.As(cause, &system) {
		return orrery.Errorf(orrery.Unavailable, "file_unreadable", "%s cannot be read", f.path).Because(cause)
	}
	return orrery.Errorf(orrery.Damaged, "parquet_damaged", "%s is damaged, or written in a way that is not known here: %s", f.path, what).
		WithNext("copy or download the file again, or write it with another tool").Because(cause)
}

// guard turns a panic into an error: the library checks much of what it reads,
// not all.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return do()
}
