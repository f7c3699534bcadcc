package ingest

import (
	"strconv"
	"unicode/utf8"

	"orrery.dev"
)

// rule is what a field asks of its value, laid out for speed.
type rule struct {
	field *orrery.Field
	kind  orrery.FieldType
	// name is that of a string or entity field that must have text: an id or a key.
	name           bool
	required       bool
	hasMin, hasMax bool
	scale          int
	limit          int
	least, most    int64
	leastFloat     float64
	mostFloat      float64
}

// Decoder reads events of one type. It is immutable: any number of goroutines
// may use one.
type Decoder struct {
	event  *orrery.EventType
	rules  []rule
	index  map[string]int
	names  []string
	idRule *rule
	// defaults are the fields that have one.
	defaults []int
	// passed names a key that is passed over, empty for none.
	passed string
	// received is the index of the rule for the received time, which is of no
	// field; -1 where that is not read.
	received int
}

// NewDecoder lays out the tables for a type.
func NewDecoder(t *orrery.EventType) *Decoder {
	d := &Decoder{event: t, rules: make([]rule, len(t.Fields)), index: make(map[string]int, len(t.Fields)), received: -1}
	for i := range t.Fields {
		f := &t.Fields[i]
		d.names = append(d.names, f.Name)
		d.index[f.Name] = i
		id := i == t.IDField
		r := rule{field: f, kind: f.Type, scale: f.Scale, name: (id && f.Type == orrery.String) || f.Type == orrery.Entity,
			required: !f.Optional && f.Default.IsMissing() || id || i == t.TimeField, hasMin: !f.Min.IsMissing(), hasMax: !f.Max.IsMissing(), limit: MaxString}
		if r.name {
			r.limit = MaxKey
		}
		r.least, r.leastFloat = f.Min.Units(), f.Min.Float()
		r.most, r.mostFloat = f.Max.Units(), f.Max.Float()
		d.rules[i] = r
		if !f.Default.IsMissing() {
			d.defaults = append(d.defaults, i)
		}
	}
	d.idRule = &d.rules[t.IDField]
	return d
}

// Decoders gives a decoder for each event type of a contract, by name.
func Decoders(c *orrery.Contract) map[string]*Decoder {
	out := make(map[string]*Decoder, len(c.Events))
	for _, t := range c.Events {
		out[t.Name] = NewDecoder(t)
	}
	return out
}

// value reads text that stands for a value of the field.
func (r *rule) value(s string, days *dayCache) (orrery.Value, flaw) {
	switch r.kind {
	case orrery.String, orrery.Entity:
		return r.text(s)
	case orrery.Timestamp:
		at, wrong := days.instant(s)
		return orrery.TimestampValue(at), wrong
	case orrery.Int, orrery.Decimal:
		return r.integer(s)
	case orrery.Float:
		return r.float(s)
	}
	return boolean(s)
}

func (r *rule) text(s string) (orrery.Value, flaw) {
	switch {
	case len(s) > r.limit:
		return orrery.Value{}, flawTooLong
	case r.name && s == "":
		return orrery.Value{}, flawEmpty
	case r.kind == orrery.Entity:
		return orrery.EntityValue(s), fine
	}
	return orrery.StringValue(s), fine
}

func (r *rule) integer(s string) (orrery.Value, flaw) {
	units, wrong := decimalUnits(s, r.scale)
	if wrong != fine {
		return orrery.Value{}, wrong
	}
	return r.units(units)
}

// units gives the value of an int, or of a decimal's units of 10^-scale.
func (r *rule) units(units int64) (orrery.Value, flaw) {
	switch {
	case r.hasMin && units < r.least:
		return orrery.Value{}, flawBelow
	case r.hasMax && units > r.most:
		return orrery.Value{}, flawAbove
	case r.kind == orrery.Int:
		return orrery.IntValue(units), fine
	}
	return orrery.DecimalValue(units), fine
}

func (r *rule) float(s string) (orrery.Value, flaw) {
	x, wrong := floatNumber(s)
	if wrong != fine {
		return orrery.Value{}, wrong
	}
	return r.double(x)
}

// double gives the value of a finite number.
func (r *rule) double(x float64) (orrery.Value, flaw) {
	switch {
	case r.hasMin && x < r.leastFloat:
		return orrery.Value{}, flawBelow
	case r.hasMax && x > r.mostFloat:
		return orrery.Value{}, flawAbove
	}
	return orrery.FloatValue(x), fine
}

// boolean takes what programs write into files: true, True, TRUE and the like.
func boolean(s string) (orrery.Value, flaw) {
	switch s {
	case "true", "True", "TRUE":
		return orrery.BoolValue(true), fine
	case "false", "False", "FALSE":
		return orrery.BoolValue(false), fine
	}
	return orrery.Value{}, flawBool
}

// Type gives the type of the events that are decoded.
func (d *Decoder) Type() *orrery.EventType { return d.event }

// withReceived adds the rule for a received time of that name, which must be of
// no field. Its value comes behind those of the fields.
func (d *Decoder) withReceived(name string) *Decoder {
	d.received = len(d.rules)
	d.index[name] = d.received
	d.names = append(d.names, name)
	field := &orrery.Field{Name: name, Type: orrery.Timestamp}
	d.rules = append(d.rules, rule{field: field, kind: orrery.Timestamp, required: true, limit: MaxString})
	d.idRule = &d.rules[d.event.IDField]
	return d
}

// finish makes the event of values that are all there. text is that of the id
// field, which is kept where the id is an int written in the plain way.
func (d *Decoder) finish(values []orrery.Value, text string) orrery.Event {
	for _, i := range d.defaults {
		if values[i].IsMissing() {
			values[i] = d.event.Fields[i].Default
		}
	}
	var at orrery.Instant
	if d.event.TimeField >= 0 {
		at = values[d.event.TimeField].Instant()
	}
	received := at
	if d.received >= 0 {
		received = values[d.received].Instant()
		values = values[:d.received:d.received]
	}
	id := values[d.event.IDField].Text()
	if d.idRule.kind == orrery.Int {
		if id = text; !wholeNumber(text) || text == "-0" {
			id = strconv.FormatInt(values[d.event.IDField].Units(), 10)
		}
	}
	return orrery.Event{Type: d.event, ID: id, Time: at, Received: received, Values: values}
}

// excerpt shows a value of the field in a sentence, unless it is personal.
func (r *rule) excerpt(s string) string {
	if r.field.Personal {
		return orrery.PersonalMask
	}
	return excerpt(s)
}

// excerpt shows a part of the event's text, unless something in it may be
// personal.
func (p *parser) excerpt(s string) string {
	if p.event.HasPersonal() {
		return "more"
	}
	return excerpt(s)
}

// excerpt shows text in a sentence, between quotes unless it looks like a
// number, cut where it is long.
func excerpt(s string) string {
	const most = 40
	if len(s) <= most && s != "" && numberEnd(s, 0) == len(s) {
		return s
	}
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}
