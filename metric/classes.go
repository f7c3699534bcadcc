package metric

import "math"

// ClassSet is what the metrics of a model of several classes are taken over.
type ClassSet struct {
	// Classes names the classes.
	Classes []string
	// Label is [rows], the index of the class that was right.
	Label []int
	// Score is [rows × classes], row-major, the probability of each class.
	Score []float64
	// Weight is [rows], finite and at least 0, or nil where every row weighs 1.
	Weight []float64
	// Chosen is [rows], the index of the class that the model holds for that of the
	// row; nil is the likeliest, the first of equals.
	Chosen []int
}

// ClassReport measures a model of several classes.
type ClassReport struct {
	// Accuracy is the share of rows that are held for the right class.
	Accuracy float64 `json:"accuracy"`
	// MacroF1 is the mean of the classes' F1, WeightedF1 that by their weight.
	MacroF1    float64 `json:"macro_f1"`
	WeightedF1 float64 `json:"weighted_f1"`
	// LogLoss is the mean of −log of the probability given to the right class, in
	// nats; Brier the mean of the summed squared differences over the classes, from
	// 0 to 2.
	LogLoss float64 `json:"log_loss"`
	Brier   float64 `json:"brier"`
	// CalibrationError is that of the score of the class held for right against
	// whether it is; Reliability is its table.
	CalibrationError float64          `json:"calibration_error"`
	Reliability      []ReliabilityBin `json:"reliability"`
	Classes          []ClassFigures   `json:"classes"`
	// Confusion is [classes][classes]: the weight of the rows of each class, by row,
	// that the model held for each class, by column.
	Confusion [][]float64 `json:"confusion"`
}

// ClassFigures measure one class against the rest.
type ClassFigures struct {
	Class string `json:"class"`
	// Weight is that of the rows of the class.
	Weight float64 `json:"weight"`
	// Precision, Recall and F1 are 0 where nothing is there to divide by.
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	// AUC is null where the rows are all of the class or none is.
	AUC *float64 `json:"auc"`
}

// Classify measures a model of several classes. An error of kind Invalid with the
// code metric_input says when the set is not well formed or no row has weight.
func Classify(s ClassSet) (*ClassReport, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	k := len(s.Classes)
	out := &ClassReport{Confusion: make([][]float64, k)}
	for i := range out.Confusion {
		out.Confusion[i] = make([]float64, k)
	}
	sure := Set{Weight: s.Weight, Label: make([]float64, len(s.Label)), Score: make([]float64, len(s.Label))}
	right := sure
	right.Label, right.Score = make([]float64, len(s.Label)), make([]float64, len(s.Label))
	var squares, total float64
	for i, y := range s.Label {
		row, w := s.Score[i*k:(i+1)*k], 1.0
		if s.Weight != nil {
			w = s.Weight[i]
		}
		best, sum := 0, 0.0
		for j, p := range row {
			if p > row[best] {
				best = j
			}
			if j == y {
				p = 1 - p
			}
			sum += float64(p * p)
		}
		if s.Chosen != nil {
			best = s.Chosen[i]
		}
		out.Confusion[y][best] += w
		squares += float64(w * sum)
		total += w
		sure.Score[i], right.Score[i], right.Label[i] = min(row[best], 1), min(row[y], 1), 1
		if best == y {
			sure.Label[i] = 1
		}
	}
	if total == 0 {
		return nil, badInput("no row has any weight")
	}
	out.Brier = squares / total
	var err error
	if out.LogLoss, err = LogLoss(right); err != nil {
		return nil, err
	}
	if out.CalibrationError, err = CalibrationError(sure); err != nil {
		return nil, err
	}
	if out.Reliability, err = Reliability(sure, CalibrationBins, EqualMass); err != nil {
		return nil, err
	}
	s.figures(out, total)
	return out, nil
}

// figures measures each class from the confusion, and sums them up.
func (s ClassSet) figures(out *ClassReport, total float64) {
	k := len(s.Classes)
	one := Set{Weight: s.Weight, Label: make([]float64, len(s.Label)), Score: make([]float64, len(s.Label))}
	for c, name := range s.Classes {
		f := ClassFigures{Class: name}
		held := 0.0
		for j := range k {
			f.Weight += out.Confusion[c][j]
			held += out.Confusion[j][c]
		}
		hits := out.Confusion[c][c]
		out.Accuracy += hits / total
		f.Precision, f.Recall, f.F1 = ratio(hits, held), ratio(hits, f.Weight), ratio(2*hits, held+f.Weight)
		out.MacroF1 += f.F1 / float64(k)
		out.WeightedF1 += float64(f.F1 * f.Weight / total)
		for i, y := range s.Label {
			one.Score[i], one.Label[i] = s.Score[i*k+c], 0
			if y == c {
				one.Label[i] = 1
			}
		}
		if auc, err := AUC(one); err == nil {
			f.AUC = &auc
		}
		out.Classes = append(out.Classes, f)
	}
	out.Accuracy = min(out.Accuracy, 1) // rounding must not take it out
}

func (s ClassSet) check() error {
	n, k := len(s.Label), len(s.Classes)
	switch {
	case n == 0:
		return badInput("there are no rows")
	case k < 2:
		return badInput("there are %d classes", k)
	case len(s.Score) != n*k:
		return badInput("%d scores are not those of %d rows and %d classes", len(s.Score), n, k)
	case s.Chosen != nil && len(s.Chosen) != n:
		return badInput("there are %d labels and %d choices", n, len(s.Chosen))
	case s.Weight != nil && len(s.Weight) != n:
		return badInput("there are %d labels and %d weights", n, len(s.Weight))
	}
	for i, y := range s.Label {
		if y < 0 || y >= k {
			return badInput("row %d has the class %d of %d", i, y, k)
		}
		if s.Chosen != nil && (s.Chosen[i] < 0 || s.Chosen[i] >= k) {
			return badInput("row %d is held for the class %d of %d", i, s.Chosen[i], k)
		}
		if s.Weight != nil && !(s.Weight[i] >= 0 && s.Weight[i] <= math.MaxFloat64) {
			return badInput("row %d has the weight %v", i, s.Weight[i])
		}
		for _, p := range s.Score[i*k : (i+1)*k] {
			if !(p >= 0 && p <= 1+1e-9) {
				return badInput("row %d has the score %v, which is not a probability", i, p)
			}
		}
	}
	return nil
}
