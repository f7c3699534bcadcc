package model

import (
	"math"
	"testing"

	"orrery.dev"
	"orrery.dev/numeric"
)

func TestLinearMargin(t *testing.T) {
	m, err := NewLinear([]string{"a", "b"}, []float64{1, -2}, []float64{2, 0.5}, []float64{3, -1}, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	nan, far := math.NaN(), float64(maxDeviation)
	cases := []struct{ a, b, want float64 }{
		{1, -2, 0.25},
		{3, -2, 3.25},
		{nan, -1.5, -0.75},
		{nan, nan, 0.25},
		{math.Inf(1), 0, 3 * far},
		{math.Inf(-1), math.Inf(-1), -3*far + far},
	}
	for _, c := range cases {
		row := []float64{c.a, c.b}
		if got := m.Margin(row); got != c.want {
			t.Errorf("margin of %v is %v, want %v", row, got, c.want)
		}
		if got := m.Score(row); got != numeric.Sigmoid(c.want) {
			t.Errorf("score of %v is %v", row, got)
		}
	}
	if got := m.Contribution(0, 3); got != 3 {
		t.Errorf("contribution %v, want 3", got)
	}
}

// A weight of zero against an infinite input, and two overflows of opposite
// sign, must not make the score NaN.
func TestLinearScoreIsAlwaysANumber(t *testing.T) {
	m, err := NewLinear([]string{"a", "b", "c"}, []float64{0, math.MaxFloat64, -math.MaxFloat64},
		[]float64{1, math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64}, []float64{0, maxWeight, maxWeight}, 0)
	if err != nil {
		t.Fatal(err)
	}
	inf, big := math.Inf(1), math.MaxFloat64
	for _, row := range [][]float64{{inf, inf, -inf}, {-inf, -big, big}, {inf, -inf, inf}, {1, 0, 0}} {
		if got := m.Score(row); !(got >= 0 && got <= 1) {
			t.Errorf("score of %v is %v", row, got)
		}
	}
}

func TestNewLinearRefuses(t *testing.T) {
	one := []float64{1}
	bad := [][]float64{{math.NaN()}, {math.Inf(1)}}
	check := func(code string, features []string, means, scales, weights []float64, bias float64) {
		t.Helper()
		if _, err := NewLinear(features, means, scales, weights, bias); orrery.CodeOf(err) != code {
			t.Errorf("error %v, want code %s", err, code)
		}
	}
	for _, x := range bad {
		check("model_value", names(1), x, one, one, 0)
		check("model_value", names(1), one, x, one, 0)
		check("model_value", names(1), one, one, x, 0)
		check("model_value", names(1), one, one, one, x[0])
	}
	check("model_value", names(1), one, []float64{0}, one, 0)
	check("model_value", names(1), one, []float64{-1}, one, 0)
	check("model_value", names(1), one, one, []float64{-2e100}, 0)
	check("model_shape", names(2), one, one, one, 0)
	check("model_feature", []string{"a", "a"}, bad[0], one, one, 0)
}
