package metric

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"orrery.dev"
)

func TestReliabilityAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/calibration.json")
	if err != nil {
		t.Fatal(err)
	}
	type curve struct{ Positive, Score []float64 }
	var vectors struct {
		Curves []struct {
			Set
			Bins        int
			Width, Mass curve
		}
		Wilson []struct{ Rows, Found, Low, High float64 }
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	for i, c := range vectors.Curves {
		for by, want := range map[Binning]curve{EqualWidth: c.Width, EqualMass: c.Mass} {
			table, err := Reliability(c.Set, c.Bins, by)
			if err != nil {
				t.Fatal(err)
			}
			if len(table) != len(want.Score) {
				t.Errorf("case %d, binning %d: %d bins, want %d", i, by, len(table), len(want.Score))
				continue
			}
			for j, bin := range table {
				near(t, "mean score", bin.Score, want.Score[j])
				near(t, "share positive", bin.Positive, want.Positive[j])
			}
		}
	}
	for _, w := range vectors.Wilson {
		low, high := wilson(w.Found/w.Rows, w.Rows)
		near(t, "low", low, w.Low)
		near(t, "high", high, w.High)
	}
}

// slowBin counts the inner edges below a row's score; those of equal mass lie at
// the first score with a share of the weight at or below it.
func slowBin(s Set, row, bins int, by Binning) int {
	var total, below float64
	for i := range s.Score {
		total += s.weight(i)
		if s.Score[i] < s.Score[row] {
			below += s.weight(i)
		}
	}
	n := 0
	for k := 1; k < bins; k++ {
		edge := float64(k) / float64(bins)
		if by == EqualWidth && edge < s.Score[row] || by == EqualMass && below >= edge*total-1e-9 {
			n++
		}
	}
	return n
}

func TestReliabilityByBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	for range 300 {
		s, bins, by := randomSet(r), 1<<r.IntN(5), Binning(r.IntN(2))
		table, err := Reliability(s, bins, by)
		if err != nil {
			t.Fatal(err)
		}
		var want float64
		var total float64
		at := 0
		for bin := range bins {
			var n int
			var weight, score, positive float64
			for i := range s.Score {
				if w := s.weight(i); w > 0 && slowBin(s, i, bins, by) == bin {
					n++
					weight += w
					score += w * s.Score[i]
					positive += w * s.Label[i]
					if at < len(table) && (s.Score[i] < table[at].From || s.Score[i] > table[at].To) {
						t.Fatalf("row %d of score %v is not in %+v", i, s.Score[i], table[at])
					}
				}
			}
			if n == 0 {
				continue
			}
			if at >= len(table) || table[at].Rows != n {
				t.Fatalf("bin %d of %d has %d rows, in %+v", bin, bins, n, table)
			}
			got := table[at]
			near(t, "weight", got.Weight, weight)
			near(t, "score", got.Score, score/weight)
			near(t, "positive", got.Positive, positive/weight)
			if !(got.Low <= got.Positive+1e-12 && got.Positive <= got.High+1e-12) {
				t.Errorf("the interval of %+v does not hold the share", got)
			}
			want += math.Abs(score - positive)
			total += weight
			at++
		}
		got, err := CalibrationErrorBy(s, bins, by)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "calibration error", got, want/total)
	}
}

func TestCalibrationErrorAtTheEnds(t *testing.T) {
	near(t, "of the truth", must(t, CalibrationError, Set{Label: []float64{0, 1, 0}, Score: []float64{0, 1, 0}}), 0)
	near(t, "of its opposite", must(t, CalibrationError, Set{Label: []float64{0, 1, 0}, Score: []float64{1, 0, 1}}), 1)
	s := Set{Label: make([]float64, 1000), Score: make([]float64, 1000)}
	for i := range s.Label {
		s.Score[i] = 0.2
		s.Label[i] = zeroOrOne(i%5 == 0)
	}
	near(t, "of the base rate", must(t, CalibrationError, s), 0)
	table, _ := Reliability(s, 10, EqualMass)
	if len(table) != 1 || table[0].Rows != 1000 {
		t.Errorf("equal scores are parted: %+v", table)
	}
}

func zeroOrOne(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Whole weights are copies of a row, but for the intervals' widths.
func TestWeightsAreCopies(t *testing.T) {
	r := rand.New(rand.NewPCG(32, 1))
	for range 100 {
		s := randomSet(r)
		var copies Set
		s.Weight = make([]float64, len(s.Label))
		s.Weight[0] = 1
		for i := range s.Label {
			s.Weight[i] += float64(r.IntN(4))
			for range int(s.Weight[i]) {
				copies.Label, copies.Score = append(copies.Label, s.Label[i]), append(copies.Score, s.Score[i])
			}
		}
		for _, by := range []Binning{EqualMass, EqualWidth} {
			a, _ := CalibrationErrorBy(s, 8, by)
			b, _ := CalibrationErrorBy(copies, 8, by)
			near(t, "calibration error", a, b)
		}
	}
}

func TestReliabilityHangsNotOnTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 1))
	s := randomSet(r)
	s.Weight = nil
	a, _ := Reliability(s, 8, EqualMass)
	r.Shuffle(len(s.Label), func(i, j int) {
		s.Label[i], s.Label[j] = s.Label[j], s.Label[i]
		s.Score[i], s.Score[j] = s.Score[j], s.Score[i]
	})
	if b, _ := Reliability(s, 8, EqualMass); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v and, shuffled, %+v", a, b)
	}
}

func TestReliabilityRefuses(t *testing.T) {
	two := []float64{0, 1}
	for name, c := range map[string]struct {
		s    Set
		bins int
	}{
		"no rows":        {Set{}, 10},
		"no bins":        {Set{Label: two, Score: two}, 0},
		"too many bins":  {Set{Label: two, Score: two}, maxBins + 1},
		"no probability": {Set{Label: two, Score: []float64{0, 2}}, 10},
		"no weight":      {Set{Label: two, Score: two, Weight: []float64{0, 0}}, 10},
		"weight too big": {Set{Label: two, Score: two, Weight: []float64{math.MaxFloat64, math.MaxFloat64}}, 10},
	} {
		if _, err := CalibrationErrorBy(c.s, c.bins, EqualMass); orrery.CodeOf(err) != "metric_input" || orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
