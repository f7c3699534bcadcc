package feature

import "orrery.dev"

// Absent is a series that an event needs and that is not in memory. Reading it
// from the store takes a disk's time, so it is done apart from the state: Absent
// finds them, Read may run in another goroutine, Admit puts them in place.
type Absent struct {
	entity *entity
	number int
	table  *table
	read   *series
}

// Absent appends to out the series that applying the event, and asking with it,
// would load. Until Admit has them their entities stay where they are, so that
// the store keeps what Read will find.
func (s *Set) Absent(st *State, e *orrery.Event, out []Absent) ([]Absent, error) {
	if st.load == nil {
		return out, nil
	}
	b := st.bind(s)
	p, err := b.plan(e)
	if err != nil {
		return out, err
	}
	if p != nil {
		out = p.absent(st, e, out)
	}
	if c := e.Corrected; c != nil {
		if p, err = b.plan(&c.Before); p == nil || err != nil {
			return out, err
		}
		for _, event := range []*orrery.Event{&c.Before, &c.After} {
			out = p.absent(st, event, out)
		}
	}
	return out, nil
}

func (p *typePlan) absent(st *State, e *orrery.Event, out []Absent) []Absent {
	for i := range p.touches {
		tc := &p.touches[i]
		key := &e.Values[tc.field]
		if key.IsMissing() {
			continue
		}
		en := st.entity(tc.shelf, key.Text(), true)
		for _, c := range tc.counts {
			out = st.absent(en, c.table, c.number, out)
		}
		for j := range tc.readers {
			out = st.absent(en, tc.readers[j].table, tc.readers[j].number, out)
		}
	}
	return out
}

func (st *State) absent(en *entity, t *table, number int, out []Absent) []Absent {
	if number < len(en.series) && en.series[number].loaded {
		return out
	}
	for i := range out {
		if out[i].entity == en && out[i].number == number {
			return out
		}
	}
	st.held[en.place]++
	return append(out, Absent{entity: en, number: number, table: t})
}

// Read reads the series from the store. It touches nothing of the state that
// changes, so it may run beside the state's own goroutine.
func (st *State) Read(absent []Absent) error {
	for i := range absent {
		a := &absent[i]
		data, ok, err := st.load(a.table.id, a.entity.key)
		if err != nil {
			return err
		}
		if !ok {
			a.read = new(series)
			continue
		}
		if a.read, err = decode(a.table, data); err != nil {
			return err
		}
	}
	return nil
}

// Admit puts in place what was read, except where it has been loaded meanwhile,
// and lets go of what was not read.
func (st *State) Admit(absent []Absent) {
	for i := range absent {
		a := &absent[i]
		st.held[a.entity.place]--
		if a.read == nil {
			continue
		}
		if a.number >= len(a.entity.series) {
			st.widen(a.entity)
		}
		if s := &a.entity.series[a.number]; !s.loaded {
			*s = *a.read
			s.loaded = true
			st.bytes += s.size()
		}
	}
}
