package spec

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"orrery.dev"
)

func lastSegment(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func (c *checker) resolveEntities(root *node) {
	list := root.find("entities")
	c.entities.open = list != nil && list.bad || list == nil && (root.partial || c.lost["entities"])
	if list == nil || list.bad {
		return
	}
	for _, item := range list.list() {
		if c.entities.has(item.text) {
			c.errorf(item, "duplicate_item", "the entity `%s` is listed twice", item.text)
			continue
		}
		c.entities.add(item.text, false)
	}
	c.entities.open = len(list.list()) < len(list.items)
	c.spec.Contract.Entities = c.entities.list
}

func (c *checker) resolveEvents(root *node) {
	events := root.find("events")
	if events == nil || events.shape != mapping {
		c.events.open = true
		return
	}
	c.events.open = events.partial
	for _, e := range events.entries {
		if e.ignored {
			continue
		}
		name := e.key.text
		c.reserved(e.key, reservedWords, "event")
		c.events.add(name, e.key.bad || e.value.bad)
		t := &orrery.EventType{Name: name, Index: len(c.spec.Contract.Events), IDField: -1, TimeField: -1, About: textOf(e.value, "about")}
		c.spec.Contract.Events = append(c.spec.Contract.Events, t)
		fields := e.value.find("fields")
		if fields == nil || fields.shape != mapping || fields.partial {
			c.openEvents[name] = true
		}
		if fields != nil && fields.shape == mapping {
			c.resolveFields(t, fields)
		}
		if e.value.written("corrects") != nil {
			c.corrections[name] = true
		}
		c.resolveID(t, e.value)
		c.resolveTime(t, e.value)
		c.resolveSubject(t, e.value)
	}
	c.personalKeys(events)
	if len(c.spec.Contract.Events) == 0 && !c.events.open {
		c.events.open = true
		c.errorf(events, "empty_value", "`events` declares none")
	}
}

func (c *checker) resolveFields(t *orrery.EventType, fields *node) {
	if len(fields.entries) == 0 && !fields.partial {
		c.openEvents[t.Name] = true
		c.errorf(fields, "empty_value", "the event `%s` has no fields", t.Name)
	}
	for _, e := range fields.entries {
		if e.ignored {
			continue
		}
		c.reserved(e.key, celKeywords, "field")
		f, ok := c.field(e.key.text, e.value)
		f.Name = e.key.text
		c.fields.add(t.Name+"."+f.Name, !ok || e.key.bad)
		t.Fields = append(t.Fields, f)
	}
}

// field makes a contract's field; ok is false where its type is not known.
func (c *checker) field(name string, n *node) (f orrery.Field, ok bool) {
	kind := n
	if n.shape == mapping {
		kind = n.get("type")
		f.Unit, f.About = textOf(n, "unit"), textOf(n, "about")
		f.Optional, _ = valueOf[bool](n, "optional")
		f.Personal, _ = valueOf[bool](n, "personal")
	}
	if kind == nil || kind.bad {
		return f, false
	}
	f.Type, ok = orrery.FieldTypeOf(kind.text)
	if !ok {
		return f, false
	}
	c.fieldEntity(&f, name, kind, n)
	c.fieldScale(&f, n)
	c.fieldBounds(&f, n)
	c.fieldDefault(&f, n)
	return f, true
}

func (c *checker) fieldEntity(f *orrery.Field, name string, kind, n *node) {
	explicit := n.written("entity")
	if f.Type != orrery.Entity {
		if explicit != nil {
			c.at(n.key("entity").at, explicit.path, "misplaced_key", "only a field of type `entity` takes `entity`; this one is %s", article(f.Type.String()))
		}
		return
	}
	at := kind
	f.Entity = name
	if explicit != nil {
		if explicit.bad {
			return
		}
		at, f.Entity = explicit, explicit.text
	}
	if c.entities.has(f.Entity) || c.entities.open || c.lost[f.Entity] {
		return
	}
	c.unresolved(at, "unknown_entity", "entity", f.Entity, &c.entities)
	if explicit == nil && c.last().Code == "unknown_entity" {
		c.last().Suggestion = ""
		c.last().note("add `%s` to `entities`, or name one: {type: entity, entity: %s}", name, firstOr(c.entities.list, "NAME"))
	}
}

func firstOr(list []string, otherwise string) string {
	if len(list) > 0 {
		return list[0]
	}
	return otherwise
}

func (c *checker) fieldScale(f *orrery.Field, n *node) {
	scale := n.written("scale")
	switch {
	case f.Type == orrery.Decimal && scale == nil:
		c.errorf(n, "missing_scale", "a decimal field says how many digits follow the point").note("for example: {type: decimal, scale: 2}")
	case f.Type != orrery.Decimal && scale != nil:
		c.at(n.key("scale").at, scale.path, "misplaced_key", "only a field of type `decimal` takes `scale`; this one is %s", article(f.Type.String()))
	case scale != nil && !scale.bad:
		f.Scale = scale.value.(int)
	}
}

func (c *checker) fieldBounds(f *orrery.Field, n *node) {
	f.Min = c.bound(f, n, "min")
	f.Max = c.bound(f, n, "max")
	if f.Min.IsMissing() || f.Max.IsMissing() {
		return
	}
	above := f.Min.Units() > f.Max.Units()
	if f.Type == orrery.Float {
		above = f.Min.Float() > f.Max.Float()
	}
	if above {
		c.errorf(n.get("min"), "min_above_max", "the least value, %s, is above the greatest, %s", n.get("min").text, n.get("max").text)
	}
}

// bound reads a field's min or max as a value of the field's type.
func (c *checker) bound(f *orrery.Field, n *node, key string) orrery.Value {
	v := n.get(key)
	if v == nil {
		return orrery.Value{}
	}
	if !f.Type.Numeric() {
		c.at(n.key(key).at, v.path, "misplaced_key", "only a numeric field takes `%s`; this one is %s", key, article(f.Type.String()))
		return orrery.Value{}
	}
	if value, ok := parseNumber(v.text, f.Type, f.Scale); ok && v.plain {
		return value
	}
	d := c.errorf(v, "bad_bound", "`%s` is not a value of this field", shorten(v.text))
	d.note("the field takes %s", valuesOf(f))
	return orrery.Value{}
}

// fieldDefault reads the value of an event without the field.
func (c *checker) fieldDefault(f *orrery.Field, n *node) {
	v := n.written("default")
	if v == nil || v.bad {
		return
	}
	switch {
	case f.Type == orrery.Entity || f.Type == orrery.Timestamp:
		c.at(n.key("default").at, v.path, "misplaced_key", "a field of type `%s` takes no `default`", f.Type).
			note("an event that does not tell it has none: {type: %s, optional: true}", f.Type)
		return
	case f.Optional:
		c.at(n.key("default").at, v.path, "optional_default", "an event without the field has its default, so the field cannot be optional").note("remove one of the two")
		return
	}
	value, ok := c.literal(f, v)
	if !ok {
		c.errorf(v, "bad_default", "`%s` is not a value of this field", shorten(v.text)).note("it takes %s", valuesOf(f))
		return
	}
	if outside(f, value) {
		c.errorf(v, "bad_default", "the default `%s` is outside the field's bounds", shorten(v.text))
		return
	}
	f.Default = value
}

// literal reads a value of a field's type.
func (c *checker) literal(f *orrery.Field, v *node) (orrery.Value, bool) {
	switch f.Type {
	case orrery.String:
		c.surprise(v, false)
		return orrery.StringValue(v.text), true
	case orrery.Bool:
		return orrery.BoolValue(v.text == "true"), v.plain && (v.text == "true" || v.text == "false")
	}
	value, ok := parseNumber(v.text, f.Type, f.Scale)
	return value, ok && v.plain
}

func valuesOf(f *orrery.Field) string {
	switch f.Type {
	case orrery.Bool:
		return "true or false"
	case orrery.Int:
		return "whole numbers"
	case orrery.Decimal:
		return fmt.Sprintf("numbers with at most %d digits after the point", f.Scale)
	}
	return "finite numbers"
}

// outside reports whether a number is beyond its field's bounds.
func outside(f *orrery.Field, v orrery.Value) bool {
	if f.Type == orrery.Float {
		return !f.Min.IsMissing() && v.Float() < f.Min.Float() || !f.Max.IsMissing() && v.Float() > f.Max.Float()
	}
	return f.Type.Exact() && (!f.Min.IsMissing() && v.Units() < f.Min.Units() || !f.Max.IsMissing() && v.Units() > f.Max.Units())
}

// parseNumber reads decimal digits as a value of a numeric type, exactly.
func parseNumber(text string, kind orrery.FieldType, scale int) (orrery.Value, bool) {
	if len(text) > 40 || strings.Trim(text, "+-.0123456789eE") != "" {
		return orrery.Value{}, false
	}
	if kind == orrery.Float {
		x, err := strconv.ParseFloat(text, 64)
		return orrery.FloatValue(x), err == nil
	}
	if strings.ContainsAny(text, "eE") {
		return orrery.Value{}, false
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return orrery.Value{}, false
	}
	if kind == orrery.Decimal {
		r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	}
	if !r.IsInt() || !r.Num().IsInt64() {
		return orrery.Value{}, false
	}
	if kind == orrery.Int {
		return orrery.IntValue(r.Num().Int64()), true
	}
	return orrery.DecimalValue(r.Num().Int64()), true
}

// own resolves a name to a field of the event that the name stands in.
func (c *checker) own(t *orrery.EventType, n *node) int {
	i := t.Field(strings.TrimPrefix(n.text, t.Name+"."))
	if i >= 0 {
		if c.fields.broken[t.Name+"."+t.Fields[i].Name] {
			return -1
		}
		return i
	}
	if c.openEvents[t.Name] {
		return -1
	}
	known := names{}
	for _, f := range t.Fields {
		known.add(f.Name, false)
	}
	c.unresolved(n, "unknown_field", "field of `"+t.Name+"` called", n.text, &known)
	return -1
}

func (c *checker) resolveID(t *orrery.EventType, event *node) {
	n := event.get("id")
	if n == nil {
		return
	}
	i := c.own(t, n)
	if i < 0 {
		return
	}
	f := &t.Fields[i]
	switch {
	case f.Type != orrery.String && f.Type != orrery.Int:
		c.errorf(n, "bad_id", "an event's id is a string or an int, and `%s` is %s", f.Name, article(f.Type.String()))
	case f.Optional:
		c.errorf(n, "optional_id", "every event has an id, and `%s` is optional", f.Name)
	case !f.Default.IsMissing():
		c.errorf(n, "optional_id", "every event has an id of its own, and `%s` has a default", f.Name)
	default:
		t.IDField = i
	}
}

func (c *checker) resolveTime(t *orrery.EventType, event *node) {
	n := event.get("time")
	if n == nil {
		return
	}
	i := c.own(t, n)
	if i < 0 {
		return
	}
	f := &t.Fields[i]
	switch {
	case f.Type != orrery.Timestamp:
		c.errorf(n, "bad_time", "an event's time is a timestamp, and `%s` is %s", f.Name, article(f.Type.String()))
	case f.Optional:
		c.errorf(n, "optional_time", "every event has a time, and `%s` is optional", f.Name)
	default:
		t.TimeField = i
	}
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func (c *checker) resolveDecideOn(root *node) {
	n := root.get("decide_on")
	if n == nil {
		return
	}
	if t := c.spec.Contract.Event(n.text); t != nil {
		if c.corrections[n.text] {
			c.errorf(n, "decides_on_correction", "`%s` corrects another event, and a decision is on what happens", n.text)
		}
		c.spec.DecideOn = t
		return
	}
	c.unresolved(n, "unknown_event", "event", n.text, &c.events)
}

// celKeywords cannot be names in an expression.
var celKeywords = []string{"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function",
	"if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"}

// reservedWords cannot be the names of features and events.
var reservedWords = append([]string{"score", "scores", "action", "lists"}, celKeywords...)

// reserved reports a name that expressions take for something else.
func (c *checker) reserved(n *node, words []string, what string) {
	for _, w := range words {
		if n.text == w && !n.bad {
			n.bad = true
			c.errorf(n, "reserved_name", "`%s` is a word of expressions, so no %s can have it for a name", w, what)
		}
	}
}

// extend puts what the file declares behind what the data has been recorded
// under, if the two agree.
func (c *checker) extend() {
	if c.under == nil || slices.ContainsFunc(c.diags, func(d *Diagnostic) bool { return d.Severity == SeverityError }) {
		return
	}
	if merged, faults := c.under.Merge(c.spec.Contract); len(faults.Contradictions()) == 0 {
		c.spec.Contract = merged
	}
}
