package train

import (
	"math"
	"slices"

	"orrery.dev/numeric"
)

// MaxBins is the greatest number of bins a column can have, beside the one for
// missing values.
const MaxBins = 1<<16 - 1

// binned is a training set in codes. Code 0 is a missing value; a greater code
// is a greater value.
type binned struct {
	columns []column
	rows    int
	codes   int // of all columns together
}

// column is one column in codes.
type column struct {
	codes []uint16 // [rows]
	// low and high are the least and the greatest value of each code; those of
	// code 0 mean nothing.
	low, high []float64
	// categories says that the codes are of categories and have no order: see
	// newCategoryColumn.
	categories bool
	// offset is how many codes the columns before this one have.
	offset int
}

// values gives how many codes a column has, that for missing values included.
func (c *column) values() int { return len(c.low) }

// between gives a threshold that keeps the values of code and below on one side
// and those of next on the other. A next of 0 stands for no value at all.
func (c *column) between(code, next int) float64 {
	if next == 0 {
		return math.MaxFloat64
	}
	low, high := c.high[code], c.low[next]
	middle := low/2 + high/2
	if middle < low || middle >= high {
		return low
	}
	return middle
}

// newBinned cuts each column into at most bins bins. A column with no more
// values than that keeps each apart, so that nothing is lost.
//
// Where a column holds categories, rows has their numbers and categories the list
// of each column.
func newBinned(rows *Rows, categories [][]float64, bins int, t *team) *binned {
	b := &binned{columns: make([]column, len(rows.Names)), rows: rows.Len()}
	t.each(len(b.columns), func(_, f int) {
		if rows.categorical(f) {
			b.columns[f] = newCategoryColumn(rows, f, len(categories[f]))
			return
		}
		b.columns[f] = newColumn(sortColumn(rows, f), rows.Len(), bins)
	})
	for f := range b.columns {
		b.columns[f].offset = b.codes
		b.codes += b.columns[f].values()
	}
	return b
}

// newColumn codes the values present, which come sorted.
func newColumn(sorted []sortedValue, rows, bins int) column {
	c := column{codes: make([]uint16, rows), low: []float64{0}, high: []float64{0}}
	add := func(from, to int) {
		code := uint16(len(c.low))
		for _, v := range sorted[from:to] {
			c.codes[v.row] = code
		}
		c.low, c.high = append(c.low, sorted[from].value()), append(c.high, sorted[to-1].value())
	}
	distinct := 0
	for i := range sorted {
		if i == 0 || sorted[i].key != sorted[i-1].key {
			distinct++
		}
	}
	if distinct <= bins {
		for from, to := 0, 0; from < len(sorted); from = to {
			to = runEnd(sorted, from)
			add(from, to)
		}
		return c
	}
	cut(sorted, distinct, bins, add)
	return c
}

// runEnd gives where the run of equal values that starts at from ends.
func runEnd(sorted []sortedValue, from int) int {
	to := from + 1
	for to < len(sorted) && sorted[to].key == sorted[from].key {
		to++
	}
	return to
}

// cut closes a bin once it holds its share of the importance not yet given out.
func cut(sorted []sortedValue, distinct, bins int, add func(from, to int)) {
	m := newImportance(len(sorted))
	left := 0.0
	for i := range sorted {
		left += m.of(i, len(sorted))
	}
	start, held := 0, 0.0
	quota := left / float64(bins)
	for from, to := 0, 0; from < len(sorted); from = to {
		to = runEnd(sorted, from)
		for i := from; i < to; i++ {
			held += m.of(i, len(sorted))
		}
		distinct--
		if held >= quota && bins > 1 || distinct < bins || to == len(sorted) {
			add(start, to)
			left -= held
			bins--
			start, held = to, 0
			quota = left / float64(max(bins, 1))
		}
	}
}

// tails is how much the nearness to an end adds to the importance of a row,
// against 1 for all rows together; tailRows is how many at each end count as
// equally near.
const (
	tails    = 1
	tailRows = 16
)

// importance says how finely a column is cut around each of its n values: half
// of it is spread evenly, and half falls off from either end as 1/rank. Plain
// quantiles would lump together the rare extremes, which in skewed data is where
// the signal is.
type importance struct{ even, tail float64 }

func newImportance(n int) importance {
	return importance{1 / float64(n), tails / (2 * numeric.Log(1+float64(n)/(2*tailRows)))}
}

// of gives the importance of the value at place i of n.
func (m importance) of(i, n int) float64 {
	return m.even + m.tail/float64(min(i, n-1-i)+tailRows)
}

// sortedValue is a value present in a column, and the row it is in.
type sortedValue struct {
	key uint64 // of the same order as the value
	row uint32
}

func (v sortedValue) value() float64 {
	if v.key>>63 == 1 {
		return math.Float64frombits(v.key &^ (1 << 63))
	}
	return math.Float64frombits(^v.key)
}

// sortColumn sorts the values present in column f; those that are equal keep
// the order of the rows.
func sortColumn(rows *Rows, f int) []sortedValue {
	n := len(rows.Names)
	out := make([]sortedValue, 0, rows.Len())
	for i := range rows.Len() {
		x := rows.X[i*n+f]
		if x != x {
			continue
		}
		bits := math.Float64bits(x + 0) // -0 becomes 0
		if bits>>63 == 1 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		out = append(out, sortedValue{bits, uint32(i)})
	}
	return radixSort(out)
}

// radixSort sorts by the least significant digit first and leaves out digits
// that are all the same.
func radixSort(list []sortedValue) []sortedValue {
	const width, digits = 11, 6
	if len(list) < 256 {
		slices.SortStableFunc(list, func(a, b sortedValue) int {
			if a.key < b.key {
				return -1
			}
			return int(min(a.key-b.key, 1))
		})
		return list
	}
	var counts [digits][1 << width]uint32
	for _, v := range list {
		for d := range digits {
			counts[d][v.key>>(d*width)&(1<<width-1)]++
		}
	}
	spare := make([]sortedValue, len(list))
	for d := range digits {
		at := &counts[d]
		if at[list[0].key>>(d*width)&(1<<width-1)] == uint32(len(list)) {
			continue
		}
		sum := uint32(0)
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for _, v := range list {
			digit := v.key >> (d * width) & (1<<width - 1)
			spare[at[digit]] = v
			at[digit]++
		}
		list, spare = spare, list
	}
	return list
}
