package plan

import (
	"orrery.dev"
	"orrery.dev/expr"
	"orrery.dev/spec"
)

// Emitted is an event that the system is to record about a decision of its own.
type Emitted struct {
	// Emission is an index in Spec.Emit.
	Emission int
	// Set are the values of the expressions of Emission.Set, missing where one has
	// none.
	Set []orrery.Value
}

// Emits gives what is to be recorded about a decision that this plan made, in the
// order of the spec: a function of the recorded decision and its event.
func (p *Plan) Emits(e *orrery.Event, s *Scratch, d *orrery.Decision) []Emitted {
	if len(p.Spec.Emit) == 0 {
		return nil
	}
	p.spread(s, d)
	s.text[spec.ActionText] = d.Action
	s.input = expr.Input{Event: e, Vector: s.vector, Text: s.text[:]}
	var out []Emitted
	for i := range p.Spec.Emit {
		emission := &p.Spec.Emit[i]
		if holds, known := emission.When.Bool(&s.input); !holds || !known {
			continue
		}
		emitted := Emitted{Emission: i}
		for _, program := range emission.Set {
			emitted.Set = append(emitted.Set, valueOf(program, &s.input))
		}
		out = append(out, emitted)
	}
	return out
}

// valueOf gives what an expression gives as the value of a field.
func valueOf(program *expr.Program, in *expr.Input) orrery.Value {
	switch program.Type() {
	case expr.String:
		if text, known := program.Text(in); known {
			return orrery.StringValue(text)
		}
	case expr.Bool:
		if holds, known := program.Bool(in); known {
			return orrery.BoolValue(holds)
		}
	case expr.Number:
		if x := program.Number(in); x == x {
			return orrery.FloatValue(x)
		}
	}
	return orrery.Value{}
}

// Event makes the event of an emission about a decision that has an id: e is the
// event decided on, with the keys that it came with.
func (em *Emitted) Event(p *Plan, e *orrery.Event, id string) orrery.Event {
	emission := &p.Spec.Emit[em.Emission]
	t := emission.Event
	out := orrery.Event{Type: t, ID: id, Time: e.Time, Values: make([]orrery.Value, len(t.Fields))}
	for i, from := range emission.Fields {
		v := &out.Values[i]
		switch from.Source {
		case spec.FromDecided:
			*v = e.Values[from.Field]
		case spec.FromValue:
			*v = em.Set[from.Field]
		case spec.FromID:
			*v = orrery.StringValue(id)
		case spec.FromTime:
			*v = orrery.TimestampValue(e.Time)
		}
		if v.IsMissing() {
			*v = t.Fields[i].Default
		}
	}
	return out
}
