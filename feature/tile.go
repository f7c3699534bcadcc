package feature

import (
	"math"
	"math/bits"
	"slices"

	"orrery.dev"
	"orrery.dev/numeric"
)

// parts says what a cell keeps of a column.
type parts uint16

const (
	sumPart     parts = 1 << iota // Σx
	squarePart                    // Σx²
	spanPart                      // the least and the greatest
	firstPart                     // the earliest
	valuePart                     // how many different ones
	bucketPart                    // how they are distributed
	halvingPart                   // Σx·weight, or the weights' alone without a column
)

// partsOf gives what an aggregate of kind k needs of a tile.
func partsOf(k kind) parts {
	switch k {
	case sumKind, meanKind:
		return sumPart
	case stddevKind, varianceKind:
		return sumPart | squarePart
	case minKind, maxKind:
		return spanPart
	case firstKind:
		return firstPart
	case distinctKind:
		return valuePart
	case quantileKind:
		return bucketPart
	case decayedCountKind, decayedSumKind:
		return halvingPart
	}
	return 0
}

// cell is what is kept of one column of some events, in no order: for equal
// events, equal whatever came when.
type cell struct {
	sum, squares exactSum
	span
	// The earliest value, and of those the one earliest in the log.
	firstTime, firstWord int64
	values               hll
	buckets              buckets
}

func (c *cell) reset() {
	c.sum.reset()
	c.squares.reset()
	c.span = emptySpan
	c.firstTime, c.firstWord = math.MaxInt64, 0
	c.values.reset()
	c.buckets = c.buckets[:0]
}

const cellBytes = 192

func (c *cell) bytes() int64 {
	return int64(cellBytes + 8*(cap(c.sum.words)+cap(c.squares.words)) + 4*cap(c.values.sparse) + cap(c.values.dense) + 16*cap(c.buckets))
}

// operand is one value on its way into a cell.
type operand struct {
	time int64
	// x is the value in units, or the bits of a float; hash is that of an id's.
	x    int64
	hash uint64
	// weight is what the value counts for in a level with a half-life, times
	// weightOne; with remove it is taken away.
	weight uint64
	remove bool
}

// operandAt reads a column in the row at word index at.
func (s *series) operandAt(c *column, at, stride int) operand {
	o := operand{time: s.buf[at]}
	switch {
	case c == nil:
		o.x = 1
	case c.kind == sumColumn:
		o.x = s.buf[at+c.word] - s.buf[at-stride+c.word]
	case c.kind == idColumn:
		o.hash = s.extra.dicts[c.base].values[s.buf[at+c.word]].hash
	default:
		o.x = s.buf[at+c.word]
	}
	return o
}

// add counts an operand. Column is nil for the weights alone.
func (c *cell) add(p parts, column *column, o operand) {
	float := column != nil && column.typ == orrery.Float
	if p&sumPart != 0 {
		if float {
			c.sum.addFloat(math.Float64frombits(uint64(o.x)))
		} else {
			c.sum.addInt(o.x)
		}
	}
	if p&squarePart != 0 {
		if float {
			c.squares.addFloatSquare(math.Float64frombits(uint64(o.x)))
		} else {
			c.squares.addIntSquare(o.x)
		}
	}
	if p&spanPart != 0 {
		if float {
			c.span.add(floatOrder(math.Float64frombits(uint64(o.x))))
		} else {
			c.span.add(o.x)
		}
	}
	if p&firstPart != 0 && o.time < c.firstTime {
		c.firstTime, c.firstWord = o.time, o.x
	}
	if p&valuePart != 0 {
		c.values.add(o.hash)
	}
	if p&bucketPart != 0 {
		c.buckets.add(column.bucketOf(o.x), 1)
	}
	if p&halvingPart != 0 {
		negative, m, exp := o.x < 0, magnitude(o.x), 0
		if float {
			negative, m, exp = split(math.Float64frombits(uint64(o.x)))
		}
		hi, lo := bits.Mul64(m, o.weight)
		c.sum.add(negative != o.remove, hi, lo, exp)
	}
}

func (c *column) bucketOf(x int64) int32 {
	if c.typ == orrery.Float {
		return bucketOf(math.Float64frombits(uint64(x)))
	}
	return bucketOf(float64(x))
}

// merge adds what another cell counted of later or equal times, or of any where
// no first is kept.
func (c *cell) merge(p parts, o *cell) {
	if p&(sumPart|halvingPart) != 0 {
		c.sum.merge(false, &o.sum)
	}
	if p&squarePart != 0 {
		c.squares.merge(false, &o.squares)
	}
	c.low, c.high = min(c.low, o.low), max(c.high, o.high)
	if o.firstTime < c.firstTime {
		c.firstTime, c.firstWord = o.firstTime, o.firstWord
	}
	if p&valuePart != 0 {
		c.values.merge(&o.values)
	}
	if p&bucketPart != 0 {
		c.buckets.merge(o.buckets)
	}
}

// level declares the tiles of one width that a table keeps for dense entities:
// tile k has the events whose time is in (k·width, (k+1)·width].
type level struct {
	width int64
	// ever says that what is older than the tiles is kept in one piece.
	ever bool
	// halving says that the width is a half-life, that each event counts for
	// 2^(−age), its age in half-lives when its tile ends, and that the tiles are kept
	// from the first event on.
	halving bool
	// span is how far behind the newest event tiles are kept.
	span  int64
	cells []cellOf
}

// cellOf declares a cell of a tile: of one column, the kind of which and the
// field say which it is; the field is -1 for none.
type cellOf struct {
	field  int
	kind   columnKind
	column int
	parts  parts
}

// maxTiles bounds the tiles of a level.
const maxTiles = 1024

// tileWidths are those that windows choose from.
var tileWidths = []orrery.Duration{1, 10, 100, orrery.Millisecond, 10 * orrery.Millisecond, 100 * orrery.Millisecond,
	orrery.Second, 15 * orrery.Second, 5 * orrery.Minute, orrery.Hour, orrery.Day}

// widthFor gives the width of a window's tiles: the largest of tileWidths that
// goes twelve times into the window, or the next that goes at most maxTiles/2
// times into window and lag together.
func widthFor(window, lag orrery.Duration) orrery.Duration {
	width := tileWidths[0]
	for _, w := range tileWidths {
		if 12*w <= window || width*(maxTiles/2) < window+lag {
			width = w
		}
	}
	for width*(maxTiles/2) < window+lag {
		width *= 2
	}
	return width
}

// tileWidth gives the width of the aggregate's tiles. Over all time only the end
// of what is asked for can lie in them, and that is at most lag + keep back.
func (a *Aggregate) tileWidth(keep orrery.Duration) orrery.Duration {
	switch {
	case a.HalfLife > 0:
		return a.HalfLife
	case a.Window == 0:
		return widthFor(a.Lag+keep, 0)
	}
	return widthFor(a.Window, a.Lag)
}

// tiles is what a level has for one series.
type tiles struct {
	list []tile
	// lost is the first tile that may still be whole: what is before is dropped,
	// and for all time in base.
	lost int64
	base tile
	// seam has what the series's rows no longer have of the tile in which the rows
	// begin.
	seam        tile
	folds, late []fold
	nextLate    int // the one of late that goes next
	bytes       int64
}

type tile struct {
	index, n int64
	cells    []cell
}

const tileBytes = 48

func newTile(l *level, index int64) tile {
	t := tile{index: index, cells: make([]cell, len(l.cells))}
	for i := range t.cells {
		t.cells[i].reset()
	}
	return t
}

func (t *tile) bytes() int64 {
	n := int64(tileBytes)
	for i := range t.cells {
		n += t.cells[i].bytes()
	}
	return n
}

// floorDiv gives the greatest whole number that is at most a/b.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// indexOf gives the tile that has an instant.
func (l *level) indexOf(at int64) int64 {
	if at%l.width == 0 {
		return at/l.width - 1
	}
	return floorDiv(at, l.width)
}

// weightOne is a weight of one: weights are in (weightOne/2, weightOne].
const weightOne = 1 << 52

// weight gives 2^(−age) for an event's age in half-lives at the end of its tile,
// to within 2^−51.
func (l *level) weight(at, index int64) uint64 {
	age := uint64(index+1)*uint64(l.width) - uint64(at)
	return uint64(float64(weightOne*numeric.Exp(-math.Ln2*(float64(age)/float64(l.width)))) + 0.5)
}

// count adds the row at word index at.
func (l *level) count(t *table, s *series, to *tile, at int) {
	to.n++
	for i := range l.cells {
		l.addTo(&to.cells[i], i, t, s, at, to.index, false)
	}
}

// addTo adds the row to the cell numbered i of a tile.
func (l *level) addTo(c *cell, i int, t *table, s *series, at int, index int64, remove bool) {
	d := &l.cells[i]
	var col *column
	if d.column >= 0 {
		col = &t.columns[d.column]
	}
	o := s.operandAt(col, at, t.stride)
	o.remove = remove
	if l.halving {
		o.weight = l.weight(s.buf[at], index)
	}
	c.add(d.parts, col, o)
}

// add counts the row at word index at in its tile.
func (x *tiles) add(l *level, t *table, s *series, at int) {
	index := l.indexOf(s.buf[at])
	if index < x.lost {
		if l.ever {
			x.bytes -= x.base.bytes()
			l.count(t, s, &x.base, at)
			x.bytes += x.base.bytes()
		}
		return
	}
	to := x.place(l, index)
	x.bytes -= to.bytes()
	l.count(t, s, to, at)
	x.bytes += to.bytes()
	x.addToFolds(x.folds, l, t, s, at, index)
	x.addToFolds(x.late, l, t, s, at, index)
	x.prune(l, x.list[len(x.list)-1].index)
}

func (x *tiles) addToFolds(folds []fold, l *level, t *table, s *series, at int, index int64) {
	for i := range folds {
		f := &folds[i]
		if index < f.from || index >= f.to {
			continue
		}
		f.n++
		if f.number >= 0 {
			x.bytes -= f.cell.bytes()
			l.addTo(&f.cell, f.number, t, s, at, index, false)
			x.bytes += f.cell.bytes()
		}
	}
}

// place gives the tile of an index, made if there is none.
func (x *tiles) place(l *level, index int64) *tile {
	i := len(x.list)
	if i > 0 && x.list[i-1].index >= index {
		i, _ = slices.BinarySearchFunc(x.list, index, compareTile)
	}
	if i == len(x.list) || x.list[i].index != index {
		x.list = slices.Insert(x.list, i, newTile(l, index))
		x.bytes += x.list[i].bytes()
	}
	return &x.list[i]
}

func compareTile(t tile, index int64) int {
	switch {
	case t.index < index:
		return -1
	case t.index > index:
		return 1
	}
	return 0
}

// prune drops the tiles that are too far behind the newest.
func (x *tiles) prune(l *level, newest int64) {
	keep := l.span/l.width + 1
	n := 0
	for n < len(x.list) && newest-x.list[n].index > keep {
		t := &x.list[n]
		x.bytes -= t.bytes()
		x.lost = t.index + 1
		if l.ever {
			x.bytes -= x.base.bytes()
			x.base.merge(l, t)
			x.bytes += x.base.bytes()
		}
		x.list[n] = tile{}
		n++
	}
	x.list = x.list[n:]
}

func (t *tile) merge(l *level, o *tile) {
	t.n += o.n
	for i := range t.cells {
		t.cells[i].merge(l.cells[i].parts, &o.cells[i])
	}
}

// sew keeps of a row that is being dropped what the tile of the seam needs.
func (x *tiles) sew(l *level, t *table, s *series, at int) {
	if l.halving {
		return
	}
	index := l.indexOf(s.buf[at])
	none := x.seam.cells == nil
	if !none && index < x.seam.index {
		return
	}
	if !none {
		x.bytes -= x.seam.bytes()
	}
	if none || index > x.seam.index {
		x.seam = newTile(l, index)
	}
	l.count(t, s, &x.seam, at)
	x.bytes += x.seam.bytes()
}

// fold is a cell added up over the tiles [from, to), kept from one event that
// asks to the next; what is counted in one of the tiles is counted in it too. It
// is a cache.
type fold struct {
	number     int // of the cell, -1 for none
	start, end int64
	open       bool // the newest tile is among them
	from, to   int64
	n          int64
	cell       cell
}

const foldBytes = 64

// lateFolds is how many sums a level keeps for askers whose windows end before
// the newest tile.
const lateFolds = 16

// foldOf gives a cell added up over the tiles [from, to), for a window whose
// distances behind the asker are start and end.
func (x *tiles) foldOf(l *level, number int, start, end, from, to int64) *fold {
	newest := int64(math.MinInt64) // of none, when all has been withdrawn
	if n := len(x.list); n > 0 {
		newest = x.list[n-1].index
	}
	if to < newest {
		return x.lateFold(l, number, from, to)
	}
	open := to > newest
	i := 0
	for ; i < len(x.folds); i++ {
		if f := &x.folds[i]; f.number == number && f.start == start && f.end == end && f.open == open {
			break
		}
	}
	if i == len(x.folds) {
		x.folds = append(x.folds, fold{number: number, start: start, end: end, open: open, from: math.MinInt64, to: math.MinInt64})
		x.folds[i].cell.reset()
		x.bytes += foldBytes + x.folds[i].cell.bytes()
	}
	f := &x.folds[i]
	if f.from == from && f.to >= to {
		return f
	}
	x.bytes -= f.cell.bytes()
	if f.from != from {
		f.from, f.to, f.n = from, from, 0
		f.cell.reset()
	}
	x.extend(l, f, to)
	x.bytes += f.cell.bytes()
	return f
}

func (x *tiles) lateFold(l *level, number int, from, to int64) *fold {
	for i := range x.late {
		if f := &x.late[i]; f.number == number && f.from == from && f.to == to {
			return f
		}
	}
	i := x.nextLate
	if i == len(x.late) {
		x.late = append(x.late, fold{})
		x.late[i].cell.reset()
		x.bytes += foldBytes + x.late[i].cell.bytes()
	}
	x.nextLate = (i + 1) % lateFolds
	f := &x.late[i]
	x.bytes -= f.cell.bytes()
	f.number, f.from, f.to, f.n = number, from, from, 0
	f.cell.reset()
	x.extend(l, f, to)
	x.bytes += f.cell.bytes()
	return f
}

// extend adds the tiles [f.to, to).
func (x *tiles) extend(l *level, f *fold, to int64) {
	first, _ := slices.BinarySearchFunc(x.list, f.to, compareTile)
	for ; first < len(x.list) && x.list[first].index < to; first++ {
		f.n += x.list[first].n
		if f.number >= 0 {
			f.cell.merge(l.cells[f.number].parts, &x.list[first].cells[f.number])
		}
	}
	f.to = max(f.to, to)
}
