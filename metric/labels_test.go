package metric

import (
	"math"
	"math/rand/v2"
	"testing"

	"orrery.dev"
)

// TestLabelsByDefinition holds the figures against what they are defined as, worked
// out pair by pair.
func TestLabelsByDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	for range 200 {
		n, k := 1+r.IntN(30), 1+r.IntN(4)
		s := LabelsSet{Classes: []string{"a", "b", "c", "d"}[:k]}
		if r.IntN(2) == 0 {
			s.Weight = []float64{}
		}
		for range n {
			s.Label = append(s.Label, orrery.LabelSet(r.IntN(1<<k)))
			s.Chosen = append(s.Chosen, orrery.LabelSet(r.IntN(1<<k)))
			for range k {
				s.Score = append(s.Score, float64(r.IntN(11))/10)
			}
			if s.Weight != nil {
				s.Weight = append(s.Weight, 0.5+r.Float64())
			}
		}
		got, err := MeasureLabels(s)
		if err != nil {
			t.Fatal(err)
		}
		var tp, fp, fn, all, exact, macro, weighted, weights, loss, brier float64
		for c := range k {
			var ctp, cfp, cfn, closs, cbrier, cweight float64
			for i := range n {
				w := s.weight(i)
				is, held, p := s.Label[i]>>c&1 == 1, s.Chosen[i]>>c&1 == 1, s.Score[i*k+c]
				switch {
				case is && held:
					ctp += w
				case held:
					cfp += w
				case is:
					cfn += w
				}
				said, y := p, 0.0
				if is {
					y = 1
				} else {
					said = 1 - p
				}
				closs -= w * math.Log(min(max(said, 0x1p-52), 1-0x1p-52))
				cbrier += w * (p - y) * (p - y)
				cweight += w
			}
			f1 := 0.0
			if ctp+cfp+cfn > 0 {
				f1 = 2 * ctp / (2*ctp + cfp + cfn)
			}
			near(t, "F1", got.Classes[c].F1, f1)
			near(t, "log loss of a class", got.Classes[c].LogLoss, closs/cweight)
			macro += f1 / float64(k)
			weighted += f1 * (ctp + cfn)
			weights += ctp + cfn
			tp, fp, fn = tp+ctp, fp+cfp, fn+cfn
			loss += closs / cweight / float64(k)
			brier += cbrier / cweight / float64(k)
		}
		for i := range n {
			all += s.weight(i)
			if s.Label[i] == s.Chosen[i] {
				exact += s.weight(i)
			}
		}
		near(t, "exact match", got.ExactMatch, exact/all)
		near(t, "macro-F1", got.MacroF1, macro)
		near(t, "log loss", got.LogLoss, loss)
		near(t, "Brier", got.Brier, brier)
		if tp+fp+fn > 0 {
			near(t, "micro-F1", got.MicroF1, 2*tp/(2*tp+fp+fn))
		}
		if weights > 0 {
			near(t, "weighted F1", got.WeightedF1, weighted/weights)
		}
	}
	if _, err := MeasureLabels(LabelsSet{Classes: []string{"a"}, Label: []orrery.LabelSet{1}}); orrery.CodeOf(err) != "metric_input" {
		t.Error(err)
	}
}
