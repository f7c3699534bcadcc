package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"orrery.dev"
)

// Gate stands before a server for as long as its process listens: while the
// server warms up, while it serves, and while it stops. Whoever asks at another
// time than the second gets 503 at once.
type Gate struct {
	logger *slog.Logger
	server atomic.Pointer[http.Handler]
	// shedder knows whether there is too much to do.
	shedder atomic.Pointer[Server]
	// stopping ends when Drain begins.
	stopping context.Context
	stop     context.CancelFunc
	// closing is set when Drain is called.
	closing atomic.Bool
	inside  atomic.Int64
	empty   chan struct{}
	once    sync.Once
}

// NewGate makes a gate that says that the server is warming up.
func NewGate(logger *slog.Logger) *Gate {
	g := &Gate{logger: logger, empty: make(chan struct{})}
	g.stopping, g.stop = context.WithCancel(context.Background())
	return g
}

// Open lets requests through to a handler: the server, or what stands before it.
func (g *Gate) Open(handler http.Handler, server *Server) {
	g.shedder.Store(server)
	g.server.Store(&handler)
}

// Stopping ends when requests are refused because the server stops. It is for
// the Options of the server behind the gate.
func (g *Gate) Stopping() context.Context { return g.stopping }

// Drain says at /readyz that the server is not ready, and for the delay still
// answers, so that whoever sends requests can notice. Then it refuses new ones,
// asks streams to end after the lines that they are at, and returns when the last
// request has been answered, or with the context's error when that ends first.
func (g *Gate) Drain(ctx context.Context, delay time.Duration) error {
	g.closing.Store(true)
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	g.stop()
	g.leaveIf(g.inside.Load() == 0)
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *Gate) leaveIf(last bool) {
	if last && g.stopping.Err() != nil {
		g.once.Do(func() { close(g.empty) })
	}
}

var (
	errWarming = orrery.Errorf(orrery.Unavailable, "warming_up", "the server is reading its log and is not ready yet").
			WithNext("wait until /readyz answers 200")
	errDraining = orrery.Errorf(orrery.Unavailable, "stopping", "the server is stopping").WithNext("send the request to another, or again in a moment")
)

// ServeHTTP implements http.Handler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hideKey(r)
	g.inside.Add(1)
	defer func() { g.leaveIf(g.inside.Add(-1) == 0) }()
	s := g.server.Load()
	switch {
	case r.URL.Path == "/livez":
		live(w, r)
	case g.stopping.Err() != nil || g.closing.Load() && r.URL.Path == "/readyz":
		w.Header().Set("Connection", "close")
		fail(g.logger, w, r, errDraining)
	case s == nil:
		fail(g.logger, w, r, errWarming)
	case g.shedder.Load().shed(w, r):
	default:
		(*s).ServeHTTP(w, r)
	}
}
