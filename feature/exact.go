package feature

import (
	"math"
	"math/big"
	"math/bits"
)

// exactSum is the exact sum of any numbers that are a whole number times a power
// of two, so it does not depend on their order: a two's complement number whose
// least significant bit stands for 2^(64·low), in words of which the first is
// the least significant. The last word is a sign, 0 or all ones. It is Kulisch's
// accumulator, grown only as far as the numbers reach.
type exactSum struct {
	low   int
	words []uint64
}

func (s *exactSum) reset() { s.low, s.words = 0, s.words[:0] }

// reach makes place for a number that fills the words [from, to), in units of
// 2^64, and a sign.
func (s *exactSum) reach(from, to int) {
	if len(s.words) == 0 {
		s.low, s.words = from, append(s.words, 0)
	}
	if n := s.low - from; n > 0 {
		s.words = append(s.words, make([]uint64, n)...)
		copy(s.words[n:], s.words[:len(s.words)-n])
		clear(s.words[:n])
		s.low = from
	}
	for sign := s.words[len(s.words)-1]; s.low+len(s.words) <= to; {
		s.words = append(s.words, sign)
	}
}

// settle restores the sign word.
func (s *exactSum) settle() {
	if top := s.words[len(s.words)-1]; top != 0 && top != math.MaxUint64 {
		s.words = append(s.words, uint64(int64(top)>>63))
	}
}

// add adds (hi·2^64 + lo)·2^exp, or with negative takes it away.
func (s *exactSum) add(negative bool, hi, lo uint64, exp int) {
	shift := uint(exp & 63)
	w := [3]uint64{lo << shift, hi<<shift | lo>>(64-shift), hi >> (64 - shift)}
	n := 3
	for n > 0 && w[n-1] == 0 {
		n--
	}
	if n == 0 {
		return
	}
	s.reach(exp>>6, exp>>6+n)
	s.addWords(negative, w[:n], exp>>6-s.low, 0)
	s.settle()
}

// merge adds the other sum, or with negative takes it away.
func (s *exactSum) merge(negative bool, o *exactSum) {
	if len(o.words) == 0 {
		return
	}
	n := len(o.words) - 1
	s.reach(o.low, o.low+n)
	s.addWords(negative, o.words[:n], o.low-s.low, o.words[n])
	s.settle()
}

// addWords adds words at place at, followed by words of the sign without end.
func (s *exactSum) addWords(negative bool, w []uint64, at int, sign uint64) {
	var carry uint64
	for i := at; i < len(s.words); i++ {
		x := sign
		if i-at < len(w) {
			x = w[i-at]
		} else if sign == 0 && carry == 0 {
			return
		}
		if negative {
			s.words[i], carry = bits.Sub64(s.words[i], x, carry)
		} else {
			s.words[i], carry = bits.Add64(s.words[i], x, carry)
		}
	}
}

// split gives |x| as m·2^exp.
func split(x float64) (negative bool, m uint64, exp int) {
	b := math.Float64bits(x)
	m, exp = b&(1<<52-1), int(b>>52&0x7ff)
	if exp == 0 {
		exp = 1
	} else {
		m |= 1 << 52
	}
	return b>>63 == 1, m, exp - 1075
}

func (s *exactSum) addInt(x int64) { s.add(x < 0, 0, magnitude(x), 0) }

func (s *exactSum) addFloat(x float64) {
	negative, m, exp := split(x)
	s.add(negative, 0, m, exp)
}

func (s *exactSum) addIntSquare(x int64) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(x))
	s.add(false, hi, lo, 0)
}

func (s *exactSum) addFloatSquare(x float64) {
	_, m, exp := split(x)
	hi, lo := bits.Mul64(m, m)
	s.add(false, hi, lo, 2*exp)
}

// trim brings the sum to its one shortest form.
func (s *exactSum) trim() {
	for n := len(s.words); n >= 2 && s.words[n-1] == s.words[n-2]; n-- {
		s.words = s.words[:n-1]
	}
	zeros := 0
	for zeros < len(s.words) && s.words[zeros] == 0 {
		zeros++
	}
	if zeros == len(s.words) {
		s.reset()
		return
	}
	s.low += zeros
	s.words = s.words[:copy(s.words, s.words[zeros:])]
}

// whole gives the sum as x·2^exp.
func (s *exactSum) whole() (x *big.Int, exp int) {
	x = new(big.Int)
	n := len(s.words)
	if n == 0 {
		return x, 0
	}
	negative := s.words[n-1] != 0
	text := make([]byte, 8*n)
	for i, w := range s.words {
		if negative {
			w = ^w
		}
		for j := range 8 {
			text[8*(n-i)-1-j] = byte(w >> (8 * j))
		}
	}
	if x.SetBytes(text); negative {
		x.Not(x)
	}
	return x, 64 * s.low
}

// nearest gives the double nearest to the sum, ties to even.
func (s *exactSum) nearest() float64 {
	if n := len(s.words); n == 0 || s.low == 0 && n <= 3 {
		var w [3]uint64
		copy(w[:], s.words)
		if n == 0 || s.words[n-1] == 0 {
			return float128(w[1], w[0])
		}
		for i := n; i < 3; i++ {
			w[i] = math.MaxUint64
		}
		low, borrow := bits.Sub64(0, w[0], 0)
		high, borrow := bits.Sub64(0, w[1], borrow)
		if w[2]+borrow == 0 { // else it is −2^128
			return -float128(high, low)
		}
	}
	return nearestOf(s.whole())
}

// nearestOf gives the double nearest to x·2^exp, ties to even.
func nearestOf(x *big.Int, exp int) float64 {
	if x.Sign() == 0 {
		return 0
	}
	f := new(big.Float).SetInt(x)
	nearest, _ := f.SetMantExp(f, exp).Float64()
	return nearest
}

// quickVariance gives the numerator where its terms fit in 128 bits.
func quickVariance(n uint64, sum, squares *exactSum) (float64, bool) {
	if sum.low != 0 || squares.low != 0 || len(sum.words) > 2 || len(squares.words) > 3 {
		return 0, false
	}
	var s, q [3]uint64
	copy(s[:], sum.words)
	copy(q[:], squares.words)
	if len(sum.words) == 1 {
		s[1] = s[0]
	}
	if s[1] != uint64(int64(s[0])>>63) || q[2] != 0 {
		return 0, false
	}
	over, high := bits.Mul64(n, q[1])
	carry, low := bits.Mul64(n, q[0])
	high, more := bits.Add64(high, carry, 0)
	if over != 0 || more != 0 {
		return 0, false
	}
	squareHigh, squareLow := bits.Mul64(magnitude(int64(s[0])), magnitude(int64(s[0])))
	low, borrow := bits.Sub64(low, squareLow, 0)
	high, _ = bits.Sub64(high, squareHigh, borrow)
	return float128(high, low), true
}

// variance gives float64(n·Σx² − (Σx)²) / float64(n·(n−1)), the sample variance
// of n values with the sums; missing below two.
func variance(n uint64, sum, squares *exactSum) float64 {
	if n < 2 {
		return math.NaN()
	}
	if x, ok := quickVariance(n, sum, squares); ok {
		return x / pairs(n)
	}
	s, exp := sum.whole()
	q, qexp := squares.whole()
	s.Mul(s, s)
	q.Mul(q, new(big.Int).SetUint64(n))
	exp *= 2
	if d := qexp - exp; d > 0 {
		q.Lsh(q, uint(d))
	} else {
		s.Lsh(s, uint(-d))
		exp = qexp
	}
	return nearestOf(q.Sub(q, s), exp) / pairs(n)
}
