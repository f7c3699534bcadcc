package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"orrery.dev/api"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

const (
	// drainTime is how long a stopping server waits for requests in flight.
	drainTime = 10 * time.Second
	// prepareTime bounds how long a new process may take to prepare, openTime how
	// long it may take to open the data directory, while requests wait.
	prepareTime = time.Minute
	openTime    = 10 * time.Second
	// lingerTime is how long a process that has handed over stays for clients that
	// keep a connection to it without using it.
	lingerTime = 2 * time.Minute
)

// errHandedOver ends the serving of an engine because another process is to go on.
var errHandedOver = errors.New("handing over to another process")

// host serves a system over HTTP. Its listener, its connections and the requests
// on them outlive the engine that answers: see heir.go.
type host struct {
	app    *app
	spec   *spec.Spec
	dir    string
	logger *slog.Logger
	// ready is told once where the host has begun to listen.
	ready    func(*spec.Spec, *serve.Engine, string)
	listener net.Listener
	// old is the process that hands over to this one, where there is one.
	old *ancestor

	gate        *gate
	server      *http.Server
	started     sync.Once
	ended       chan error
	connections atomic.Int64
	info        serverInfo
	// upgrades asks for a handover.
	upgrades chan os.Signal
	heir     *heir
	prepared chan error
}

func newHost(a *app, s *spec.Spec, dir string) *host {
	h := &host{app: a, spec: s, dir: dir, logger: slog.New(slog.NewTextHandler(a.err, nil)), gate: newGate(), ended: make(chan error, 2),
		upgrades: make(chan os.Signal, 1), prepared: make(chan error, 1)}
	h.server = h.newServer(h.gate)
	h.server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			h.connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			h.connections.Add(-1)
		}
	}
	return h
}

// serve answers requests by an engine that the caller has opened.
func (a *app) serve(ctx context.Context, listener net.Listener, dir string, s *spec.Spec, engine *serve.Engine, st store.Store, ready func(*spec.Spec, *serve.Engine, string)) error {
	h := newHost(a, s, dir)
	h.listener, h.ready = listener, ready
	return h.serve(ctx, engine, st)
}

func (h *host) newServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(h.logger.Handler(), slog.LevelWarn)}
}

// run serves the data directory until the context ends or another process has
// taken over.
func (h *host) run(ctx context.Context) error {
	stop := notifyUpgrades(h.upgrades)
	defer stop()
	for {
		err := h.app.withEngine(ctx, h.spec, h.dir, func(engine *serve.Engine, st store.Store) error {
			return h.serve(ctx, engine, st)
		})
		if !errors.Is(err, errHandedOver) {
			return err
		}
		if err := h.handOver(ctx); err != nil {
			// The next engine answers what was held.
			h.refuse(err)
			continue
		}
		return h.linger(ctx)
	}
}

// serve answers requests by an engine until the context ends, then finishes
// those in flight; or until a new process is ready to take over.
func (h *host) serve(ctx context.Context, engine *serve.Engine, st store.Store) error {
	h.info.Address, h.info.PID, h.info.Version = h.listener.Addr().String(), os.Getpid(), version().String()
	if err := h.info.write(h.dir); err != nil {
		return err
	}
	defer h.info.remove(h.dir)
	quiet := *h.app
	quiet.quiet = true
	h.gate.open(api.New(engine, &jobs{app: &quiet, engine: engine, store: st, spec: h.spec}, h.logger), false)
	h.started.Do(func() { h.start(engine) })
	for {
		select {
		case err := <-h.ended:
			return err
		case <-ctx.Done():
			if h.heir != nil {
				h.heir.end()
			}
			return h.stop(ctx)
		case <-h.upgrades:
			h.prepare(ctx)
		case err := <-h.prepared:
			if err == nil {
				err = h.letGo(ctx, engine)
			}
			if err == nil {
				return errHandedOver
			}
			h.heir.end()
			h.heir = nil
			h.refuse(err)
		}
	}
}

// start begins to accept connections, and tells who waits for it.
func (h *host) start(engine *serve.Engine) {
	go func() { h.ended <- h.server.Serve(h.listener) }()
	if h.old != nil {
		passed := h.newServer(passedHandler(h.gate))
		go func() { _ = passed.Serve(h.old.passed) }()
		h.old.say(heirMessage{Word: wordServing})
		go func() {
			<-h.old.gone()
			_ = passed.Close()
		}()
	}
	h.ready(h.spec, engine, h.info.Address)
}

// stop ends the host: no new connections, and the requests in flight finish.
func (h *host) stop(ctx context.Context) error {
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := h.server.Shutdown(drain); err != nil {
		_ = h.server.Close()
	}
	return nil
}

// prepare starts a new process, unless one is preparing already.
func (h *host) prepare(ctx context.Context) {
	if h.heir != nil {
		return
	}
	h.info.Refused = ""
	binary, err := binaryPath()
	if err == nil {
		h.heir, err = startHeir(binary, h.listener)
	}
	if err != nil {
		h.refuse(fmt.Errorf("cannot start the new process: %w", err))
		return
	}
	h.logger.Info("handing over to a new process", "pid", h.heir.cmd.Process.Pid, "binary", binary)
	go func(next *heir) {
		limited, cancel := context.WithTimeoutCause(ctx, prepareTime, errors.New("it did not come up in time"))
		defer cancel()
		h.prepared <- next.hear(limited, wordPrepared)
	}(h.heir)
}

// letGo brings the engine to where it can be closed at once, with no request in
// flight.
func (h *host) letGo(ctx context.Context, engine *serve.Engine) error {
	if err := engine.Flush(ctx); err != nil {
		return err
	}
	return h.gate.hold(ctx, drainTime)
}

// handOver lets the new process take over the data directory, which is closed.
func (h *host) handOver(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, openTime, errors.New("it did not open the data in time"))
	defer cancel()
	if err := h.heir.takeOver(limited); err != nil {
		h.heir.end()
		h.heir = nil
		return err
	}
	h.gate.open(passOn(h.heir.socket, h.logger), true)
	held := h.gate.waited()
	h.logger.Info("handed over", "pid", h.heir.cmd.Process.Pid, "requests_held", held.count, "longest_wait", held.longest.Round(time.Microsecond))
	return nil
}

// refuse notes why a handover failed; this process goes on.
func (h *host) refuse(err error) {
	h.logger.Error("the new process could not take over; this one goes on", "cause", err)
	h.info.Refused = err.Error()
	if err := h.info.write(h.dir); err != nil {
		h.logger.Error("cannot note it", "cause", err)
	}
}

// linger passes on what still comes on the connections that this process has.
// Each answer asks the client for a new connection, which the new process takes.
// A connection is not closed while it is idle, since a request could be on its
// way; only after lingerTime, as servers do with those.
func (h *host) linger(ctx context.Context) error {
	defer h.heir.clean()
	_ = h.listener.Close()
	tellSupervisor(h.heir.cmd.Process.Pid)
	// What the engine held is of no use any more.
	debug.FreeOSMemory()
	limit := time.NewTimer(lingerTime)
	defer limit.Stop()
	tick := time.NewTicker(10 * gateTick)
	defer tick.Stop()
	for h.connections.Load() > 0 {
		select {
		case <-tick.C:
			continue
		case <-limit.C:
		case <-ctx.Done():
			// Who stopped this process meant the server.
			_ = h.heir.cmd.Process.Signal(os.Interrupt)
		}
		break
	}
	return h.stop(ctx)
}
