package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"orrery.dev"
)

func TestPrecisionAtK(t *testing.T) {
	rows := []Sighting{
		{0, "a", 0.9, false}, {0, "a", 0.1, true}, // found: its highest score need not be the positive row
		{0, "b", 0.8, false},
		{0, "c", 0.8, true}, // ties with b, which comes before it, and is left out of the first two
		{1, "a", 0.9, true}, // found before
		{1, "c", 0.5, true}, {1, "d", 0.4, false}, {1, "e", 0.3, true},
	}
	got, err := PrecisionAtK(rows, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "precision", got, (1./2+1./2+0)/3)
}

// slowPrecision picks the best entity k times, by looking at every row.
func slowPrecision(rows []Sighting, periods, k int) float64 {
	found := map[string]bool{}
	sum := 0.0
	for p := range periods {
		taken := map[string]bool{}
		hits := map[string]bool{}
		for range k {
			best := Sighting{Score: math.Inf(-1)}
			for _, r := range rows {
				better := r.Score > best.Score || r.Score == best.Score && r.Entity < best.Entity
				if r.Period == p && !found[r.Entity] && !taken[r.Entity] && better {
					best = r
				}
			}
			if best.Entity == "" {
				break
			}
			taken[best.Entity] = true
			for _, r := range rows {
				if r.Period == p && r.Entity == best.Entity && r.Positive {
					hits[r.Entity] = true
				}
			}
		}
		sum += float64(len(hits)) / float64(k)
		for e := range hits {
			found[e] = true
		}
	}
	return sum / float64(periods)
}

func TestPrecisionAtKByHand(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		periods, k := 1+r.IntN(4), 1+r.IntN(6)
		rows := make([]Sighting, r.IntN(60))
		for i := range rows {
			rows[i] = Sighting{r.IntN(periods), fmt.Sprint("e", r.IntN(15)), float64(r.IntN(5)), r.IntN(3) == 0}
		}
		got, err := PrecisionAtK(rows, periods, k)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "precision", got, slowPrecision(rows, periods, k))
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if again, _ := PrecisionAtK(rows, periods, k); again != got {
			t.Errorf("precision is %v in another order of rows, and was %v", again, got)
		}
	}
}

func TestPrecisionAtKRefuses(t *testing.T) {
	row := Sighting{0, "a", 1, true}
	late, unscored := row, row
	late.Period, unscored.Score = 2, math.NaN()
	for _, c := range []struct {
		rows       []Sighting
		periods, k int
	}{{nil, 0, 1}, {nil, 1, 0}, {[]Sighting{late}, 2, 1}, {[]Sighting{unscored}, 2, 1}, {[]Sighting{{Period: -1}}, 2, 1}} {
		if _, err := PrecisionAtK(c.rows, c.periods, c.k); orrery.CodeOf(err) != "metric_input" {
			t.Errorf("%v: error %v", c, err)
		}
	}
}
