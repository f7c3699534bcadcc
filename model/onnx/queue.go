package onnx

import (
	"sync"

	"orrery.dev/text/tokenizer"
)

// item is a text that waits for its row.
type item struct {
	tokens *tokenizer.Encoding
	row    []float64
}

// call is what one caller waits for: items by length, those from next on still to
// be run.
type call struct {
	items   []item
	next    int
	pending int // not yet done
	err     error
	done    chan struct{}
}

// queue gathers what callers wait for into batches. There is no timer: a lane runs
// what waits when it is free, and what comes meanwhile is its next batch, so a text
// that comes alone is run at once.
type queue struct {
	batch, lanes int
	fixed        int // what tokens are padded to, 0 for the longest

	mu    sync.Mutex
	calls []*call // those that have items to be run
	busy  int     // lanes that run
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
// fills the rows of a batch.
func (q *queue) wait(items []item, run func([]item) error) error {
	if len(items) == 0 {
		return nil
	}
	c := &call{items: items, pending: len(items), done: make(chan struct{})}
	q.mu.Lock()
	q.calls = append(q.calls, c)
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
		items, owners := q.take()
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
		for i, c := range owners {
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

// take gives the next batch: of the call that has waited longest, then of others. A
// call that still has items then goes behind the others, so that a large one does
// not hold up a small one.
func (q *queue) take() (items []item, owners []*call) {
	longest, left := 0, q.calls[:0:0]
	for _, c := range q.calls {
		for c.next < len(c.items) && len(items) < q.batch {
			one := c.items[c.next]
			most := max(longest, one.tokens.Len())
			if len(items) > 0 && q.length(most)*(len(items)+1) > mostPadded {
				break
			}
			longest = most
			items, owners = append(items, one), append(owners, c)
			c.next++
		}
		if c.next < len(c.items) {
			left = append(left, c)
		}
	}
	if len(left) > 1 && len(owners) > 0 && left[0] == owners[0] {
		left = append(left[1:], left[0])
	}
	q.calls = left
	return items, owners
}
