package orrery

import "slices"

// CorrectionOf says that events of a type correct events of another.
type CorrectionOf struct {
	// Event is the name of the type corrected.
	Event string
	// Names is the index of the field with the id of the event corrected; it has
	// the name of that type's id field.
	Names int
	// Withdraws is the index of the bool field by which the event corrected does not
	// count at all, or again; -1 for none.
	Withdraws int
}

// Corrected is what a correction does to the event that it names. It is worked
// out when the correction gets its place in the log, and is part of its record,
// so that replay need not look for the event.
type Corrected struct {
	// Before is the event as it counted until the correction, After as it counts
	// from then on. Both have the offset, the received time and the instant of the
	// event itself.
	Before, After Event
	// Withdrawn and Withdraws say that it did not count before, or does not after.
	Withdrawn, Withdraws bool
}

// Correct gives what e, of a type that corrects before's, does to that event,
// which stood so until now. A field of e has the place of the corrected type's
// field of its name, where e has a value for it; ids and times are not
// corrected.
func Correct(e *Event, before Event, withdrawn bool) *Corrected {
	of := e.Type.Corrects
	c := &Corrected{Before: before, After: before, Withdrawn: withdrawn, Withdraws: withdrawn}
	c.After.Values = slices.Clone(before.Values)
	for i := range e.Type.Fields {
		if j := e.Type.Replaces(before.Type, i); j >= 0 && !e.Values[i].IsMissing() {
			c.After.Values[j] = e.Values[i]
		}
	}
	if of.Withdraws >= 0 && !e.Values[of.Withdraws].IsMissing() {
		c.Withdraws = e.Values[of.Withdraws].Bool()
	}
	return c
}

// Replaces gives the index in the corrected type of the field that field i of t
// has the place of, -1 for none.
func (t *EventType) Replaces(corrected *EventType, i int) int {
	if i == t.IDField || i == t.TimeField {
		return -1
	}
	j := corrected.Field(t.Fields[i].Name)
	if j == corrected.IDField || j == corrected.TimeField {
		return -1
	}
	return j
}

// NamedID gives the id of the event that a correction names.
func (e *Event) NamedID() string {
	v := e.Values[e.Type.Corrects.Names]
	return v.Format(0)
}
