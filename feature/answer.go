package feature

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"orrery.dev"
)

// item is one aggregate as a series answers it.
type item struct {
	kind kind
	out  int // the aggregate's index
	// start and end are indexes in the reader's bounds; start is -1 for all time.
	start, end int
	// skip says that the asking event does not count.
	skip   bool
	column column
	unit   float64 // 10^scale
	// level and number are those of the table's level and of its cell that the item
	// is answered from where tiles are; -1 where there is none.
	level, number int
	// from and to are the window's distances behind the asker; from is 0 for all
	// time.
	from, to int64
	rank     int
	share    bool
	quantile int
	distance int
}

// rows is a part of a series: the events in rows [from, to), and when ever all
// that were dropped.
type rows struct {
	s        *series
	stride   int
	from, to int
	ever     bool
}

func (r *rows) n() int64 {
	if r.ever {
		return int64(r.to-r.from) + r.s.dropped
	}
	return int64(r.to - r.from)
}

// none is what an aggregate gives for no event.
func (it *item) none() float64 {
	switch it.kind {
	case countKind, sumKind, distinctKind, decayedCountKind, decayedSumKind:
		return 0
	}
	return math.NaN()
}

// answer gives the aggregate, any but a count or a decayed kind, over the rows,
// for an asker at instant at.
func (it *item) answer(r *rows, at orrery.Instant, w *scratch) float64 {
	switch it.kind {
	case distinctKind:
		d := &r.s.extra.dicts[it.column.base]
		if r.ever && d.sketch != nil {
			return d.estimate(r, it.column.word, &w.total.values)
		}
		return float64(d.distinct(r.s, r.stride, it.column.word, r.from, r.to, r.ever))
	case topKind:
		return it.top(r)
	case repeatsKind:
		return it.repeats(r, w)
	case timeSinceLastKind, lastKind:
		row := r.to - 1 - it.rank
		if row < r.from {
			return math.NaN()
		}
		last := row * r.stride
		if r.s.buf[last] < r.s.buf[int(r.s.head)*r.stride] {
			return math.NaN() // one of those dropped was later
		}
		if it.kind == timeSinceLastKind {
			return seconds(int64(at), r.s.buf[last])
		}
		return it.value(r.s.operandAt(&it.column, last, r.stride).x)
	}
	if r.n() == 0 {
		return it.none()
	}
	switch {
	case it.kind == firstKind:
		return it.first(r)
	case it.kind == quantileKind:
		return it.nearestRank(r, w)
	case it.column.kind == sumColumn:
		return it.exact(r, w)
	case it.kind == minKind || it.kind == maxKind:
		return it.extreme(r)
	}
	return it.added(r, w)
}

// value gives a column's word, in units where it has those, as a feature.
func (it *item) value(word int64) float64 {
	switch it.column.typ {
	case orrery.Float:
		return math.Float64frombits(uint64(word))
	case orrery.Timestamp:
		return float64(word) / 1e6
	}
	return float64(word) / it.unit
}

func (it *item) first(r *rows) float64 {
	var row operand
	if r.to > r.from {
		row = r.s.operandAt(&it.column, r.from*r.stride, r.stride)
	}
	if r.ever {
		if b := &r.s.extra.bases[it.column.base]; r.to <= r.from || b.firstTime <= row.time {
			return it.value(b.firstWord)
		}
	}
	return it.value(row.x)
}

// top gives a frequent value, or its share of the rows.
func (it *item) top(r *rows) float64 {
	d := &r.s.extra.dicts[it.column.base]
	id, n := d.top(r, it.column.word, it.rank)
	switch {
	case id < 0:
		return math.NaN()
	case it.share:
		return float64(n) / float64(r.n())
	case it.column.typ == orrery.String || it.column.typ == orrery.Entity:
		return orrery.CategoryOf(d.values[id].text)
	}
	return it.value(int64(binary.LittleEndian.Uint64([]byte(d.values[id].text))))
}

// nearestRank gives a quantile of the rows.
func (it *item) nearestRank(r *rows, w *scratch) float64 {
	w.values = w.values[:0]
	float := it.column.typ == orrery.Float
	for row := r.from; row < r.to; row++ {
		x := r.s.operandAt(&it.column, row*r.stride, r.stride).x
		if float {
			x = floatOrder(math.Float64frombits(uint64(x)))
		}
		w.values = append(w.values, x)
	}
	x := selectRank(w.values, int(rankOf(uint64(len(w.values)), it.quantile))-1)
	if float {
		return floatOfOrder(x)
	}
	return it.value(x)
}

// selectRank gives the value that is at a place, from 0, once the values are
// sorted; it moves them (Hoare, "Find", CACM 4(7), 1961).
func selectRank(x []int64, place int) int64 {
	for len(x) > 12 {
		a, b, c := x[0], x[len(x)/2], x[len(x)-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := 0, len(x)-1
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case place <= j:
			x = x[:j+1]
		case place >= i:
			x, place = x[i:], place-i
		default:
			return pivot
		}
	}
	slices.Sort(x)
	return x[place]
}

// seconds gives the time from a to b in seconds, b being no later than a.
func seconds(a, b int64) float64 { return float64(uint64(a)-uint64(b)) / 1e6 }

// exact answers for ints and decimals.
func (it *item) exact(r *rows, w *scratch) float64 {
	if it.kind == minKind || it.kind == maxKind {
		return it.extreme(r)
	}
	n := uint64(r.n())
	if n < 2 && (it.kind == stddevKind || it.kind == varianceKind) {
		return math.NaN()
	}
	hi, lo := bits.Mul64(n, r.s.peak)
	if hi != 0 || lo > math.MaxInt64 {
		return it.added(r, w)
	}
	// |Σx| ≤ n·max|x| < 2^63 and n·Σx² < 2^126.
	sum, low, high := it.running(r)
	switch it.kind {
	case sumKind:
		return float64(sum) / it.unit
	case meanKind:
		return float64(sum) / (float64(n) * it.unit)
	}
	carry, low := bits.Mul64(n, low)
	high = n*high + carry
	squareHigh, squareLow := bits.Mul64(magnitude(sum), magnitude(sum))
	low, borrow := bits.Sub64(low, squareLow, 0)
	high, _ = bits.Sub64(high, squareHigh, borrow)
	spread := float128(high, low) / pairs(n)
	if it.kind == varianceKind {
		return spread / (it.unit * it.unit)
	}
	return math.Sqrt(spread) / it.unit
}

// running gives Σx modulo 2^64 and, where kept, Σx² modulo 2^128.
func (it *item) running(r *rows) (sum int64, low, high uint64) {
	c := &it.column
	a, b := (r.from-1)*r.stride+c.word, (r.to-1)*r.stride+c.word
	buf := r.s.buf
	sum = buf[b]
	if c.squares {
		low, high = uint64(buf[b+1]), uint64(buf[b+2])
	}
	if r.ever { // running sums begin with the first event there was
		return sum, low, high
	}
	sum -= buf[a]
	if c.squares {
		var borrow uint64
		low, borrow = bits.Sub64(low, uint64(buf[a+1]), 0)
		high -= uint64(buf[a+2]) + borrow
	}
	return sum, low, high
}

// added answers like exact, for floats and for values whose sums may not fit in
// a word, by adding them up.
func (it *item) added(r *rows, w *scratch) float64 {
	p := partsOf(it.kind)
	w.total.reset()
	if r.ever {
		w.total.merge(p, &r.s.extra.bases[it.column.base])
	}
	for row := r.from; row < r.to; row++ {
		w.total.add(p, &it.column, r.s.operandAt(&it.column, row*r.stride, r.stride))
	}
	return it.finish(r.n(), &w.total)
}

// each calls f with each value of a sum column, in order.
func (r *rows) each(word int, f func(x int64)) {
	for i := r.from*r.stride + word; i < r.to*r.stride; i += r.stride {
		f(r.s.buf[i] - r.s.buf[i-r.stride])
	}
}

// extreme gives the min or the max of a column of numbers.
func (it *item) extreme(r *rows) float64 {
	found := emptySpan
	if r.ever {
		found = r.s.extra.bases[it.column.base].span
	}
	if it.column.kind == sumColumn {
		r.each(it.column.word, found.add)
		return float64(found.pick(it.kind)) / it.unit
	}
	for i := r.from*r.stride + it.column.word; i < r.to*r.stride; i += r.stride {
		found.add(floatOrder(math.Float64frombits(uint64(r.s.buf[i]))))
	}
	return floatOfOrder(found.pick(it.kind))
}

func (s *span) pick(k kind) int64 {
	if k == minKind {
		return s.low
	}
	return s.high
}

// finite gives missing for a result outside the range of a double.
func finite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// pairs gives n·(n−1), rounded once.
func pairs(n uint64) float64 { return float128(bits.Mul64(n, n-1)) }

// float128 gives the double nearest to hi·2^64 + lo, ties to even.
func float128(hi, lo uint64) float64 {
	if hi == 0 {
		return float64(lo)
	}
	shift := bits.LeadingZeros64(hi)
	top := hi<<shift | lo>>(64-shift)
	if lo<<shift != 0 {
		top |= 1 // what is cut off only ever breaks a tie
	}
	return math.Ldexp(float64(top), 64-shift)
}
