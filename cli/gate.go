package cli

import (
	"context"
	"net/http"
	"sync"
	"time"

	"orrery.dev"
)

// How long the gate waits while one process hands over to another.
const (
	// youngRequest is the age up to which a request in flight is expected to end
	// at once; new requests are held only when no older one is left.
	youngRequest = 250 * time.Millisecond
	// holdPatience is how long those left then may take before they are cut short.
	holdPatience = time.Second
	gateTick     = 5 * time.Millisecond
)

// errMoving is the cause of the context of a request that was cut short.
var errMoving = orrery.Errorf(orrery.Unavailable, "stopping", "the server is making room for another process").WithNext("try again in a moment")

// gate stands before a server's handler. It knows the requests in flight, can
// hold new ones back while the handler is replaced, and refuses none.
type gate struct {
	mutex sync.Mutex
	// handler takes the requests; nil while they are held.
	handler http.Handler
	// changed is closed when the handler is replaced.
	changed chan struct{}
	// leaving has every answer ask its client to use a new connection from then on.
	leaving bool
	flight  map[*passage]struct{}
	held    heldRequests
}

// passage is one request in flight.
type passage struct {
	since   time.Time
	cancel  context.CancelCauseFunc
	control *http.ResponseController
}

// heldRequests says what holding requests back came to.
type heldRequests struct {
	count   int
	longest time.Duration
}

func newGate() *gate {
	return &gate{changed: make(chan struct{}), flight: map[*passage]struct{}{}}
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	p := &passage{since: time.Now(), cancel: cancel, control: http.NewResponseController(w)}
	handler, leaving := g.enter(ctx, p)
	if handler == nil {
		return // The client has gone.
	}
	defer g.leave(p)
	if leaving {
		w.Header().Set("Connection", "close")
	}
	handler.ServeHTTP(w, r.WithContext(ctx))
}

// enter gives the handler, after a wait while there is none; nil when the
// request's context ends first.
func (g *gate) enter(ctx context.Context, p *passage) (http.Handler, bool) {
	for waited := false; ; waited = true {
		g.mutex.Lock()
		handler, leaving, changed := g.handler, g.leaving, g.changed
		if handler != nil {
			if waited {
				g.held.longest = max(g.held.longest, time.Since(p.since))
				p.since = time.Now()
			}
			g.flight[p] = struct{}{}
		} else if !waited {
			g.held.count++
		}
		g.mutex.Unlock()
		if handler != nil {
			return handler, leaving
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, false
		}
	}
}

func (g *gate) leave(p *passage) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.flight, p)
}

// open lets requests, and those that were held, go on to a handler.
func (g *gate) open(handler http.Handler, leaving bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.handler, g.leaving = handler, leaving
	close(g.changed)
	g.changed = make(chan struct{})
}

// hold holds new requests back and returns when none is in flight. Requests
// that take long are given drain first, while new ones still pass, and are then
// cut short. The error is of kind Unavailable when some do not end even so; the
// gate is then open as before.
func (g *gate) hold(ctx context.Context, drain time.Duration) error {
	if !g.await(ctx, drain, youngRequest) {
		g.cut(youngRequest)
		g.await(ctx, holdPatience, youngRequest)
	}
	g.mutex.Lock()
	before := g.handler
	g.handler, g.held = nil, heldRequests{}
	g.mutex.Unlock()
	if g.await(ctx, holdPatience, 0) {
		return nil
	}
	g.cut(0)
	if g.await(ctx, holdPatience, 0) {
		return nil
	}
	g.open(before, false)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return orrery.Errorf(orrery.Unavailable, "requests_in_flight", "requests in flight did not end").WithNext("try again when they have")
}

// await waits until no request older than age is in flight, and reports whether
// that came within patience.
func (g *gate) await(ctx context.Context, patience, age time.Duration) bool {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(gateTick)
	defer tick.Stop()
	for g.anyOlder(age) {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (g *gate) anyOlder(age time.Duration) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for p := range g.flight {
		if time.Since(p.since) >= age {
			return true
		}
	}
	return false
}

// cut ends the requests older than age: their contexts, and the reading of
// their bodies.
func (g *gate) cut(age time.Duration) {
	// One that leaves meanwhile waits: the deadline is for its request, not for
	// the next one on its connection.
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for p := range g.flight {
		if time.Since(p.since) >= age {
			p.cancel(errMoving)
			_ = p.control.SetReadDeadline(time.Now())
		}
	}
}

// waited says how many requests the last hold held back, and the longest wait.
func (g *gate) waited() heldRequests {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.held
}
