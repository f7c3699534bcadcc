package serve_test

import (
	"testing"

	"orrery.dev/orrerytest"
	"orrery.dev/systems/fraud"
)

// BenchmarkImport records history, in batches as the command line does.
func BenchmarkImport(b *testing.B) {
	s := newSystem(b)
	events := orrerytest.FraudEvents(b, s.spec, fraud.Options{Days: 60})
	b.ResetTimer()
	for n := 0; n < b.N; n++ {
		if n > 0 {
			b.StopTimer()
			s = newSystem(b)
			b.StartTimer()
		}
		for rest := events; len(rest) > 0; {
			batch := rest[:min(len(rest), 4096)]
			if _, err := s.engine.Ingest(b.Context(), batch, true); err != nil {
				b.Fatal(err)
			}
			rest = rest[len(batch):]
		}
	}
	b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "events/s")
}
