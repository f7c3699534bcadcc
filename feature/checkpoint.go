package feature

import "orrery.dev/store"

// Checkpoint is the series that had changed when it was taken and were not yet
// encoded.
type Checkpoint struct {
	st *State
	// todo is to be encoded; given is encoded and perhaps not yet written.
	todo, given []seriesRef
}

// Checkpoint takes over the list of changed series, without encoding any. A
// checkpoint that was taken earlier and not brought to its end is given up: what
// it had not finished is in the new one.
func (st *State) Checkpoint() *Checkpoint {
	if cp := st.open; cp != nil {
		st.dirty = append(st.dirty, cp.todo...)
		for _, ref := range cp.given {
			st.flushed(ref)
			st.markDirty(ref.entity, ref.table)
		}
		cp.todo, cp.given = nil, nil
	}
	st.open = &Checkpoint{st: st, todo: st.dirty}
	st.dirty = nil
	return st.open
}

// Next encodes the next n series, each as it is by now: its value carries the
// offset it has applied, so a later one does no harm. It gives nil at the end.
// A call says that what the call before gave is written, so that it can be
// evicted; if writing failed, take a new Checkpoint instead.
//
// A value may have applied events that the log has not yet made durable; do not
// write it before the log has.
func (cp *Checkpoint) Next(n int) []store.StateItem {
	for _, ref := range cp.given {
		cp.st.flushed(ref)
	}
	cp.given = cp.given[:0]
	n = min(max(n, 1), len(cp.todo))
	if n == 0 {
		if cp.st.open == cp {
			cp.st.open = nil
		}
		return nil
	}
	items := make([]store.StateItem, n)
	var buf []byte
	for i, ref := range cp.todo[:n] {
		s, t := ref.series(), ref.entity.shelf.tables[ref.table]
		begin := len(buf)
		buf = s.encode(t.table, buf)
		items[i] = store.StateItem{Table: t.id, Key: ref.entity.key, Value: buf[begin:len(buf):len(buf)]}
		s.dirty, s.flushing = false, true
	}
	cp.given = append(cp.given, cp.todo[:n]...)
	cp.todo = cp.todo[n:]
	return items
}

func (r seriesRef) series() *series { return &r.entity.series[r.table] }

// flushed notes that a series is no longer on its way to the store.
func (st *State) flushed(ref seriesRef) {
	s := ref.series()
	s.flushing = false
	if !s.dirty {
		st.held[ref.entity.place]--
	}
}

// Evict drops entities that have not been used lately, and whose series are all
// written, until the state takes at most limit bytes or steps of them have been
// looked at. load gets them back, so no answer depends on it. Without a load it
// does nothing. It is the clock algorithm: a used entity is spared once.
func (st *State) Evict(limit int64, steps int) {
	if st.load == nil {
		return
	}
	for left := min(steps, 2*len(st.all)); st.bytes > limit && left > 0; left-- {
		if st.hand >= len(st.all) {
			st.hand = 0
		}
		if st.used[st.hand] || st.held[st.hand] > 0 {
			st.used[st.hand] = false
			st.hand++
			continue
		}
		st.forget(st.all[st.hand])
	}
}

// forget drops an entity; the last of the list takes its place.
func (st *State) forget(en *entity) {
	en.shelf.keys.remove(hashKey(en.key), en)
	n := len(st.all) - 1
	last := st.all[n]
	st.all[en.place], st.used[en.place], st.held[en.place] = last, st.used[n], st.held[n]
	last.place = en.place
	st.all[n] = nil
	st.all, st.used, st.held = st.all[:n], st.used[:n], st.held[:n]
	st.bytes -= entityBytes + int64(len(en.key)) + int64(len(en.series))*seriesBytes
	for i := range en.series {
		st.bytes -= en.series[i].size()
	}
}
