// Package load drives a server on this machine and times it. Requests are
// prepared beforehand and sent over raw keep-alive connections, so that the
// client takes little of the processor that it shares with what it measures.
//
// Closed sends the next request of a connection when the last is answered, and
// so finds the throughput. Open sends at a rate, whatever the server does; its
// latencies count from when a request was due, so that a request which had to
// wait for its turn is not timed as if it had been sent late on purpose.
package load

import (
	"context"
	"math"
	"slices"
	"time"
)

// Source gives the bytes of HTTP/1.1 request i, headers and body; ok is false
// when there are no more. It is called by several goroutines at once.
type Source func(i int) (request []byte, ok bool)

// Result says what a run came to.
type Result struct {
	// Elapsed is from the first request to the last answer.
	Elapsed time.Duration
	// OK counts answers of status 2xx, Refused those of 429 and 503, by which a
	// server sheds load, and Failed all else: other statuses and broken
	// connections.
	OK, Refused, Failed int
	// Failure is the first of the failed, for people.
	Failure string
	// latencies has one entry for each OK answer, from when its request was due, and
	// served one from when it was sent.
	latencies, served []time.Duration
}

// add puts another run's counts and latencies into r; the times add up.
func (r *Result) add(other *Result) {
	r.OK += other.OK
	r.Refused += other.Refused
	r.Failed += other.Failed
	if r.Failure == "" {
		r.Failure = other.Failure
	}
	r.latencies = append(r.latencies, other.latencies...)
	r.served = append(r.served, other.served...)
}

// Then gives two runs as one: counts, latencies and times together.
func (r *Result) Then(other *Result) *Result {
	if r == nil {
		return other
	}
	r.add(other)
	r.Elapsed += other.Elapsed
	return r
}

// PerSecond gives the OK answers a second.
func (r *Result) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.OK) / r.Elapsed.Seconds()
}

// Quantile gives the latency that a share q of the OK answers did not exceed:
// the smallest of which that is true. It is 0 when there was none.
func (r *Result) Quantile(q float64) time.Duration { return quantile(r.latencies, q) }

// ServedQuantile is Quantile of the latencies from when a request was sent. The
// rest is what it waited in the client: for its instant to be noticed, and for a
// connection that was free.
func (r *Result) ServedQuantile(q float64) time.Duration { return quantile(r.served, q) }

// quantile sorts the latencies.
func quantile(latencies []time.Duration, q float64) time.Duration {
	if len(latencies) == 0 {
		return 0
	}
	slices.Sort(latencies)
	at := int(math.Ceil(q*float64(len(latencies)))) - 1
	return latencies[min(max(at, 0), len(latencies)-1)]
}

// Options says how to drive a server.
type Options struct {
	// Address is the server's, host:port.
	Address string
	// Clients is how many connections are used.
	Clients int
	// Conns, where it is not nil, has the connections that Closed and Open use, the
	// first so many; else they make their own to Address, and close them at the end.
	Conns *Conns
	// Duration is how long requests are sent.
	Duration time.Duration
	// First is the number of the first request to ask the source for.
	First int
}

// wait sleeps until an instant more exactly than a timer of the runtime does;
// it reports whether the context still goes on.
func wait(ctx context.Context, until time.Time) bool {
	for {
		left := time.Until(until)
		if left <= 0 {
			return ctx.Err() == nil
		}
		if ctx.Err() != nil {
			return false
		}
		nap(min(left, 10*time.Millisecond))
	}
}
