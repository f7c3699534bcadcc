package feature

import (
	"math"
	"slices"
	"strings"

	"orrery.dev"
)

// Aggregate is one windowed aggregate of events by entity: one number for each
// event that asks.
type Aggregate struct {
	// Kind is the name of one of Kinds.
	Kind string
	// Event is the type of the events counted.
	Event *orrery.EventType
	// Field is the index in Event.Fields of what is aggregated, -1 for the kinds
	// whose operand is an event.
	Field int
	// By is the index in Event.Fields of the entity that an event counts for.
	By int
	// Key is the index in the asking event type's fields of the entity asked
	// about, the same entity as By's.
	Key int
	// Window and Lag place the window (t − Lag − Window, t − Lag]. A Window of 0
	// is all time.
	Window, Lag orrery.Duration
	// Current says that the asking event counts, where it is one of those counted.
	Current bool
	// Where selects the events that count, nil for all.
	Where *Predicate
}

// Predicate decides which events count.
type Predicate struct {
	// Source is the canonical text of the condition and of all that its outcome
	// depends on beside the event, such as a time zone. It is part of the
	// definition of the state: equal sources must decide alike.
	Source string
	// Match reports whether the event counts. It must be pure.
	Match func(*orrery.Event) bool
}

// check gives the aggregate's kind, or says what is wrong with it.
func (a *Aggregate) check(asks *orrery.EventType) (kind, error) {
	k, ok := kindOf(a.Kind)
	switch {
	case !ok:
		return 0, orrery.Errorf(orrery.Invalid, "feature_kind_unknown", "there is no feature kind %q", a.Kind)
	case a.Event == nil:
		return 0, orrery.Errorf(orrery.Invalid, "event_unknown", "a %s needs the event type that it aggregates", a.Kind)
	case !isEntity(a.Event, a.By):
		return 0, orrery.Errorf(orrery.Invalid, "field_not_entity", "a %s of %s must be by one of its entity fields", a.Kind, a.Event.Name)
	case asks == nil || !isEntity(asks, a.Key):
		return 0, orrery.Errorf(orrery.Invalid, "field_not_entity", "a %s of %s must be asked for by an entity field of the event that asks", a.Kind, a.Event.Name)
	case a.Event.Fields[a.By].Entity != asks.Fields[a.Key].Entity:
		return 0, orrery.Errorf(orrery.Invalid, "entity_mismatch", "a %s of %s by %s cannot be asked for by %s.%s, which is another entity",
			a.Kind, a.Event.Name, a.Event.Fields[a.By].Entity, asks.Name, asks.Fields[a.Key].Name)
	case a.Window < 0 || a.Lag < 0:
		return 0, orrery.Errorf(orrery.Invalid, "window_negative", "the window and the lag of a %s of %s must not be negative", a.Kind, a.Event.Name)
	case a.Where != nil && a.Where.Match == nil:
		return 0, orrery.Errorf(orrery.Internal, "where_empty", "the condition of a %s of %s has no meaning", a.Kind, a.Event.Name)
	}
	return k, a.checkField(k)
}

func (a *Aggregate) checkField(k kind) error {
	if kinds[k].Operand == eventOf {
		if a.Field != -1 {
			return orrery.Errorf(orrery.Invalid, "field_unexpected", "a %s is of an event, not of one of its fields", a.Kind)
		}
		return nil
	}
	if a.Field < 0 || a.Field >= len(a.Event.Fields) {
		return orrery.Errorf(orrery.Invalid, "field_unknown", "a %s needs a field of %s", a.Kind, a.Event.Name)
	}
	f := &a.Event.Fields[a.Field]
	if types := kinds[k].FieldTypes; types != nil && !slices.Contains(types, f.Type.String()) {
		return orrery.Errorf(orrery.Invalid, "field_type", "%s.%s is of type %s, and a %s takes %s",
			a.Event.Name, f.Name, f.Type, a.Kind, strings.Join(types, ", ")).WithField(f.Name)
	}
	return nil
}

// reach gives how far behind the asking event the aggregate looks, not counting
// all time; ok is false when that does not fit with keep in a Duration.
func (a *Aggregate) reach(keep orrery.Duration) (d orrery.Duration, ok bool) {
	const most = orrery.Duration(math.MaxInt64 / 4)
	return a.Lag + a.Window, a.Lag < most && a.Window < most && keep < most
}

func isEntity(t *orrery.EventType, field int) bool {
	return field >= 0 && field < len(t.Fields) && t.Fields[field].Type == orrery.Entity
}
