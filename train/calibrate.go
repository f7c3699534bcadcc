package train

import (
	"context"
	"fmt"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/model"
)

// What calibration asks of its slice.
const (
	// MinCalibrationRows is the least number of rows, MinCalibrationClass of each
	// class, with which a calibrator is fitted at all.
	MinCalibrationRows  = 100
	MinCalibrationClass = 10
	// MinIsotonicPositives is the least number of positives with which isotonic
	// regression is tried.
	MinIsotonicPositives = 1000
	// DefaultCalibrationShare is the share of the rows that FitCalibrated keeps
	// for calibration where it is given none.
	DefaultCalibrationShare = 0.2
)

// CalibrationReport says how a model was calibrated, and what it gained.
type CalibrationReport struct {
	// Method is "beta", "isotonic", "inner folds" for a kind of model that calibrates
	// itself, or "none" where the scores are left as they are; Reason says why in a
	// sentence.
	Method string `json:"method"`
	Reason string `json:"reason"`
	// Rows and Positives are those of the slice calibrated on that have weight.
	Rows      int `json:"rows"`
	Positives int `json:"positives"`
	// Before and After are measured on the later half of the slice, after a
	// calibrator of the method fitted to the earlier half; Reliability is the
	// table of After. All are nil where Method is "none" or a half is of one class.
	Before      *CalibrationFigures     `json:"before,omitempty"`
	After       *CalibrationFigures     `json:"after,omitempty"`
	Reliability []metric.ReliabilityBin `json:"reliability,omitempty"`
}

// CalibrationFigures measure probabilities against what came.
type CalibrationFigures struct {
	LogLoss          float64 `json:"log_loss"`
	Brier            float64 `json:"brier"`
	CalibrationError float64 `json:"calibration_error"`
}

const (
	noCalibration = "none"
	innerFolds    = "inner folds"
)

// ChooseCalibrator fits a calibrator to scored rows in time order, and says why
// it is the one. It is isotonic regression when there are at least 1,000
// positives and, both fitted to the earlier half of the rows, it has the lower
// log loss on the later half; else it is beta calibration. Either is then fitted
// to all the rows. It is nil, for the scores as they are, with fewer than 100
// rows, with fewer than 10 of a class, and where higher scores do not mean more
// positives. Rows without weight do not count.
//
// An error of kind Invalid with the code metric_input says that the set is not
// well formed or a score is no probability.
func ChooseCalibrator(ctx context.Context, s metric.Set) (model.Calibrator, *CalibrationReport, error) {
	report := countCalibration(s.Label, s.Weight)
	if report.Reason != "" {
		return nil, report, nil
	}
	beta, err := FitBeta(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	if beta.A == 0 && beta.B == 0 {
		report.Method = noCalibration
		report.Reason = "the scores are left as they are: in the rows to calibrate on, higher scores do not mean more positives"
		return nil, report, nil
	}
	early, late := halves(s)
	report.Method = model.BetaKind
	report.Reason = fmt.Sprintf("isotonic regression takes %d positives, and there are %d", MinIsotonicPositives, report.Positives)
	held, err := FitBeta(ctx, early)
	if err != nil || oneClass(late) {
		report.Reason = "half of the rows to calibrate on are of one class, so nothing could be compared"
		return beta, report, ctx.Err()
	}
	if err := report.measure(held, late); err != nil {
		return nil, nil, err
	}
	if report.Positives < MinIsotonicPositives {
		return beta, report, nil
	}
	return report.compare(beta, s, early, late)
}

// compare puts isotonic regression in beta's place where it does better on the
// later half.
func (r *CalibrationReport) compare(beta *model.Beta, s, early, late metric.Set) (model.Calibrator, *CalibrationReport, error) {
	held, err := FitIsotonic(early)
	if err != nil {
		return nil, nil, err
	}
	other := *r
	if err := other.measure(held, late); err != nil {
		return nil, nil, err
	}
	r.Reason = fmt.Sprintf("on the later half of the rows beta calibration has a log loss of %.6g, isotonic regression one of %.6g",
		r.After.LogLoss, other.After.LogLoss)
	if other.After.LogLoss >= r.After.LogLoss {
		return beta, r, nil
	}
	isotonic, err := FitIsotonic(s)
	if err != nil {
		return nil, nil, err
	}
	other.Method, other.Reason = model.IsotonicKind, r.Reason
	return isotonic, &other, nil
}

// measure sets Before, After and Reliability.
func (r *CalibrationReport) measure(c model.Calibrator, s metric.Set) (err error) {
	if r.Before, err = figures(s); err != nil {
		return err
	}
	after := s
	after.Score = make([]float64, len(s.Score))
	for i, score := range s.Score {
		after.Score[i] = c.Calibrate(score)
	}
	if r.After, err = figures(after); err != nil {
		return err
	}
	r.Reliability, err = metric.Reliability(after, metric.CalibrationBins, metric.EqualMass)
	return err
}

func figures(s metric.Set) (*CalibrationFigures, error) {
	f := &CalibrationFigures{}
	for _, m := range []struct {
		to      *float64
		measure func(metric.Set) (float64, error)
	}{{&f.LogLoss, metric.LogLoss}, {&f.Brier, metric.Brier}, {&f.CalibrationError, metric.CalibrationError}} {
		var err error
		if *m.to, err = m.measure(s); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// countCalibration begins a report; it has a reason when rows with these labels
// cannot be calibrated on.
func countCalibration(label, weight []float64) *CalibrationReport {
	r := &CalibrationReport{Method: noCalibration}
	for i, y := range label {
		if i < len(weight) && weight[i] == 0 {
			continue
		}
		r.Rows++
		if y == 1 {
			r.Positives++
		}
	}
	if r.Rows < MinCalibrationRows || min(r.Positives, r.Rows-r.Positives) < MinCalibrationClass {
		r.Reason = fmt.Sprintf("the scores are left as they are: calibration takes %d rows and %d of each class, and there are %d rows, %d of them positive",
			MinCalibrationRows, MinCalibrationClass, r.Rows, r.Positives)
	}
	return r
}

func halves(s metric.Set) (early, late metric.Set) {
	n := len(s.Label) / 2
	early, late = metric.Set{Label: s.Label[:n], Score: s.Score[:n]}, metric.Set{Label: s.Label[n:], Score: s.Score[n:]}
	if s.Weight != nil {
		early.Weight, late.Weight = s.Weight[:n], s.Weight[n:]
	}
	return early, late
}

func oneClass(s metric.Set) bool {
	r := countCalibration(s.Label, s.Weight)
	return r.Positives == 0 || r.Positives == r.Rows
}

// Fit fits a model to rows.
type Fit func(ctx context.Context, rows *Rows) (model.Model, error)

// FitCalibrated fits a model to the earlier part of rows, which are in time
// order, and calibrates it on the last share of them; a share of 0 is the
// default, 0.2. The model given is a *model.Calibrated, or fit's own where the
// slice is too small for a calibrator. Of rows with Classes, each class is
// calibrated against the rest: see model.Multiclass.
//
// The rows calibrated on cannot be trained on, since a model is surer of rows
// that it has seen than of others. So a greater share makes the probabilities
// better and the ranking worse, of the newest rows first; RefitCalibrated keeps
// the ranking. Where the slice is too small, which its labels tell beforehand,
// the model is fitted to all the rows.
//
// An error of kind Invalid with the code train_param says that share is not in
// [0, 0.9]; all others are those of fit and of ChooseCalibrator.
func FitCalibrated(ctx context.Context, fit Fit, rows *Rows, share float64) (model.Model, *CalibrationReport, error) {
	if m, report, err := calibratesItself(ctx, fit, rows); m != nil || err != nil {
		return m, report, err
	}
	if rows.Classes != nil {
		return calibrateClasses(ctx, fit, rows, share, false)
	}
	fitted, calibrator, report, err := calibrate(ctx, fit, rows, share)
	if err != nil {
		return nil, nil, err
	}
	return calibratedOrPlain(ctx, fit, rows, fitted, calibrator, report)
}

// RefitCalibrated does as FitCalibrated, then fits the model once more, to all
// the rows, and keeps the calibrator. Training takes nearly twice as long and no
// row is lost to the model, which ranks as one without calibration, save for
// scores that the calibrator makes equal: beta calibration those that it rounds
// to 0 or 1, isotonic regression those of a pool. In return the calibrator was
// fitted to the scores of a model of fewer rows, which are like those that it
// serves but not the same; that holds as long as share is small.
func RefitCalibrated(ctx context.Context, fit Fit, rows *Rows, share float64) (model.Model, *CalibrationReport, error) {
	if m, report, err := calibratesItself(ctx, fit, rows); m != nil || err != nil {
		return m, report, err
	}
	if rows.Classes != nil {
		return calibrateClasses(ctx, fit, rows, share, true)
	}
	_, calibrator, report, err := calibrate(ctx, fit, rows, share)
	if err != nil {
		return nil, nil, err
	}
	return calibratedOrPlain(ctx, fit, rows, nil, calibrator, report)
}

// calibratesItself fits a model of a text, and gives it if it was calibrated on
// inner folds as it was fitted, which loses no row; nil if it was not.
func calibratesItself(ctx context.Context, fit Fit, rows *Rows) (model.Model, *CalibrationReport, error) {
	if rows.Text == nil {
		return nil, nil, nil
	}
	m, err := fit(ctx, rows)
	if err != nil {
		return nil, nil, err
	}
	if own, ok := m.(interface{ IsCalibrated() bool }); !ok || !own.IsCalibrated() {
		return nil, nil, nil
	}
	report := &CalibrationReport{Rows: rows.Len()}
	report.Method, report.Reason = innerFolds, "the scores are calibrated on inner folds as the model is fitted"
	return m, report, nil
}

// calibrate fits to the earlier rows and chooses a calibrator on the later, nil
// when the scores are best left as they are.
func calibrate(ctx context.Context, fit Fit, rows *Rows, share float64) (model.Model, model.Calibrator, *CalibrationReport, error) {
	early, late, err := splitCalibration(rows, share)
	if err != nil {
		return nil, nil, nil, err
	}
	report := countCalibration(late.Y, late.Weight)
	if report.Reason == "" && oneClass(metric.Set{Label: early.Y, Weight: early.Weight}) {
		report.Reason = "the scores are left as they are: the rows before those to calibrate on are all of one class"
	}
	if report.Reason != "" {
		return nil, nil, report, nil
	}
	fitted, err := fit(ctx, early)
	if err != nil {
		return nil, nil, nil, err
	}
	set := metric.Set{Label: late.Y, Weight: late.Weight, Score: make([]float64, late.Len())}
	if err := model.ScoreRows(fitted, late.X, late.Text, set.Score); err != nil {
		return nil, nil, nil, err
	}
	calibrator, report, err := ChooseCalibrator(ctx, set)
	return fitted, calibrator, report, err
}

// calibratedOrPlain puts the calibrator behind the model. Where either is
// missing the model is fitted to all the rows.
func calibratedOrPlain(ctx context.Context, fit Fit, rows *Rows, m model.Model, c model.Calibrator, report *CalibrationReport) (model.Model, *CalibrationReport, error) {
	if m == nil || c == nil {
		var err error
		if m, err = fit(ctx, rows); err != nil {
			return nil, nil, err
		}
	}
	if c == nil {
		return m, report, nil
	}
	calibrated, err := putBehind(m, []model.Calibrator{c})
	if err != nil {
		return nil, nil, err
	}
	return calibrated, report, nil
}

// putBehind puts calibrators, one for each output, behind a model. A model of a
// text stays one.
func putBehind(m model.Model, calibrators []model.Calibrator) (model.Model, error) {
	switch m := m.(type) {
	case *model.Multiclass:
		return m.Calibrated(calibrators)
	case interface{ Parts() model.TextParts }:
		parts := m.Parts()
		parts.Calibrators = calibrators
		return model.NewText(parts)
	}
	if len(calibrators) != 1 {
		return nil, orrery.Errorf(orrery.Invalid, "train_calibration", "a model of kind %q cannot be calibrated for several classes", m.Kind()).
			WithNext("set calibrate to false")
	}
	return model.NewCalibrated(m, calibrators[0])
}

// splitCalibration cuts off the last share of rows.
func splitCalibration(rows *Rows, share float64) (early, late *Rows, err error) {
	if share == 0 {
		share = DefaultCalibrationShare
	}
	if !(share > 0 && share <= 0.9) {
		return nil, nil, orrery.Errorf(orrery.Invalid, "train_param", "the share of rows to calibrate on is %v", share).
			WithField("share").WithNext("use a share above 0 and no greater than 0.9, such as 0.2")
	}
	n := rows.Len()
	if len(rows.X) != n*len(rows.Names) || rows.Weight != nil && len(rows.Weight) != n {
		return nil, nil, orrery.Errorf(orrery.Invalid, "train_rows", "%d values and %d weights do not make %d rows of %d columns",
			len(rows.X), len(rows.Weight), n, len(rows.Names))
	}
	cut := n - int(share*float64(n))
	return rows.slice(0, cut), rows.slice(cut, n), nil
}
