package feature

import (
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
	// found has the values of the rows that top looked at last, the first ranked of
	// them in their order.
	found  []uint32
	ranked int
	looked struct {
		applied  orrery.Offset
		from, to int
		round    uint32
	}
}

type dictValue struct {
	text string
	hash uint64
	refs uint32 // rows that hold the value
	seen uint32 // the last round that met it
	// n is how many rows of that round hold the value, last the last of them.
	n, last uint32
	old     bool // a dropped row held it, and answers over all time want to know
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

// look counts the values in the rows.
func (d *dictionary) look(r *rows, word int) {
	d.nextRound()
	d.found, d.ranked = d.found[:0], 0
	for row := r.from; row < r.to; row++ {
		id := uint32(r.s.buf[row*r.stride+word])
		v := &d.values[id]
		if v.seen != d.round {
			v.seen, v.n = d.round, 0
			d.found = append(d.found, id)
		}
		v.n++
		v.last = uint32(row)
	}
	d.looked.applied, d.looked.from, d.looked.to, d.looked.round = r.s.applied, r.from, r.to, d.round
}

// top gives the value that stands at a rank among those in the rows, from 0, and
// how many hold it: by how many do, then by which was last in a later row. id is
// -1 where there are not so many values.
func (d *dictionary) top(r *rows, word, rank int) (id int, n uint32) {
	looked := &d.looked
	if looked.applied != r.s.applied || looked.from != r.from || looked.to != r.to || looked.round != d.round {
		d.look(r, word)
	}
	found := d.found
	if rank >= len(found) {
		return -1, 0
	}
	// The few places are filled one after the other.
	for ; d.ranked <= rank; d.ranked++ {
		best := d.ranked
		for j := best + 1; j < len(found); j++ {
			x, y := &d.values[found[j]], &d.values[found[best]]
			if x.n > y.n || x.n == y.n && x.last > y.last {
				best = j
			}
		}
		found[d.ranked], found[best] = found[best], found[d.ranked]
	}
	return int(found[rank]), d.values[found[rank]].n
}
