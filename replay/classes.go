package replay

import "orrery.dev/metric"

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
