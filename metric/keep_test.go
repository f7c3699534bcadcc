package metric_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev/metric"
)

// TestKeepShareByBruteForce tries every threshold that could matter.
func TestKeepShareByBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "rows")
		grain := rapid.SampledFrom([]float64{4, 10, 1000}).Draw(t, "grain") // few values make ties
		score := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, int(grain)).Draw(t, "score")) / grain })
		old, next := make([]float64, n), make([]float64, n)
		for i := range old {
			old[i], next[i] = score.Draw(t, "old"), score.Draw(t, "new")
		}
		at := score.Draw(t, "threshold")
		got, err := metric.KeepShare(old, next, at)
		if err != nil {
			t.Fatal(err)
		}
		above := func(scores []float64, x float64) (k int) {
			for _, s := range scores {
				if s >= x {
					k++
				}
			}
			return k
		}
		want := above(old, at)
		if got.OldAbove != want || got.Rows != n {
			t.Fatalf("%+v, and %d rows are above", got, want)
		}
		if want == 0 {
			if got.New != nil {
				t.Fatalf("%+v", got)
			}
			return
		}
		// No score as a threshold comes nearer; of equally near ones the highest counts.
		best, nearest := math.NaN(), math.MaxInt
		candidates := slices.Clone(next)
		slices.Sort(candidates)
		slices.Reverse(candidates)
		for _, x := range candidates {
			if d := max(above(next, x)-want, want-above(next, x)); d < nearest {
				best, nearest = x, d
			}
		}
		if k := above(next, *got.New); k != got.NewAbove || k != above(next, best) {
			t.Fatalf("%v takes %d (%d is said); %v takes %d; wanted %d", *got.New, k, got.NewAbove, best, above(next, best), want)
		}
		oldOnly, newOnly := 0, 0
		for i := range old {
			before, now := old[i] >= at, next[i] >= *got.New
			if before && !now {
				oldOnly++
			} else if now && !before {
				newOnly++
			}
		}
		if got.OldOnly != oldOnly || got.NewOnly != newOnly || math.Abs(got.Agreement-float64(n-oldOnly-newOnly)/float64(n)) > 1e-12 {
			t.Fatalf("%+v: %d and %d", got, oldOnly, newOnly)
		}
		if got.Low != nil && *got.Low >= *got.New || got.High != nil && *got.High < *got.New {
			t.Fatalf("%v is not in %v to %v", *got.New, *got.Low, *got.High)
		}
	})
}

func TestKeptThresholdIsShort(t *testing.T) {
	got, err := metric.KeepShare([]float64{0.9, 0.9, 0.1, 0.1}, []float64{0.93, 0.82719, 0.7814, 0.2}, 0.5)
	if err != nil || *got.New != 0.8 || got.NewAbove != 2 || got.Agreement != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = metric.KeepShare([]float64{0.9, 0.1}, []float64{0.300000002, 0.300000001}, 0.5)
	if err != nil || *got.New != 0.300000002 {
		t.Errorf("%v, %v", *got.New, err)
	}
}

// TestKeptThresholdIsWithinItsBounds draws rows whose true threshold is known, and
// counts how often the interval has it.
func TestKeptThresholdIsWithinItsBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	const tries, rows = 1000, 400
	for _, noise := range []float64{0.05, 1} { // models that agree much, and little
		within := 0
		for range tries {
			old, next := make([]float64, rows), make([]float64, rows)
			for i := range old {
				// Both have one marginal distribution, so equal thresholds take equal shares.
				common := random.NormFloat64()
				a, b := common+noise*random.NormFloat64(), common+noise*random.NormFloat64()
				old[i], next[i] = 1/(1+math.Exp(-a)), 1/(1+math.Exp(-b))
			}
			got, err := metric.KeepShare(old, next, 0.7)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Low == nil || *got.Low <= 0.7) && (got.High == nil || *got.High >= 0.7) {
				within++
			}
		}
		if share := float64(within) / tries; share < 0.935 || share > 0.995 {
			t.Errorf("noise %v: %.3f of the intervals have the threshold", noise, share)
		}
	}
}

func TestRankCorrelation(t *testing.T) {
	// Σd² of the ranks of Kendall and Gibbons' example without ties.
	a := []float64{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}
	b := []float64{7, 27, 2, 50, 28, 29, 20, 12, 6, 17}
	if r, err := metric.RankCorrelation(a, b); err != nil || math.Abs(*r-(-29.0/165)) > 1e-12 {
		t.Errorf("%v, %v", r, err)
	}
	// With ties, by hand: ranks 1.5 1.5 3 and 1 2 3.
	if r, err := metric.RankCorrelation([]float64{1, 1, 2}, []float64{1, 2, 3}); err != nil || math.Abs(*r-1.5/math.Sqrt(1.5*2)) > 1e-12 {
		t.Errorf("%v, %v", r, err)
	}
	if r, err := metric.RankCorrelation([]float64{1, 1}, []float64{1, 2}); err != nil || r != nil {
		t.Errorf("%v, %v", r, err)
	}
	for _, bad := range [][2][]float64{{nil, nil}, {{1}, {1, 2}}, {{math.NaN()}, {1}}} {
		if _, err := metric.RankCorrelation(bad[0], bad[1]); err == nil {
			t.Errorf("%v is taken", bad)
		}
		if _, err := metric.KeepShare(bad[0], bad[1], 0.5); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
