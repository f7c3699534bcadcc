package metric

import (
	"math"

	"orrery.dev"
)

// Agreement says how far raters agree, and how far beyond chance.
type Agreement struct {
	// Items counts those with a weight above 0 that were rated as often as needed.
	Items int `json:"items"`
	// Observed is the chance that two ratings of an item are the same, Expected what
	// it would be if ratings did not depend on the item.
	Observed float64 `json:"observed"`
	Expected float64 `json:"expected"`
	// Kappa is (Observed − Expected) / (1 − Expected): 1 for perfect agreement, 0 for
	// that of chance. It is null where all ratings are the same, so that chance
	// explains everything.
	Kappa *float64 `json:"kappa"`
}

// CohenKappa measures the agreement of two raters who both rated every item
// (Cohen, "A Coefficient of Agreement for Nominal Scales", 1960). Ratings a and b
// are [items], each from 0 to classes − 1. Weight is [items], finite and at least
// 0, or nil where every item weighs 1; for items that were drawn with unequal
// chances, weights of one over the chance estimate the kappa of all items.
//
// An error of kind Invalid with the code metric_input says when the ratings are
// not well formed or no item has weight.
func CohenKappa(a, b []int, classes int, weight []float64) (Agreement, error) {
	var out Agreement
	switch {
	case len(a) != len(b):
		return out, badInput("there are %d ratings by one rater and %d by the other", len(a), len(b))
	case classes < 1:
		return out, badInput("there are %d classes", classes)
	}
	counts := make([]int, len(a)*classes)
	for i := range a {
		for _, c := range []int{a[i], b[i]} {
			if c < 0 || c >= classes {
				return out, badInput("item %d has the class %d of %d", i, c, classes)
			}
			counts[i*classes+c]++
		}
	}
	m, err := newMarginals(len(a), classes, weight)
	if err != nil {
		return out, err
	}
	first, second := make([]float64, classes), make([]float64, classes)
	for i := range a {
		if w := m.weigh(i); m.add(w, counts[i*classes:(i+1)*classes]) {
			first[a[i]] += w
			second[b[i]] += w
		}
	}
	return m.agreement(func(total float64) (expected float64) {
		for c := range first {
			expected += float64(first[c] / total * (second[c] / total))
		}
		return expected
	})
}

// FleissKappa measures the agreement of many raters, who need not be the same for
// each item (Fleiss, "Measuring Nominal Scale Agreement Among Many Raters", 1971).
// Counts is [items × classes], row-major: how many raters put the item into the
// class. Items rated by fewer than two say nothing and are left out. Items may
// differ in how many rated them: each then has an equal say in the shares of the
// classes (Gwet, "Handbook of Inter-Rater Reliability", 4th edition, 2014). Weight
// is as for CohenKappa.
//
// Errors are those of CohenKappa.
func FleissKappa(counts []int, classes int, weight []float64) (Agreement, error) {
	var out Agreement
	if classes < 1 || len(counts)%classes != 0 {
		return out, badInput("%d counts are not those of items with %d classes", len(counts), classes)
	}
	for i, n := range counts {
		if n < 0 || n > math.MaxInt32 {
			return out, badInput("item %d has the count %d", i/classes, n)
		}
	}
	items := len(counts) / classes
	m, err := newMarginals(items, classes, weight)
	if err != nil {
		return out, err
	}
	for i := range items {
		m.add(m.weigh(i), counts[i*classes:(i+1)*classes])
	}
	return m.agreement(func(total float64) (expected float64) {
		for _, share := range m.share {
			p := share / total
			expected += float64(p * p)
		}
		return expected
	})
}

// marginals sums up rated items.
type marginals struct {
	weight []float64
	// Of the items so far: how many, their weight, the weighted sum of the chance
	// that two ratings of one agree, and [classes] that of the share of its ratings.
	items  int
	total  float64
	agreed float64
	share  []float64
}

func newMarginals(items, classes int, weight []float64) (*marginals, error) {
	if weight != nil && len(weight) != items {
		return nil, badInput("there are %d items and %d weights", items, len(weight))
	}
	for i, w := range weight {
		if !(w >= 0 && w <= math.MaxFloat64) {
			return nil, badInput("item %d has the weight %v", i, w)
		}
	}
	return &marginals{weight: weight, share: make([]float64, classes)}, nil
}

func (m *marginals) weigh(item int) float64 {
	if m.weight == nil {
		return 1
	}
	return m.weight[item]
}

// add takes an item in, and says whether it counts.
func (m *marginals) add(weight float64, counts []int) bool {
	var raters, pairs float64
	for _, n := range counts {
		raters += float64(n)
		pairs += float64(n) * float64(n-1)
	}
	if raters < 2 || weight == 0 {
		return false
	}
	m.items++
	m.total += weight
	m.agreed += float64(weight * (pairs / (raters * (raters - 1))))
	for c, n := range counts {
		m.share[c] += float64(weight * (float64(n) / raters))
	}
	return true
}

func (m *marginals) agreement(expected func(total float64) float64) (Agreement, error) {
	if !(m.total > 0 && m.total <= math.MaxFloat64) {
		return Agreement{}, orrery.Errorf(orrery.Invalid, "metric_input", "no item was rated twice").
			WithNext("agreement is measured where two reviewers judge the same item")
	}
	out := Agreement{Items: m.items, Observed: min(m.agreed/m.total, 1), Expected: min(expected(m.total), 1)}
	filled := 0
	for _, share := range m.share {
		if share > 0 {
			filled++
		}
	}
	if filled > 1 {
		kappa := (out.Observed - out.Expected) / (1 - out.Expected)
		out.Kappa = &kappa
	}
	return out, nil
}
