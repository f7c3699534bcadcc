package parquet

import (
	"io"
	"math"
	"slices"

	library "github.com/parquet-go/parquet-go"

	"orrery.dev"
)

// OutColumn declares a column to write: a Text, a Timestamp, an optional Double
// or an optional Bool.
type OutColumn struct {
	Name string
	Kind Kind
}

// Writer writes rows to a Parquet file. The file's columns are in the order of
// their names, as the format's library lays them out.
type Writer struct {
	out *library.GenericWriter[any]
	// place[i] is the index in the file of column i.
	place []int
	row   library.Row
}

// NewWriter begins a file, compressed with Zstandard.
func NewWriter(w io.Writer, columns []OutColumn) *Writer {
	group := library.Group{}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
		switch c.Kind {
		case Text:
			group[c.Name] = library.String()
		case Double:
			group[c.Name] = library.Optional(library.Leaf(library.DoubleType))
		case Bool:
			group[c.Name] = library.Optional(library.Leaf(library.BooleanType))
		case Timestamp:
			group[c.Name] = library.Timestamp(library.Microsecond)
		}
	}
	sorted := slices.Sorted(slices.Values(names))
	out := &Writer{row: make(library.Row, len(columns))}
	for _, name := range names {
		at, _ := slices.BinarySearch(sorted, name)
		out.place = append(out.place, at)
	}
	out.out = library.NewGenericWriter[any](w, library.NewSchema("rows", group), library.Compression(&library.Zstd))
	return out
}

// Text sets a text.
func (w *Writer) Text(i int, s string) {
	w.row[w.place[i]] = library.ByteArrayValue([]byte(s)).Level(0, 0, w.place[i])
}

// Number sets a double; NaN is null.
func (w *Writer) Number(i int, x float64) {
	if math.IsNaN(x) {
		w.null(i)
		return
	}
	w.row[w.place[i]] = library.DoubleValue(x).Level(0, 1, w.place[i])
}

// Bool sets a bool, null unless it is known.
func (w *Writer) Bool(i int, b, known bool) {
	if !known {
		w.null(i)
		return
	}
	w.row[w.place[i]] = library.BooleanValue(b).Level(0, 1, w.place[i])
}

// Instant sets an instant.
func (w *Writer) Instant(i int, t orrery.Instant) {
	w.row[w.place[i]] = library.Int64Value(int64(t)).Level(0, 0, w.place[i])
}

func (w *Writer) null(i int) { w.row[w.place[i]] = library.NullValue().Level(0, 0, w.place[i]) }

// Write ends the row, all of whose columns have been set.
func (w *Writer) Write() error {
	_, err := w.out.WriteRows([]library.Row{w.row})
	return err
}

// Close ends the file.
func (w *Writer) Close() error { return w.out.Close() }
