package replay

import "orrery.dev/metric"

// metricsOf gives the figures over all classes by name.
func metricsOf(c *metric.ClassReport) Metrics {
	return Metrics{"accuracy": c.Accuracy, "macro_f1": c.MacroF1, "weighted_f1": c.WeightedF1, "log_loss": c.LogLoss,
		"brier": c.Brier, "calibration_error": c.CalibrationError}
}
