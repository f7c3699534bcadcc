package metric

import (
	"math"

	"orrery.dev"
)

// LabelsSet is what the metrics of a model are taken over of which any number of
// classes can be right at once.
type LabelsSet struct {
	// Classes names the classes.
	Classes []string
	// Label is [rows], the classes that were right, and Chosen [rows] those that the
	// model holds for right.
	Label, Chosen []orrery.LabelSet
	// Score is [rows × classes], row-major, the probability of each class.
	Score []float64
	// Weight is [rows], finite and at least 0, or nil where every row weighs 1.
	Weight []float64
}

// LabelsReport measures such a model.
type LabelsReport struct {
	// ExactMatch is the share of rows for which the model holds exactly the right
	// classes.
	ExactMatch float64 `json:"exact_match"`
	// MacroF1 is the mean of the classes' F1, WeightedF1 that by their weight, and
	// MicroF1 that of all pairs of a row and a class together.
	MacroF1    float64 `json:"macro_f1"`
	MicroF1    float64 `json:"micro_f1"`
	WeightedF1 float64 `json:"weighted_f1"`
	// LogLoss, in nats, Brier and CalibrationError are the means of the classes'.
	LogLoss          float64        `json:"log_loss"`
	Brier            float64        `json:"brier"`
	CalibrationError float64        `json:"calibration_error"`
	Classes          []LabelFigures `json:"classes"`
}

// LabelFigures measure one class by itself.
type LabelFigures struct {
	ClassFigures
	// Cuts are the scores from which on a model held a row for the class, where whoever
	// measured knows: one, or one for each fold.
	Cuts []float64 `json:"cuts,omitempty"`
	// Said is the weight of the rows that the model holds for the class.
	Said             float64          `json:"said"`
	LogLoss          float64          `json:"log_loss"`
	Brier            float64          `json:"brier"`
	CalibrationError float64          `json:"calibration_error"`
	Reliability      []ReliabilityBin `json:"reliability"`
}

// MeasureLabels measures a model of which any number of classes can be right. An
// error of kind Invalid with the code metric_input says when the set is not well
// formed or no row has weight.
func MeasureLabels(s LabelsSet) (*LabelsReport, error) {
	n, k := len(s.Label), len(s.Classes)
	if n == 0 || k == 0 || k > orrery.MostLabels || len(s.Chosen) != n || len(s.Score) != n*k || s.Weight != nil && len(s.Weight) != n {
		return nil, badInput("%d rows of %d classes have %d choices, %d scores and %d weights", n, k, len(s.Chosen), len(s.Score), len(s.Weight))
	}
	out := &LabelsReport{}
	total, exact := 0.0, 0.0
	for i := range s.Label {
		w := s.weight(i)
		if !(w >= 0 && w <= math.MaxFloat64) {
			return nil, badInput("row %d has the weight %v", i, w)
		}
		total += w
		if s.Label[i] == s.Chosen[i] {
			exact += w
		}
	}
	if total == 0 {
		return nil, badInput("no row has any weight")
	}
	out.ExactMatch = exact / total
	var hits, said, are float64
	for c := range k {
		f, right, err := s.figures(c)
		if err != nil {
			return nil, err
		}
		hits, said, are = hits+right, said+f.Said, are+f.Weight
		out.MacroF1 += f.F1 / float64(k)
		out.WeightedF1 += float64(f.F1 * f.Weight)
		out.LogLoss += f.LogLoss / float64(k)
		out.Brier += f.Brier / float64(k)
		out.CalibrationError += f.CalibrationError / float64(k)
		out.Classes = append(out.Classes, *f)
	}
	out.MicroF1 = ratio(2*hits, said+are)
	out.WeightedF1 = ratio(out.WeightedF1, are)
	return out, nil
}

func (s LabelsSet) weight(i int) float64 {
	if s.Weight == nil {
		return 1
	}
	return s.Weight[i]
}

// figures measures one class, and gives the weight of the rows rightly held for it.
func (s LabelsSet) figures(class int) (f *LabelFigures, hits float64, err error) {
	f = &LabelFigures{ClassFigures: ClassFigures{Class: s.Classes[class]}}
	one := Set{Weight: s.Weight, Label: make([]float64, len(s.Label)), Score: make([]float64, len(s.Label))}
	for i := range s.Label {
		w, is, held := s.weight(i), s.Label[i].Has(class), s.Chosen[i].Has(class)
		one.Score[i] = s.Score[i*len(s.Classes)+class]
		if is {
			one.Label[i] = 1
			f.Weight += w
		}
		if held {
			f.Said += w
		}
		if is && held {
			hits += w
		}
	}
	f.Precision, f.Recall, f.F1 = ratio(hits, f.Said), ratio(hits, f.Weight), ratio(2*hits, f.Said+f.Weight)
	for _, m := range []struct {
		to      *float64
		measure func(Set) (float64, error)
	}{{&f.LogLoss, LogLoss}, {&f.Brier, Brier}, {&f.CalibrationError, CalibrationError}} {
		if *m.to, err = m.measure(one); err != nil {
			return nil, 0, err
		}
	}
	if auc, err := AUC(one); err == nil {
		f.AUC = &auc
	}
	f.Reliability, err = Reliability(one, CalibrationBins, EqualMass)
	return f, hits, err
}

// ratio divides, and gives 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
