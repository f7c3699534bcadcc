package train

import (
	"math"

	"orrery.dev/numeric"
)

// quanta says how gradients and hessians are made whole numbers: each is
// multiplied by its factor, a power of two, and rounded.
type quanta struct {
	gradient, hessian float64
	packed            bool
}

// quantaLimits is what bounds the factors over some rows.
type quantaLimits struct {
	// gradients and hessians sum the sizes over the rows.
	gradients, hessians float64
	// gradient and hessian are the greatest sizes.
	gradient, hessian float64
}

func (l *quantaLimits) add(g, h float64) {
	g = math.Abs(g)
	l.gradients += g
	l.hessians += h
	if g > l.gradient {
		l.gradient = g
	}
	if h > l.hessian {
		l.hessian = h
	}
}

const (
	// leastQuanta is how many the greatest gradient and hessian must come to for
	// packed sums to be fine enough.
	leastQuanta = 1 << 12
	// unpackedLimit keeps sums exact as float64.
	unpackedLimit = 1 << 50
)

// newQuanta takes the finest that cannot overflow: all n rows' sizes together
// stay below the limit, rounding included.
func newQuanta(limits []quantaLimits, n int) quanta {
	var all quantaLimits
	for _, l := range limits {
		all.gradients += l.gradients
		all.hessians += l.hessians
		all.gradient, all.hessian = max(all.gradient, l.gradient), max(all.hessian, l.hessian)
	}
	q := quanta{gradient: factor(1<<31-2*float64(n), all.gradients), hessian: factor(1<<32-2*float64(n), all.hessians), packed: true}
	if q.gradient*all.gradient >= leastQuanta && q.hessian*all.hessian >= leastQuanta {
		return q
	}
	return quanta{gradient: factor(unpackedLimit, all.gradients), hessian: factor(unpackedLimit, all.hessians)}
}

// factor gives the greatest power of two that keeps sum below limit, 0 where
// there is no room.
func factor(limit, sum float64) float64 {
	if limit <= 0 {
		return 0
	}
	_, exponent := math.Frexp(limit / max(sum, 0x1p-900))
	return math.Ldexp(1, exponent-1)
}

// whole rounds a row's gradient and hessian. A hessian is at least 1, so that no
// row goes unseen.
func (q quanta) whole(g, h float64) (gradient, hessian int64) {
	return round(float64(g * q.gradient)), max(round(float64(h*q.hessian)), 1)
}

// round gives the nearest whole number to x, |x| < 2⁵¹, the even one of two: it
// is what is left in the last bits of a sum with a number that has no others.
func round(x float64) int64 {
	const only = 0x1.8p52
	return int64(math.Float64bits(x+only)) - int64(math.Float64bits(only))
}

// bag is the rows drawn for a tree, and the values of all rows.
type bag struct {
	values lot
	rows   []uint32 // [rows], of which the first are drawn
	rest   []uint32
}

func newBag(n int) *bag {
	return &bag{values: lot{first: make([]int64, n)}, rows: make([]uint32, n)}
}

// draw gives the rows drawn, in order.
func (s *bag) draw(b *boosting, random *numeric.Random) []uint32 {
	if b.RowSample == 1 {
		b.team.blocks(len(s.rows), boostingBlock, func(_, from, to int) {
			for i := from; i < to; i++ {
				s.rows[i] = uint32(i)
			}
		})
		return s.rows
	}
	s.rest = s.rest[:0]
	drawn := 0
	for i := range uint32(len(s.rows)) {
		if random.Float64() < b.RowSample {
			s.rows[drawn] = i
			drawn++
		} else {
			s.rest = append(s.rest, i)
		}
	}
	return s.rows[:drawn]
}

// fill makes the values whole.
func (s *bag) fill(b *boosting, q quanta) {
	n := len(s.rows)
	s.values.second = nil
	if !q.packed {
		s.values.second = make([]int64, n)
	}
	b.team.blocks(n, boostingBlock, func(_, from, to int) {
		for i := from; i < to; i++ {
			g, h := q.whole(b.gradient[i], b.hessian[i])
			if q.packed {
				s.values.first[i] = pack(g, h)
			} else {
				s.values.first[i], s.values.second[i] = g, h
			}
		}
	})
}
