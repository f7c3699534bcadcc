package train

import "math/bits"

// A lot is the rows of one node and what the tree is fitted to: for each row a
// gradient and a hessian, both whole numbers. Where they fit, both are packed
// into one word, gradient·2³²+hessian, and summed in one addition (Shi et al.,
// "Quantized Training of Gradient Boosting Decision Trees", arXiv 2207.09682);
// whole numbers sum to the same in any order.
type lot struct {
	rows []uint32
	// first is the packed word, or the gradient where second, the hessian, is
	// not nil.
	first, second []int64
}

func (l lot) slice(from, to int) lot {
	out := lot{rows: l.rows[from:to:to], first: l.first[from:to:to]}
	if l.second != nil {
		out.second = l.second[from:to:to]
	}
	return out
}

// gather copies the values of the rows, which are by row in values, to the rows'
// places.
func (l lot) gather(values lot) {
	for i, r := range l.rows {
		l.first[i] = values.first[r]
	}
	for i := range l.second {
		l.second[i] = values.second[l.rows[i]]
	}
}

func newLot(n int, packed bool) lot {
	l := lot{rows: make([]uint32, n), first: make([]int64, n)}
	if !packed {
		l.second = make([]int64, n)
	}
	return l
}

const packedBits = 32

// pack puts a gradient and a hessian in one word. Sums stay apart as long as
// those of hessians are below 2³² and those of gradients within ±2³¹.
func pack(gradient, hessian int64) int64 { return gradient<<packedBits + hessian }

func unpack(word int64) (gradient, hessian float64) {
	return float64(word >> packedBits), float64(uint32(word))
}

// sums is the total of a lot's gradients and hessians, whole numbers.
type sums struct{ g, h float64 }

func (l lot) total() sums {
	var first, second int64
	for _, v := range l.first {
		first += v
	}
	for _, v := range l.second {
		second += v
	}
	return l.decode(first, second)
}

func (l lot) decode(first, second int64) (s sums) {
	if l.second == nil {
		s.g, s.h = unpack(first)
		return s
	}
	return sums{float64(first), float64(second)}
}

// histogram has a sum for each code of every column; second is nil when the
// sums are packed.
type histogram struct{ first, second []int64 }

func (b *binned) newHistogram(packed bool) *histogram {
	h := &histogram{first: make([]int64, b.codes)}
	if !packed {
		h.second = make([]int64, b.codes)
	}
	return h
}

// of gives the part that belongs to a column.
func (h *histogram) of(c *column) histogram {
	from, to := c.offset, c.offset+c.values()
	out := histogram{first: h.first[from:to:to]}
	if h.second != nil {
		out.second = h.second[from:to:to]
	}
	return out
}

func (h histogram) add(codes []uint16, l lot) {
	addRows(h.first, codes, l.rows, l.first)
	if h.second != nil {
		addRows(h.second, codes, l.rows, l.second)
	}
}

func addRows(to []int64, codes []uint16, rows []uint32, values []int64) {
	values = values[:len(rows)]
	for i, r := range rows {
		to[codes[r]] += values[i]
	}
}

// addAll is add for two columns at once and rows 0, 1, 2, … . Two, because an
// addition to the sum that was added to just before has to wait for it.
func addAll(to, also []int64, codes, others []uint16, values []int64) {
	values, others = values[:len(codes)], others[:len(codes)]
	for i, c := range codes {
		v := values[i]
		to[c] += v
		also[others[i]] += v
	}
}

// remove takes a lot's rows out again, one at a time.
func (h histogram) remove(codes []uint16, l lot) {
	for i, r := range l.rows {
		h.first[codes[r]] -= l.first[i]
	}
	for i, v := range l.second {
		h.second[codes[l.rows[i]]] -= v
	}
}

// subtract takes another histogram out.
func (h histogram) subtract(other histogram) {
	subtract(h.first, other.first)
	subtract(h.second, other.second)
}

func subtract(from, what []int64) {
	what = what[:len(from)]
	for i, v := range what {
		from[i] -= v
	}
}

func (h histogram) clear() {
	clear(h.first)
	clear(h.second)
}

// entry is a code that some row of a lot has, and the sums of those rows.
type entry struct {
	sums
	code int
}

// scratch is what one worker needs to list a node's entries.
type scratch struct {
	histogram
	seen    []uint64 // one bit for each code
	entries []entry
}

func newScratch(b *binned, packed bool) *scratch {
	most := 0
	for f := range b.columns {
		most = max(most, b.columns[f].values())
	}
	s := &scratch{seen: make([]uint64, most/64+1), entries: make([]entry, most)}
	s.first = make([]int64, most)
	if !packed {
		s.second = make([]int64, most)
	}
	return s
}

// ofHistogram lists the entries of a column's histogram by code. A hessian is
// at least 1, so a sum of 0 means no row.
func (s *scratch) ofHistogram(h histogram) []entry {
	n := 0
	entries := s.entries
	if h.second != nil {
		for code, v := range h.second {
			if v != 0 {
				entries[n] = entry{sums{float64(h.first[code]), float64(v)}, code}
				n++
			}
		}
		return entries[:n]
	}
	for code, v := range h.first {
		if v != 0 {
			g, h := unpack(v)
			entries[n] = entry{sums{g, h}, code}
			n++
		}
	}
	return entries[:n]
}

// ofLot lists the entries of a lot in a column by code. Where the rows are far
// fewer than the codes it costs by the rows, and next to nothing by the codes.
func (s *scratch) ofLot(c *column, l lot) []entry {
	h := histogram{first: s.first[:c.values()]}
	if l.second != nil {
		h.second = s.second[:c.values()]
	}
	if len(l.rows) >= c.values()/2 {
		h.add(c.codes, l)
		entries := s.ofHistogram(h)
		h.clear()
		return entries
	}
	for i, r := range l.rows {
		code := c.codes[r]
		h.first[code] += l.first[i]
		s.seen[code>>6] |= 1 << (code & 63)
	}
	for i, v := range l.second {
		h.second[c.codes[l.rows[i]]] += v
	}
	return s.take(h, l)
}

// take lists the entries that were seen, and clears them.
func (s *scratch) take(h histogram, l lot) []entry {
	entries := s.entries[:0]
	for i, word := range s.seen[:len(h.first)/64+1] {
		for ; word != 0; word &= word - 1 {
			code := i<<6 + bits.TrailingZeros64(word)
			var second int64
			if l.second != nil {
				second, h.second[code] = h.second[code], 0
			}
			entries = append(entries, entry{l.decode(h.first[code], second), code})
			h.first[code] = 0
		}
		s.seen[i] = 0
	}
	return entries
}
