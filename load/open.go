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
	sent := make([]chan error, len(conns))
	results := make([]Result, len(conns))
	var running sync.WaitGroup
	for i := range conns {
		sent[i] = make(chan error, 1)
		running.Go(func() { conns[i].answers(sent[i], &results[i], free) })
	}
	begun := time.Now()
	next := dispatch(ctx, begun, o.First, schedule, source, func(due time.Time, request []byte) {
		c := <-free
		c.due = due
		sent[c.index] <- c.send(request)
	})
	for range conns {
		<-free
	}
	total := &Result{Elapsed: time.Since(begun)}
	for i := range conns {
		close(sent[i])
		conns[i].interrupt()
	}
	running.Wait()
	for i := range results {
		total.add(&results[i])
	}
	return total, next
}

// answers lets the connection be used, notes the answer to the request that was
// sent, or the fault in sending it, and so on. It waits for the answer even before
// the request is sent: so it is woken once for each.
func (c *conn) answers(sent <-chan error, r *Result, free chan<- *conn) {
	for {
		// From then on it may be connected by whoever sends.
		connected := c.socket != nil
		free <- c
		if connected {
			_, _ = c.reader.Peek(1) // Its fault, if it lasts, is that of the answer too.
		}
		err, more := <-sent
		if !more {
			return
		}
		status := 0
		if err == nil {
			status, err = c.answer()
		}
		now := time.Now()
		r.note(status, err, now.Sub(c.due), now.Sub(c.sent))
		if err != nil {
			c.close()
		}
	}
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
