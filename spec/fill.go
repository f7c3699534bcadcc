package spec

import (
	"orrery.dev"
)

// Fill says what fills a field of an event that the system makes about a decision.
type Fill struct {
	Source FillSource
	// Field is, of FromDecided, the index of a field in DecideOn, and of FromValue
	// that of an expression in Emission.Set.
	Field int
}

// FillSource is where the value of a field comes from.
type FillSource uint8

// The sources.
const (
	// FromNothing leaves the field to its default, or missing.
	FromNothing FillSource = iota
	// FromDecided takes the value of a field of the event decided on.
	FromDecided
	// FromID and FromTime are the id made for the event, and when it happened.
	FromID
	FromTime
	// FromVerdict is what a reviewer says; FromReviewer and FromNote are their name
	// and their words.
	FromVerdict
	FromReviewer
	FromNote
	// FromValue is what an expression gives.
	FromValue
)

// fillFields completes what fills the fields of an event of type t: what has no source yet
// is taken from the event decided on. What is required and has none is reported at a
// node: what is made, such as a verdict, cannot fill it.
func (c *checker) fillFields(at *node, fills []Fill, t *orrery.EventType, code, made string) {
	decided := c.spec.DecideOn
	for i := range t.Fields {
		if fills[i].Source != FromNothing {
			continue
		}
		f := &t.Fields[i]
		from, optional := sourceOf(f, decided)
		required := needed(f)
		if from >= 0 && !(required && optional) {
			fills[i] = Fill{Source: FromDecided, Field: from}
		} else if required && !c.openEvents[decided.Name] && !c.openEvents[t.Name] {
			d := c.errorf(at, code, "%s cannot fill `%s.%s`, which is required", made, t.Name, f.Name)
			if from >= 0 {
				d.note("the event `%s` may lack its `%s`; make this one optional too", decided.Name, decided.Fields[from].Name)
			} else {
				d.note("make it optional, or give the event `%s` a field like it", decided.Name)
			}
		}
	}
}

// sourceOf gives the field of the event decided on that fills a field of another
// event, -1 where none does: the one of its name and type, or the only one of its
// entity. optional says that an event may lack it.
func sourceOf(f *orrery.Field, decided *orrery.EventType) (i int, optional bool) {
	i = decided.Field(f.Name)
	if i >= 0 && (decided.Fields[i].Type != f.Type || decided.Fields[i].Entity != f.Entity || decided.Fields[i].Scale != f.Scale) {
		i = -1
	}
	if i < 0 && f.Type == orrery.Entity {
		if of := decided.EntityFields(f.Entity); len(of) == 1 {
			i = of[0]
		}
	}
	if i < 0 {
		return -1, false
	}
	from := &decided.Fields[i]
	if !f.Min.IsMissing() && f.Min != from.Min || !f.Max.IsMissing() && f.Max != from.Max {
		return -1, false // Its bounds could refuse the value.
	}
	if from.Personal && !f.Personal {
		return -1, false // It would no longer be kept apart.
	}
	return i, from.Optional
}
