package feature

import (
	"math"
	"math/bits"

	"orrery.dev"
)

// series is the state of one key in one table: the counted events by time and
// then offset, in rows of stride words, [time, columns...].
//
// The row at head is not an event: it holds the running sums of all events
// dropped, and as its time the latest of theirs. Rows are addressed by their
// index in buf; events are the rows from head+1 to the end.
type series struct {
	buf []int64
	// applied is the offset of the last event counted.
	applied orrery.Offset
	head    int32
	// A dirty series has changes that no checkpoint has encoded. A flushing one
	// is encoded, and perhaps not yet written.
	loaded, dirty, flushing bool
	// hints, and more for what is over, have where a search for each of the
	// table's bounds ended last. They are a cache: no answer depends on them.
	hints [6]int32
	more  []int32
	// peak is the largest |x| ever counted in a sum column.
	peak    uint64
	dropped int64
	// second is the time of the row after the first that the table keeps in any
	// case; the greatest instant while there is none.
	second int64
	// extra is nil where there is nothing of the kind.
	extra *extra
}

// extra is what some series have beside their rows.
type extra struct {
	dicts []dictionary
	// bases have what is left of the dropped values of columns that are kept over
	// all time.
	bases []cell
	// levels have the tiles, once tiled or where the level is halving.
	levels []tiles
	tiled  bool
	// shuffles counts what has moved rows; it is part of no state.
	shuffles uint32
}

func (x *extra) shuffle() {
	if x != nil {
		x.shuffles++
	}
}

const (
	never    = math.MinInt64
	firstCap = 4 // rows, the head among them
)

// first gives the row of the earliest event kept, end the row after the latest.
func (s *series) first() int         { return int(s.head) + 1 }
func (s *series) end(stride int) int { return len(s.buf) / stride }

// insert counts an event: it goes behind those of its time or earlier, and what
// is then too old is dropped. It gives the bytes by which the rows' memory grew.
func (s *series) insert(t *table, e *orrery.Event, h *hasher) (grown int64) {
	stride := t.stride
	grown = s.room(t)
	n := len(s.buf)
	at := n
	if time := int64(e.Time); s.buf[n-stride] > time {
		at = s.search(time, n/stride, stride) * stride
		s.extra.shuffle()
	}
	s.buf = s.buf[:n+stride]
	copy(s.buf[at+stride:], s.buf[at:n])
	s.buf[at] = int64(e.Time)
	for i := range t.columns {
		c := &t.columns[i]
		v := &e.Values[c.field]
		switch c.kind {
		case sumColumn:
			s.addSum(c, v.Units(), at, stride)
		case rawColumn:
			s.buf[at+c.word] = c.word64(v)
		case hashColumn:
			s.buf[at+c.word] = h.sum(v.Text())
		case idColumn:
			d := &s.extra.dicts[c.base]
			s.buf[at+c.word] = int64(d.add(*v))
			if c.ever && d.sketch == nil && len(d.ids) > t.exact {
				d.summarize()
			}
		}
	}
	s.applied = e.Offset
	if at <= (s.first()+t.tail)*stride {
		s.lookSecond(t)
	}
	if s.extra != nil {
		s.extra.count(t, s, at)
	}
	if s.end(stride)-s.first() >= t.exact {
		s.crowd(t)
	}
	s.prune(t)
	return grown
}

// word64 gives a raw column's word for a value.
func (c *column) word64(v *orrery.Value) int64 {
	if c.typ == orrery.String || c.typ == orrery.Entity {
		return int64(orrery.CategoryOf(v.Text()))
	}
	return v.Units()
}

// crowd keeps a dense series in its bounds: it begins its tiles, and drops all
// but the newest rows once there are an eighth more.
func (s *series) crowd(t *table) {
	if s.extra == nil || !s.extra.tiled {
		s.tile(t)
	}
	if n := s.end(t.stride) - s.first(); n > t.most() {
		for ; n > t.exact; n-- {
			s.drop(t)
		}
		s.lookSecond(t)
	}
}

// addSum sets the running sums of the row at word index at, and raises those of
// the rows behind it.
func (s *series) addSum(c *column, x int64, at, stride int) {
	s.peak = max(s.peak, magnitude(x))
	w := at + c.word
	s.buf[w] = s.buf[w-stride] + x
	for i := w + stride; i < len(s.buf); i += stride {
		s.buf[i] += x
	}
	if !c.squares {
		return
	}
	hi, lo := bits.Mul64(magnitude(x), magnitude(x))
	s.buf[w+1], s.buf[w+2] = s.buf[w-stride+1], s.buf[w-stride+2]
	for i := w; i < len(s.buf); i += stride {
		sum, carry := bits.Add64(uint64(s.buf[i+1]), lo, 0)
		s.buf[i+1] = int64(sum)
		s.buf[i+2] += int64(hi + carry)
	}
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// room makes place for one more row. It moves the rows down over the dropped
// ones when those are a quarter or more, and else takes half as much again: a
// constant amount of copying for each insert, on average.
func (s *series) room(t *table) (grown int64) {
	stride := t.stride
	if len(s.buf)+stride <= cap(s.buf) {
		return 0
	}
	if s.buf == nil {
		s.buf = make([]int64, stride, firstCap*stride)
		s.buf[0] = never
		if t.dicts+t.bases > 0 || t.halving {
			s.addExtra(t)
		}
		return 8 * firstCap * int64(stride)
	}
	rows := s.end(stride)
	head := int(s.head)
	if 4*head < rows {
		larger := make([]int64, len(s.buf), (rows+rows/2+1)*stride)
		copy(larger, s.buf)
		grown = 8 * int64(cap(larger)-cap(s.buf))
		s.buf = larger
		return grown
	}
	s.extra.shuffle()
	copy(s.buf, s.buf[head*stride:])
	s.buf = s.buf[:(rows-head)*stride]
	for i := range s.hints {
		s.hints[i] = max(s.hints[i]-s.head, 0)
	}
	for i := range s.more {
		s.more[i] = max(s.more[i]-s.head, 0)
	}
	s.head = 0
	return 0
}

// prune drops what is older than newest − retain, but for the latest tail of that. It
// waits until an eighth more than retain is there, so that most inserts need not
// look at the old end.
func (s *series) prune(t *table) {
	stride := t.stride
	newest := s.buf[len(s.buf)-stride]
	if s.second >= before(newest, t.retain+t.retain/8) {
		return
	}
	floor := before(newest, t.retain)
	for next := s.first() + t.tail; next < s.end(stride) && s.buf[next*stride] < floor; next++ {
		s.drop(t)
	}
	s.lookSecond(t)
}

func (s *series) lookSecond(t *table) {
	s.second = math.MaxInt64
	if next := s.first() + t.tail; next < s.end(t.stride) {
		s.second = s.buf[next*t.stride]
	}
}

// drop makes the first event part of the head. A latecomer can be older than
// what was dropped before it, and the head keeps the latest time.
func (s *series) drop(t *table) {
	row := s.first() * t.stride
	if s.extra != nil {
		s.extra.fold(t, s, row)
	}
	s.buf[row] = max(s.buf[row], s.buf[row-t.stride])
	s.head++
	s.dropped++
}

// search gives the first row whose time is after x, looking from the row hint
// outwards in doubling steps and then by halves.
func (s *series) search(x int64, hint, stride int) int {
	low, high := s.first(), s.end(stride) // the answer is in [low, high]
	at := min(max(hint, low), high)
	if at < high && s.buf[at*stride] <= x {
		low = at + 1
		for step := 0; low+step < high; step = 2*step + 1 {
			if s.buf[(low+step)*stride] > x {
				high = low + step
				break
			}
			low += step + 1
		}
	} else {
		high = at
		for step := 1; high-step > low; step *= 2 {
			if s.buf[(high-step)*stride] <= x {
				low = high - step + 1
				break
			}
			high -= step
		}
	}
	for low < high {
		if mid := int(uint(low+high) / 2); s.buf[mid*stride] <= x {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// before gives the instant d before t, the earliest there is when that is none.
func before(t, d int64) int64 {
	if d > 0 && t < never+d {
		return never
	}
	return t - d
}
