package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"orrery.dev"
)

// file writes rows and opens them.
func file[T any](t *testing.T, rows []T, options ...library.WriterOption) *File {
	t.Helper()
	var b bytes.Buffer
	w := library.NewGenericWriter[T](&b, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open("x.parquet", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// column gives the cells of one column, those that stand in the text as text.
func column(t *testing.T, f *File, name string) []string {
	t.Helper()
	i := slices.IndexFunc(f.Columns(), func(c Column) bool { return c.Name == name })
	r := f.Read([]int{i}, 100)
	var rows Rows
	var out []string
	for {
		err := r.Next(&rows)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if rows.First != int64(len(out))+1 || len(rows.Cells[0]) != rows.N || rows.N == 0 {
			t.Fatalf("rows %d to %d, %d cells", rows.First, rows.First+int64(rows.N), len(rows.Cells[0]))
		}
		for _, c := range rows.Cells[0] {
			switch {
			case c.State == Null:
				out = append(out, "null")
			case c.State == Long:
				out = append(out, fmt.Sprint("long ", c.Len))
			case c.State == Wide || f.Columns()[i].Kind == Text:
				out = append(out, string(rows.Text[c.From:c.From+c.Len]))
			default:
				out = append(out, fmt.Sprint(c.Bits))
			}
		}
	}
}

type kinds struct {
	Text    string           `parquet:"text"`
	Enum    string           `parquet:"enum,enum"`
	JSON    string           `parquet:"json,json"`
	UUID    [16]byte         `parquet:"uuid,uuid"`
	Bytes   []byte           `parquet:"bytes"`
	Small   int8             `parquet:"small"`
	Int     int32            `parquet:"int"`
	Unsign  uint32           `parquet:"unsigned"`
	Big     uint64           `parquet:"big"`
	Cents   int32            `parquet:"cents,decimal(2:9)"`
	Wide    [16]byte         `parquet:"wide,decimal(3:38)"`
	Millis  int64            `parquet:"millis,timestamp"`
	Micros  int64            `parquet:"micros,timestamp(microsecond)"`
	Nanos   int64            `parquet:"nanos,timestamp(nanosecond)"`
	Local   int64            `parquet:"local,timestamp(microsecond:local)"`
	Old     deprecated.Int96 `parquet:"old"`
	Date    int32            `parquet:"date,date"`
	Float   float32          `parquet:"float"`
	Double  float64          `parquet:"double"`
	Bool    bool             `parquet:"bool"`
	List    []int64          `parquet:"list,list"`
	Repeat  []int64          `parquet:"repeat"`
	Group   struct{ A int }  `parquet:"group"`
	Missing *string          `parquet:"missing,optional"`
}

// TestColumns has a column of each kind.
func TestColumns(t *testing.T) {
	f := file(t, []kinds{{
		Text: "é", Enum: "a", JSON: "{}", UUID: [16]byte{0: 0x12, 15: 0xff}, Bytes: []byte("\xff"), Small: -5, Int: -7, Unsign: math.MaxUint32, Big: math.MaxUint64,
		Cents: -1234, Wide: [16]byte{15: 7}, Millis: -1, Micros: -1, Nanos: -1, Old: deprecated.Int96{1999, 0, 2440589}, Float: 0.5, Double: 0.5, Bool: true,
	}})
	half := fmt.Sprint(int64(math.Float64bits(0.5)))
	want := []struct {
		name  string
		kind  Kind
		scale int
		cell  string
	}{
		{"text", Text, 0, "é"}, {"enum", Text, 0, "a"}, {"json", Text, 0, "{}"}, {"uuid", Text, 0, "12000000-0000-0000-0000-0000000000ff"}, {"bytes", Text, 0, "\xff"},
		{"small", Int, 0, "-5"}, {"int", Int, 0, "-7"}, {"unsigned", Int, 0, "4294967295"}, {"big", Int, 0, "18446744073709551615"},
		{"cents", Decimal, 2, "-1234"}, {"wide", Decimal, 3, "7"},
		{"millis", Timestamp, 0, "-1000"}, {"micros", Timestamp, 0, "-1"}, {"nanos", Timestamp, 0, "-1"}, {"local", LocalTimestamp, 0, ""},
		{"old", Timestamp, 0, "86400000001"}, {"date", Other, 0, ""}, {"float", Float, 0, half}, {"double", Double, 0, half}, {"bool", Bool, 0, "1"},
		{"list", Other, 0, ""}, {"repeat", Other, 0, ""}, {"group", Other, 0, ""}, {"missing", Text, 0, "null"},
	}
	for _, w := range want {
		i := slices.IndexFunc(f.Columns(), func(c Column) bool { return c.Name == w.name })
		if c := f.Columns()[i]; c.Kind != w.kind || c.Scale != w.scale || c.Type == "" {
			t.Errorf("%s is %+v", w.name, c)
		}
		if w.cell == "" {
			continue
		}
		if got := column(t, f, w.name); len(got) != 1 || got[0] != w.cell {
			t.Errorf("%s: got %q, want %q", w.name, got, w.cell)
		}
	}
	if len(f.Columns()) != len(want) || f.NumRows() != 1 {
		t.Errorf("%d columns, %d rows", len(f.Columns()), f.NumRows())
	}
}

// TestDecimals holds two's complement of any width against math/big.
func TestDecimals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := make([]byte, 1+random.IntN(16))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		if random.IntN(2) == 0 {
			fill := byte(0)
			if random.IntN(2) == 0 {
				fill = 0xff
			}
			for i := range random.IntN(len(b)) {
				b[i] = fill
			}
		}
		want := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			want.Sub(want, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		var rows Rows
		got := ""
		if c := decimalCell(library.FixedLenByteArrayValue(b), &rows); c.State == Wide {
			got = string(rows.Text[c.From:])
		} else {
			got = fmt.Sprint(c.Bits)
		}
		if got != want.String() {
			t.Fatalf("% x: got %s, want %s", b, got, want)
		}
	}
}

// TestRuns reads several row groups of several pages, with nulls and long texts.
func TestRuns(t *testing.T) {
	type row struct {
		Text *string `parquet:"text,optional"`
		N    int64   `parquet:"n"`
	}
	var rows []row
	var texts, numbers []string
	for i := range 10_000 {
		r := row{N: int64(i)}
		switch text := strings.Repeat("x", i%103); {
		case i%7 == 0:
			texts = append(texts, "null")
		case len(text) > 100:
			r.Text = &text
			texts = append(texts, fmt.Sprint("long ", len(text)))
		default:
			r.Text = &text
			texts = append(texts, text)
		}
		rows, numbers = append(rows, r), append(numbers, fmt.Sprint(i))
	}
	for _, version := range []int{1, 2} {
		f := file(t, rows, library.MaxRowsPerRowGroup(3333), library.PageBufferSize(1000), library.DataPageVersion(version), library.Compression(&library.Zstd))
		if got := column(t, f, "text"); !slices.Equal(got, texts) {
			t.Errorf("version %d: %d texts differ", version, len(got))
		}
		if got := column(t, f, "n"); !slices.Equal(got, numbers) {
			t.Errorf("version %d: %d numbers differ", version, len(got))
		}
	}
	if got := column(t, file(t, []row{}), "n"); len(got) != 0 {
		t.Errorf("got %q of no rows", got)
	}
}

func TestOpenErrors(t *testing.T) {
	for text, code := range map[string]string{
		"":                                 "parquet_truncated",
		"PAR1":                             "parquet_truncated",
		"PAR1PAR1":                         "parquet_truncated",
		"PAR1\x00\x00\x00\x00PARE":         "parquet_encrypted",
		"PAR1\x00\x00\x00\x00PAR1":         "parquet_damaged",
		"PAR1\xff\xff\xff\x7fPAR1":         "parquet_damaged",
		"PAR1\x15\x04\x15\x04\x00\x00PAR1": "parquet_damaged",
	} {
		if _, err := Open("x.parquet", strings.NewReader(text), int64(len(text))); orrery.CodeOf(err) != code || !strings.Contains(err.Error(), "x.parquet") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestGuard turns a panic of any kind into an error.
func TestGuard(t *testing.T) {
	err := guard(func() error { panic("the library gives up") })
	if err == nil || err.Error() != "the library gives up" {
		t.Error(err)
	}
	var none []int
	if err := guard(func() error { none[3]++; return nil }); err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Error(err)
	}
}
