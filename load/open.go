package load

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

// Schedule gives the instants at which requests are due, as durations from the
// beginning: arrivals at a rate per second, independent of one another (a Poisson
// process), up to a duration. Equal seeds give equal schedules.
func Schedule(rate float64, duration time.Duration, seed uint64) []time.Duration {
	random := rand.New(rand.NewPCG(seed, 0))
	var due []time.Duration
	for at := 0.0; ; {
		at += random.ExpFloat64() / rate
		d := time.Duration(at * float64(time.Second))
		if d >= duration {
			return due
		}
		due = append(due, d)
	}
}

// Open sends a request at each instant of the schedule, on whichever connection
// is free, and times it from that instant. Where all connections are busy the
// request waits, and the wait counts. It gives the result and the number of the
// next request.
func Open(ctx context.Context, o Options, schedule []time.Duration, source Source) (*Result, int) {
	conns, done := o.connections()
	defer done()
	free := make(chan *conn, len(conns))
	sent := make([]chan struct{}, len(conns))
	results := make([]Result, len(conns))
	var running sync.WaitGroup
	for i := range conns {
		c, waiting := &conns[i], make(chan struct{}, 1)
		sent[i] = waiting
		free <- c
		running.Go(func() {
			for range waiting {
				status, err := c.answer()
				now := time.Now()
				results[i].note(status, err, now.Sub(c.due), now.Sub(c.sent))
				if err != nil {
					c.close()
				}
				free <- c
			}
		})
	}
	begun := time.Now()
	next := dispatch(ctx, begun, o.First, schedule, source, func(due time.Time, request []byte) {
		c := <-free
		c.due = due
		i := c.index
		if err := c.send(request); err != nil {
			results[i].note(0, err, 0, 0)
			c.close()
			free <- c
			return
		}
		sent[i] <- struct{}{}
	})
	for i := range sent {
		close(sent[i])
	}
	running.Wait()
	total := &Result{Elapsed: time.Since(begun)}
	for i := range results {
		total.add(&results[i])
	}
	return total, next
}

// dispatch calls send for each request when it is due, on a thread of its own,
// and gives the number of the next.
func dispatch(ctx context.Context, begun time.Time, first int, schedule []time.Duration, source Source, send func(due time.Time, request []byte)) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i, after := range schedule {
		request, ok := source(first + i)
		due := begun.Add(after)
		if !ok || !wait(ctx, due) {
			return first + i
		}
		send(due, request)
	}
	return first + len(schedule)
}
