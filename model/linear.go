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

// Linear is a logistic regression on standardised inputs. It is immutable and
// safe for concurrent use.
type Linear struct {
	features               []string
	means, scales, weights []float64
	bias                   float64
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
	return &Linear{slices.Clone(features), slices.Clone(means), slices.Clone(scales), slices.Clone(weights), bias}, nil
}

// Kind gives Logistic.
func (m *Linear) Kind() string { return Logistic }

// Features names the inputs, in order. The caller must not change it.
func (m *Linear) Features() []string { return m.features }

// Bias gives the margin of a row of means, in log-odds.
func (m *Linear) Bias() float64 { return m.bias }

// Contribution gives what value x of feature i adds to the margin, in log-odds.
// A missing value is taken to be the training mean, and so adds 0.
func (m *Linear) Contribution(i int, x float64) float64 {
	if x != x {
		return 0
	}
	z := (x - m.means[i]) / m.scales[i]
	return m.weights[i] * min(max(z, -maxDeviation), maxDeviation)
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
