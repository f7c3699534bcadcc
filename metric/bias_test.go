package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"orrery.dev"
)

// slowArea counts the pairs of a positive and a negative in order.
func slowArea(s Set, takes func(row int) bool) *float64 {
	var won, all float64
	for i := range s.Label {
		for j := range s.Label {
			if !takes(i) || !takes(j) || s.Label[i] != 1 || s.Label[j] != 0 {
				continue
			}
			w := s.weight(i) * s.weight(j)
			all += w
			switch {
			case s.Score[i] > s.Score[j]:
				won += w
			case s.Score[i] == s.Score[j]:
				won += w / 2
			}
		}
	}
	if all == 0 {
		return nil
	}
	area := won / all
	return &area
}

func TestBiasByBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 1))
	for range 300 {
		s := randomSet(r)
		const groups = 3
		member := make([]bool, len(s.Label)*groups)
		for i := range member {
			member[i] = r.IntN(3) == 0
		}
		within := func(row, group int) bool { return member[row*groups+group] }
		got, err := BiasOf(s, []string{"a", "b", "c"}, 1, within)
		if err != nil {
			t.Fatal(err)
		}
		for g, b := range got {
			rows, positives := 0, 0
			for i := range s.Label {
				if within(i, g) {
					rows++
					positives += int(s.Label[i])
				}
			}
			if b.Rows != rows || b.Positives != positives {
				t.Errorf("%+v has %d rows, %d positive", b, rows, positives)
			}
			for name, c := range map[string]struct {
				got   *float64
				takes func(row int) bool
			}{
				"subgroup AUC": {b.SubgroupAUC, func(i int) bool { return within(i, g) }},
				"BPSN AUC": {b.BPSN, func(i int) bool {
					return !within(i, g) && s.Label[i] == 1 || within(i, g) && s.Label[i] == 0
				}},
				"BNSP AUC": {b.BNSP, func(i int) bool {
					return !within(i, g) && s.Label[i] == 0 || within(i, g) && s.Label[i] == 1
				}},
			} {
				want := slowArea(s, c.takes)
				if (c.got == nil) != (want == nil) {
					t.Errorf("%s of %d rows is %v, want %v", name, rows, show(c.got), show(want))
				} else if want != nil {
					near(t, name, *c.got, *want)
				}
			}
		}
	}
}

func show(v *float64) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(*v)
}

// Scores that are raised wherever a group is mentioned part positives from
// negatives within it, and yet take its negatives for positives.
func TestBiasOfRaisedScores(t *testing.T) {
	s := Set{
		Label: []float64{0, 0, 1, 1, 0, 0, 1, 1},
		Score: []float64{0.1, 0.2, 0.5, 0.6, 0.7, 0.8, 0.9, 1},
	}
	got, err := BiasOf(s, []string{"named"}, 1, func(row, _ int) bool { return row >= 4 })
	if err != nil {
		t.Fatal(err)
	}
	near(t, "subgroup AUC", *got[0].SubgroupAUC, 1)
	near(t, "BPSN AUC", *got[0].BPSN, 0)
	near(t, "BNSP AUC", *got[0].BNSP, 1)
}

func TestBiasRefuses(t *testing.T) {
	s := Set{Label: []float64{0, 1}, Score: []float64{0, math.NaN()}}
	if _, err := BiasOf(s, []string{"a"}, 1, func(int, int) bool { return true }); orrery.CodeOf(err) != "metric_input" {
		t.Errorf("error %v", err)
	}
}

// A group that is too small gets no figure, and it is said why.
func TestBiasOfSmallGroups(t *testing.T) {
	s := Set{Label: make([]float64, 60), Score: make([]float64, 60)}
	for i := range s.Label {
		s.Score[i], s.Label[i] = float64(i%7), float64(i%2)
	}
	got, err := BiasOf(s, []string{"small", "large"}, 10, func(row, group int) bool { return group == 0 && row < 12 || group == 1 && row < 30 })
	if err != nil {
		t.Fatal(err)
	}
	if b := got[0]; b.SubgroupAUC != nil || b.BPSN != nil || b.BNSP != nil ||
		b.Why != "subgroup AUC over 6 positive and 6 negative, BPSN over 24 positive and 6 negative, BNSP over 6 positive and 24 negative" {
		t.Errorf("%+v", b)
	}
	if b := got[1]; b.SubgroupAUC == nil || b.BPSN == nil || b.BNSP == nil || b.Why != "" {
		t.Errorf("%+v", b)
	}
}
