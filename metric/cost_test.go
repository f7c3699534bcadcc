package metric

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
)

// acted gives the realised and the expected cost of acting on the rows that a
// rule names.
func acted(s Set, k Stakes, act func(row int) bool) (realised, expected float64) {
	for i := range s.Score {
		if act(i) {
			realised += s.weight(i) * (1 - s.Label[i]) * k.FalseAlarm[i]
			expected += s.weight(i) * (1 - s.Score[i]) * k.FalseAlarm[i]
		} else {
			realised += s.weight(i) * s.Label[i] * k.Missed[i]
			expected += s.weight(i) * s.Score[i] * k.Missed[i]
		}
	}
	return realised, expected
}

func drawStakes(t *rapid.T, constant bool) (Set, Stakes) {
	n := rapid.IntRange(1, 40).Draw(t, "rows")
	money := rapid.Float64Range(0.01, 1000)
	missed, falseAlarm := money.Draw(t, "missed"), money.Draw(t, "false alarm")
	var s Set
	var k Stakes
	for range n {
		if !constant {
			missed, falseAlarm = money.Draw(t, "missed"), money.Draw(t, "false alarm")
		}
		s.Label = append(s.Label, float64(rapid.IntRange(0, 1).Draw(t, "label")))
		s.Score = append(s.Score, float64(rapid.IntRange(0, 20).Draw(t, "score"))/20)
		s.Weight = append(s.Weight, float64(rapid.IntRange(0, 3).Draw(t, "weight")))
		k.Missed, k.FalseAlarm = append(k.Missed, missed), append(k.FalseAlarm, falseAlarm)
	}
	return s, k
}

// TestCostsAgainstEveryCut tries every cut of the scores, and every choice of
// rows on small sets.
func TestCostsAgainstEveryCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, k := drawStakes(t, false)
		got, err := CostOf(s, k)
		if err != nil {
			t.Fatal(err)
		}
		near := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Fatalf("%s: %v, want %v", what, got, want)
			}
		}
		realised, expected := acted(s, k, func(i int) bool { return Acts(s.Score[i], k.Missed[i], k.FalseAlarm[i]) })
		near("realised", got.Realised, realised)
		near("expected", got.Expected, expected)
		best := math.Inf(1)
		for _, cut := range append([]float64{2}, s.Score...) {
			realised, byCut := acted(s, k, func(i int) bool { return s.Score[i] >= cut })
			best = min(best, realised)
			if got.Expected > byCut+1e-9*byCut {
				t.Fatalf("the cut %v is expected to cost %v, and the rule %v", cut, byCut, got.Expected)
			}
		}
		near("best cut", got.BestCut, best)
		never, _ := acted(s, k, func(int) bool { return false })
		near("never", got.Never, never)
		if n := len(s.Score); n <= 10 {
			for subset := range 1 << n {
				if _, other := acted(s, k, func(i int) bool { return subset>>i&1 == 1 }); got.Expected > other+1e-9*other {
					t.Fatalf("acting on %b is expected to cost %v, and the rule %v", subset, other, got.Expected)
				}
			}
		}
	})
}

// calibrate makes scores the shares of positives in pools of neighbours (pool
// adjacent violators), so that they hold on these very rows.
func calibrate(s *Set) {
	rows := make([]int, len(s.Score))
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		switch {
		case s.Score[a] < s.Score[b]:
			return -1
		case s.Score[a] > s.Score[b]:
			return 1
		}
		return 0
	})
	type pool struct {
		rows   []int
		weight float64
		found  float64
	}
	var pools []pool
	join := func(p pool) {
		for len(pools) > 0 {
			last := &pools[len(pools)-1]
			tied := s.Score[last.rows[0]] == s.Score[p.rows[0]]
			if !tied && last.found*p.weight <= p.found*last.weight {
				break
			}
			p = pool{append(last.rows, p.rows...), last.weight + p.weight, last.found + p.found}
			pools = pools[:len(pools)-1]
		}
		pools = append(pools, p)
	}
	for from := 0; from < len(rows); {
		to, p := from, pool{}
		for ; to < len(rows) && s.Score[rows[to]] == s.Score[rows[from]]; to++ {
			p.rows = append(p.rows, rows[to])
			p.weight += s.weight(rows[to])
			p.found += s.weight(rows[to]) * s.Label[rows[to]]
		}
		join(p)
		from = to
	}
	for _, p := range pools {
		for _, i := range p.rows {
			if s.Score[i] = 0; p.weight > 0 {
				s.Score[i] = p.found / p.weight
			}
		}
	}
}

// TestOnCalibratedScoresTheRuleIsTheBestCut holds the cut from costs to the best
// of all cuts in hindsight, on scores that hold on the rows themselves.
func TestOnCalibratedScoresTheRuleIsTheBestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, k := drawStakes(t, true)
		for i := range s.Weight {
			s.Weight[i]++ // a row of no weight belongs to no pool
		}
		calibrate(&s)
		got, err := CostOf(s, k)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Realised-got.BestCut) > 1e-9*max(1, got.BestCut) {
			t.Fatalf("the rule cost %v, the best cut %v", got.Realised, got.BestCut)
		}
	})
}

func TestCostsThatAreMissing(t *testing.T) {
	s := Set{Label: []float64{1, 0, 1}, Score: []float64{0.9, 0.8, 0.1}}
	got, err := CostOf(s, Stakes{Missed: []float64{math.NaN(), 10, 10}, FalseAlarm: []float64{5, 5, 5}})
	if err != nil || got.Realised != 5+10 || got.Never != 10 || got.BestCut != 5 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := CostOf(s, Stakes{}); orrery.CodeOf(err) != "metric_input" {
		t.Errorf("no stakes: %v", err)
	}
}
