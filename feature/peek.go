package feature

import "orrery.dev"

// peeked is a copy of an entity in which an event is counted that does not come.
type peeked struct {
	entity
	// own is the entity itself, nil where no event has named it.
	own *entity
	// counted says of which series the copy has memory of its own; the others are
	// the entity's.
	counted []bool
}

// Peek answers as Ask would if the event came next, and leaves the state as it
// is. The event has the offset that it would have.
func (s *Set) Peek(st *State, e *orrery.Event, out []float64) error {
	if len(out) != len(s.aggregates) {
		return orrery.Errorf(orrery.Internal, "vector_length", "%d places for %d aggregates", len(out), len(s.aggregates))
	}
	if len(out) == 0 {
		return nil
	}
	p, err := st.bind(s).plan(e)
	if err != nil {
		return err
	}
	if p == nil || p.event.Name != s.asks.Name {
		return orrery.Errorf(orrery.Internal, "event_type", "features are asked for by %s, not by %s", s.asks.Name, e.Type.Name)
	}
	var copies []*peeked
	touched := make([]*peeked, len(p.touches))
	for i := range p.touches {
		tc := &p.touches[i]
		key := &e.Values[tc.field]
		if key.IsMissing() {
			continue
		}
		touched[i] = st.peekAt(&copies, tc.shelf, key.Text())
		if err := st.take(touched[i], tc); err != nil {
			return err
		}
		for _, c := range tc.counts {
			if err := st.countCopied(touched[i], c, e); err != nil {
				return err
			}
		}
	}
	size := sizes(copies)
	st.work.asker = e
	for i := range p.touches {
		if touched[i] == nil {
			p.touches[i].missing(out)
			continue
		}
		for j := range p.touches[i].readers {
			if err := st.answer(&p.touches[i].readers[j], &touched[i].entity, e, out); err != nil {
				return err
			}
		}
	}
	// What answering keeps for the next asker stays with what is the state's, and
	// goes with what is not.
	st.bytes -= sizes(copies) - size
	for _, c := range copies {
		c.giveBack()
	}
	return nil
}

// peekAt gives the copy of a key's entity, of those made so far or a new one.
func (st *State) peekAt(copies *[]*peeked, sh *shelf, key string) *peeked {
	for _, c := range *copies {
		if c.shelf == sh && c.key == key {
			return c
		}
	}
	n := len(sh.tables)
	c := &peeked{entity: entity{shelf: sh, key: key, series: make([]series, n)}, own: st.entity(sh, key, st.load != nil), counted: make([]bool, n)}
	*copies = append(*copies, c)
	return c
}

// take takes over the series that a touch needs.
func (st *State) take(c *peeked, tc *touch) error {
	one := func(number int) error {
		to := &c.series[number]
		if to.loaded {
			return nil
		}
		if c.own == nil {
			to.loaded, c.counted[number] = true, true
			return nil
		}
		own, err := st.series(c.own, number)
		if err == nil {
			*to = *own
		}
		return err
	}
	for _, b := range tc.counts {
		if err := one(b.number); err != nil {
			return err
		}
	}
	for i := range tc.readers {
		if err := one(tc.readers[i].number); err != nil {
			return err
		}
	}
	return nil
}

// countCopied counts an event in a series of the copy, after giving it memory of
// its own.
func (st *State) countCopied(c *peeked, b boundCount, e *orrery.Event) error {
	s := &c.series[b.number]
	if e.Offset <= s.applied {
		return nil
	}
	if ok, err := b.table.counts(e); err != nil || !ok {
		return err
	}
	switch {
	case c.counted[b.number]:
	case s.buf == nil:
		*s = series{loaded: true, applied: s.applied}
	default:
		own, err := decode(b.table, s.encode(b.table, nil))
		if err != nil {
			return err
		}
		*s = *own
	}
	c.counted[b.number] = true
	s.insert(b.table, e, &st.work.hasher)
	return nil
}

// sizes gives what the series take of which copies have memory of their own.
func sizes(copies []*peeked) (n int64) {
	for _, c := range copies {
		for i := range c.series {
			if c.counted[i] {
				n += c.series[i].size()
			}
		}
	}
	return n
}

// giveBack gives the entity its own series as answering left them.
func (c *peeked) giveBack() {
	for i := range c.series {
		if c.series[i].loaded && !c.counted[i] {
			c.own.series[i] = c.series[i]
		}
	}
}
