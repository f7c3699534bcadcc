package feature

import "orrery.dev"

// ahead is an entity field of an event that is to come.
type ahead struct {
	touch  *touch
	hash   uint64
	entity *entity
}

// Prefetch brings what the events will touch near to the processor, in steps in
// which no access waits for another: the keys' slots, the entities, their series,
// the rows at the ends of the windows. It changes no state and no answer. Call it
// for the next few dozen events before they are applied: with more entities than
// the caches hold it makes them several times faster.
func (s *Set) Prefetch(st *State, events []*orrery.Event) {
	b := st.bind(s)
	w := &st.work
	w.ahead = w.ahead[:0]
	for _, e := range events {
		if p, err := b.plan(e); p != nil && err == nil {
			w.ahead = w.aheadOf(p, e)
		}
	}
	for i := range w.ahead {
		a := &w.ahead[i]
		if a.entity = a.touch.shelf.keys.peek(a.hash); a.entity != nil {
			w.sink += int64(a.entity.place)
		}
	}
	for i := range w.ahead {
		if en := w.ahead[i].entity; en != nil {
			w.sink += int64(en.key[0])
			for j := range en.series {
				w.sink += int64(en.series[j].head) + int64(en.series[j].peak)
			}
		}
	}
	for i := range w.ahead {
		if a := &w.ahead[i]; a.entity != nil {
			w.sink += a.touch.peek(a.entity)
		}
	}
}

// aheadOf adds the event's keys, and looks at their slots.
func (w *scratch) aheadOf(p *typePlan, e *orrery.Event) []ahead {
	for i := range p.touches {
		tc := &p.touches[i]
		if key := e.Values[tc.field].Text(); key != "" && tc.shelf.keys.n > 0 {
			keys := &tc.shelf.keys
			hash := hashKey(key)
			w.sink += int64(keys.slots[hash&uint64(len(keys.slots)-1)].hash)
			w.ahead = append(w.ahead, ahead{touch: tc, hash: hash})
		}
	}
	return w.ahead
}

// peek gives the entity that probably has the key of a hash.
func (t *keyTable) peek(hash uint64) *entity {
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; t.slots[i].entity != nil; i = (i + 1) & mask {
		if s := &t.slots[i]; s.hash == hash {
			return s.entity
		}
	}
	return nil
}

// peek looks at the last row of the series that count, and at the rows where the
// readers' windows ended last.
func (tc *touch) peek(en *entity) (sum int64) {
	for _, c := range tc.counts {
		if c.number < len(en.series) {
			if s := &en.series[c.number]; len(s.buf) > 0 {
				sum += s.buf[len(s.buf)-1]
			}
		}
	}
	for i := range tc.readers {
		r := &tc.readers[i]
		if r.number >= len(en.series) {
			continue
		}
		s := &en.series[r.number]
		for _, h := range r.hints {
			if h < len(s.hints) {
				if at := int(s.hints[h]) * r.table.stride; at < len(s.buf) {
					sum += s.buf[at]
				}
			}
		}
	}
	return sum
}
