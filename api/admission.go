package api

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
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
	// resting is how many connections are left alone after a refusal.
	resting atomic.Int64
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

// What is sent to a client that is refused for there being too much to do. It is
// made once: the more is refused, the less it may cost.
var (
	shedBody   = append(appendOther(nil, problemOf(errOverloaded)), '\n')
	shedHeader = map[string][]string{"Content-Type": {"application/problem+json"}, "Retry-After": {retryAfterSeconds}, "Content-Length": {strconv.Itoa(len(shedBody))}}
)

// shed refuses a request with events, before anything else is done for it, when
// the queue is full. It reports whether it did. A stream waits instead.
func (s *Server) shed(w http.ResponseWriter, r *http.Request) bool {
	if !s.admission.full() || r.Method != http.MethodPost || isStream(r.Header.Get("Content-Type")) ||
		!strings.HasSuffix(r.URL.Path, "/decisions") && !strings.Contains(r.URL.Path, "/events/") && !inPerspective(r) {
		return false
	}
	s.options.Metrics.Refused(errOverloaded.Code)
	if inPerspective(r) {
		s.fail(w, r, errOverloaded)
		s.rest(w, r)
		return true
	}
	maps.Copy(w.Header(), shedHeader)
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write(shedBody)
	s.rest(w, r)
	return true
}

// retryAfter is how long a client that is refused is asked to wait.
const retryAfter = time.Second

// refuseEvery is how much time there is between two refusals, at least, once every
// client that is refused sends its next request at once: a few hundredths of a
// processor. restLeast and retryAfter bound how long a connection is left alone.
const (
	refuseEvery = 200 * time.Microsecond
	restLeast   = 10 * time.Millisecond
)

// restOf gives how long a connection is left alone that is one of so many.
func restOf(resting int64) time.Duration {
	return min(max(time.Duration(resting)*refuseEvery, restLeast), retryAfter)
}

// retryAfterSeconds is retryAfter as a header says it.
var retryAfterSeconds = strconv.Itoa(int(retryAfter / time.Second))

// rest sends what was written and then leaves the connection alone for a while.
// Reading and refusing a request costs half of what deciding on it does, so a
// client that asked again at once would take from those that are served what it
// cannot get itself. What it sends waits in its own buffers meanwhile: longer, the
// more clients there are that ask for too much, and no longer than that takes, since
// what it sends then may well be served.
func (s *Server) rest(w http.ResponseWriter, r *http.Request) {
	if http.NewResponseController(w).Flush() != nil {
		return
	}
	timer := time.NewTimer(restOf(s.admission.resting.Add(1)))
	defer s.admission.resting.Add(-1)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.options.Stopping.Done():
	}
}

// isStream reports whether a content type is that of lines.
func isStream(contentType string) bool {
	return strings.HasPrefix(contentType, "application/x-ndjson") || strings.HasPrefix(contentType, "application/jsonl")
}

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
