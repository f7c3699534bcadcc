package spec

import (
	"math"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/expr"
)

// resolveAggregate resolves what an aggregate counts and joins by, and gives
// each of its scalars its Aggregate.
func (c *checker) resolveAggregate(d *declared) {
	a := Aggregate{Kind: d.kind.Name, Field: -1, By: -1, Key: -1}
	if operand := d.node.get(d.kind.Name); operand != nil {
		c.resolveOperand(d.kind, operand, &a)
	}
	a.Lag, _ = valueOf[orrery.Duration](d.node, "lag")
	a.Current, _ = valueOf[bool](d.node, "current")
	if at := d.node.written("current"); a.Current && a.Lag > 0 && at != nil {
		c.errorf(at, "current_with_lag", "the event that asks is never in a window that ends %s before it", d.node.get("lag").text).
			note("remove `current`, or the lag")
	}
	c.resolveParameters(d, &a)
	if by := d.node.get("by"); by != nil {
		c.resolveBy(by, &a)
	}
	if where := d.node.get("where"); where != nil && a.Event != nil {
		if a.Where = c.condition(where, c.eventEnv(a.Event)); a.Where != nil {
			c.keepsNone(where, a.Event, a.Where)
		}
	}
	for i := range d.scalars {
		one := a
		if i < len(d.windows) {
			one.Window, one.Rank, one.Share = d.windows[i].span, d.windows[i].rank, d.windows[i].share
		}
		d.scalars[i].Aggregate = &one
		d.scalars[i].Category = one.category(d.kind)
	}
}

// resolveParameters reads the keys that only some kinds have.
func (c *checker) resolveParameters(d *declared, a *Aggregate) {
	if q, ok := valueOf[float64](d.node, "q"); ok {
		a.Quantile = int(math.Round(q * 1e6))
	}
	a.Distance, _ = valueOf[int](d.node, "distance")
	a.HalfLife, _ = valueOf[orrery.Duration](d.node, "half_life")
	if n := d.node.get("half_life"); n != nil && !n.bad && a.HalfLife > maxHalfLife {
		c.errorf(n, "out_of_bounds", "`half_life` is at most 3650d")
	}
}

const maxHalfLife = 3650 * orrery.Day

// category reports whether the value is that of a text: a kind that gives a
// field's own value says so.
func (a *Aggregate) category(kind *declare.Kind) bool {
	if a.Event == nil || a.Field < 0 || !kind.GivesValue || a.Share {
		return false
	}
	t := a.Event.Fields[a.Field].Type
	return t == orrery.String || t == orrery.Entity
}

// resolveOperand resolves what stands behind the kind's name.
func (c *checker) resolveOperand(kind *declare.Kind, n *node, a *Aggregate) {
	if kind.Operand == nil || kind.Operand.Type == declare.EventRef {
		a.Event = c.event(n, n.text)
		return
	}
	t, field := c.fieldOf(n)
	if a.Event = t; field < 0 {
		return
	}
	a.Field = field
	c.keeps(n, t, field)
	if decided := c.spec.DecideOn; kind.OfAsker && decided != nil && t != decided {
		c.errorf(n, "wrong_event", "`%s` compares with the event that asks, so it takes a field of the event decided on, `%s`", kind.Name, decided.Name)
	}
	f := t.Fields[field]
	if len(kind.FieldTypes) > 0 && !slices.Contains(kind.FieldTypes, f.Type.String()) {
		c.errorf(n, "wrong_field_type", "`%s` cannot be taken of `%s.%s`, which is %s", kind.Name, t.Name, f.Name, article(f.Type.String())).
			note("it takes fields of type %s", strings.ReplaceAll(quoted(kind.FieldTypes), " and ", " or "))
	}
}

// event resolves the name of an event, nil where there is none.
func (c *checker) event(n *node, name string) *orrery.EventType {
	if t := c.spec.Contract.Event(name); t != nil {
		return t
	}
	known := c.events
	c.unresolved(n, "unknown_event", "event", name, &known)
	if d := c.lastAt(n, "unknown_event"); d != nil && d.Suggestion != "" {
		d.Suggestion += n.text[len(name):]
	}
	return nil
}

// lastAt gives the diagnostic just reported on a node, nil where it was none.
func (c *checker) lastAt(n *node, code string) *Diagnostic {
	if len(c.diags) > 0 && c.last().Code == code && c.last().Path == n.path {
		return c.last()
	}
	return nil
}

// fieldOf resolves event.field. The event is nil and the field -1 where there is
// none, or a fault hides it.
func (c *checker) fieldOf(n *node) (*orrery.EventType, int) {
	name, field, dotted := strings.Cut(n.text, ".")
	if !dotted {
		c.withoutEvent(n)
		return nil, -1
	}
	t := c.event(n, name)
	if t == nil {
		return nil, -1
	}
	i := t.Field(field)
	switch {
	case i >= 0 && c.fields.broken[n.text]:
		return t, -1
	case i < 0 && !c.openEvents[name]:
		c.unknownField(n, t, field)
	}
	return t, i
}

// withoutEvent reports a field that does not say of which event it is.
func (c *checker) withoutEvent(n *node) {
	d := c.errorf(n, "unknown_field", "`%s` is a field of which event?", n.text).note("write it as event.field")
	for _, known := range c.fields.list {
		if strings.HasSuffix(known, "."+n.text) {
			d.suggest(known)
			return
		}
	}
}

func (c *checker) unknownField(n *node, t *orrery.EventType, field string) {
	known := names{}
	for _, f := range t.Fields {
		known.add(t.Name+"."+f.Name, false)
	}
	if c.lost[field] {
		return
	}
	d := c.errorf(n, "unknown_field", "the event `%s` has no field `%s`", t.Name, shorten(field)).suggest(nearest(n.text, known.list))
	if d.Suggestion == "" {
		d.note("it has %s", quoted(known.list))
	}
}

// resolveBy resolves the entity that joins the counted event and the one
// decided on.
func (c *checker) resolveBy(n *node, a *Aggregate) {
	if a.Event == nil {
		c.knownEntity(n)
		return
	}
	if a.By = c.entityField(n, a.Event); a.By < 0 || c.spec.DecideOn == nil {
		return
	}
	a.Key = c.keyField(n, a.Event, a.By)
}

// knownEntity checks that a name is an entity's where no more can be said.
func (c *checker) knownEntity(n *node) bool {
	if strings.Contains(n.text, ".") || c.entities.has(n.text) {
		return true
	}
	c.unresolved(n, "unknown_entity", "entity", n.text, &c.entities)
	return false
}

// entityField resolves an entity, or event.field, to an entity field of an
// event; -1 where there is none.
func (c *checker) entityField(n *node, t *orrery.EventType) int {
	if event, field, dotted := strings.Cut(n.text, "."); dotted {
		i := t.Field(field)
		switch {
		case event != t.Name:
			c.errorf(n, "wrong_event", "`%s` is no field of the event `%s`", n.text, t.Name)
			return -1
		case i < 0:
			if !c.openEvents[t.Name] {
				c.unknownField(n, t, field)
			}
			return -1
		case c.fields.broken[n.text]:
			return -1
		case t.Fields[i].Type != orrery.Entity:
			c.errorf(n, "not_an_entity", "`%s` is %s, not an entity", n.text, article(t.Fields[i].Type.String()))
			return -1
		}
		return i
	}
	if !c.knownEntity(n) {
		return -1
	}
	return c.onlyField(n, t, n.text, "ambiguous_entity")
}

// onlyField gives the field of an event that holds an entity: the one of the
// entity's name, or the only one.
func (c *checker) onlyField(n *node, t *orrery.EventType, entity, ambiguous string) int {
	found := t.EntityFields(entity)
	for _, i := range found {
		if t.Fields[i].Name == entity {
			return i
		}
	}
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) == 0:
		if !c.openEvents[t.Name] && !c.brokenFieldOf(t) {
			c.errorf(n, "entity_not_in_event", "the event `%s` has no field of the entity `%s`", t.Name, entity)
		}
		return -1
	}
	var fields []string
	for _, i := range found {
		fields = append(fields, t.Name+"."+t.Fields[i].Name)
	}
	d := c.errorf(n, ambiguous, "the event `%s` has several fields of the entity `%s`", t.Name, entity)
	if ambiguous == "ambiguous_entity" {
		d.note("say which: %s", strings.ReplaceAll(quoted(fields), " and ", " or "))
	} else {
		d.note("%s; the counted field must have the name of one of them", quoted(fields))
	}
	return -1
}

// brokenFieldOf reports whether the type of some field of an event is unknown.
func (c *checker) brokenFieldOf(t *orrery.EventType) bool {
	for _, f := range t.Fields {
		if c.fields.broken[t.Name+"."+f.Name] {
			return true
		}
	}
	return false
}

// keyField gives the field of the event decided on whose key the counted events
// are looked up by.
func (c *checker) keyField(n *node, t *orrery.EventType, by int) int {
	decided := c.spec.DecideOn
	if t == decided {
		return by
	}
	f := &t.Fields[by]
	if i := decided.Field(f.Name); i >= 0 && decided.Fields[i].Type == orrery.Entity && decided.Fields[i].Entity == f.Entity {
		return i
	}
	return c.onlyField(n, decided, f.Entity, "ambiguous_key")
}

// condition compiles an expression that must be a bool.
func (c *checker) condition(n *node, env *scope) *expr.Program {
	p := c.compile(n, env)
	if p != nil && p.Type() != expr.Bool {
		c.errorf(n, "not_a_condition", "`%s` takes a condition, and this is %s", leaf(n.path), article(p.Type().String())).
			note("compare it with something, as in `score >= 0.5`")
		return nil
	}
	return p
}
