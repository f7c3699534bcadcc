package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	library "github.com/parquet-go/parquet-go"

	"orrery.dev"
)

// outcome writes down the events and the reasons for refusals, without places.
func outcome(t *testing.T, in Input, o Options) string {
	t.Helper()
	events, rejected, err := drain(t, []Input{in}, o)
	if err != nil {
		t.Fatalf("%s: %v", in.Path, err)
	}
	var b strings.Builder
	for i := range events {
		fmt.Fprintf(&b, "%s\n", AppendJSON(nil, &events[i]))
	}
	for _, r := range rejected {
		for _, f := range r.Faults {
			fmt.Fprintln(&b, f.Code, f)
		}
	}
	return b.String()
}

// TestParquetLikeCSV reads the same rows, valid and not, from Parquet files as
// pyarrow writes them in many ways, and from CSV.
func TestParquetLikeCSV(t *testing.T) {
	want := outcome(t, Input{Path: "testdata/parquet/rows.csv", Type: everyType()}, Options{})
	if strings.Count(want, "\n{")+1 < 10 || !strings.Contains(want, "value_below_min") || !strings.Contains(want, "value_above_max") {
		t.Fatalf("the rows show too little:\n%s", want)
	}
	files, err := filepath.Glob("testdata/parquet/*.parquet")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		for _, workers := range []int{1, 3} {
			if got := outcome(t, Input{Path: path, Type: everyType()}, Options{Workers: workers}); got != want {
				i := 0
				for got, want := strings.Split(got, "\n"), strings.Split(want, "\n"); i < len(got)-1 && i < len(want)-1 && got[i] == want[i]; {
					i++
				}
				t.Errorf("%s line %d gives\n%s\nwant\n%s", path, i, strings.Split(got, "\n")[i], strings.Split(want, "\n")[i])
			}
		}
	}
}

// parquetOf writes rows of any struct type as a Parquet file.
func parquetOf[T any](t testing.TB, rows []T, options ...library.WriterOption) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := library.NewGenericWriter[T](f, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

type loose struct {
	ID    *int64   `parquet:"id,optional"`
	At    *int64   `parquet:"at,optional,timestamp(microsecond)"`
	Who   *string  `parquet:"who,optional"`
	Note  []byte   `parquet:"note,optional"`
	Count *float64 `parquet:"count,optional"`
	Price *float64 `parquet:"price,optional"`
	Free  *int64   `parquet:"free,optional,decimal(4:18)"`
	Ratio *float32 `parquet:"ratio,optional"`
	Wide  *float64 `parquet:"wide,optional"`
	Big   *uint64  `parquet:"big,optional"`
	Known *int64   `parquet:"known,optional,timestamp(millisecond)"`
}

func to[T any](x T) *T { return &x }

// TestParquetFaults has one fault in each row but the first and the last.
func TestParquetFaults(t *testing.T) {
	good := loose{ID: to(int64(1)), At: to(int64(5_000_000)), Known: to(int64(5000)), Price: to(57.16), Count: to(5.0), Free: to(int64(-12340)), Ratio: to(float32(0.1)), Wide: to(math.Copysign(0, -1)), Note: []byte("é")}
	with := func(change func(*loose)) loose {
		row := good
		change(&row)
		return row
	}
	rows := []loose{
		good,
		with(func(r *loose) { r.ID = nil }),
		with(func(r *loose) { r.At = nil }),
		with(func(r *loose) { r.At = to(int64(math.MaxInt64)) }),
		with(func(r *loose) { r.At = to(firstDay*microsPerDay - 1) }),
		with(func(r *loose) { r.Who = to("") }),
		with(func(r *loose) { r.Note = []byte("caf\xe9") }),
		with(func(r *loose) { r.Note = []byte(strings.Repeat("x", 70_000)) }),
		with(func(r *loose) { r.Who = to(strings.Repeat("x", MaxKey+1)) }),
		with(func(r *loose) { r.Count = to(1.5) }),
		with(func(r *loose) { r.Price = to(57.165) }),
		with(func(r *loose) { r.Price = to(math.NaN()) }),
		with(func(r *loose) { r.Free = to(int64(-12345)) }),
		with(func(r *loose) { r.Ratio = to(float32(1.5)) }),
		with(func(r *loose) { r.Wide = to(math.Inf(-1)) }),
		with(func(r *loose) { r.Big = to(uint64(math.MaxUint64)) }),
		with(func(r *loose) { r.Known = to(int64(4999)) }),
		with(func(r *loose) { r.Known = nil }),
		with(func(r *loose) { r.Price, r.Ratio = to(-1.0), to(float32(-2)) }),
		good,
	}
	in := Input{Path: parquetOf(t, rows), Type: everyType(), Received: "known"}
	events, rejected, err := drain(t, []Input{in}, Options{})
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if got, want := string(AppendJSON(nil, &events[1])), `{"id":1,"at":"1970-01-01T00:00:05Z","note":"é","count":5,"price":57.16,"free":-1.234,"ratio":0.10000000149011612,"wide":0}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var got []string
	for _, r := range rejected {
		for _, f := range r.Faults {
			got = append(got, fmt.Sprintf("%d:%d %s %s", f.Line, f.Column, f.Code, f.Message))
		}
	}
	want := []string{
		"2:1 field_missing the required field `id` is missing",
		"3:2 field_missing the required field `at` is missing",
		"4:2 timestamp_invalid `at` is 9223372036854775807, outside of the years 1 to 9999 in UTC",
		"5:2 timestamp_invalid `at` is -62135596800000001, outside of the years 1 to 9999 in UTC",
		"6:3 value_empty `who` is empty",
		"7:4 utf8_invalid `note` is \"caf\\xe9\", which is not UTF-8",
		"8:4 text_too_long `note` has 70000 bytes; at most 65536 are taken",
		"9:3 text_too_long `who` has 4097 bytes; at most 4096 are taken",
		"10:5 number_not_whole `count` is 1.5, not a whole number",
		"11:6 decimal_digits `price` is 57.165: more than 2 digits after the point",
		"12:6 number_not_finite `price` is \"NaN\", not a finite number",
		"13:7 decimal_digits `free` is -1.2345: more than 3 digits after the point",
		"14:8 value_above_max `ratio` is 1.5, above its maximum 1",
		"15:9 number_not_finite `wide` is \"-Inf\", not a finite number",
		"16:10 number_too_large `big` is 18446744073709551615, more than an int can hold",
		"17:11 received_before_time `known` is 1970-01-01T00:00:04.999Z, before the event happened at 1970-01-01T00:00:05Z",
		"18:11 field_missing the received time `known` is missing",
		"19:6 value_below_min `price` is -1, below its minimum 0.00",
		"19:8 value_below_min `ratio` is -2, below its minimum -1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestParquetColumns names what is missing, unfit, ignored or there twice.
func TestParquetColumns(t *testing.T) {
	type local struct {
		ID int64   `parquet:"id"`
		At int64   `parquet:"at,timestamp(microsecond:local)"`
		OK float64 `parquet:"ok"`
	}
	type nested struct {
		ID   int64   `parquet:"id"`
		At   int64   `parquet:"at,timestamp"`
		Note []int64 `parquet:"note"`
		Who  struct {
			A int64 `parquet:"a"`
		} `parquet:"who"`
	}
	type missing struct {
		ID int64  `parquet:"id"`
		It string `parquet:"It"`
	}
	type extra struct {
		ID    int64   `parquet:"id"`
		At    string  `parquet:"at"`
		Whom  string  `parquet:"whom"`
		Other []int64 `parquet:"other"`
	}
	for _, c := range []struct{ path, code, says string }{
		{parquetOf(t, []local{{}}), "column_type", "the column `at` is TIMESTAMP(isAdjustedToUTC=false,unit=MICROS), its field of sample a timestamp; " +
			"the column `ok` is DOUBLE, its field of sample a bool; its zone is not known: write it with one"},
		{parquetOf(t, []nested{{}}), "column_type", "the column `note` is a repeated column, its field of sample a string; the column `who` is a nested column, its field of sample an entity; write the column with another type"},
		{parquetOf(t, []missing{{}}), "header_missing", "x.parquet: the file lacks a column for the required field `at` of sample; rename the column `It` to `at`"},
	} {
		_, err := Open(context.Background(), []Input{{Path: c.path, Type: everyType()}}, Options{})
		if orrery.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %s: %v\nwant %s", orrery.CodeOf(err), err, c.says)
		}
	}
	in := []Input{{Path: parquetOf(t, []extra{{ID: 1, At: "2018-04-01T00:00:31Z"}}), Type: everyType()}}
	s, err := Open(context.Background(), in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := s.Notices(); len(n) != 1 || !strings.HasSuffix(n[0], "`whom`, `other` are no fields of sample and are ignored; `whom` may be meant to be `who`") {
		t.Errorf("got %v", n)
	}
	if b, err := s.Next(); err != nil || len(b.Events) != 1 || b.Events[0].Time.String() != "2018-04-01T00:00:31Z" {
		t.Errorf("got %v, %v", b, err)
	}
	if p := s.Progress(); p.Read != p.Total {
		t.Errorf("got %v", p)
	}
}

type payment struct {
	ID       string `parquet:"transaction_id"`
	At       int64  `parquet:"at,timestamp(microsecond)"`
	Customer int32  `parquet:"customer"`
	Terminal int32  `parquet:"terminal,dict"`
	Amount   int64  `parquet:"amount,decimal(2:18)"`
}

func payments(n int, from, step int64) []payment {
	rows := make([]payment, n)
	for i := range rows {
		rows[i] = payment{fmt.Sprint(i), from + int64(i)*step, int32(i % 5000), int32(i % 97), int64(i%22000) + 1}
	}
	return rows
}

// TestParquetMerge merges a Parquet file of several row groups with CSV by time.
func TestParquetMerge(t *testing.T) {
	const n = 30_000
	path := parquetOf(t, payments(n, 0, 2_000_000), library.MaxRowsPerRowGroup(7000), library.Compression(&library.Snappy))
	var text strings.Builder
	text.WriteString("transaction_id,at,customer,terminal,amount\n")
	for i := range n {
		fmt.Fprintf(&text, "c%d,%s,1,2,3\n", i, orrery.Instant(int64(i)*2_000_000+1_000_000))
	}
	inputs := []Input{{Path: path, Type: transactionType()}, {Path: write(t, t.TempDir(), "y.csv", text.String()), Type: transactionType()}}
	events, rejected, err := drain(t, inputs, Options{})
	if err != nil || len(rejected) > 0 || len(events) != 2*n {
		t.Fatalf("%d events, %d refused, %v", len(events), len(rejected), err)
	}
	for i := range n {
		e := events[2*i]
		if e.ID != fmt.Sprint(i) || events[2*i+1].ID != "c"+e.ID || e.Values[2].Text() != fmt.Sprint(i%5000) || e.Values[4].Units() != int64(i%22000)+1 {
			t.Fatalf("event %d is %v", 2*i, e)
		}
	}
}

// TestParquetUnsorted gives the row out of order; sorted, it is no matter.
func TestParquetUnsorted(t *testing.T) {
	rows := payments(10_000, 0, 1)
	rows[9000].At = 5
	in := []Input{{Path: parquetOf(t, rows), Type: transactionType()}}
	_, _, err := drain(t, in, Options{})
	var unsorted *UnsortedError
	if !errors.As(err, &unsorted) || unsorted.Line != 9001 {
		t.Errorf("got %v", err)
	}
	events, _, err := drain(t, in, Options{Sort: true, CheckOrder: true})
	if err != nil || len(events) != 10_000 || events[6].ID != "9000" {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// TestParquetCut cuts a file everywhere; without its end nothing can be read.
func TestParquetCut(t *testing.T) {
	whole, err := os.ReadFile("testdata/parquet/snappy.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut < len(whole)-4; cut += 31 {
		path := write(t, t.TempDir(), "x.parquet", string(whole[:len(whole)-cut]))
		_, err := Open(context.Background(), []Input{{Path: path, Type: everyType()}}, Options{})
		if orrery.CodeOf(err) != "parquet_truncated" || orrery.KindOf(err) != orrery.Damaged {
			t.Fatalf("cut by %d: %v", cut, err)
		}
	}
}

// TestParquetDamaged breaks a page in the middle: the rows before come first.
func TestParquetDamaged(t *testing.T) {
	path := parquetOf(t, payments(40_000, 0, 1), library.MaxRowsPerRowGroup(10_000), library.Compression(&library.Zstd))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(whole[len(whole)/2 : len(whole)/2+3000])
	in := []Input{{Path: write(t, t.TempDir(), "x.parquet", string(whole)), Type: transactionType()}}
	events, _, err := drain(t, in, Options{})
	if orrery.CodeOf(err) != "parquet_damaged" || len(events) < 10_000 || len(events) >= 40_000 || !strings.Contains(err.Error(), fmt.Sprintf("from row %d on", len(events)+1)) {
		t.Errorf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if e.ID != fmt.Sprint(i) {
			t.Fatalf("event %d is %s", i, e.ID)
		}
	}
	for name, change := range map[string]func([]byte){
		"parquet_encrypted": func(b []byte) { copy(b[len(b)-4:], "PARE") },
		"parquet_damaged":   func(b []byte) { copy(b[len(b)-8:], "\xff\xff\xff\xff") },
	} {
		b := slices.Clone(whole)
		change(b)
		in[0].Path = write(t, t.TempDir(), "x.parquet", string(b))
		if _, err := Open(context.Background(), in, Options{}); orrery.CodeOf(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	lz4 := []Input{{Path: parquetOf(t, payments(10, 0, 1), library.Compression(&library.Lz4Raw)), Type: transactionType()}}
	if _, err := Open(context.Background(), lz4, Options{}); orrery.CodeOf(err) != "parquet_codec" {
		t.Error(err)
	}
	packed := []Input{{Path: write(t, t.TempDir(), "x.parquet.gz", string(zipped(t, whole))), Type: transactionType()}}
	if err := Readable(packed); orrery.CodeOf(err) != "file_format" || !strings.Contains(err.Error(), "unpack it first") {
		t.Error(err)
	}
}

// FuzzParquet changes bytes of whole files: the outcome is events or an error
// with a code, never a panic.
func FuzzParquet(f *testing.F) {
	files, _ := filepath.Glob("testdata/parquet/*.parquet")
	var whole [][]byte
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		whole = append(whole, b)
	}
	f.Add(uint8(0), uint16(4), []byte{0xff})
	f.Add(uint8(1), uint16(40), []byte("PAR1"))
	f.Add(uint8(3), uint16(65000), []byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, file uint8, at uint16, change []byte) {
		b := slices.Clone(whole[int(file)%len(whole)])
		// High offsets count from the end, where the footer is.
		place := int(at)
		if at >= 1<<15 {
			place = len(b) - int(math.MaxUint16-at)
		}
		if place < 0 || place >= len(b) {
			return
		}
		copy(b[place:], change)
		readDamaged(t, b)
	})
}

// readDamaged reads a small file: whatever is wrong with it has a code, and does
// not take memory for what only its counts and sizes say.
func readDamaged(t *testing.T, b []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in := []Input{{Path: "x.parquet", memory: inMemory(string(b)), Type: everyType()}}
	_, _, err := drain(t, in, Options{Sort: true, Workers: 1})
	var known *orrery.Error
	if err != nil && !errors.As(err, &known) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 512<<20 {
		t.Fatalf("%d bytes were read with %d bytes of memory: %v", len(b), taken, err)
	}
}

// TestParquetDamage overwrites bytes of files of every codec and encoding, most
// of all those of their footers and page headers. A false count in one of them
// made the library take gigabytes.
func TestParquetDamage(t *testing.T) {
	files, _ := filepath.Glob("testdata/parquet/*.parquet")
	random := rand.New(rand.NewPCG(1, 2))
	rounds := 2000
	if testing.Short() {
		rounds = 400
	}
	for range rounds {
		b, err := os.ReadFile(files[random.IntN(len(files))])
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + random.IntN(4) {
			at := random.IntN(len(b))
			if random.IntN(2) == 0 {
				at = max(0, len(b)-1-random.IntN(2500))
			}
			for i := range min(1+random.IntN(9), len(b)-at) {
				b[at+i] = byte(random.Uint32())
				if random.IntN(2) == 0 {
					b[at+i] = 0xff
				}
			}
		}
		readDamaged(t, b)
	}
}
