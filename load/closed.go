package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Closed keeps every connection busy for the duration, or until the source has
// no more. It gives the result and the number of the next request.
func Closed(ctx context.Context, o Options, source Source) (*Result, int) {
	conns, done := o.connections()
	defer done()
	var next atomic.Int64
	next.Store(int64(o.First))
	begun := time.Now()
	end := begun.Add(o.Duration)
	results := make([]Result, len(conns))
	var running sync.WaitGroup
	for i := range results {
		running.Go(func() {
			c := &conns[i]
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
				request, ok := source(int(next.Add(1)) - 1)
				if !ok {
					return
				}
				status, err := c.exchange(request)
				answered := time.Now()
				results[i].note(status, err, answered.Sub(now), answered.Sub(now))
				now = answered
			}
		})
	}
	running.Wait()
	total := &Result{Elapsed: time.Since(begun)}
	for i := range results {
		total.add(&results[i])
	}
	return total, int(next.Load())
}

// exchange sends one request and reads its answer. After a fault the
// connection is made anew.
func (c *conn) exchange(request []byte) (int, error) {
	err := c.send(request)
	status := 0
	if err == nil {
		status, err = c.answer()
	}
	if err != nil {
		c.close()
	}
	return status, err
}
