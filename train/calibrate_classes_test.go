package train

import (
	"context"
	"testing"

	"orrery.dev/metric"
	"orrery.dev/model"
)

// Calibrated, a forest of several classes, which is unsure of everything, has
// the lower log loss and calibration error on later rows.
func TestClassesAreCalibrated(t *testing.T) {
	rows, later := shopRows(6000, 30, 3, 31), shopRows(6000, 30, 3, 32)
	fit := func(ctx context.Context, rows *Rows) (model.Model, error) {
		return Forest{Trees: 20, Depth: 4, Bins: 64, ColumnSample: 0.4, MinLeaf: 20, Seed: 1}.Fit(ctx, rows, nil)
	}
	report := func(m model.Model) *metric.ClassReport {
		s := metric.ClassSet{Classes: later.Classes, Score: make([]float64, 3*later.Len())}
		for _, y := range later.Y {
			s.Label = append(s.Label, int(y))
		}
		if err := model.ClassRows(m.(model.Classifier), later.X, nil, s.Score); err != nil {
			t.Fatal(err)
		}
		r, err := metric.Classify(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	plain, err := fit(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	calibrated, said, err := RefitCalibrated(context.Background(), fit, rows, 0)
	if err != nil {
		t.Fatal(err)
	}
	before, after := report(plain), report(calibrated)
	if after.LogLoss >= before.LogLoss || after.CalibrationError >= before.CalibrationError || said.Method != oneAgainstRest {
		t.Errorf("log loss %v after %v, calibration error %v after %v, by %q", after.LogLoss, before.LogLoss, after.CalibrationError, before.CalibrationError, said.Method)
	}
	few, said, err := FitCalibrated(context.Background(), fit, rows.slice(0, 120), 0.2)
	if err != nil || few.(*model.Multiclass).Calibrators() != nil || said.Method != noCalibration || said.Reason == "" {
		t.Errorf("with too few rows: %+v, error %v", said, err)
	}
}
