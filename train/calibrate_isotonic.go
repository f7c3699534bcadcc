package train

import (
	"cmp"
	"slices"

	"orrery.dev/metric"
	"orrery.dev/model"
)

// FitIsotonic fits the curve that never falls with the least weighted squared
// error, by pooling adjacent violators (Ayer et al., "An empirical distribution
// function for sampling with incomplete information", 1955). Rows of equal score
// are one point. The curve is flat over each pool and straight between pools, as
// scikit-learn's IsotonicRegression predicts.
//
// An error of kind Invalid with the code metric_input says that the set is not
// well formed, a score is no probability or no row has any weight.
func FitIsotonic(s metric.Set) (*model.Isotonic, error) {
	if _, err := metric.LogLoss(s); err != nil {
		return nil, err
	}
	var pools []pool
	for _, p := range points(s) {
		pools = append(pools, p)
		// A pool that is as high as the next is one with it: the curve is the
		// same, with fewer corners.
		for n := len(pools); n > 1 && pools[n-2].share() >= pools[n-1].share(); n-- {
			pools[n-2].add(pools[n-1])
			pools = pools[:n-1]
		}
	}
	var scores, probabilities []float64
	for _, p := range pools {
		scores, probabilities = append(scores, p.from), append(probabilities, p.share())
		if p.to > p.from {
			scores, probabilities = append(scores, p.to), append(probabilities, p.share())
		}
	}
	return model.NewIsotonic(scores, probabilities)
}

// pool is a range of scores that share one probability.
type pool struct{ from, to, positive, weight float64 }

func (p *pool) share() float64 { return min(p.positive/p.weight, 1) }

func (p *pool) add(next pool) {
	p.to = next.to
	p.positive += next.positive
	p.weight += next.weight
}

// points gives a pool for each distinct score of rows with weight, from the
// lowest up.
func points(s metric.Set) []pool {
	var order []int32
	weight := func(i int32) float64 {
		if s.Weight == nil {
			return 1
		}
		return s.Weight[i]
	}
	for i := range s.Score {
		if weight(int32(i)) > 0 {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.Score[a], s.Score[b]), cmp.Compare(a, b))
	})
	var out []pool
	for _, i := range order {
		p := pool{s.Score[i], s.Score[i], float64(weight(i) * s.Label[i]), weight(i)}
		if n := len(out); n > 0 && out[n-1].to == p.from {
			out[n-1].add(p)
		} else {
			out = append(out, p)
		}
	}
	return out
}
