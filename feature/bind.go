package feature

import (
	"slices"

	"orrery.dev"
)

// binding is a Set as it works on one State: event types to keys to series.
type binding struct {
	set   *Set
	types []typePlan
}

// typePlan says what an event of one type touches, field by field.
type typePlan struct {
	event *orrery.EventType
	// alias is another declaration of the same type, found to extend event.
	alias   *orrery.EventType
	touches []touch
}

// touch is one entity field of an event: the tables that count the event for
// that key, and the readers that ask about it. One look-up serves them all.
type touch struct {
	field   int
	shelf   *shelf
	counts  []boundCount
	readers []boundReader
}

type boundCount struct {
	table  *table
	number int // of the table on the shelf
}

type boundReader struct {
	*reader
	table  *table
	number int
	// hints has, for each bound, the place of its hint in a series.
	hints []int
}

// bind gives the set's binding to the state, made at the first call.
func (st *State) bind(s *Set) *binding {
	for _, b := range st.bindings {
		if b.set == s {
			return b
		}
	}
	b := &binding{set: s}
	for _, t := range s.tables {
		sh := st.shelf(t.entity)
		tc := b.touch(t.event, t.by, sh)
		tc.counts = append(tc.counts, boundCount{t, sh.tableFor(t)})
	}
	for i := range s.readers {
		r := &s.readers[i]
		t := s.tables[r.table]
		sh := st.shelf(t.entity)
		bound := boundReader{reader: r, table: t, number: sh.tableFor(t)}
		for _, d := range r.bounds {
			bound.hints = append(bound.hints, sh.tables[bound.number].hint(d))
		}
		tc := b.touch(s.asks, r.key, sh)
		tc.readers = append(tc.readers, bound)
	}
	st.bindings = append(st.bindings, b)
	return b
}

func (b *boundTable) hint(d orrery.Duration) int {
	if i := slices.Index(b.bounds, d); i >= 0 {
		return i
	}
	b.bounds = append(b.bounds, d)
	return len(b.bounds) - 1
}

// touch gives the touch of an event type's field, made if there is none.
func (b *binding) touch(event *orrery.EventType, field int, sh *shelf) *touch {
	at := slices.IndexFunc(b.types, func(p typePlan) bool { return p.event == event })
	if at < 0 {
		at = len(b.types)
		b.types = append(b.types, typePlan{event: event})
	}
	p := &b.types[at]
	for i := range p.touches {
		if p.touches[i].field == field {
			return &p.touches[i]
		}
	}
	p.touches = append(p.touches, touch{field: field, shelf: sh})
	return &p.touches[len(p.touches)-1]
}

// plan gives what an event touches, nil when the set does not read its type.
func (b *binding) plan(e *orrery.Event) (*typePlan, error) {
	for i := range b.types {
		p := &b.types[i]
		if e.Type != p.event && e.Type != p.alias {
			if e.Type.Name != p.event.Name {
				continue
			}
			if !extends(e.Type, p.event) {
				return nil, orrery.Errorf(orrery.Internal, "contract_mismatch",
					"the event type %s has changed since the features were compiled", e.Type.Name)
			}
			p.alias = e.Type
		}
		if len(e.Values) < len(p.event.Fields) {
			return nil, orrery.Errorf(orrery.Internal, "event_unchecked", "%s %q has %d values for %d fields",
				e.Type.Name, e.ID, len(e.Values), len(p.event.Fields))
		}
		return p, nil
	}
	return nil, nil
}

// extends reports whether a has all of b's fields at their places.
func extends(a, b *orrery.EventType) bool {
	if len(a.Fields) < len(b.Fields) {
		return false
	}
	for i := range b.Fields {
		f, g := &a.Fields[i], &b.Fields[i]
		if f.Name != g.Name || f.Type != g.Type || f.Entity != g.Entity || f.Scale != g.Scale {
			return false
		}
	}
	return true
}
