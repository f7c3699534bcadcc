package model

import (
	"math"
	"slices"

	"orrery.dev/numeric"
)

// Logistic is the kind of a Linear model.
const Logistic = "logistic"

// Bounds that keep every margin a number: what is standardised is held within
// ±maxDeviation, and a weight cannot be greater than maxWeight.
const (
	maxDeviation = 1e100
	maxWeight    = 1e100
)

// Linear is a logistic regression on standardised inputs, and on categories. It is immutable and
// safe for concurrent use.
type Linear struct {
	features               []string
	means, scales, weights []float64
	bias                   float64
	categories             []CategoryWeights // [features], nil when all are numbers
}

// CategoryWeights are what the categories of one feature count, in log-odds.
type CategoryWeights struct {
	// Values is the list of categories, rising, as orrery.CategoryOf gives them;
	// empty for a feature that is a number.
	Values []float64
	// Weights is [len(Values)+2]: that of a missing value, that of every category
	// not listed, and those of the list.
	Weights []float64
}

// NewLinear makes a logistic regression. means, scales and weights are
// [features]: an input x counts weight · (x − mean) / scale, in log-odds, on
// top of bias. The arrays are copied.
//
// An error of kind Invalid says which entry is not finite, which scale is not
// positive, or which weight is greater than 1e100.
func NewLinear(features []string, means, scales, weights []float64, bias float64) (*Linear, error) {
	n := len(features)
	if err := checkNames(features); err != nil {
		return nil, err
	}
	if len(means) != n || len(scales) != n || len(weights) != n {
		return nil, invalid("model_shape", "%d features have %d means, %d scales and %d weights",
			n, len(means), len(scales), len(weights))
	}
	for i, name := range features {
		switch {
		case !finite(means[i]):
			return nil, invalid("model_value", "feature %q has the mean %v", name, means[i])
		case !finite(scales[i]) || scales[i] <= 0:
			return nil, invalid("model_value", "feature %q has the scale %v", name, scales[i])
		case !(math.Abs(weights[i]) <= maxWeight):
			return nil, invalid("model_value", "feature %q has the weight %v", name, weights[i])
		}
	}
	if !finite(bias) {
		return nil, invalid("model_value", "the bias is %v", bias)
	}
	return &Linear{features: slices.Clone(features), means: slices.Clone(means), scales: slices.Clone(scales), weights: slices.Clone(weights), bias: bias}, nil
}

// NewCategoryLinear is NewLinear for features of which some have categories.
// Such a feature counts the weight of its category, and its mean, scale and
// weight are 0, 1 and 0. categories is [features] and is kept, not copied.
func NewCategoryLinear(features []string, means, scales, weights []float64, bias float64, categories []CategoryWeights) (*Linear, error) {
	m, err := NewLinear(features, means, scales, weights, bias)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(categories, func(c CategoryWeights) bool { return len(c.Values) > 0 }) {
		return m, nil
	}
	lists := make([][]float64, len(categories))
	for i := range categories {
		lists[i] = categories[i].Values
	}
	if err := checkCategories(features, lists); err != nil {
		return nil, err
	}
	for i, c := range categories {
		if len(c.Values) == 0 {
			continue
		}
		if len(c.Weights) != len(c.Values)+2 {
			return nil, invalid("model_shape", "feature %q has %d categories and %d weights of them", features[i], len(c.Values), len(c.Weights))
		}
		if math.Float64bits(means[i]) != 0 || scales[i] != 1 || math.Float64bits(weights[i]) != 0 {
			return nil, invalid("model_value", "feature %q has categories, and a weight of its own", features[i])
		}
		for _, w := range c.Weights {
			if !(math.Abs(w) <= maxWeight) {
				return nil, invalid("model_value", "a category of feature %q has the weight %v", features[i], w)
			}
		}
	}
	m.categories = categories
	return m, nil
}

// Kind gives Logistic.
func (m *Linear) Kind() string { return Logistic }

// Features names the inputs, in order. The caller must not change it.
func (m *Linear) Features() []string { return m.features }

// Bias gives the margin of a row of means, in log-odds.
func (m *Linear) Bias() float64 { return m.bias }

// Contribution gives what value x of feature i adds to the margin, in log-odds.
// A missing value is taken to be the training mean, and so adds 0; of a feature
// with categories, it is one more category.
func (m *Linear) Contribution(i int, x float64) float64 {
	if m.categories != nil && len(m.categories[i].Values) > 0 {
		return m.categories[i].of(x)
	}
	if x != x {
		return 0
	}
	z := (x - m.means[i]) / m.scales[i]
	return m.weights[i] * min(max(z, -maxDeviation), maxDeviation)
}

func (c *CategoryWeights) of(x float64) float64 {
	if x != x {
		return c.Weights[0]
	}
	return c.Weights[categoryNumber(c.Values, x)+1]
}

// Margin gives the log-odds of one row: the bias and then each feature's
// contribution, added in order.
func (m *Linear) Margin(row []float64) float64 {
	sum := m.bias
	for i, x := range row[:len(m.features)] {
		sum += float64(m.Contribution(i, x))
	}
	return sum
}

// Score gives the probability of the positive class for one row.
func (m *Linear) Score(row []float64) float64 { return numeric.Sigmoid(m.Margin(row)) }

var _ Model = (*Linear)(nil)
