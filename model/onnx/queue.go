package onnx

import (
	"container/heap"
	"math/bits"
	"sync"

	"orrery.dev/text/tokenizer"
)

// item is a text that waits for its row.
type item struct {
	tokens *tokenizer.Encoding
	row    []float64
	call   *call
	// turn says when it is run, came which is first of those of one turn.
	turn, came uint64
}

func (i *item) before(other *item) bool {
	return i.turn < other.turn || i.turn == other.turn && i.came < other.came
}

// call is what one caller waits for.
type call struct {
	pending int // items not yet done
	err     error
	done    chan struct{}
}

// queue gathers what callers wait for into batches. There is no timer: a lane runs
// what waits when it is free, and what comes meanwhile is its next batch, so a text
// that comes alone is run at once.
//
// Only texts of about a length run together, since each is padded to the longest:
// they wait in classes of lengths within a quarter of each other. Which class is
// next is told by turns, as start-time fair queueing has them (Goyal and others,
// SIGCOMM 1996): the items of a call take turns that follow each other from that of
// the batch last begun, so a call of many does not hold up one of few.
type queue struct {
	batch, lanes int
	fixed        int // what tokens are padded to, 0 for the longest

	mu      sync.Mutex
	classes [classes]turns
	turn    uint64 // of the batch last begun
	came    uint64 // items so far
	busy    int    // lanes that run
}

// classes is one more than the class of mostTokens.
const classes = 49

// class gives the class of a length: its leading three bits.
func class(n int) int {
	if n < 4 {
		return n
	}
	shift := bits.Len(uint(n)) - 3
	return shift<<2 + n>>shift
}

func (q *queue) init(s Settings, fixed int) { q.batch, q.lanes, q.fixed = s.Batch, s.lanes(), fixed }

// length gives what a batch is padded to.
func (q *queue) length(longest int) int {
	if q.fixed > 0 {
		return q.fixed
	}
	return max(longest, 1)
}

// wait has items run, in batches with others', and returns when all are done. run
// fills the rows of a batch. An error is that of the first item that failed.
func (q *queue) wait(items []item, run func([]item) error) error {
	if len(items) == 0 {
		return nil
	}
	c := &call{pending: len(items), done: make(chan struct{})}
	q.mu.Lock()
	for i := range items {
		items[i].call, items[i].turn, items[i].came = c, q.turn+uint64(i), q.came
		q.came++
		heap.Push(&q.classes[class(q.length(items[i].tokens.Len()))], &items[i])
	}
	begin := min(q.lanes-q.busy, (len(items)+q.batch-1)/q.batch)
	q.busy += begin
	q.mu.Unlock()
	for range begin {
		go q.lane(run)
	}
	<-c.done
	return c.err
}

// lane runs batches until nothing waits.
func (q *queue) lane(run func([]item) error) {
	for {
		q.mu.Lock()
		items := q.take()
		if len(items) == 0 {
			q.busy--
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		errs := make([]error, len(items))
		if err := run(items); err != nil {
			for i := range items {
				errs[i] = err
				if len(items) > 1 {
					errs[i] = run(items[i : i+1])
				}
			}
		}
		q.mu.Lock()
		for i := range items {
			c := items[i].call
			if errs[i] != nil && c.err == nil {
				c.err = errs[i]
			}
			if c.pending--; c.pending == 0 {
				close(c.done)
			}
		}
		q.mu.Unlock()
	}
}

// take gives the next batch: the item whose turn it is, and of its class those whose
// turns are next, as far as the bounds of a batch allow.
func (q *queue) take() []item {
	var first *turns
	for i := range q.classes {
		if c := &q.classes[i]; len(*c) > 0 && (first == nil || (*c)[0].before((*first)[0])) {
			first = c
		}
	}
	if first == nil {
		return nil
	}
	q.turn = (*first)[0].turn
	var items []item
	longest := 0
	for len(*first) > 0 && len(items) < q.batch {
		longest = max(longest, (*first)[0].tokens.Len())
		if len(items) > 0 && q.length(longest)*(len(items)+1) > mostPadded {
			break
		}
		items = append(items, *heap.Pop(first).(*item))
	}
	return items
}

// turns is a heap of items by their turn.
type turns []*item

func (t turns) Len() int           { return len(t) }
func (t turns) Less(i, j int) bool { return t[i].before(t[j]) }
func (t turns) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *turns) Push(x any)        { *t = append(*t, x.(*item)) }

func (t *turns) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return x
}
