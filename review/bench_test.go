package review_test

import (
	"runtime"
	"testing"

	"orrery.dev"
	"orrery.dev/numeric"
	"orrery.dev/review"
)

// million is a queue of a million open items.
func million(b *testing.B) (*review.Queue, float64) {
	b.Helper()
	q := review.NewQueue(newWorld())
	random := numeric.NewRandom(1, 1)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 1_000_000
	for i := range n {
		q.Add(review.Item{Offset: orrery.Offset(i + 1), Received: orrery.Instant(i), Score: random.Float64(), Doubt: random.Float64(), Action: "review", Why: review.ByAction, Propensity: 1})
		if i%4096 == 0 {
			for c := q.Checkpoint(8192); len(c.Items) > 0; c = q.Checkpoint(8192) {
				q.Written(c)
			}
		}
	}
	for c := q.Checkpoint(8192); len(c.Items) > 0; c = q.Checkpoint(8192) {
		q.Written(c)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	return q, float64(after.HeapAlloc-before.HeapAlloc) / n
}

// BenchmarkMillion claims and judges one item after another of a million.
func BenchmarkMillion(b *testing.B) {
	for by, name := range review.Orders() {
		b.Run(name, func(b *testing.B) {
			q, size := million(b)
			at := orrery.Offset(2_000_000)
			b.ResetTimer()
			for i := range b.N {
				offset, err := q.Choose(orrery.Instant(i), review.Claim{Reviewer: "ann", Order: review.Order(by)})
				if err != nil {
					b.Fatal(err)
				}
				at += 2
				if err := q.Apply(at, &review.Act{Do: review.DoVerdict, Decision: offset, By: "ann", Verdict: "true", Round: review.First, Outcome: at - 1}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(size, "B/item")
		})
	}
	b.Run("nothing suits", func(b *testing.B) {
		q, size := million(b)
		b.ResetTimer()
		for range b.N {
			if _, err := q.Choose(0, review.Claim{Reviewer: "ann", Order: review.ByScore, Filter: review.Filter{Action: "block"}}); err == nil {
				b.Fatal("something suits")
			}
		}
		b.ReportMetric(size, "B/item")
	})
}
