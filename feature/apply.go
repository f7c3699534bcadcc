package feature

import (
	"math"

	"orrery.dev"
)

// scratch is what one call works with.
type scratch struct {
	entities []*entity // of the event's touches, nil where the key is missing or new
	times    []int64   // of a reader's bounds
	rows     []int     // the first row after each bound
	ahead    []ahead
	sink     int64 // what Prefetch looked at, so that it must look
	hasher   hasher
	asker    *orrery.Event // nil for one that is not in the log
	total    cell
	values   []int64
}

// Apply counts the event in every table that reads its type. Events come in the
// order of their offsets, from 1; a series that has applied the event's offset
// or a later one is left as it is. After an error from load the event may have
// been counted in part; applying it again completes it.
func (s *Set) Apply(st *State, e *orrery.Event) error {
	b := st.bind(s)
	if e.Corrected != nil {
		p, err := b.plan(&e.Corrected.Before)
		if err == nil && p != nil {
			err = st.correct(p, e)
		}
		if err != nil {
			return err
		}
	}
	p, err := b.plan(e)
	if p == nil || err != nil {
		return err
	}
	return st.count(p, e)
}

// Ask applies the event and answers every aggregate for it in out, which has one
// place for each. The event is of the set's asking type, and later events must
// not have been applied: that is an Error with code state_ahead.
func (s *Set) Ask(st *State, e *orrery.Event, out []float64) error {
	if len(out) != len(s.aggregates) {
		return orrery.Errorf(orrery.Internal, "vector_length", "%d places for %d aggregates", len(out), len(s.aggregates))
	}
	if len(out) == 0 {
		return s.Apply(st, e)
	}
	p, err := st.bind(s).plan(e)
	if err != nil {
		return err
	}
	if p == nil || p.event.Name != s.asks.Name {
		return orrery.Errorf(orrery.Internal, "event_type", "features are asked for by %s, not by %s", s.asks.Name, e.Type.Name)
	}
	if err := st.count(p, e); err != nil {
		return err
	}
	st.work.asker = e
	for i := range p.touches {
		tc := &p.touches[i]
		if e.Values[tc.field].IsMissing() {
			tc.missing(out)
			continue
		}
		for j := range tc.readers {
			if err := st.answer(&tc.readers[j], st.work.entities[i], e, out); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tc *touch) missing(out []float64) {
	for i := range tc.readers {
		for j := range tc.readers[i].items {
			out[tc.readers[i].items[j].out] = math.NaN()
		}
	}
}

// count finds the entities that the event touches, and counts it for them.
func (st *State) count(p *typePlan, e *orrery.Event) error {
	if e.Offset == 0 {
		return orrery.Errorf(orrery.Internal, "offset_missing", "%s %q has no place in the log", e.Type.Name, e.ID)
	}
	st.work.entities = st.work.entities[:0]
	for i := range p.touches {
		tc := &p.touches[i]
		key := &e.Values[tc.field]
		if key.IsMissing() {
			st.work.entities = append(st.work.entities, nil)
			continue
		}
		en := st.entity(tc.shelf, key.Text(), len(tc.counts) > 0 || st.load != nil)
		st.work.entities = append(st.work.entities, en)
		for _, c := range tc.counts {
			if err := st.countIn(en, c, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (st *State) countIn(en *entity, c boundCount, e *orrery.Event) error {
	s, err := st.series(en, c.number)
	if err != nil || e.Offset <= s.applied {
		return err
	}
	if ok, err := c.table.counts(e); err != nil || !ok {
		return err
	}
	extra := s.extra.bytes()
	st.bytes += s.insert(c.table, e, &st.work.hasher)
	st.bytes += s.extra.bytes() - extra
	st.markDirty(en, c.number)
	return nil
}

// answer answers the items of one reader for the event that asks. A nil entity
// is one that no event has named.
func (st *State) answer(r *boundReader, en *entity, e *orrery.Event, out []float64) error {
	if en == nil {
		r.none(out, e)
		return nil
	}
	s, err := st.series(en, r.number)
	if err != nil {
		return err
	}
	if s.applied > e.Offset {
		return orrery.Errorf(orrery.Internal, "state_ahead",
			"the state of %s %q has applied offset %d, and event %d asks", en.shelf.entity, en.key, s.applied, e.Offset)
	}
	if s.buf == nil {
		r.none(out, e)
		return nil
	}
	st.locate(r, en.shelf, s, e.Time)
	counted := s.applied == e.Offset
	for i := range r.items {
		it := &r.items[i]
		out[it.out] = st.over(it, s, r.table, e.Time, counted)
	}
	return nil
}

func (r *reader) none(out []float64, asker *orrery.Event) {
	for i := range r.items {
		out[r.items[i].out] = r.items[i].noneFor(asker)
	}
}

// locate finds the rows at which the reader's windows begin and end.
func (st *State) locate(r *boundReader, sh *shelf, s *series, at orrery.Instant) {
	if n := len(sh.tables[r.number].bounds) - len(s.hints) - len(s.more); n > 0 {
		st.bytes += 4 * int64(n)
		s.more = append(s.more, make([]int32, n)...)
	}
	st.work.times, st.work.rows = st.work.times[:0], st.work.rows[:0]
	for i, d := range r.bounds {
		hint := s.hint(r.hints[i])
		x := before(int64(at), int64(d))
		row := s.search(x, int(*hint), r.table.stride)
		*hint = int32(row)
		st.work.times, st.work.rows = append(st.work.times, x), append(st.work.rows, row)
	}
}

func (s *series) hint(i int) *int32 {
	if i < len(s.hints) {
		return &s.hints[i]
	}
	return &s.more[i-len(s.hints)]
}

// over answers an item over the rows just located; missing when it needs some
// that have been dropped, or over all time needs to tell them from later ones.
// counted says that the asking event is in the series: it is then the last row
// at or before its instant, or so late that it was dropped at once.
func (st *State) over(it *item, s *series, t *table, at orrery.Instant, counted bool) float64 {
	r := rows{s: s, stride: t.stride, to: st.work.rows[it.end]}
	end := st.work.times[it.end]
	start := end
	if it.start >= 0 {
		r.from, start = st.work.rows[it.start], st.work.times[it.start]
	} else {
		r.from, r.ever = s.first(), true
	}
	exactFrom, dense := s.dense(t)
	switch {
	case it.kind == repeatsKind && !it.comparable(st.work.asker):
		return math.NaN()
	case dense && it.kind >= decayedCountKind:
		return st.decayed(it, t, &r, end, counted)
	case dense && start < exactFrom:
		return st.tiled(it, t, &r, start, end, at, exactFrom, counted)
	case start < s.buf[int(s.head)*t.stride]:
		return math.NaN()
	case it.kind >= decayedCountKind:
		return st.decayed(it, t, &r, end, counted)
	}
	if it.skip && counted {
		r.to--
	}
	if dense && it.kind == lastKind {
		r.from = max(r.from, s.end(t.stride)-t.exact)
	}
	if r.to < r.from {
		return math.NaN()
	}
	if it.kind == countKind {
		return float64(r.n())
	}
	return it.answer(&r, at, &st.work)
}

// Read answers every aggregate as an asker at an instant would be answered that
// is not in the log itself, from all that has been applied. key gives the entity
// key for an aggregate; where it gives none, the answer is missing.
func (s *Set) Read(st *State, at orrery.Instant, key func(aggregate int) (string, bool), out []float64) error {
	if len(out) != len(s.aggregates) {
		return orrery.Errorf(orrery.Internal, "vector_length", "%d places for %d aggregates", len(out), len(s.aggregates))
	}
	st.work.asker = nil
	for _, p := range st.bind(s).types {
		for i := range p.touches {
			tc := &p.touches[i]
			for j := range tc.readers {
				if err := st.readAll(&tc.readers[j], tc.shelf, at, key, out); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (st *State) readAll(r *boundReader, sh *shelf, at orrery.Instant, key func(int) (string, bool), out []float64) error {
	for i := range r.items {
		it := &r.items[i]
		k, ok := key(it.out)
		if !ok {
			out[it.out] = math.NaN()
			continue
		}
		out[it.out] = it.noneFor(nil)
		en := st.entity(sh, k, st.load != nil)
		if en == nil {
			continue
		}
		s, err := st.series(en, r.number)
		if err != nil {
			return err
		}
		if s.buf != nil {
			st.locate(r, sh, s, at)
			out[it.out] = st.over(it, s, r.table, at, false)
		}
	}
	return nil
}
