package feature

import (
	"slices"

	"orrery.dev"
	"orrery.dev/store"
)

// Set is the aggregates of one release, compiled. It does not change, and may be
// used with several States at once.
type Set struct {
	asks       *orrery.EventType
	aggregates []Aggregate
	tables     []*table
	readers    []reader
}

// reader answers the aggregates that read one table by one key of the asker.
type reader struct {
	table int // in Set.tables
	key   int // the asking type's entity field
	// bounds are the distances behind the asker at which some window begins or
	// ends.
	bounds []orrery.Duration
	items  []item
}

// DefaultExact is how many of the newest events of a key are told apart where a
// spec does not say.
const DefaultExact = 1024

// Compile prepares aggregates for events of the type asks. keep is how much
// later than its successors an event may still arrive, exact how many of the
// newest events of a key are told apart. An aggregate that makes no sense is an
// Error of kind Invalid.
func Compile(asks *orrery.EventType, aggregates []Aggregate, keep orrery.Duration, exact int) (*Set, error) {
	if keep < 0 {
		return nil, orrery.Errorf(orrery.Invalid, "keep_negative", "how late an event may come must not be negative")
	}
	if exact < 1 || exact > 1<<20 {
		return nil, orrery.Errorf(orrery.Invalid, "exact_invalid", "between 1 and 1,048,576 events of a key can be told apart, not %d", exact)
	}
	s := &Set{asks: asks, aggregates: slices.Clone(aggregates)}
	kinds := make([]kind, len(aggregates))
	tableOf := make([]*table, len(aggregates))
	for i := range s.aggregates {
		a := &s.aggregates[i]
		k, err := a.check(asks)
		if err != nil {
			return nil, err
		}
		reach, ok := a.reach(keep)
		if !ok {
			return nil, orrery.Errorf(orrery.Invalid, "window_too_long", "the window of a %s of %s is longer than time can be told", a.Kind, a.Event.Name)
		}
		t := s.tableFor(a)
		t.exact = exact
		t.need(k, a, keep)
		t.retain = max(t.retain, int64(reach))
		kinds[i], tableOf[i] = k, t
	}
	for _, t := range s.tables {
		t.finish(keep)
	}
	for i := range s.aggregates {
		s.read(i, kinds[i], tableOf[i], keep)
	}
	return s, nil
}

func (s *Set) tableFor(a *Aggregate) *table {
	for _, t := range s.tables {
		if t.isFor(a) {
			return t
		}
	}
	t := &table{event: a.Event, by: a.By, where: a.Where, present: a.present(), tail: 1}
	s.tables = append(s.tables, t)
	return t
}

// read adds aggregate i to the reader of its table and key.
func (s *Set) read(i int, k kind, t *table, keep orrery.Duration) {
	a := &s.aggregates[i]
	r := s.readerFor(slices.Index(s.tables, t), a.Key)
	it := item{kind: k, out: i, start: -1, end: r.bound(a.Lag), skip: !a.Current && a.Lag == 0, unit: 1,
		level: -1, number: -1, from: int64(a.Lag + a.Window), to: int64(a.Lag), rank: a.Rank, share: a.Share, quantile: a.Quantile, distance: a.Distance}
	if l, ok := a.level(k, keep); ok {
		it.level = slices.IndexFunc(t.levels, l.same)
		if partsOf(k) != 0 {
			it.number = t.levels[it.level].cellOf(a.Field, columnKindOf(k, a))
		}
	}
	if a.Window == 0 {
		it.from = 0
	}
	if a.Window > 0 {
		it.start = r.bound(a.Lag + a.Window)
	}
	if a.Field >= 0 {
		it.column = t.columns[t.columnOf(k, a.Field)]
		if it.column.typ == orrery.Decimal {
			it.unit = orrery.Pow10(it.column.scale)
		}
	}
	r.items = append(r.items, it)
}

func (s *Set) readerFor(table, key int) *reader {
	for i := range s.readers {
		if s.readers[i].table == table && s.readers[i].key == key {
			return &s.readers[i]
		}
	}
	s.readers = append(s.readers, reader{table: table, key: key})
	return &s.readers[len(s.readers)-1]
}

func (r *reader) bound(d orrery.Duration) int {
	if i := slices.Index(r.bounds, d); i >= 0 {
		return i
	}
	r.bounds = append(r.bounds, d)
	return len(r.bounds) - 1
}

// Tables names the tables whose state the set reads.
func (s *Set) Tables() []store.TableID {
	ids := make([]store.TableID, len(s.tables))
	for i, t := range s.tables {
		ids[i] = t.id
	}
	return ids
}
