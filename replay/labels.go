package replay

import (
	"math"

	"orrery.dev"
	"orrery.dev/spec"
)

// Forever is after every instant: what is known then is all that history holds.
const Forever = orrery.Instant(math.MaxInt64)

// Labels says what was known about examples at one instant.
type Labels struct {
	label *spec.Label
	known map[string]bool
	at    orrery.Instant
}

// LabelsAt gives the labels known just before an instant: from outcomes
// received before it, the newest where there are several, and from silence
// about whatever had matured.
func (x *Examples) LabelsAt(label *spec.Label, at orrery.Instant) *Labels {
	l := &Labels{label: label, known: make(map[string]bool), at: at}
	for _, o := range x.outcomes {
		if o.received < at {
			l.known[o.id] = o.positive
		}
	}
	return l
}

// Of gives an example's label; known is false when it had not matured or can
// never be learned.
func (l *Labels) Of(e *Example) (positive, known bool) {
	if positive, known = l.known[e.ID]; known {
		return positive, true
	}
	if e.Unknowable || l.at != Forever && e.Time.Add(l.label.MaturesAfter) >= l.at {
		return false, false
	}
	return l.label.Absent, true
}

// positivesByEntity gives, for each Excluded entity, the earliest instant at
// which a positive outcome was received for one of the examples from an instant on.
func (x *Examples) positivesByEntity(from orrery.Instant) map[string]orrery.Instant {
	entity := make(map[string]string, len(x.List))
	for i := range x.List {
		if e := &x.List[i]; e.Time >= from && e.Excluded != "" {
			entity[e.ID] = e.Excluded
		}
	}
	first := make(map[string]orrery.Instant)
	for _, o := range x.outcomes {
		key, ok := entity[o.id]
		if !ok || !o.positive {
			continue
		}
		if at, seen := first[key]; !seen || o.received < at {
			first[key] = o.received
		}
	}
	return first
}
