package model

import (
	"cmp"
	"math"
	"slices"
)

// Explainer says what each input of a row did to the model's answer.
type Explainer interface {
	// Contributions writes what each input adds to the answer for row to out
	// and gives base, the answer when nothing is known of the row: base + Σ out
	// is the answer, up to rounding. For GBDT and Logistic the answer is Margin,
	// in log-odds; for Forest it is Score, a probability.
	//
	// row and out have one entry for each feature, in the model's order, and are
	// not kept; what out held is lost. Equal rows give equal bits, on every
	// processor. It is safe for concurrent use and does not allocate in the
	// long run. There are no errors; a model whose leaf values are so great
	// that their sum overflows has contributions that are no numbers either.
	Contributions(row, out []float64) (base float64)
}

var (
	_ Explainer = (*Trees)(nil)
	_ Explainer = (*Linear)(nil)
)

// Contributions gives the contribution of each input to the margin, in
// log-odds: weight · (x − mean) / scale, and 0 for a missing value. The base is
// the bias, and adding the contributions to it in order gives Margin, bit for
// bit. These are the Shapley values when inputs are taken to be independent.
// See Explainer.
func (m *Linear) Contributions(row, out []float64) (base float64) {
	out = out[:len(m.features)]
	for i, x := range row[:len(m.features)] {
		out[i] = m.Contribution(i, x)
	}
	return m.bias
}

// Top gives the indices of the n contributions of greatest absolute value, the
// greatest first, equal ones by index; all of them when there are fewer than n.
func Top(contributions []float64, n int) []int {
	order := make([]int, len(contributions))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(math.Abs(contributions[b]), math.Abs(contributions[a]))
	})
	return order[:min(max(n, 0), len(order))]
}
