package train

import (
	"context"
	"fmt"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/model"
)

// oneAgainstRest is the method of a report on several classes.
const oneAgainstRest = "one against rest"

// calibrateClasses fits to the earlier rows and calibrates each class against the
// rest on the last share of them; refit fits once more to all rows. A class with
// too few rows in the slice keeps its scores.
func calibrateClasses(ctx context.Context, fit Fit, rows *Rows, share float64, refit bool) (model.Model, *CalibrationReport, error) {
	early, late, err := splitCalibration(rows, share)
	if err != nil {
		return nil, nil, err
	}
	report := &CalibrationReport{Method: noCalibration, Rows: late.Len()}
	if err := early.checkLabels(); orrery.CodeOf(err) == "train_class_missing" || early.Len() == 0 {
		report.Reason = "the scores are left as they are: the rows before those to calibrate on do not have all classes"
		m, err := fit(ctx, rows)
		return m, report, err
	}
	fitted, err := fit(ctx, early)
	if err != nil {
		return nil, nil, err
	}
	calibrators, fittedTo, err := classCalibrators(ctx, fitted, late)
	if err != nil {
		return nil, nil, err
	}
	m := fitted
	if refit || fittedTo == 0 {
		if m, err = fit(ctx, rows); err != nil {
			return nil, nil, err
		}
	}
	report.Reason = fmt.Sprintf("each class is calibrated against the rest, by its own rows: %d of %d have enough", fittedTo, len(rows.Classes))
	if fittedTo == 0 {
		return m, report, nil
	}
	report.Method = oneAgainstRest
	calibrated, err := putBehind(m, calibrators)
	if err != nil {
		return nil, nil, err
	}
	return calibrated, report, nil
}

// classCalibrators gives a calibrator for each class, one that changes nothing
// where there are too few rows, and how many were fitted.
func classCalibrators(ctx context.Context, m model.Model, late *Rows) (out []model.Calibrator, fitted int, err error) {
	c, ok := m.(model.Classifier)
	if !ok {
		return nil, 0, nil
	}
	k := len(late.Classes)
	scores := make([]float64, late.Len()*k)
	if err := model.ClassRows(c, late.X, late.Text, scores); err != nil {
		return nil, 0, err
	}
	for class := range k {
		set := metric.Set{Label: make([]float64, late.Len()), Score: make([]float64, late.Len()), Weight: late.Weight}
		for i, y := range late.Y {
			set.Score[i] = min(scores[i*k+class], 1)
			if int(y) == class {
				set.Label[i] = 1
			}
		}
		calibrator, _, err := ChooseCalibrator(ctx, set)
		if err != nil {
			return nil, 0, err
		}
		if calibrator == nil {
			if calibrator, err = model.NewBeta(1, 1, 0, 0); err != nil {
				return nil, 0, err
			}
		} else {
			fitted++
		}
		out = append(out, calibrator)
	}
	return out, fitted, nil
}
