package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	library "github.com/parquet-go/parquet-go"

	"orrery.dev"
)

// transactionsCSV writes rows of the shape of a card system's history.
func transactionsCSV(rows int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	out := []byte("transaction_id,at,customer,terminal,amount\n")
	at := orrery.Instant(1522540800_000_000)
	for i := range rows {
		at += orrery.Instant(random.IntN(18_000_000))
		out = fmt.Appendf(out, "%d,%s,%d,%d,%d.%02d\n", i, (at - at%1_000_000).String(), random.IntN(5000), random.IntN(10000), random.IntN(220), random.IntN(100))
	}
	return out
}

func zipped(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func BenchmarkDecodeJSON(b *testing.B) {
	d := NewDecoder(transactionType())
	line := []byte(`{"transaction_id":"1169722","at":"2018-09-30T23:59:52Z","customer":"4961","terminal":"3412","amount":81.51}`)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(line); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCSV reads a generated gzip file, or the one that ORRERY_TRANSACTIONS names.
func BenchmarkCSV(b *testing.B) {
	path := os.Getenv("ORRERY_TRANSACTIONS")
	if path == "" {
		path = filepath.Join(b.TempDir(), "transactions.csv.gz")
		if err := os.WriteFile(path, zipped(b, transactionsCSV(300_000)), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	inputs := []Input{{Path: path, Type: transactionType()}}
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		rows += readAll(b, inputs)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func readAll(b *testing.B, inputs []Input) int {
	s, err := Open(context.Background(), inputs, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	rows := 0
	for {
		batch, err := s.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			b.Fatal(err)
		}
		rows += len(batch.Events)
		batch.Release()
	}
}

// BenchmarkParquet reads rows of the shape of a card system's history.
func BenchmarkParquet(b *testing.B) {
	path := parquetOf(b, payments(300_000, 1522540800_000_000, 9_000_000), library.Compression(&library.Snappy))
	inputs := []Input{{Path: path, Type: transactionType()}}
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		rows += readAll(b, inputs)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkZstd reads the file of BenchmarkCSV, compressed by zstd.
func BenchmarkZstd(b *testing.B) {
	path := filepath.Join(b.TempDir(), "transactions.csv.zst")
	if err := os.WriteFile(path, zstdText(b, transactionsCSV(300_000)), 0o600); err != nil {
		b.Fatal(err)
	}
	inputs := []Input{{Path: path, Type: transactionType()}}
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		rows += readAll(b, inputs)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkCloudEvent(b *testing.B) {
	events, text := fraudCloudEvents("transaction"), []byte(enveloped(payment1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
