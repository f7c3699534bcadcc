package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"orrery.dev/metric"
	"orrery.dev/model"
)

func TestWeigh(t *testing.T) {
	rows := &Rows{Y: []float64{0, 0, 0, 1}, Weight: []float64{1, 1, 2, 2}}
	for name, test := range map[string]struct {
		balanced bool
		weights  []float64
		want     []float64
	}{
		"none":     {false, nil, []float64{1, 1, 2, 2}},
		"weights":  {false, []float64{1, 10}, []float64{1, 1, 2, 20}},
		"balanced": {true, nil, []float64{0.75, 0.75, 1.5, 3}},
	} {
		if got := Weigh(rows, test.balanced, test.weights).Weight; !slices.Equal(got, test.want) {
			t.Errorf("%s: weights %v, want %v", name, got, test.want)
		}
	}
}

// Class weights raise the scores, and calibration, which weighs rows as they
// are, brings them back.
func TestCalibrationUndoesClassWeights(t *testing.T) {
	rows, later := rareRows(20_000, 4, 21), rareRows(20_000, 4, 22)
	fit := func(ctx context.Context, rows *Rows) (model.Model, error) {
		return small().Fit(ctx, Weigh(rows, true, nil), nil)
	}
	weighed, err := fit(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	calibrated, _, err := RefitCalibrated(context.Background(), fit, rows, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	off := func(m model.Model) float64 {
		s := metric.Set{Label: later.Y, Score: make([]float64, later.Len())}
		if err := model.ScoreRows(m, later.X, nil, s.Score); err != nil {
			t.Fatal(err)
		}
		e, err := metric.CalibrationError(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if a, b := off(weighed), off(calibrated); a < 0.1 || b > 0.02 || math.IsNaN(a) {
		t.Errorf("the calibration error is %v with class weights, and %v calibrated", a, b)
	}
}
