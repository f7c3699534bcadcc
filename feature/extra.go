package feature

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/cespare/xxhash/v2"

	"orrery.dev"
)

// addExtra gives a series its dictionaries, bases and tiles.
func (s *series) addExtra(t *table) {
	s.extra = &extra{dicts: make([]dictionary, t.dicts), bases: make([]cell, t.bases), levels: make([]tiles, len(t.levels))}
	for i := range s.extra.dicts {
		s.extra.dicts[i].ids = map[string]uint32{}
	}
	for i := range s.extra.bases {
		s.extra.bases[i].reset()
	}
	for i := range s.extra.levels {
		s.extra.levels[i].lost = math.MinInt64
	}
}

// bytes gives roughly the memory behind it.
func (x *extra) bytes() (n int64) {
	if x == nil {
		return 0
	}
	for i := range x.dicts {
		n += 160 + x.dicts[i].bytes
	}
	for i := range x.levels {
		n += 160 + x.levels[i].bytes
	}
	return n + cellBytes*int64(len(x.bases))
}

// count counts the row at word index at in the tiles there are.
func (x *extra) count(t *table, s *series, at int) {
	for i := range t.levels {
		if l := &t.levels[i]; x.tiled || l.halving {
			x.levels[i].add(l, t, s, at)
		}
	}
}

// fold keeps of a row that is being dropped what answers need beside the rows.
func (x *extra) fold(t *table, s *series, at int) {
	if x.tiled {
		for i := range t.levels {
			x.levels[i].sew(&t.levels[i], t, s, at)
		}
	}
	for i := range t.columns {
		c := &t.columns[i]
		switch {
		case c.kind == idColumn:
			x.dicts[c.base].release(uint32(s.buf[at+c.word]), c.ever)
		case c.ever:
			x.bases[c.base].add(c.parts, c, s.operandAt(c, at, t.stride))
		}
	}
}

// span is the least and the greatest of some values, floats by floatOrder.
type span struct{ low, high int64 }

var emptySpan = span{math.MaxInt64, math.MinInt64}

func (s *span) add(x int64) { s.low, s.high = min(s.low, x), max(s.high, x) }

// floatOrder maps floats to integers of the same order, and back: −0 comes
// before +0.
func floatOrder(x float64) int64 {
	b := int64(math.Float64bits(x))
	return b ^ (b >> 63 & math.MaxInt64)
}

func floatOfOrder(k int64) float64 {
	return math.Float64frombits(uint64(k ^ (k >> 63 & math.MaxInt64)))
}

// dictionary numbers the different values of a column, so that a row holds a
// number and equality is that of the value itself.
type dictionary struct {
	ids    map[string]uint32
	values []dictValue
	free   []uint32
	round  uint32 // of the count now under way
	olds   int    // how many values are old
	bytes  int64
	// sketch has the values of dropped rows, once there have been too many values
	// over all time to keep each; there are then no olds.
	sketch *hll
	// look is what top saw last.
	look look
}

// look is the values in some rows and how many hold each. It is a cache.
type look struct {
	found    []foundValue
	ranked   int // the first so many of found are in the order of top
	dropped  int64
	shuffles uint32
	from, to int
	round    uint32
}

type foundValue struct {
	id uint32
	// n is how many rows hold the value, last the last of them.
	n, last uint32
}

type dictValue struct {
	text string
	hash uint64
	refs uint32 // rows that hold the value
	seen uint32 // the last round that met it
	// place is where top found it.
	place uint32
	old   bool // a dropped row held it, and answers over all time want to know
}

const dictValueBytes = 120 // roughly, with its share of the map

// add numbers a value that a new row holds.
func (d *dictionary) add(v orrery.Value) (id uint32) {
	var word [8]byte
	var ok bool
	if v.Type() == orrery.String || v.Type() == orrery.Entity {
		if id, ok = d.ids[v.Text()]; !ok {
			return d.insert(strings.Clone(v.Text()))
		}
	} else {
		bits := uint64(v.Units())
		for i := range word {
			word[i] = byte(bits >> (8 * i))
		}
		if id, ok = d.ids[string(word[:])]; !ok {
			return d.insert(string(word[:]))
		}
	}
	d.values[id].refs++
	return id
}

// find gives the number of a value that a row may hold.
func (d *dictionary) find(v orrery.Value) (id uint32, ok bool) {
	if v.Type() == orrery.String || v.Type() == orrery.Entity {
		id, ok = d.ids[v.Text()]
		return id, ok
	}
	id, ok = d.ids[string(binary.LittleEndian.AppendUint64(nil, uint64(v.Units())))]
	return id, ok
}

// forget says that a row which held the value never was.
func (d *dictionary) forget(id uint32) {
	v := &d.values[id]
	if v.refs--; v.refs == 0 && !v.old {
		d.remove(id)
	}
}

func (d *dictionary) insert(text string) (id uint32) {
	value := dictValue{text: text, hash: xxhash.Sum64String(text), refs: 1}
	d.bytes += dictValueBytes + int64(len(text))
	if n := len(d.free); n > 0 {
		id, d.free = d.free[n-1], d.free[:n-1]
		d.values[id] = value
	} else {
		id = uint32(len(d.values))
		d.values = append(d.values, value)
	}
	d.ids[text] = id
	return id
}

// release says that a row which held the value is dropped. The value stays
// where ever asks for that, and else goes with the last of its rows.
func (d *dictionary) release(id uint32, ever bool) {
	v := &d.values[id]
	v.refs--
	switch {
	case d.sketch != nil:
		d.sketch.add(v.hash)
	case ever:
		if !v.old {
			v.old = true
			d.olds++
		}
		return
	}
	if v.refs == 0 {
		d.remove(id)
	}
}

func (d *dictionary) remove(id uint32) {
	v := &d.values[id]
	d.bytes -= dictValueBytes + int64(len(v.text))
	delete(d.ids, v.text)
	*v = dictValue{}
	d.free = append(d.free, id)
}

// summarize lets a sketch take the place of the values that no row holds.
func (d *dictionary) summarize() {
	d.sketch = &hll{}
	d.bytes += hllSize
	for id := range d.values {
		v := &d.values[id]
		if !v.old {
			continue
		}
		d.sketch.add(v.hash)
		if v.old = false; v.refs == 0 {
			d.remove(uint32(id))
		}
	}
	d.olds = 0
}

// nextRound begins a count of values.
func (d *dictionary) nextRound() {
	if d.round++; d.round == 0 {
		for i := range d.values {
			d.values[i].seen = 0
		}
		d.round = 1
	}
}

// distinct counts the different values in the rows [from, to) of the column, and
// over all time also those dropped.
func (d *dictionary) distinct(s *series, stride, word, from, to int, ever bool) int {
	d.nextRound()
	n := 0
	if ever {
		n = d.olds
	}
	for i := from * stride; i < to*stride; i += stride {
		v := &d.values[s.buf[i+word]]
		if v.seen != d.round && !(ever && v.old) {
			v.seen = d.round
			n++
		}
	}
	return n
}

// estimate counts like distinct over all time, by the sketch and the rows up to
// to; scratch is overwritten.
func (d *dictionary) estimate(r *rows, word int, scratch *hll) float64 {
	scratch.reset()
	scratch.merge(d.sketch)
	d.nextRound()
	for i := r.from * r.stride; i < r.to*r.stride; i += r.stride {
		if v := &d.values[r.s.buf[i+word]]; v.seen != d.round {
			v.seen = d.round
			scratch.add(v.hash)
		}
	}
	return scratch.estimate()
}

// see brings the look to the rows: where they are those it saw before, but for
// some more at their end and fewer at their beginning, by what has changed.
func (d *dictionary) see(r *rows, word int) {
	l := &d.look
	same := l.round == d.round && l.shuffles == r.s.extra.shuffles && l.dropped == r.s.dropped
	if same && l.from == r.from && l.to == r.to {
		return
	}
	if !same || r.from < l.from || r.to < l.to || r.from >= l.to {
		d.nextRound()
		l.found, l.from, l.to = l.found[:0], r.from, r.from
		l.dropped, l.shuffles, l.round = r.s.dropped, r.s.extra.shuffles, d.round
	}
	l.ranked = 0
	for ; l.to < r.to; l.to++ {
		id := uint32(r.s.buf[l.to*r.stride+word])
		v := &d.values[id]
		if v.seen != d.round {
			v.seen, v.place = d.round, uint32(len(l.found))
			l.found = append(l.found, foundValue{id: id})
		}
		f := &l.found[v.place]
		f.n++
		f.last = uint32(l.to)
	}
	for ; l.from < r.from; l.from++ {
		v := &d.values[r.s.buf[l.from*r.stride+word]]
		if f := &l.found[v.place]; f.n > 1 {
			f.n--
			continue
		}
		last := len(l.found) - 1
		v.seen = d.round - 1
		d.swap(int(v.place), last)
		l.found = l.found[:last]
	}
}

func (d *dictionary) swap(i, j int) {
	found := d.look.found
	found[i], found[j] = found[j], found[i]
	d.values[found[i].id].place, d.values[found[j].id].place = uint32(i), uint32(j)
}

// top gives the value that stands at a rank among those in the rows, from 0, and
// how many hold it: by how many do, then by which was last in a later row. id is
// -1 where there are not so many values.
func (d *dictionary) top(r *rows, word, rank int) (id int, n uint32) {
	d.see(r, word)
	found := d.look.found
	if rank >= len(found) {
		return -1, 0
	}
	// The few places are filled one after the other.
	for ; d.look.ranked <= rank; d.look.ranked++ {
		best := d.look.ranked
		for j := best + 1; j < len(found); j++ {
			if x, y := &found[j], &found[best]; x.n > y.n || x.n == y.n && x.last > y.last {
				best = j
			}
		}
		d.swap(d.look.ranked, best)
	}
	return int(found[rank].id), found[rank].n
}
