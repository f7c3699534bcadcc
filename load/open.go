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
// request waits for the next that is answered, and the wait counts. It gives the
// result and the number of the next request.
func Open(ctx context.Context, o Options, schedule []time.Duration, source Source) (*Result, int) {
	conns, done := o.connections()
	defer done()
	b := &backlog{ctx: ctx, first: o.First, schedule: schedule, source: source,
		free: make(chan *conn, len(conns)), sent: make([]chan error, len(conns))}
	b.changed.L = &b.mutex
	results := make([]Result, len(conns))
	var running sync.WaitGroup
	for i := range conns {
		b.sent[i] = make(chan error, 1)
		running.Go(func() { b.serve(&conns[i], &results[i]) })
	}
	b.await(len(conns))
	b.begun = time.Now()
	next := dispatch(ctx, b.begun, o.First, schedule, source, b.add)
	b.await(len(conns))
	total := &Result{Elapsed: time.Since(b.begun)}
	for i := range conns {
		close(b.sent[i])
		conns[i].interrupt()
	}
	running.Wait()
	for i := range results {
		total.add(&results[i])
	}
	return total, next
}

// backlog has the requests that are due and wait for a connection, and the
// connections that wait for a request: never some of both.
type backlog struct {
	ctx      context.Context
	begun    time.Time
	first    int
	schedule []time.Duration
	source   Source

	mutex sync.Mutex
	// Requests from taken to due of the schedule wait.
	taken, due int
	free       chan *conn
	// changed is told when a connection is free.
	changed sync.Cond
	// sent tells the goroutine of each connection that a request was sent over it, or
	// why not; it is closed at the end.
	sent []chan error
}

// add has the next request sent, now where a connection is free.
func (b *backlog) add(time.Time) {
	b.mutex.Lock()
	b.due++
	if len(b.free) == 0 {
		b.mutex.Unlock()
		return
	}
	c, i := <-b.free, b.taken
	b.taken++
	b.mutex.Unlock()
	b.sent[c.index] <- b.send(c, i)
}

// take gives the request that has waited longest; where there is none, the
// connection is free.
func (b *backlog) take(c *conn) (i int, ok bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.taken < b.due && b.ctx.Err() == nil {
		b.taken++
		return b.taken - 1, true
	}
	b.free <- c
	b.changed.Signal()
	return 0, false
}

// await waits until so many connections are free.
func (b *backlog) await(n int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for len(b.free) < n {
		b.changed.Wait()
	}
}

// send sends request i of the schedule.
func (b *backlog) send(c *conn, i int) error {
	request, _ := b.source(b.first + i)
	c.due = b.begun.Add(b.schedule[i])
	return c.send(request)
}

// serve sends what waits over a connection, or has others send, and notes the
// answers and faults. It waits for an answer even before the request is sent: so it
// is woken once for each.
func (b *backlog) serve(c *conn, r *Result) {
	for {
		// Once it is free, it may be connected by whoever sends.
		connected := c.socket != nil
		i, ok := b.take(c)
		var err error
		if ok {
			err = b.send(c, i)
		} else {
			if connected {
				_, _ = c.reader.Peek(1) // Its fault, if it lasts, is that of the answer too.
			}
			var more bool
			if err, more = <-b.sent[c.index]; !more {
				return
			}
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

// dispatch calls add for each request when it is due, on a thread of its own, and
// gives the number of the next.
func dispatch(ctx context.Context, begun time.Time, first int, schedule []time.Duration, source Source, add func(due time.Time)) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i, after := range schedule {
		due := begun.Add(after)
		if _, ok := source(first + i); !ok || !wait(ctx, due) {
			return first + i
		}
		add(due)
	}
	return first + len(schedule)
}
