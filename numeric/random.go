package numeric

import "math/bits"

// Random is a generator whose numbers are a function of its seed and stream
// alone. It is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
// number generators", OOPSLA 2014): a counter with an odd step of its own for
// each stream, and a mixing function. It is not safe for concurrent use; give
// each goroutine a stream.
type Random struct{ state, step uint64 }

// NewRandom gives the generator of a seed and a stream. Streams of one seed are
// independent of each other for any purpose but secrecy.
func NewRandom(seed, stream uint64) *Random {
	const golden = 0x9e3779b97f4a7c15
	key := mix(seed + golden)
	step := mix(key^mix(stream+golden)) | 1
	// A step with few changes between neighbouring bits mixes badly.
	if bits.OnesCount64(step^step>>1) < 24 {
		step ^= 0xaaaaaaaaaaaaaaaa
	}
	return &Random{state: mix(key + stream*golden), step: step}
}

// mix is Stafford's variant 13 of the MurmurHash3 finaliser.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Uint64 gives 64 random bits.
func (r *Random) Uint64() uint64 {
	r.state += r.step
	return mix(r.state)
}

// Float64 gives a number in [0, 1), a multiple of 2⁻⁵³.
func (r *Random) Float64() float64 { return float64(r.Uint64()>>11) * 0x1p-53 }

// IntN gives a number in [0, n), each as likely as any other, and 0 for n < 1
// (Lemire, "Fast random integer generation in an interval", TOMACS 29(1), 2019).
func (r *Random) IntN(n int) int {
	if n < 1 {
		return 0
	}
	size := uint64(n)
	high, low := bits.Mul64(r.Uint64(), size)
	if low < size {
		for least := -size % size; low < least; {
			high, low = bits.Mul64(r.Uint64(), size)
		}
	}
	return int(high)
}

// Shuffle puts n things in random order by swapping pairs of them.
func (r *Random) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.IntN(i+1))
	}
}
