package parquet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"orrery.dev"
)

// footer is a structure with lists, texts, optional fields and a union.
func footer() *format.FileMetaData {
	return &format.FileMetaData{
		Version: 2, NumRows: 1 << 40, CreatedBy: strings.Repeat("x", 200),
		Schema: []format.SchemaElement{
			{Name: "root", NumChildren: thrift.New[int32](20)},
			{Name: "a", Type: thrift.New(format.ByteArray), LogicalType: format.LogicalType{Value: new(format.StringType)}},
		},
		RowGroups: []format.RowGroup{{NumRows: -5, Columns: make([]format.ColumnChunk, 20)}},
	}
}

// TestCompactLength holds the length against the library that wrote the bytes,
// and sees that nothing shorter passes.
func TestCompactLength(t *testing.T) {
	b, err := thrift.Marshal(&thrift.CompactProtocol{}, footer())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := compactLength(append(b, 1, 2, 3)); n != len(b) || err != nil {
		t.Errorf("got %d bytes of %d, %v", n, len(b), err)
	}
	for n := range b {
		if _, err := compactLength(b[:n]); err == nil {
			t.Fatalf("%d bytes of %d are whole", n, len(b))
		}
	}
	for name, b := range map[string][]byte{
		"a text that is not there":  {0x18, 0xff, 0xff, 0xff, 0x7f, 'x', 0},
		"a list that is not there":  {0x19, 0xf5, 0xff, 0xff, 0xff, 0x7f, 2, 4, 0},
		"a map that is not there":   {0x1b, 0xff, 0x7f, 0x55, 2, 0},
		"a type that is not known":  {0x1e, 0},
		"a number without an end":   append([]byte{0x16}, bytes.Repeat([]byte{0xff}, 11)...),
		"structures without an end": bytes.Repeat([]byte{0x1c}, 1000),
		"lists without an end":      bytes.Repeat([]byte{0x19}, 1000),
	} {
		if n, err := compactLength(b); err == nil {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}

// TestRunsCount holds counts against values that the library packs.
func TestRunsCount(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		levels := make([]byte, random.IntN(100))
		ones, last := 0, byte(0)
		for i := range levels {
			if random.IntN(1+i%20) == 0 {
				last ^= 1
			}
			levels[i] = last
			ones += int(last)
		}
		n := len(levels)
		b, err := (&rle.Encoding{BitWidth: 1}).EncodeLevels(nil, levels)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := countLevels(format.RLE, b, n); got != ones || err != nil {
			t.Fatalf("%v: got %d, %v, want %d", levels, got, err, ones)
		}
		if _, err := countLevels(format.RLE, b, n+8); err == nil && n > 0 {
			t.Fatalf("%d values pass for %d", n, n+8)
		}
		numbers := make([]int32, n)
		for i := range numbers {
			numbers[i] = int32(levels[i]) * random.Int32N(1000)
		}
		if b, err = new(rle.DictionaryEncoding).EncodeInt32(nil, numbers); err != nil {
			t.Fatal(err)
		}
		if err := checkValues(format.RLEDictionary, library.ByteArrayType, b, n, 0); err != nil {
			t.Fatalf("%v: %v", numbers, err)
		}
		if err := checkValues(format.RLEDictionary, library.ByteArrayType, b, n+8, 0); err == nil {
			t.Fatalf("%v: they pass for 8 more", numbers)
		}
	}
	long := binary.AppendUvarint(nil, 1<<32)
	for _, width := range []uint{0, 1, 7, 32} {
		b := append(bytes.Clone(long), make([]byte, (width+7)/8)...)
		if err := eachRun(b, width, 100, nil); err == nil {
			t.Errorf("a run of 2^31 values of %d bits passes for 100", width)
		}
		b[0] |= 1
		if err := eachRun(b, width, 100, nil); err == nil {
			t.Errorf("2^31 packed values of %d bits pass for 100", width)
		}
	}
}

// TestDeltaLength holds lengths against what the library packs.
func TestDeltaLength(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 600 {
		numbers, texts, offsets := make([]int32, n), []byte{}, []uint32{0}
		for i := range numbers {
			numbers[i] = int32(random.Uint32()) >> random.IntN(32)
			texts = append(texts, strings.Repeat("ab", random.IntN(1+i%40))...)
			offsets = append(offsets, uint32(len(texts)))
		}
		b, err := library.DeltaBinaryPacked.EncodeInt32(nil, numbers)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := deltaLength(append(b, 1, 2, 3), n); got != len(b) || err != nil {
			t.Fatalf("%d numbers: %d bytes of %d, %v", n, got, len(b), err)
		}
		if _, err := deltaLength(b, n+1); err == nil {
			t.Fatalf("%d numbers pass for one more", n)
		}
		if b, err = library.DeltaByteArray.EncodeByteArray(nil, texts, offsets); err != nil {
			t.Fatal(err)
		}
		if err := checkValues(format.DeltaByteArray, library.ByteArrayType, b, n, len(texts)); err != nil {
			t.Fatalf("%d texts of %d bytes: %v", n, len(texts), err)
		}
		if err := checkValues(format.DeltaByteArray, library.ByteArrayType, b, n, len(texts)-1); err == nil && len(texts) > 0 {
			t.Fatalf("%d texts of %d bytes pass for one less", n, len(texts))
		}
	}
}

// TestUnpack holds numbers against those that the library packed. Differences of
// numbers of 32 bits may have 33, as DuckDB writes them.
func TestUnpack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 600 {
		long, short, narrow := make([]int64, n), make([]int64, n), make([]int32, n)
		for i := range n {
			long[i] = int64(random.Uint64()) >> random.IntN(64)
			narrow[i] = int32(random.Uint32()) >> random.IntN(32)
			short[i] = int64(int32(random.Uint32()))
		}
		want := func(numbers []int64, size int) (b []byte) {
			for _, x := range numbers {
				b = appendPlain(b, x, size)
			}
			return b
		}
		for size, numbers := range map[int][]int64{8: long, 4: short} {
			b, err := library.DeltaBinaryPacked.EncodeInt64(nil, numbers)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := unpack(b, n, size); err != nil || !bytes.Equal(got, want(numbers, size)) {
				t.Fatalf("%d numbers of %d bytes: %v", n, size, err)
			}
			if _, err := unpack(b[:len(b)-1], n, size); err == nil {
				t.Fatalf("%d numbers without their last byte pass", n)
			}
		}
		b, err := library.DeltaBinaryPacked.EncodeInt32(nil, narrow)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(b, n, 4)
		for i, x := range narrow {
			if err != nil || int32(binary.LittleEndian.Uint32(got[4*i:])) != x {
				t.Fatalf("%d numbers: %v", n, err)
			}
		}
	}
}

// TestBooleans holds booleans against the levels that they were packed from.
func TestBooleans(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 600 {
		want, last := make([]byte, n), byte(0)
		for i := range want {
			if random.IntN(1+i%30) == 0 {
				last ^= 1
			}
			want[i] = last
		}
		runs, err := (&rle.Encoding{BitWidth: 1}).EncodeLevels(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 { // As runs alone, of lengths that eight does not divide.
			runs = runs[:0]
			for i := 0; i < n; {
				length := 1
				for i+length < n && want[i+length] == want[i] {
					length++
				}
				runs = append(binary.AppendUvarint(runs, uint64(length)<<1), want[i])
				i += length
			}
		}
		b := append(binary.LittleEndian.AppendUint32(nil, uint32(len(runs))), runs...)
		got, err := booleans(library.BooleanType, b, n)
		if err != nil || len(got) != (n+7)/8 {
			t.Fatalf("%d booleans: %d bytes, %v", n, len(got), err)
		}
		for i := range want {
			if got[i/8]>>(i%8)&1 != want[i] {
				t.Fatalf("%d booleans: the one at %d", n, i)
			}
		}
		if _, err := booleans(library.BooleanType, b, n+padding+8); err == nil {
			t.Fatalf("%d booleans pass for more", n)
		}
	}
}

// TestCutPlain leaves out what stands behind the last value.
func TestCutPlain(t *testing.T) {
	for _, c := range []struct {
		kind library.Type
		b    string
		n    int
		want int
	}{
		{library.ByteArrayType, "\x01\x00\x00\x00a\x00\x00\x00\x00\x02\x00\x00\x00bc", 2, 9},
		{library.ByteArrayType, "\x01\x00\x00\x00a", 0, 0},
		{library.ByteArrayType, "\x01\x00\x00\x00a", 2, -1},
		{library.ByteArrayType, "\xff\xff\xff\xffa", 1, -1},
		{library.Int32Type, "123456789", 2, 8},
		{library.Int32Type, "1234567", 2, -1},
		{library.Int64Type, "12345678", 1, 8},
		{library.BooleanType, "123", 9, 2},
		{library.BooleanType, "1", 9, -1},
	} {
		got, err := cutPlain(c.kind, []byte(c.b), c.n)
		if c.want < 0 {
			if err == nil {
				t.Errorf("%d values of %s pass in %q", c.n, c.kind, c.b)
			}
			continue
		}
		if err != nil || string(got) != c.b[:c.want] {
			t.Errorf("%d values of %s in %q: %q, %v", c.n, c.kind, c.b, got, err)
		}
	}
}

// TestWriters reads the same rows as four writers wrote them. The library alone gets
// wrong booleans and numbers from the first and the third, without an error.
func TestWriters(t *testing.T) {
	text, err := os.ReadFile("testdata/rows.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	for _, writer := range []string{"pyarrow", "polars", "duckdb", "fastparquet"} {
		b, err := os.ReadFile("testdata/" + writer + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(writer, bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range want {
			got := column(t, f, name)
			if len(got) != len(values) {
				t.Errorf("%s, %s: %d rows of %d", writer, name, len(got), len(values))
				continue
			}
			for i, v := range values {
				if w := cellOf(t, name, v); got[i] != w {
					t.Errorf("%s, %s, row %d: %s, want %s", writer, name, i+1, got[i], w)
					break
				}
			}
		}
	}
}

// cellOf gives a value of JSON as column does.
func cellOf(t *testing.T, name string, v any) string {
	t.Helper()
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		if v {
			return "1"
		}
		return "0"
	case json.Number:
		if name == "ratio" {
			x, err := v.Float64()
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(int64(math.Float64bits(x)))
		}
		return v.String()
	}
	return fmt.Sprint(v)
}

// TestInflate decompresses to the size that is said, and to no other.
func TestInflate(t *testing.T) {
	text := []byte(strings.Repeat("what is said often is short ", 5000))
	for _, codec := range []format.CompressionCodec{format.Uncompressed, format.Snappy, format.Gzip, format.Brotli, format.Zstd} {
		b, err := library.LookupCompressionCodec(codec).Encode(nil, text)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		if err := inflate(codec, got, b); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %v", codec, err)
		}
		for _, size := range []int{0, 1, len(text) - 1, len(text) + 1} {
			if err := inflate(codec, make([]byte, size), b); err == nil {
				t.Errorf("%s: %d bytes pass for %d", codec, len(text), size)
			}
		}
		if err := inflate(codec, got, b[:len(b)/2]); err == nil {
			t.Errorf("%s: half of the bytes pass", codec)
		}
		if !readable(codec) {
			t.Errorf("%s is not readable", codec)
		}
	}
	if err := inflate(format.Lz4Raw, nil, nil); err == nil || readable(format.Lz4Raw) {
		t.Error("LZ4 is read")
	}
}

// TestSchema refuses trees of columns that would take memory beyond measure.
func TestSchema(t *testing.T) {
	deep := make([]format.SchemaElement, 100_000)
	for i := range deep {
		deep[i] = format.SchemaElement{Name: "x", NumChildren: thrift.New[int32](1)}
	}
	many := &format.FileMetaData{Schema: []format.SchemaElement{{NumChildren: thrift.New[int32](100_000)}}}
	for i := range 100_000 {
		many.Schema = append(many.Schema, format.SchemaElement{Name: fmt.Sprint(i), Type: thrift.New(format.Int64)})
	}
	many.RowGroups = make([]format.RowGroup, 100_000)
	for name, meta := range map[string]*format.FileMetaData{"deep": {Schema: deep}, "many": many, "none": {}} {
		b, err := thrift.Marshal(&thrift.CompactProtocol{}, meta)
		if err != nil {
			t.Fatal(err)
		}
		b = binary.LittleEndian.AppendUint32(append([]byte(magic), b...), uint32(len(b)))
		b = append(b, magic...)
		if _, err := Open("x.parquet", bytes.NewReader(b), int64(len(b))); orrery.CodeOf(err) != "parquet_damaged" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOnesOf counts bit by bit.
func TestOnesOf(t *testing.T) {
	run := []byte{0b10110111, 0b00000101, 0xff}
	for n := range 25 {
		want := 0
		for i := range n {
			want += bits.OnesCount8(run[i/8] >> (i % 8) & 1)
		}
		if got := onesOf(run, true, n); got != want {
			t.Errorf("%d: got %d, want %d", n, got, want)
		}
	}
}
