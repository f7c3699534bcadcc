package replay_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"orrery.dev/ingest"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/systems/fraud"
)

// BenchmarkReplayFiles replays files from their first byte to the last row, by
// the fraud system's features: those of $ORRERY_DATA/fraud, or a sample of the
// same shape made for it.
func BenchmarkReplayFiles(b *testing.B) {
	s := orrerytest.FraudSpec(b)
	dir := filepath.Join(os.Getenv("ORRERY_DATA"), "fraud")
	if os.Getenv("ORRERY_DATA") == "" {
		dir = b.TempDir()
		if _, err := fraud.WriteCSV(b.Context(), dir, fraud.Options{Days: 60}, nil); err != nil {
			b.Fatal(err)
		}
	}
	inputs := []ingest.Input{
		{Path: filepath.Join(dir, fraud.TransactionsFile), Type: s.Contract.Event(fraud.TransactionType)},
		{Path: filepath.Join(dir, fraud.ReportsFile), Type: s.Contract.Event(fraud.ReportType)},
	}
	p, err := plan.Compile("", s, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	events := int64(0)
	for b.Loop() {
		files, err := replay.FromFiles(b.Context(), s, inputs, replay.FileOptions{})
		if err != nil {
			b.Fatal(err)
		}
		x, err := replay.Collect(b.Context(), p, files, replay.Range{From: math.MinInt64, To: replay.Forever}, s.Model.Features, nil)
		files.Close()
		if err != nil {
			b.Fatal(err)
		}
		events += x.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
