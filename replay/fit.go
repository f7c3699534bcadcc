package replay

import (
	"orrery.dev"
	"orrery.dev/spec"
)

// TrainSpan gives the range that a spec asks to train on, at an instant: the
// newest rows that have matured, as long as model.train.range says: none for a
// model of which nothing is fitted.
func TrainSpan(s *spec.Spec, now orrery.Instant) Range {
	end := now
	if s.Label != nil {
		end = end.Add(-s.Label.MaturesAfter)
	}
	return Range{From: end.Add(-s.Model.Train.Range), To: end}
}
