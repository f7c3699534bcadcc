package review

import (
	"cmp"
	"math"
	"slices"

	"orrery.dev"
)

// Source gives what a Queue does not hold in memory.
type Source interface {
	// Case gives a case that has ended, nil where there is none.
	Case(orrery.Offset) (*Case, error)
	// Item describes a decision; ok is false where it is not kept any more.
	Item(orrery.Offset) (item Item, ok bool, err error)
}

// Queue has the items that wait for an opinion, and what was done about them. It
// is for one goroutine at a time. An item that nobody has touched takes about 60
// bytes.
type Queue struct {
	source Source
	kinds  []kind
	kindOf map[kind]int32
	slots  []slot
	free   []int32
	// open has the slots of what is open, by offset.
	open []int32
	// heaps have those that nobody has claimed.
	heaps [orders]heap
	// leased are those that somebody has.
	leased []int32
	// cases are those that somebody has done something about: the open ones, and
	// those that have ended and are not written yet.
	cases map[orrery.Offset]*Case
	// dirty are those to be written, with how often each has changed.
	dirty map[orrery.Offset]int
	// changes counts changes of any.
	changes int
}

// NewQueue makes an empty queue.
func NewQueue(source Source) *Queue {
	return &Queue{source: source, kindOf: map[kind]int32{}, cases: map[orrery.Offset]*Case{}, dirty: map[orrery.Offset]int{}}
}

// Add puts an item in the queue that is not there yet and never was.
func (q *Queue) Add(item Item) {
	if _, ok := q.find(item.Offset); ok {
		return
	}
	q.insert(&item, item.Received)
	q.change(item.Offset)
}

// Len gives the number of items that are open.
func (q *Queue) Len() int { return len(q.open) }

// Claimed gives the number of items that somebody has at an instant.
func (q *Queue) Claimed(now orrery.Instant) int {
	q.expire(now)
	return len(q.leased)
}

// Oldest gives since when the oldest decision that is open waits; ok is false for
// an empty queue.
func (q *Queue) Oldest() (since orrery.Instant, ok bool) {
	if len(q.open) == 0 {
		return 0, false
	}
	return orrery.Instant(q.slots[q.open[0]].since), true
}

// insert takes an item in that waits since an instant.
func (q *Queue) insert(item *Item, since orrery.Instant) int32 {
	k := kind{item.Action, item.Why, item.Propensity, item.Second, item.Private}
	number, ok := q.kindOf[k]
	if !ok {
		number = int32(len(q.kinds))
		q.kinds, q.kindOf[k] = append(q.kinds, k), number
	}
	made := slot{offset: uint64(item.Offset), since: int64(since), score: packScore(item.Score), doubt: float32(item.Doubt), kind: number}
	for i := range made.at {
		made.at[i] = -1
	}
	s := int32(len(q.slots))
	if n := len(q.free); n > 0 {
		s, q.free = q.free[n-1], q.free[:n-1]
		q.slots[s] = made
	} else {
		q.slots = append(q.slots, made)
	}
	at, _ := q.place(item.Offset)
	q.open = slices.Insert(q.open, at, s)
	q.offer(s)
	return s
}

// noScore stands for a missing score, and comes after all others.
const noScore = -1

func packScore(score float64) float32 {
	if score != score {
		return noScore
	}
	return float32(score)
}

func unpackScore(score float32) float64 {
	if score == noScore {
		return math.NaN()
	}
	return float64(score)
}

// place gives the place of an offset in open.
func (q *Queue) place(offset orrery.Offset) (int, bool) {
	// Most come at the end.
	if n := len(q.open); n == 0 || q.slots[q.open[n-1]].offset < uint64(offset) {
		return n, false
	}
	return slices.BinarySearchFunc(q.open, uint64(offset), func(s int32, offset uint64) int { return cmp.Compare(q.slots[s].offset, offset) })
}

func (q *Queue) find(offset orrery.Offset) (s int32, ok bool) {
	if at, ok := q.place(offset); ok {
		return q.open[at], true
	}
	return -1, false
}

// offer makes an item available to whom it suits, withhold to nobody.
func (q *Queue) offer(s int32) {
	if i := slices.Index(q.leased, s); i >= 0 {
		q.leased = slices.Delete(q.leased, i, i+1)
	}
	if q.slots[s].at[ByAge] >= 0 {
		return
	}
	for by := range orders {
		q.push(by, s)
	}
}

func (q *Queue) withhold(s int32) {
	for by := range orders {
		q.remove(by, s)
	}
	if !slices.Contains(q.leased, s) {
		q.leased = append(q.leased, s)
	}
}

// drop takes an item out of the queue.
func (q *Queue) drop(s int32) {
	offset := orrery.Offset(q.slots[s].offset)
	for by := range orders {
		q.remove(by, s)
	}
	if i := slices.Index(q.leased, s); i >= 0 {
		q.leased = slices.Delete(q.leased, i, i+1)
	}
	at, _ := q.place(offset)
	if at == 0 {
		q.open = q.open[1:]
	} else {
		q.open = slices.Delete(q.open, at, at+1)
	}
	q.free = append(q.free, s)
	q.change(offset)
}

// Drop takes an item out of the queue whose decision is not kept any more.
func (q *Queue) Drop(offset orrery.Offset) {
	if s, ok := q.find(offset); ok {
		q.drop(s)
	}
}

func (q *Queue) change(offset orrery.Offset) {
	q.changes++
	q.dirty[offset] = q.changes
}

// expire makes items available whose lease has ended.
func (q *Queue) expire(now orrery.Instant) {
	for i := 0; i < len(q.leased); {
		s := q.leased[i]
		if c := q.cases[orrery.Offset(q.slots[s].offset)]; c == nil || c.Lease.Until <= now {
			q.offer(s)
			continue
		}
		i++
	}
}

// Prune drops items that wait since before an instant, and those of decisions
// before an offset, which are not kept any more.
func (q *Queue) Prune(since orrery.Instant, first orrery.Offset) {
	for i := 0; i < len(q.open); {
		s := q.open[i]
		switch x := &q.slots[s]; {
		case x.since < int64(since) || x.offset < uint64(first):
			q.drop(s)
		case q.cases[orrery.Offset(x.offset)] == nil:
			return // Those behind it came later.
		default:
			i++
		}
	}
}

// item describes an open item as far as its slot can.
func (q *Queue) item(s int32) Item {
	x, k := &q.slots[s], &q.kinds[q.slots[s].kind]
	return Item{Offset: orrery.Offset(x.offset), Received: orrery.Instant(x.since), Score: unpackScore(x.score), Doubt: float64(x.doubt),
		Action: k.action, Why: k.why, Propensity: k.propensity, Second: k.second, Private: k.private}
}

// Case gives what there is about a decision, nil where there is nothing. Its
// score has seven digits.
func (q *Queue) Case(offset orrery.Offset) (*Case, error) {
	if c := q.cases[offset]; c != nil {
		return c.copy(), nil
	}
	if s, ok := q.find(offset); ok {
		return &Case{Item: q.item(s)}, nil
	}
	return q.source.Case(offset)
}

// Open reports whether a decision waits for an opinion.
func (q *Queue) Open(offset orrery.Offset) bool {
	_, ok := q.find(offset)
	return ok
}

// Filter says which items are looked for; its zero value is all.
type Filter struct {
	Action string
	Why    Why
}

func (q *Queue) fits(s int32, f Filter) bool {
	k := &q.kinds[q.slots[s].kind]
	return (f.Action == "" || f.Action == k.action) && (f.Why == 0 || f.Why == k.why)
}

// List appends to out open items after an offset, by offset, at most limit of
// them from some thousands that are looked at, and gives from where on to look
// for more, 0 at the end.
func (q *Queue) List(out []*Case, f Filter, after orrery.Offset, limit int) (list []*Case, next orrery.Offset) {
	at, found := q.place(after)
	if found {
		at++
	}
	for looked := 0; at < len(q.open); at++ {
		s := q.open[at]
		if looked++; looked > listStep || len(out) == limit {
			return out, orrery.Offset(q.slots[q.open[at-1]].offset)
		}
		if !q.fits(s, f) {
			continue
		}
		if c := q.cases[orrery.Offset(q.slots[s].offset)]; c != nil {
			out = append(out, c.copy())
		} else {
			out = append(out, &Case{Item: q.item(s)})
		}
	}
	return out, 0
}

// listStep is how many items one List looks at.
const listStep = 10_000
