package fraud_test

import (
	"context"
	"path/filepath"
	"testing"

	"orrery.dev/systems/fraud"
)

// The history that the evaluation's data set spans: 122 days.
var fourMonths = fraud.Options{Days: 122}

func BenchmarkEvents(b *testing.B) {
	n := 0
	for b.Loop() {
		w := newWorld(b, fourMonths)
		from, to := w.Bounds()
		for range w.Events(from, to) {
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkEncode(b *testing.B) {
	encoder := newEncoder(b)
	n := 0
	for b.Loop() {
		w := newWorld(b, fourMonths)
		from, to := w.Bounds()
		for e := range w.Events(from, to) {
			encoder.Encode(e)
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkWriteCSV(b *testing.B) {
	dir := b.TempDir()
	rows := int64(0)
	for i := 0; b.Loop(); i++ {
		written, err := fraud.WriteCSV(context.Background(), filepath.Join(dir, string(rune('a'+i))), fourMonths, nil)
		if err != nil {
			b.Fatal(err)
		}
		rows += written.Transactions
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "transactions/s")
}
