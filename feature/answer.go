package feature

import (
	"math"
	"math/big"
	"math/bits"

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
	case countKind, sumKind, distinctKind:
		return 0
	}
	return math.NaN()
}

// answer gives the aggregate, any but a count, over the rows, for an asker at
// instant at.
func (it *item) answer(r *rows, at orrery.Instant) float64 {
	switch it.kind {
	case distinctKind:
		return float64(r.s.extra.dicts[it.column.base].distinct(r.s, r.stride, it.column.word, r.from, r.to, r.ever))
	case timeSinceLastKind, lastKind:
		if r.to <= r.from {
			return math.NaN()
		}
		last := (r.to - 1) * r.stride
		if r.s.buf[last] < r.s.buf[int(r.s.head)*r.stride] {
			return math.NaN() // one of those dropped was later
		}
		if it.kind == timeSinceLastKind {
			return seconds(int64(at), r.s.buf[last])
		}
		return it.last(r, last)
	}
	if r.n() == 0 {
		return it.none()
	}
	if it.column.kind == sumColumn {
		return it.exact(r)
	}
	return finite(it.float(r))
}

// seconds gives the time from a to b in seconds, b being no later than a.
func seconds(a, b int64) float64 { return float64(uint64(a)-uint64(b)) / 1e6 }

func (it *item) last(r *rows, row int) float64 {
	word := r.s.buf[row+it.column.word]
	switch it.column.typ {
	case orrery.Int, orrery.Decimal:
		return float64(word-r.s.buf[row-r.stride+it.column.word]) / it.unit
	case orrery.Timestamp:
		return float64(word) / 1e6
	case orrery.Bool:
		return float64(word)
	}
	return math.Float64frombits(uint64(word))
}

// exact answers for ints and decimals.
func (it *item) exact(r *rows) float64 {
	if it.kind == minKind || it.kind == maxKind {
		return it.extreme(r)
	}
	n := uint64(r.n())
	if it.kind == stddevKind && n < 2 {
		return math.NaN()
	}
	hi, lo := bits.Mul64(n, r.s.peak)
	if hi != 0 || lo > math.MaxInt64 {
		return it.large(r)
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
	return math.Sqrt(float128(high, low)/pairs(n)) / it.unit
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

// large answers like exact, for values whose sums may not fit in a word.
func (it *item) large(r *rows) float64 {
	var sum, squares, x big.Int
	if r.ever {
		b := &r.s.extra.bases[it.column.base]
		sum.Set(&b.total)
		squares.Set(&b.squares)
	}
	r.each(it.column.word, func(v int64) {
		sum.Add(&sum, x.SetInt64(v))
		squares.Add(&squares, x.Mul(&x, &x))
	})
	total, _ := sum.Float64()
	n := uint64(r.n())
	switch it.kind {
	case sumKind:
		return total / it.unit
	case meanKind:
		return total / (float64(n) * it.unit)
	}
	squares.Mul(&squares, x.SetUint64(n))
	squares.Sub(&squares, sum.Mul(&sum, &sum))
	total, _ = squares.Float64()
	return math.Sqrt(total/pairs(n)) / it.unit
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

// float answers for floats, over the values in order.
func (it *item) float(r *rows) float64 {
	if it.kind == minKind || it.kind == maxKind {
		return it.extreme(r)
	}
	var m moments
	if r.ever {
		m = r.s.extra.bases[it.column.base].moments
	}
	for i := r.from*r.stride + it.column.word; i < r.to*r.stride; i += r.stride {
		x := math.Float64frombits(uint64(r.s.buf[i]))
		if it.kind == stddevKind {
			m.add(x)
		} else {
			m.n++
			m.sum += x
		}
	}
	switch {
	case it.kind == sumKind:
		return m.sum
	case it.kind == meanKind:
		return m.sum / float64(m.n)
	case m.n < 2:
		return math.NaN()
	}
	return math.Sqrt(m.m2 / float64(m.n-1))
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
