package feature

import (
	"math"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/text/simhash"
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
	// Rank is, of a last, how many events later than the one meant there are in the
	// window; of a top, how many values are more frequent.
	Rank int
	// Share asks a top for the value's share of the window's events, not for the
	// value.
	Share bool
	// Quantile is the part of the values, in millionths, that are at most a
	// quantile's.
	Quantile int
	// HalfLife is that of a decayed kind, whose Window is 0.
	HalfLife orrery.Duration
	// Distance is, of repeats, in how many bits the hash of a text may differ from
	// that of the text that asks.
	Distance int
	// Current says that the asking event counts, where it is one of those counted.
	Current bool
	// Where selects the events that count, nil for all.
	Where *Predicate
}

// MaxRank bounds Aggregate.Rank.
const MaxRank = 100

const maxHalfLife = 3650 * orrery.Day

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
	case a.Rank < 0 || a.Rank >= MaxRank:
		return 0, orrery.Errorf(orrery.Invalid, "rank_invalid", "the rank of a %s of %s must be in [0, %d)", a.Kind, a.Event.Name, MaxRank)
	case k == quantileKind && (a.Quantile < 0 || a.Quantile > 1_000_000):
		return 0, orrery.Errorf(orrery.Invalid, "quantile_invalid", "a quantile of %s must be of 0 to 1,000,000 millionths", a.Event.Name)
	case kinds[k].NeedsWindow && a.Window == 0:
		return 0, orrery.Errorf(orrery.Invalid, "window_missing", "a %s of %s needs a window", a.Kind, a.Event.Name)
	case kinds[k].WithoutWindow && (a.Window != 0 || a.HalfLife <= 0 || a.HalfLife > maxHalfLife):
		return 0, orrery.Errorf(orrery.Invalid, "half_life_invalid", "a %s of %s has no window, and a half-life of at most %d days",
			a.Kind, a.Event.Name, maxHalfLife/orrery.Day)
	case kinds[k].OfAsker && a.Event.Name != asks.Name:
		return 0, orrery.Errorf(orrery.Invalid, "event_mismatch", "a %s of %s compares with the event that asks, which is %s", a.Kind, a.Event.Name, asks.Name)
	case a.Distance < 0 || a.Distance > simhash.MaxDistance:
		return 0, orrery.Errorf(orrery.Invalid, "distance_invalid", "the distance of a %s of %s must be in [0, %d]", a.Kind, a.Event.Name, simhash.MaxDistance)
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

// reach gives how far behind the asking event the aggregate looks for single
// events, a tile's width more than its window, not counting all time; ok is false when that does not fit with keep in a Duration.
func (a *Aggregate) reach(keep orrery.Duration) (d orrery.Duration, ok bool) {
	const most = orrery.Duration(math.MaxInt64 / 16)
	if a.Lag >= most || a.Window >= most || keep >= most {
		return 0, false
	}
	if a.HalfLife > 0 {
		return a.Lag, true
	}
	return a.Lag + a.Window + a.tileWidth(keep), true
}

func isEntity(t *orrery.EventType, field int) bool {
	return field >= 0 && field < len(t.Fields) && t.Fields[field].Type == orrery.Entity
}
