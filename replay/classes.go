package replay

import (
	"orrery.dev/metric"
	"orrery.dev/model"
)

// metricsOf gives the figures over all classes by name.
func metricsOf(c *metric.ClassReport) Metrics {
	return Metrics{"accuracy": c.Accuracy, "macro_f1": c.MacroF1, "weighted_f1": c.WeightedF1, "log_loss": c.LogLoss,
		"brier": c.Brier, "calibration_error": c.CalibrationError}
}

// labelMetricsOf gives the figures over all classes of which several can be right.
func labelMetricsOf(c *metric.LabelsReport) Metrics {
	return Metrics{"exact_match": c.ExactMatch, "macro_f1": c.MacroF1, "micro_f1": c.MicroF1, "weighted_f1": c.WeightedF1, "log_loss": c.LogLoss,
		"brier": c.Brier, "calibration_error": c.CalibrationError}
}

// cutsOf gives the score from which on a model chooses each class, nil where not
// several can be right at once.
func cutsOf(m model.Model) []float64 {
	l, ok := m.(model.Labeller)
	if !ok || !l.Several() {
		return nil
	}
	out := make([]float64, len(l.Classes()))
	for k := range out {
		out[k] = l.Cut(k)
	}
	return out
}

// addCuts notes by each class the cuts of the models that were measured [models ×
// classes].
func addCuts(r *metric.LabelsReport, cuts []float64) {
	for i, cut := range cuts {
		k := i % len(r.Classes)
		r.Classes[k].Cuts = append(r.Classes[k].Cuts, cut)
	}
}
