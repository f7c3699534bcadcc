package plan

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"orrery.dev"
	"orrery.dev/expr"
	"orrery.dev/model"
	"orrery.dev/spec"
)

// Value gives what a feature's slot of a vector says, as JSON would have it: nil
// for a missing value, the text of a category that an expression takes from e,
// else a number. e may be nil.
func (p *Plan) Value(slot int, vector []float64, e *orrery.Event) any {
	x := vector[slot]
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	if text, ok := p.categoryText(slot, x, e); ok {
		return text
	}
	return x
}

// categoryText gives the text of a category, where the event has it.
func (p *Plan) categoryText(slot int, x float64, e *orrery.Event) (string, bool) {
	f := &p.Spec.Features[slot]
	if !f.Category || f.Expr == nil || e == nil {
		return "", false
	}
	text, known := f.Expr.Text(&expr.Input{Event: e})
	return text, known && orrery.CategoryOf(text) == x
}

// Sentence says a reason of a decision on e in words, from what the spec says of
// the feature: "the terminal's share of frauds in the last 7 days is 0.31, which
// raises the score".
func (p *Plan) Sentence(r orrery.Reason, d *orrery.Decision, e *orrery.Event) string {
	f := &p.Spec.Features[r.Slot]
	var b strings.Builder
	about, _ := p.described(r.Slot)
	b.WriteString(strings.TrimRight(strings.TrimSpace(about), "."))
	if b.Len() == 0 {
		b.WriteString(f.Declared)
	}
	if f.Name != f.Declared {
		// The description is of all windows, so it does not name this one.
		b.WriteString(p.span(r.Slot))
	}
	b.WriteString(p.says(r.Slot, d.Vector, e))
	if r.Contribution > 0 {
		b.WriteString(", which raises the score")
	} else {
		b.WriteString(", which lowers the score")
	}
	if len(d.Scores) > 0 && len(d.Scores) == p.classes() {
		b.WriteString(" of " + p.Spec.Label.Classes[model.Likeliest(d.Scores)])
	}
	return b.String()
}

// described gives what the spec says of a feature, and its unit. One that is a
// field of the event, and nothing else, has these of the field.
func (p *Plan) described(slot int) (about, unit string) {
	f := &p.Spec.Features[slot]
	about, unit = f.About, f.Unit
	if f.Expr == nil {
		return about, unit
	}
	for i := range p.Spec.DecideOn.Fields {
		if field := &p.Spec.DecideOn.Fields[i]; f.Expr.Canonical() == p.Spec.DecideOn.Name+"."+field.Name {
			return cmp.Or(about, field.About), cmp.Or(unit, field.Unit)
		}
	}
	return about, unit
}

// says gives a feature's value in words.
func (p *Plan) says(slot int, vector []float64, e *orrery.Event) string {
	f := &p.Spec.Features[slot]
	switch value := p.Value(slot, vector, e).(type) {
	case string:
		return " is " + strconv.Quote(value)
	case float64:
		switch {
		case f.Category:
			return " has a value"
		case f.Expr != nil && f.Expr.Type() == expr.Bool || f.Listed != nil && f.Listed.Question == expr.Member:
			return " is " + strconv.FormatBool(value != 0)
		}
		number := strconv.FormatFloat(value, 'g', 6, 64)
		if math.Abs(value) >= 1e-4 && math.Abs(value) < 1e15 {
			number = strings.TrimRight(strings.TrimRight(strconv.FormatFloat(value, 'f', max(0, 5-digits(value)), 64), "0"), ".")
			if value == math.Trunc(value) {
				number = strconv.FormatFloat(value, 'f', 0, 64)
			}
		}
		if _, unit := p.described(slot); unit != "" {
			number += " " + unit
		}
		return " is " + number
	}
	return " is missing"
}

// digits counts those before the point, less one.
func digits(x float64) int { return int(math.Floor(math.Log10(math.Abs(x)))) }

// span says over what time a feature is taken, empty where it is of no window.
func (p *Plan) span(slot int) string {
	a := p.aggregateOf(slot)
	switch {
	case a == nil:
		return ""
	case a.Window == 0:
		return " so far" + place(a)
	case a.Lag == 0:
		return " in the last " + length(a.Window) + place(a)
	}
	return " in the " + length(a.Window) + " before the last " + length(a.Lag) + place(a)
}

// place says which of several values of a window is meant, empty where there is
// one.
func place(a *spec.Aggregate) string {
	number := strconv.Itoa(a.Rank + 1)
	switch {
	case a.Kind == "top" && a.Share:
		return ", share of place " + number
	case a.Kind == "top":
		return ", place " + number
	case a.Rank > 0:
		return ", number " + number + " from the end"
	}
	return ""
}

// aggregateOf gives the aggregate that a feature is, or that it divides.
func (p *Plan) aggregateOf(slot int) *spec.Aggregate {
	f := &p.Spec.Features[slot]
	if f.Ratio != nil {
		return p.aggregateOf(f.Ratio.Numerator)
	}
	return f.Aggregate
}

// length writes a span of time in its greatest whole unit: "7 days", and "hour"
// for one of a unit.
func length(d orrery.Duration) string {
	for _, unit := range []struct {
		span orrery.Duration
		name string
	}{{orrery.Day, "day"}, {orrery.Hour, "hour"}, {orrery.Minute, "minute"}, {orrery.Second, "second"}} {
		if n := d / unit.span; n > 0 && d%unit.span == 0 {
			if n == 1 {
				return unit.name
			}
			return strconv.FormatInt(int64(n), 10) + " " + unit.name + "s"
		}
	}
	return d.Std().String()
}
