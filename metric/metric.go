// Package metric measures how well scores tell positives from negatives. Every
// result is a function of its input alone: sums follow the order of the rows,
// or of their scores, never that of a map or of goroutines.
package metric

import (
	"cmp"
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/numeric"
)

// Set is what the metrics of scored rows are taken over.
type Set struct {
	// Label is [rows], 1 for positive and 0 for negative.
	Label []float64
	// Score is [rows], greater for more likely positive: a probability for
	// LogLoss and Brier, any finite or infinite number otherwise.
	Score []float64
	// Weight is [rows], finite and at least 0, or nil where every row weighs 1.
	Weight []float64
}

// AUC gives the area under the ROC curve: the chance that a positive scores
// above a negative, a tie counting one half. It is the Mann–Whitney statistic
// with average ranks, over weights where there are any.
//
// An error of kind Invalid has the code metric_one_class when the rows with
// weight are all of one class, metric_input when the set is not well formed.
func AUC(s Set) (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	var won, above, negatives float64
	s.groups(func(positive, negative float64) {
		won += float64(negative * (above + positive/2))
		above += positive
		negatives += negative
	})
	if above == 0 || negatives == 0 {
		return 0, oneClass(above)
	}
	return won / above / negatives, nil
}

// AveragePrecision gives Σ (recall_i − recall_{i−1}) · precision_i over the
// distinct scores from the highest down, without interpolation; rows of equal
// score are taken together. It is scikit-learn's average_precision_score.
//
// Errors are those of AUC, but negatives are not needed.
func AveragePrecision(s Set) (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	var found, all, area float64
	s.groups(func(positive, negative float64) {
		found += positive
		all += positive + negative
		if positive > 0 {
			area += float64(positive * (found / all))
		}
	})
	if found == 0 {
		return 0, oneClass(found)
	}
	return area / found, nil
}

// LogLoss gives the mean of −log of the probability that was given to what
// happened, in nats. Probabilities are kept 2⁻⁵² away from 0 and 1, as
// scikit-learn does, so that one sure mistake does not make it infinite.
//
// An error of kind Invalid with the code metric_input says when the set is not
// well formed or a score is not a probability.
func LogLoss(s Set) (float64, error) {
	const least = 0x1p-52
	return s.mean(func(label, p float64) float64 {
		p = min(max(p, least), 1-least)
		if label == 1 {
			return -numeric.Log(p)
		}
		return -numeric.Log(1 - p)
	})
}

// Brier gives the mean squared difference of probability and label. Errors are
// those of LogLoss.
func Brier(s Set) (float64, error) {
	return s.mean(func(label, p float64) float64 {
		d := p - label
		return d * d
	})
}

// mean gives the weighted mean of a loss, in the order of the rows.
func (s Set) mean(loss func(label, p float64) float64) (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	var sum, total float64
	for i, p := range s.Score {
		if p < 0 || p > 1 {
			return 0, badInput("row %d has the score %v, which is not a probability", i, p)
		}
		w := s.weight(i)
		sum += float64(w * loss(s.Label[i], p))
		total += w
	}
	if total == 0 {
		return 0, badInput("no row has any weight")
	}
	return sum / total, nil
}

// groups calls visit for each distinct score from the highest down, with the
// weight of its positives and of its negatives.
func (s Set) groups(visit func(positive, negative float64)) {
	order := make([]int32, len(s.Score))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.Score[b], s.Score[a]), cmp.Compare(a, b))
	})
	for len(order) > 0 {
		score := s.Score[order[0]]
		var weight [2]float64
		n := 0
		for ; n < len(order) && s.Score[order[n]] == score; n++ {
			weight[int(s.Label[order[n]])] += s.weight(int(order[n]))
		}
		visit(weight[1], weight[0])
		order = order[n:]
	}
}

func (s Set) weight(i int) float64 {
	if s.Weight == nil {
		return 1
	}
	return s.Weight[i]
}

func (s Set) check() error {
	n := len(s.Label)
	switch {
	case n == 0:
		return badInput("there are no rows")
	case n > math.MaxInt32:
		return badInput("%d rows are more than 2^31 - 1", n)
	case len(s.Score) != n:
		return badInput("there are %d labels and %d scores", n, len(s.Score))
	case s.Weight != nil && len(s.Weight) != n:
		return badInput("there are %d labels and %d weights", n, len(s.Weight))
	}
	for i, y := range s.Label {
		if y != 0 && y != 1 {
			return badInput("row %d has the label %v, which is neither 0 nor 1", i, y)
		}
		if math.IsNaN(s.Score[i]) {
			return badInput("row %d has no score", i)
		}
		if w := s.weight(i); !(w >= 0 && w <= math.MaxFloat64) {
			return badInput("row %d has the weight %v", i, w)
		}
	}
	return nil
}

func badInput(format string, args ...any) *orrery.Error {
	return orrery.Errorf(orrery.Invalid, "metric_input", format, args...)
}

func oneClass(positives float64) *orrery.Error {
	class := "negative"
	if positives > 0 {
		class = "positive"
	}
	return orrery.Errorf(orrery.Invalid, "metric_one_class", "all rows are %s", class).
		WithNext("take a range that holds both positives and negatives")
}
