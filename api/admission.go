package api

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"orrery.dev"
)

// admission bounds how many requests are worked on and how many wait. A request
// holds its place only while it is decoded, decided on and made durable, never
// while its client sends or reads, so that a slow client costs the others nothing.
type admission struct {
	places  chan struct{}
	queue   int64
	patient time.Duration
	waiting atomic.Int64
}

func newAdmission(l Limits) *admission {
	return &admission{places: make(chan struct{}, l.Concurrent), queue: int64(l.Queue), patient: l.QueueTime}
}

var errOverloaded = orrery.Errorf(orrery.Overloaded, "overloaded", "the server has as much to do as it can").
	WithNext("wait for as long as Retry-After says, then send the request again")

// full reports whether a request that came now would be refused.
func (a *admission) full() bool {
	return len(a.places) == cap(a.places) && a.waiting.Load() >= a.queue
}

// enter takes a place: at once where there is one, else after waiting in the
// queue. The error is errOverloaded when the queue is full or the wait too long.
// After a nil error the caller must leave.
func (a *admission) enter(ctx context.Context) error {
	select {
	case a.places <- struct{}{}:
		return nil
	default:
	}
	if a.waiting.Add(1) > a.queue {
		a.waiting.Add(-1)
		return errOverloaded
	}
	defer a.waiting.Add(-1)
	timer := time.NewTimer(a.patient)
	defer timer.Stop()
	select {
	case a.places <- struct{}{}:
		return nil
	case <-timer.C:
		return errOverloaded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wait takes a place, however long it takes: a stream's lines are not refused,
// its sender is slowed down.
func (a *admission) wait(ctx context.Context) error {
	select {
	case a.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (a *admission) leave() { <-a.places }

// meter counts the bytes of bodies that are in memory.
type meter struct {
	used  atomic.Int64
	limit int64
}

// read gives a reader that counts what it reads until close. Beyond the meter's
// limit its error is errOverloaded.
func (m *meter) read(r io.Reader) *metered { return &metered{meter: m, r: r} }

type metered struct {
	meter *meter
	r     io.Reader
	taken int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.taken += int64(n)
	if m.meter.used.Add(int64(n)) > m.meter.limit {
		return n, errOverloaded
	}
	return n, err
}

// close gives back what was read.
func (m *metered) close() { m.meter.used.Add(-m.taken) }
