package feature

import "orrery.dev/declare"

// kind is an aggregate's kind, the index of its declaration in Kinds.
type kind uint8

const (
	countKind kind = iota
	sumKind
	meanKind
	minKind
	maxKind
	stddevKind
	distinctKind
	lastKind
	timeSinceLastKind
)

var (
	ordered = []string{"int", "decimal", "float"}
	eventOf = &declare.Field{Name: "of", Type: declare.EventRef, Required: true,
		Doc: "The event type whose events are counted.", Example: "transaction"}
	fieldOf = &declare.Field{Name: "of", Type: declare.FieldRef, Required: true,
		Doc: "The field of the event type that is aggregated. An event without the field does not count.", Example: "transaction.amount"}
)

var kinds = []declare.Kind{
	countKind: {Name: "count", Operand: eventOf,
		Doc: "How many events there are in the window. The event that asks counts. 0 when there is none."},
	sumKind: {Name: "sum", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The sum of a field over the window's events, in the field's unit; exact for int and decimal fields, in time order for float fields. " +
			"The event that asks counts. 0 when there is none."},
	meanKind: {Name: "mean", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The mean of a field over the window's events, in the field's unit. The event that asks counts. Missing when there is none."},
	minKind: {Name: "min", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The smallest value of a field over the window's events, in the field's unit. The event that asks counts. Missing when there is none."},
	maxKind: {Name: "max", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The largest value of a field over the window's events, in the field's unit. The event that asks counts. Missing when there is none."},
	stddevKind: {Name: "stddev", Operand: fieldOf, FieldTypes: ordered,
		Doc: "The sample standard deviation (divided by n − 1) of a field over the window's events, in the field's unit. " +
			"The event that asks counts. Missing when there are fewer than two."},
	distinctKind: {Name: "distinct", Operand: fieldOf,
		Doc: "How many different values a field takes over the window's events, exactly. The event that asks counts. 0 when there is none. " +
			"Over all time (`window: ever`), every value is kept for ever."},
	lastKind: {Name: "last", Operand: fieldOf, FieldTypes: []string{"int", "decimal", "float", "bool", "timestamp"}, WithoutCurrent: true,
		Doc: "The value of a field in the latest event of the window, in the field's unit; a bool is 0 or 1, a timestamp is in seconds since 1970-01-01T00:00:00Z. " +
			"The event that asks does not count unless `current: true`. Missing when there is none."},
	timeSinceLastKind: {Name: "time_since_last", Operand: eventOf, WithoutCurrent: true,
		Doc: "The seconds from the latest event of the window to the event that asks. " +
			"The event that asks does not count unless `current: true`. Missing when there is none."},
}

// Kinds declares the kinds of aggregate that a spec can name, in the order of
// the reference page.
func Kinds() []declare.Kind { return append([]declare.Kind(nil), kinds...) }

func kindOf(name string) (kind, bool) {
	for i := range kinds {
		if kinds[i].Name == name {
			return kind(i), true
		}
	}
	return 0, false
}
