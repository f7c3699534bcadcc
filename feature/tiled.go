package feature

import (
	"math"

	"orrery.dev"
	"orrery.dev/numeric"
)

// dense reports whether a series has more events than are told apart, and gives
// the time of the oldest of the newest that are: what lies before it is known by
// tiles alone.
func (s *series) dense(t *table) (exactFrom int64, ok bool) {
	n := len(s.buf) - t.exact*t.stride
	if first := s.first() * t.stride; n < first {
		// Corrections have taken rows out, and what windows still need of those
		// before them is in tiles.
		if s.extra == nil || !s.extra.tiled || s.dropped == 0 || first == len(s.buf) || s.buf[first-t.stride] < before(s.buf[len(s.buf)-t.stride], t.retain) {
			return 0, false
		}
		n = first
	}
	return s.buf[n], true
}

// tile begins the tiles of a series that has become dense, with what it has so
// far.
func (s *series) tile(t *table) {
	if s.extra == nil {
		s.addExtra(t)
	}
	s.extra.tiled = true
	for i := range t.levels {
		l, x := &t.levels[i], &s.extra.levels[i]
		if l.halving {
			continue
		}
		x.lost = math.MinInt64
		x.base = newTile(l, 0)
		if s.dropped > 0 {
			x.lost = l.indexOf(s.buf[int(s.head)*t.stride]) + 1
			x.base.n = s.dropped
			for j := range l.cells {
				if l.ever && l.cells[j].column >= 0 {
					s.extra.baseOf(&t.columns[l.cells[j].column], &x.base.cells[j])
				}
			}
		}
		x.bytes += x.base.bytes()
		for at := s.first() * t.stride; at < len(s.buf); at += t.stride {
			x.add(l, t, s, at)
		}
	}
}

// baseOf gives in c what a column's dropped rows left.
func (x *extra) baseOf(col *column, c *cell) {
	if col.kind != idColumn {
		c.merge(col.parts, &x.bases[col.base])
		return
	}
	d := &x.dicts[col.base]
	if d.sketch != nil {
		c.values.merge(d.sketch)
	}
	for i := range d.values {
		if d.values[i].old {
			c.values.add(d.values[i].hash)
		}
	}
}

// tiled answers an item of a dense series whose window begins or ends before the
// instant exactFrom, from tiles: a bound before it is moved back to the end of a
// tile. start is the instant at which the window begins, r its rows.
func (st *State) tiled(it *item, t *table, r *rows, start, end int64, at orrery.Instant, exactFrom int64, counted bool) float64 {
	s := r.s
	newest := max(s.end(t.stride)-t.exact, s.first()) // the first of the rows told apart
	switch it.kind {
	case lastKind, timeSinceLastKind, topKind, repeatsKind:
		if r.from = max(r.from, newest); end < exactFrom {
			return math.NaN()
		}
		r.ever = false
		if it.skip && counted {
			r.to--
		}
		return it.answer(r, at, &st.work)
	}
	l, x := &t.levels[it.level], &s.extra.levels[it.level]
	before := x.bytes
	defer func() { st.bytes += x.bytes - before }()
	from := x.lost
	if !r.ever {
		if from = floorDiv(start, l.width); from < x.lost {
			return math.NaN()
		}
	}
	w := &st.work
	if end < exactFrom {
		if it.skip && counted {
			end--
		}
		to := floorDiv(end, l.width)
		if to < from {
			return math.NaN()
		}
		f := x.foldOf(l, it.number, it.from, it.to, from, to)
		if !r.ever {
			return it.finish(f.n, &f.cell)
		}
		return it.finish(f.n+x.base.n, it.join(l, &w.total, f, &x.base))
	}
	last := l.indexOf(end)
	if r.to == s.end(t.stride) && !(it.skip && counted) {
		f := x.foldOf(l, it.number, it.from, it.to, from, last+1)
		return it.finish(f.n, &f.cell)
	}
	// The asker's own tile is counted event by event, as far as there are rows.
	f := x.foldOf(l, it.number, it.from, it.to, from, last)
	n, seam := f.n, (*tile)(nil)
	if x.seam.cells != nil && x.seam.index == last {
		seam = &x.seam
		n += seam.n
	}
	total := it.join(l, &w.total, f, seam)
	to := r.to
	if it.skip && counted {
		to--
	}
	row := s.search(last*l.width, to, t.stride)
	n += int64(max(to-row, 0))
	if it.kind == firstKind {
		to = min(to, row+1)
	}
	for ; row < to && it.number >= 0; row++ {
		l.addTo(total, it.number, t, s, row*t.stride, last, false)
	}
	return it.finish(n, total)
}

// join adds up the item's cell of a fold and of a tile, if there is one, in
// total.
func (it *item) join(l *level, total *cell, f *fold, t *tile) *cell {
	total.reset()
	if it.number >= 0 {
		p := l.cells[it.number].parts
		total.merge(p, &f.cell)
		if t != nil {
			total.merge(p, &t.cells[it.number])
		}
	}
	return total
}

// finish answers from n events whose cell is c.
func (it *item) finish(n int64, c *cell) float64 {
	switch {
	case it.kind == countKind:
		return float64(n)
	case n == 0:
		return it.none()
	}
	switch it.kind {
	case sumKind:
		return finite(c.sum.nearest() / it.unit)
	case meanKind:
		return finite(c.sum.nearest() / (float64(n) * it.unit))
	case varianceKind:
		return finite(variance(uint64(n), &c.sum, &c.squares) / (it.unit * it.unit))
	case stddevKind:
		return finite(math.Sqrt(variance(uint64(n), &c.sum, &c.squares)) / it.unit)
	case minKind, maxKind:
		x := c.span.pick(it.kind)
		if it.column.typ == orrery.Float {
			return floatOfOrder(x)
		}
		return float64(x) / it.unit
	case firstKind:
		return it.value(c.firstWord)
	case distinctKind:
		return c.values.estimate()
	case quantileKind:
		return finite(c.buckets.at(rankOf(uint64(n), it.quantile)) / it.unit)
	}
	return math.NaN()
}

// halvings is how many tiles of a half-life each are added up: an event before
// them would count for less than 2^−63.
const halvings = 64

// decayed answers a decayed count or sum at the end of r.
func (st *State) decayed(it *item, t *table, r *rows, end int64, counted bool) float64 {
	l, x, s := &t.levels[it.level], &r.s.extra.levels[it.level], r.s
	skip := it.skip && counted
	last, to := l.indexOf(end), s.end(t.stride) // of the rows that are in tiles but not asked for
	if exactFrom, ok := s.dense(t); ok && end < exactFrom {
		back := end
		if skip {
			back--
		}
		last = floorDiv(back, l.width) - 1
		to = 0
	}
	if last-(halvings-1) < x.lost {
		return math.NaN()
	}
	first := r.to
	if skip {
		first--
	}
	if first < min(s.first(), to) {
		return math.NaN() // the asker was dropped at once
	}
	sum := 0.0
	for i := len(x.list) - 1; i >= 0 && x.list[i].index > last-halvings; i-- {
		tile := &x.list[i]
		if tile.index > last {
			continue
		}
		c := &tile.cells[it.number]
		if tile.index == last && first < to {
			st.work.total.reset()
			st.work.total.merge(halvingPart, c)
			c = &st.work.total
			for row := first; row < to && l.indexOf(s.buf[row*t.stride]) == last; row++ {
				l.addTo(c, it.number, t, s, row*t.stride, last, true)
			}
		}
		sum += math.Ldexp(c.sum.nearest(), int(tile.index-last))
	}
	ahead := float64(int64(uint64(last+1)*uint64(l.width) - uint64(end)))
	return finite(float64(sum*numeric.Exp(math.Ln2*(ahead/float64(l.width)))) / (weightOne * it.unit))
}
