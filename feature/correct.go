package feature

import (
	"math"
	"math/bits"
	"slices"

	"orrery.dev"
)

// correct makes the state count the event that e corrects as it stands from e
// on: its row is taken out, and one of its present values put in, behind the
// other events of its instant. Each series does so by itself: one that does not
// tell the event apart any more keeps it as it was.
func (st *State) correct(p *typePlan, e *orrery.Event) error {
	c := e.Corrected
	for i := range p.touches {
		tc := &p.touches[i]
		if len(tc.counts) == 0 {
			continue
		}
		before, after := keyOf(&c.Before, tc.field, c.Withdrawn), keyOf(&c.After, tc.field, c.Withdraws)
		for _, count := range tc.counts {
			if before.IsMissing() && after.IsMissing() {
				break
			}
			if before == after {
				if err := st.correctIn(tc.shelf, count, e, before.Text(), true, true); err != nil {
					return err
				}
				continue
			}
			if !before.IsMissing() {
				if err := st.correctIn(tc.shelf, count, e, before.Text(), true, false); err != nil {
					return err
				}
			}
			if !after.IsMissing() {
				if err := st.correctIn(tc.shelf, count, e, after.Text(), false, true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// keyOf gives the key for which an event counts, missing for one withdrawn.
func keyOf(e *orrery.Event, field int, withdrawn bool) orrery.Value {
	if withdrawn {
		return orrery.Value{}
	}
	return e.Values[field]
}

// correctIn corrects the series of one key: what it was is taken out, what it is
// put in, where the one and the other count there.
func (st *State) correctIn(sh *shelf, count boundCount, e *orrery.Event, key string, out, in bool) error {
	c, t := e.Corrected, count.table
	en := st.entity(sh, key, true)
	s, err := st.series(en, count.number)
	if err != nil || e.Offset <= s.applied {
		return err
	}
	if out {
		if out, err = t.counts(&c.Before); err != nil {
			return err
		}
	}
	if in {
		if in, err = t.counts(&c.After); err != nil {
			return err
		}
	}
	if !out && !in {
		return nil
	}
	size := s.size()
	h := &st.work.hasher
	if !out || s.remove(t, &c.Before, h) {
		if in {
			s.insert(t, &c.After, h)
		}
	}
	s.applied = e.Offset
	st.bytes += s.size() - size
	st.markDirty(en, count.number)
	return nil
}

// remove takes the event's row out, with what tiles have of it. It reports false
// where there is no such row any more, or a tile has what rows do not tell. Rows
// of one instant that are alike are one as good as the other.
func (s *series) remove(t *table, e *orrery.Event, h *hasher) bool {
	at, ok := s.find(t, e, h)
	if !ok || !s.extra.canTake(t, s, at) {
		return false
	}
	s.extra.takeHalving(t, s, at)
	time, stride := s.buf[at], t.stride
	for i := range t.columns {
		switch c := &t.columns[i]; c.kind {
		case sumColumn:
			s.takeSum(c, at, stride)
		case idColumn:
			s.extra.dicts[c.base].forget(uint32(s.buf[at+c.word]))
		}
	}
	s.buf = append(s.buf[:at], s.buf[at+stride:]...)
	s.extra.shuffle()
	s.extra.tileAgain(t, s, time)
	s.lookSecond(t)
	return true
}

// find gives the word index of the last row that is as the event's would be.
func (s *series) find(t *table, e *orrery.Event, h *hasher) (at int, ok bool) {
	if s.buf == nil {
		return 0, false
	}
	first := s.search(before(int64(e.Time), 1), s.end(t.stride), t.stride)
	for row := s.search(int64(e.Time), s.end(t.stride), t.stride) - 1; row >= first; row-- {
		if s.holds(t, e, row*t.stride, h) {
			return row * t.stride, true
		}
	}
	return 0, false
}

func (s *series) holds(t *table, e *orrery.Event, at int, h *hasher) bool {
	for i := range t.columns {
		c := &t.columns[i]
		v, word := &e.Values[c.field], s.buf[at+c.word]
		same := false
		switch c.kind {
		case sumColumn:
			same = word-s.buf[at-t.stride+c.word] == v.Units()
		case rawColumn:
			same = word == c.word64(v)
		case hashColumn:
			same = word == h.sum(v.Text())
		case idColumn:
			id, known := s.extra.dicts[c.base].find(*v)
			same = known && int64(id) == word
		}
		if !same {
			return false
		}
	}
	return true
}

// takeSum lowers the running sums of the rows behind the one at word index at by
// its value.
func (s *series) takeSum(c *column, at, stride int) {
	w := at + c.word
	x := s.buf[w] - s.buf[w-stride]
	hi, lo := bits.Mul64(magnitude(x), magnitude(x))
	for i := w + stride; i < len(s.buf); i += stride {
		s.buf[i] -= x
		if c.squares {
			low, borrow := bits.Sub64(uint64(s.buf[i+1]), lo, 0)
			s.buf[i+1] = int64(low)
			s.buf[i+2] -= int64(hi + borrow)
		}
	}
}

// canTake reports whether every tile that has the row at word index at can be
// told without it: from the rows and the seam.
func (x *extra) canTake(t *table, s *series, at int) bool {
	if x == nil || !x.tiled {
		return true
	}
	for i := range t.levels {
		l, tiles := &t.levels[i], &x.levels[i]
		if l.halving {
			continue
		}
		index := l.indexOf(s.buf[at])
		if l.ever && index < tiles.lost || tiles.seam.cells != nil && index < tiles.seam.index {
			return false
		}
	}
	return true
}

// takeHalving takes the row at word index at out of the tiles of half-lives,
// which are sums.
func (x *extra) takeHalving(t *table, s *series, at int) {
	if x == nil {
		return
	}
	for i := range t.levels {
		l, tiles := &t.levels[i], &x.levels[i]
		if !l.halving {
			continue
		}
		index := l.indexOf(s.buf[at])
		k, ok := slices.BinarySearchFunc(tiles.list, index, compareTile)
		if !ok {
			continue
		}
		tile := &tiles.list[k]
		tiles.bytes -= tile.bytes()
		tile.n--
		for j := range l.cells {
			l.addTo(&tile.cells[j], j, t, s, at, index, true)
		}
		tiles.bytes += tile.bytes()
		tiles.dropEmpty(k)
	}
}

// dropEmpty drops tile k of the list where no event is left in it.
func (x *tiles) dropEmpty(k int) {
	if x.list[k].n == 0 {
		x.bytes -= x.list[k].bytes()
		x.list = slices.Delete(x.list, k, k+1)
	}
}

// tileAgain tells the tiles that have an instant anew, from the seam and the
// rows.
func (x *extra) tileAgain(t *table, s *series, time int64) {
	if x == nil || !x.tiled {
		return
	}
	for i := range t.levels {
		if l := &t.levels[i]; !l.halving {
			x.levels[i].again(l, t, s, l.indexOf(time))
		}
	}
}

func (x *tiles) again(l *level, t *table, s *series, index int64) {
	k, ok := slices.BinarySearchFunc(x.list, index, compareTile)
	if !ok {
		return
	}
	fresh := newTile(l, index)
	if x.seam.cells != nil && x.seam.index == index {
		fresh.merge(l, &x.seam)
	}
	end := s.end(t.stride)
	for row := s.search(index*l.width, end, t.stride); row < end && l.indexOf(s.buf[row*t.stride]) == index; row++ {
		l.count(t, s, &fresh, row*t.stride)
	}
	x.bytes += fresh.bytes() - x.list[k].bytes()
	x.list[k] = fresh
	x.dropEmpty(k)
	x.forget(x.folds, index)
	x.forget(x.late, index)
}

// forget lets go of the sums that have the tile of an index.
func (x *tiles) forget(folds []fold, index int64) {
	for i := range folds {
		if f := &folds[i]; index >= f.from && index < f.to {
			x.bytes -= f.cell.bytes()
			f.from, f.to, f.n = math.MinInt64, math.MinInt64, 0
			f.cell.reset()
			x.bytes += f.cell.bytes()
		}
	}
}
