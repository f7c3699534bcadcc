package feature

import (
	"math"
	"math/big"
	"strings"

	"orrery.dev"
)

// addExtra gives a new series its dictionaries and bases, and their size.
func (s *series) addExtra(t *table) int64 {
	if t.dicts+t.bases == 0 {
		return 0
	}
	s.extra = &extra{dicts: make([]dictionary, t.dicts), bases: make([]base, t.bases)}
	for i := range s.extra.dicts {
		s.extra.dicts[i].ids = map[string]uint32{}
	}
	for i := range s.extra.bases {
		s.extra.bases[i].span = emptySpan
	}
	return int64(160*t.dicts + 160*t.bases)
}

// fold keeps of a row that is being dropped what answers over all time need.
func (x *extra) fold(t *table, s *series, row int) {
	for i := range t.columns {
		c := &t.columns[i]
		word := s.buf[row+c.word]
		switch {
		case c.kind == idColumn:
			x.dicts[c.base].release(uint32(word), c.ever)
		case !c.ever:
		case c.kind == sumColumn:
			x.bases[c.base].addInt(word - s.buf[row-t.stride+c.word])
		default:
			x.bases[c.base].addFloat(math.Float64frombits(uint64(word)))
		}
	}
}

// base is what is left of a column's dropped values.
type base struct {
	span
	moments
	total, squares, scratch big.Int
}

func (b *base) addInt(x int64) {
	b.span.add(x)
	b.total.Add(&b.total, b.scratch.SetInt64(x))
	b.scratch.Mul(&b.scratch, &b.scratch)
	b.squares.Add(&b.squares, &b.scratch)
}

func (b *base) addFloat(x float64) {
	b.span.add(floatOrder(x))
	b.moments.add(x)
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

// moments is the sum of some floats and Welford's recurrence over them.
type moments struct {
	n             int64
	sum, mean, m2 float64
}

func (m *moments) add(x float64) {
	m.n++
	m.sum += x
	d := x - m.mean
	m.mean += d / float64(m.n)
	m.m2 += float64(d * (x - m.mean))
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
}

type dictValue struct {
	text string
	refs uint32 // rows that hold the value
	seen uint32 // the last round that met it
	old  bool   // a dropped row held it, and answers over all time want to know
}

const dictValueBytes = 96 // roughly, with its share of the map

// dictBytes gives roughly the memory that the dictionaries take.
func (x *extra) dictBytes() (n int64) {
	for i := range x.dicts {
		n += x.dicts[i].bytes
	}
	return n
}

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
	value := dictValue{text: text, refs: 1}
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
	if ever {
		if !v.old {
			v.old = true
			d.olds++
		}
		return
	}
	if v.refs == 0 {
		d.bytes -= dictValueBytes + int64(len(v.text))
		delete(d.ids, v.text)
		*v = dictValue{}
		d.free = append(d.free, id)
	}
}

// distinct counts the different values in the rows [from, to) of the column, and
// over all time also those dropped.
func (d *dictionary) distinct(s *series, stride, word, from, to int, ever bool) int {
	if d.round++; d.round == 0 {
		for i := range d.values {
			d.values[i].seen = 0
		}
		d.round = 1
	}
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
