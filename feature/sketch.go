package feature

import (
	"math"
	"math/bits"
	"slices"
)

// hll is a HyperLogLog sketch of 2^11 registers: how many different values there
// were, from their 64-bit hashes. It is a function of the set of values alone, so
// merging is exact. Its relative standard error is 1.04/√2048, 2.3 %.
//
// Registers are those of Flajolet, Fusy, Gandouet and Meunier (AofA 2007), the
// estimate is the improved one of Ertl, "New cardinality estimation algorithms
// for HyperLogLog sketches" (arXiv 1702.01284), algorithm 6, which needs neither
// tables nor a change of formula.
type hll struct {
	// sparse has index<<8|rank of the registers that are not zero, in order, while
	// they are at most sparseMost; dense has all, once they are more.
	sparse []uint32
	dense  []uint8
	// counts is how many registers have each rank, once there are dense ones.
	counts *[hllMost + 1]uint16
}

const (
	hllBits    = 11
	hllSize    = 1 << hllBits
	hllMost    = 64 - hllBits + 1 // the greatest rank
	sparseMost = hllSize / 8
)

func (h *hll) reset() { *h = hll{sparse: h.sparse[:0]} }

// spread makes the registers dense.
func (h *hll) spread() {
	h.dense, h.counts = make([]uint8, hllSize), new([hllMost + 1]uint16)
	h.counts[0] = hllSize
	sparse := h.sparse
	h.sparse = nil
	for _, e := range sparse {
		h.raise(e>>8, uint8(e))
	}
}

// add counts a value by its hash.
func (h *hll) add(hash uint64) {
	h.raise(uint32(hash>>(64-hllBits)), uint8(bits.LeadingZeros64(hash<<hllBits|1<<(hllBits-1))+1))
}

func (h *hll) raise(index uint32, rank uint8) {
	if h.dense != nil {
		if old := h.dense[index]; rank > old {
			h.dense[index] = rank
			h.counts[old]--
			h.counts[rank]++
		}
		return
	}
	i, _ := slices.BinarySearch(h.sparse, index<<8)
	if i < len(h.sparse) && h.sparse[i]>>8 == index {
		h.sparse[i] = max(h.sparse[i], index<<8|uint32(rank))
		return
	}
	h.sparse = slices.Insert(h.sparse, i, index<<8|uint32(rank))
	if len(h.sparse) > sparseMost {
		h.spread()
	}
}

func (h *hll) merge(o *hll) {
	if o.dense == nil {
		for _, e := range o.sparse {
			h.raise(e>>8, uint8(e))
		}
		return
	}
	if h.dense == nil {
		h.spread()
	}
	for i, rank := range o.dense {
		if rank > h.dense[i] {
			h.raise(uint32(i), rank)
		}
	}
}

// estimate gives how many different values were added, to the nearest whole.
func (h *hll) estimate() float64 {
	const m = hllSize
	var count [hllMost + 1]uint16
	if h.dense != nil {
		count = *h.counts
	} else {
		count[0] = uint16(m - len(h.sparse))
	}
	for _, e := range h.sparse {
		count[uint8(e)]++
	}
	z := m * tau(1-float64(count[hllMost])/m)
	for k := hllMost - 1; k >= 1; k-- {
		z = 0.5 * (z + float64(count[k]))
	}
	z += float64(m * sigma(float64(count[0])/m))
	return math.Round(m * m / (2 * math.Ln2) / z)
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	z, y := x, 1.0
	for before := math.NaN(); z != before; {
		before = z
		x = float64(x * x)
		z += float64(x * y)
		y += y
	}
	return z
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	z, y := 1-x, 1.0
	for before := math.NaN(); z != before; {
		before = z
		x = math.Sqrt(x)
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
	}
	return z / 3
}

// buckets counts numbers by their size, so that a quantile is known to within a
// small share of itself: a bucket has the numbers of one sign and binary
// exponent whose next bucketBits bits are alike. It is a function of the numbers
// alone, whatever their order, and merging is exact. The layout is that of
// HdrHistogram; like DDSketch (PVLDB 12(12), 2019) it bounds the relative error.
type buckets []bucket

type bucket struct {
	// order is that of the numbers: the top bits of floatOrder.
	order int32
	n     uint64
}

// bucketBits gives buckets 1/64 of their value wide, so that their middle is at
// most 1/128 of it, 0.8 %, from every number in them.
const bucketBits = 6

const bucketShift = 52 - bucketBits

func bucketOf(x float64) int32 {
	if x == 0 {
		x = 0 // −0 too
	}
	return int32(floatOrder(x) >> bucketShift)
}

// middle gives the number that stands for a bucket: 0 for that of 0 and what is
// next to it, below 2^−1022.
func (b bucket) middle() float64 {
	size := max(b.order, ^b.order) // of x and −x alike
	x := math.Float64frombits(uint64(size)<<bucketShift | 1<<(bucketShift-1))
	switch {
	case x < 0x1p-1022:
		return 0
	case b.order < 0:
		return -x
	}
	return x
}

func (b *buckets) add(order int32, n uint64) {
	i, found := slices.BinarySearchFunc(*b, order, func(x bucket, order int32) int { return int(x.order) - int(order) })
	if found {
		(*b)[i].n += n
		return
	}
	*b = slices.Insert(*b, i, bucket{order, n})
}

// merge adds the others in one pass.
func (b *buckets) merge(o buckets) {
	mine, more, i := *b, 0, 0
	for _, x := range o {
		for i < len(mine) && mine[i].order < x.order {
			i++
		}
		if i < len(mine) && mine[i].order == x.order {
			mine[i].n += x.n
		} else {
			more++
		}
	}
	if more == 0 {
		return
	}
	// From the end, so that each moves once. What both had is counted already.
	all := append(mine, make(buckets, more)...)
	i = len(mine) - 1
	for j, to := len(o)-1, len(all)-1; to > i; to-- {
		for i >= 0 && mine[i].order > o[j].order {
			all[to] = mine[i]
			i, to = i-1, to-1
		}
		if i >= 0 && mine[i].order == o[j].order {
			all[to] = mine[i]
			i--
		} else {
			all[to] = o[j]
		}
		j--
	}
	*b = all
}

// at gives the number of a rank, from 1.
func (b buckets) at(rank uint64) float64 {
	for _, x := range b {
		if x.n >= rank {
			return x.middle()
		}
		rank -= x.n
	}
	return math.NaN()
}

// rankOf gives the rank, from 1, of the quantile of n values: the smallest whole
// number that is at least n·q, q in millionths.
func rankOf(n uint64, millionths int) uint64 {
	hi, lo := bits.Mul64(n, uint64(millionths))
	lo, carry := bits.Add64(lo, 999_999, 0)
	rank, _ := bits.Div64((hi+carry)%1_000_000, lo, 1_000_000)
	return max(rank, 1)
}
