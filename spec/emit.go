package spec

import (
	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/expr"
)

// Emission is an event that the system records itself about decisions of its own.
type Emission struct {
	Event *orrery.EventType
	// When reads the action, the score, features and the decided event.
	When *expr.Program
	// Fields has for each field of Event what fills it; Set the expressions among
	// that, each of the type of its field: a string, a bool or a number.
	Fields []Fill
	Set    []*expr.Program
}

func emitField() declare.Field {
	return declare.Field{Name: "emit", Type: declare.Mapping,
		Doc: "Events that the system records itself about decisions of its own, so that features can count them: the strikes of an author, what a channel had flagged. " +
			"Each is an event declared in `events`, and is recorded once for each new decision for which `when` holds: behind the decision in the log, within moments of its answer and whatever happens meanwhile; a decision in between does not count it yet. " +
			"It happens when the decided event did, its id is the decision's, and every field has the value of the field of the same name and type, or of the same entity, of the event decided on. " +
			"In the log it is an event like any other: a replay reads it and makes none. Others may send events of the type too, such as those of the time before.",
		Each: &declare.Field{Type: declare.Mapping, Doc: "One event, by its name in `events`. It is not the one decided on, nor the label's, for a decision is no outcome of itself, nor one that corrects.",
			Fields: []declare.Field{
				{Name: "when", Type: declare.Expression, Required: true, Example: `action in ["remove", "ban"]`,
					Doc: "A condition, which reads `action` and what a condition of the policy does."},
				{Name: "set", Type: declare.Mapping, Example: "{action: action}", Doc: "Values for fields of the event, which take the place of the decided event's.",
					Each: &declare.Field{Type: declare.Expression, Example: "action",
						Doc: "An expression of the field's type, a string, a bool or a float, which reads what `when` does. The field is optional or has a default, since the value can be missing."}},
			}}}
}

// resolveEmit resolves the events that the system records about its decisions.
func (c *checker) resolveEmit(root *node) {
	n := root.find("emit")
	if n == nil || n.bad || n.shape != mapping {
		return
	}
	env := c.decisionEnv(decisionScope{score: true, action: true})
	for _, e := range n.entries {
		if e.ignored || e.value.bad {
			continue
		}
		t := c.emitted(e.key)
		emission := Emission{Event: t}
		if when := e.value.get("when"); when != nil && !when.bad {
			emission.When = c.condition(when, env)
			c.needsModel(root, when, emission.When)
		}
		if t == nil || c.spec.DecideOn == nil || t.IDField < 0 || t.TimeField < 0 {
			continue
		}
		emission.Fields = make([]Fill, len(t.Fields))
		emission.Fields[t.IDField].Source, emission.Fields[t.TimeField].Source = FromID, FromTime
		c.setFields(root, e.value.get("set"), env, &emission)
		c.fillFields(e.key, emission.Fields, t, "emit_unfilled", "a decision")
		c.spec.Emit = append(c.spec.Emit, emission)
	}
}

// emitted gives the event that a key of emit names, nil where it cannot be emitted.
func (c *checker) emitted(key *node) *orrery.EventType {
	t := c.event(key, key.text)
	switch {
	case t == nil:
	case t == c.spec.DecideOn:
		c.errorf(key, "emit_itself", "`%s` is the event decided on: each decision would call for another", t.Name)
	case c.spec.Label != nil && t == c.spec.Label.Event:
		c.errorf(key, "emit_label", "`%s` is the outcome of decisions, and a decision is no outcome of itself", t.Name)
	case t.Corrects != nil:
		c.errorf(key, "emit_correction", "`%s` corrects other events, and a decision corrects none", t.Name)
	case t.IDField >= 0 && t.Fields[t.IDField].Type != orrery.String:
		c.errorf(key, "emit_id", "the id is a decision's, which is a string, and `%s.%s` is %s", t.Name, t.Fields[t.IDField].Name, article(t.Fields[t.IDField].Type.String()))
	default:
		return t
	}
	return nil
}

// setFields resolves the fields whose values are given.
func (c *checker) setFields(root, n *node, env *scope, emission *Emission) {
	if n == nil || n.shape != mapping {
		return
	}
	t := emission.Event
	for _, e := range n.entries {
		if e.ignored || e.value.bad {
			continue
		}
		program := c.compile(e.value, env)
		c.needsModel(root, e.value, program)
		i := c.own(t, e.key)
		if i < 0 {
			continue
		}
		if emission.Fields[i].Source != FromNothing {
			c.errorf(e.key, "wrong_field_type", "`%s.%s` is filled already: an id and a time are made", t.Name, t.Fields[i].Name)
			continue
		}
		// Whatever is wrong with its value, the field is not without one.
		emission.Fields[i] = Fill{Source: FromValue, Field: len(emission.Set)}
		if program == nil {
			continue
		}
		c.settable(&e, &t.Fields[i], program)
		emission.Set = append(emission.Set, program)
	}
}

// settable reports a field that a value of an expression cannot fill.
func (c *checker) settable(e *entry, f *orrery.Field, program *expr.Program) {
	takes := map[orrery.FieldType]expr.Type{orrery.String: expr.String, orrery.Bool: expr.Bool, orrery.Float: expr.Number}
	switch want, ok := takes[f.Type]; {
	case !ok:
		c.errorf(e.key, "wrong_field_type", "a value is a string, a bool or a float, and `%s` is %s", f.Name, article(f.Type.String()))
	case program.Type() != want:
		c.errorf(e.value, "wrong_field_type", "`%s` is %s, and this is %s", f.Name, article(f.Type.String()), article(program.Type().String()))
	case !f.Min.IsMissing() || !f.Max.IsMissing():
		c.errorf(e.key, "wrong_field_type", "`%s` has bounds, which could refuse the value", f.Name)
	case needed(f):
		c.errorf(e.key, "emit_unfilled", "`%s` is required, and the value can be missing", f.Name).note("make it optional, or give it a default")
	}
}
