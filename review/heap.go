package review

// Order is what a reviewer is offered first.
type Order uint8

// The orders; in each the older of two equals is first.
const (
	ByAge Order = iota
	ByScore
	ByDoubt
	orders
)

// Orders lists the names of the orders.
func Orders() []string { return []string{"age", "score", "uncertainty"} }

// kind is what many items have in common.
type kind struct {
	action     string
	why        Why
	propensity float64
	second     bool
	private    bool
}

// slot is an open item, small: there may be a million of them.
type slot struct {
	offset uint64
	since  int64
	// Seven digits are enough to order by.
	score, doubt float32
	kind         int32
	// at is the slot's place in each heap, -1 while it is in none.
	at [orders]int32
}

// before reports whether slot a comes before b in an order.
func (q *Queue) before(by Order, a, b int32) bool {
	x, y := &q.slots[a], &q.slots[b]
	switch {
	case by == ByScore && x.score != y.score:
		return x.score > y.score
	case by == ByDoubt && x.doubt != y.doubt:
		return x.doubt > y.doubt
	}
	return x.offset < y.offset
}

// heap is a binary heap of slots, each of which knows its place.
type heap []int32

func (q *Queue) push(by Order, s int32) {
	h := append(q.heaps[by], s)
	q.heaps[by] = h
	q.up(by, len(h)-1)
}

func (q *Queue) remove(by Order, s int32) {
	i := int(q.slots[s].at[by])
	if i < 0 {
		return
	}
	h := q.heaps[by]
	last := len(h) - 1
	moved := h[last]
	q.heaps[by] = h[:last]
	q.slots[s].at[by] = -1
	if i == last {
		return
	}
	h[i] = moved
	q.slots[moved].at[by] = int32(i)
	q.up(by, i)
	q.down(by, int(q.slots[moved].at[by]))
}

func (q *Queue) up(by Order, i int) {
	h := q.heaps[by]
	s := h[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !q.before(by, s, h[parent]) {
			break
		}
		h[i] = h[parent]
		q.slots[h[i]].at[by] = int32(i)
		i = parent
	}
	h[i] = s
	q.slots[s].at[by] = int32(i)
}

func (q *Queue) down(by Order, i int) {
	h := q.heaps[by]
	s := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && q.before(by, h[child+1], h[child]) {
			child++
		}
		if !q.before(by, h[child], s) {
			break
		}
		h[i] = h[child]
		q.slots[h[i]].at[by] = int32(i)
		i = child
	}
	h[i] = s
	q.slots[s].at[by] = int32(i)
}

// first gives the first slot of an order that suits, -1 where none does. It looks
// at those that come first, in order, and after many that do not suit at each.
func (q *Queue) first(by Order, suits func(s int32) bool) int32 {
	h := q.heaps[by]
	if len(h) == 0 {
		return -1
	}
	// near has places in h, a heap of its own: what comes next is among them.
	near := []int{0}
	earlier := func(a, b int) bool { return q.before(by, h[a], h[b]) }
	for range lookFirst {
		if len(near) == 0 {
			return -1
		}
		i := near[0]
		if suits(h[i]) {
			return h[i]
		}
		near = replaceTop(near, earlier, 2*i+1, 2*i+2, len(h))
	}
	best := int32(-1)
	for _, s := range h {
		if (best < 0 || q.before(by, s, best)) && suits(s) {
			best = s
		}
	}
	return best
}

// lookFirst is how many items are looked at in order before all are.
const lookFirst = 1000

// replaceTop puts the children of a place, those that there are, where it was at
// the top of a small heap.
func replaceTop(near []int, earlier func(a, b int) bool, left, right, size int) []int {
	last := len(near) - 1
	near[0], near = near[last], near[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(near) {
			break
		}
		if child+1 < len(near) && earlier(near[child+1], near[child]) {
			child++
		}
		if !earlier(near[child], near[i]) {
			break
		}
		near[i], near[child] = near[child], near[i]
		i = child
	}
	for _, next := range [...]int{left, right} {
		if next >= size {
			continue
		}
		near = append(near, next)
		for i := len(near) - 1; i > 0 && earlier(near[i], near[(i-1)/2]); i = (i - 1) / 2 {
			near[i], near[(i-1)/2] = near[(i-1)/2], near[i]
		}
	}
	return near
}
