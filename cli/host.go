package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/api/front"
	"orrery.dev/model"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
	"orrery.dev/telemetry"
)

const (
	// drainTime is how long requests in flight may take when a new process is to
	// take over.
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
	config serverConfig
	logger *slog.Logger
	// keys are nil for a server that keeps none.
	keys *access.Keys
	// metrics are those of the engine that serves now.
	metrics *telemetry.Metrics
	tracer  *telemetry.Tracer
	// ready is told once that the host answers.
	ready    func(*host, *serve.Engine)
	listener net.Listener
	// old is the process that hands over to this one, where there is one. network was
	// made ready before it did, since that can take seconds; the engine then has it.
	old     *ancestor
	network model.Encoder

	// door says what a server says that is warming up or stopping; behind it,
	// gate holds requests back during a handover.
	door    *api.Gate
	gate    *gate
	server  *front.Server
	started sync.Once
	ended   chan error
	info    serverInfo
	// upgrades asks for a handover.
	upgrades chan os.Signal
	heir     *heir
	prepared chan error
	// certificate is nil where connections are plain.
	certificate *certificate
	// until is when stopping must be over, once it has begun.
	until time.Time
}

func newHost(a *app, s *spec.Spec, dir string, config serverConfig) (*host, error) {
	h := &host{app: a, spec: s, dir: dir, config: config, logger: config.Log.logger(a.err), gate: newGate(), ended: make(chan error, 2),
		upgrades: make(chan os.Signal, 1), prepared: make(chan error, 1)}
	h.door = api.NewGate(h.logger)
	h.server = h.newServer(h.door)
	if config.TLS != nil {
		certificate, err := newCertificate(*config.TLS, h.logger)
		if err != nil {
			return nil, err
		}
		h.certificate = certificate
		h.server.HTTP.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get}
		if h.info.Certificate, err = filepath.Abs(config.TLS.Certificate); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// serve answers requests on a loopback address by an engine that the caller has
// opened, and asks nobody for a key.
func (a *app) serve(ctx context.Context, listener net.Listener, dir string, s *spec.Spec, engine *serve.Engine, st store.Store, ready func(*host, *serve.Engine)) error {
	h, err := newHost(a, s, dir, serverDefaults(listener.Addr().String()))
	if err != nil {
		return err
	}
	h.listener, h.ready, h.metrics = listener, ready, telemetry.NewMetrics(version().Version)
	h.listen()
	return h.serve(ctx, engine, st)
}

func (h *host) newServer(handler http.Handler) *front.Server {
	server := h.config.Limits.Server(handler)
	server.HTTP.ErrorLog = slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug)
	return server
}

// listen begins to accept connections.
func (h *host) listen() {
	if h.config.TLS != nil {
		go func() { h.ended <- h.server.ServeTLS(h.listener) }()
		return
	}
	if tcp, ok := h.listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		h.logger.Warn("API keys travel without encryption", "next", "set tls in server.yaml, or put a proxy with TLS in front")
	}
	go func() { h.ended <- h.server.Serve(h.listener) }()
}

// run serves the data directory until the context ends or another process has
// taken over.
func (h *host) run(ctx context.Context) error {
	stop := notifyUpgrades(h.upgrades)
	defer stop()
	for {
		err := h.serveData(ctx)
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

// serveData opens the data directory and serves it. The first time it begins to
// listen, once the keys are known: until the engine is ready, /readyz says no. A
// process that takes over from another answers only when it is ready.
func (h *host) serveData(ctx context.Context) error {
	h.config.Memory.limit()
	st, err := pebble.Open(h.dir, h.config.Memory.store())
	if err != nil {
		return err
	}
	err = h.serveStore(ctx, st)
	h.certificate.recordTo(nil)
	if errors.Is(err, errStillClosing) {
		// The store is in use until the process ends.
		return err
	}
	return errors.Join(err, st.Close())
}

func (h *host) serveStore(ctx context.Context, st store.Store) (err error) {
	if h.keys, err = access.Open(st.Meta(), nil); err != nil {
		return err
	}
	h.certificate.recordTo(h.keys.Trail())
	if h.listener == nil {
		if h.listener, err = bind(h.config.Listen, h.keys); err != nil {
			return err
		}
		h.listen()
	}
	h.metrics = telemetry.NewMetrics(version().Version)
	if h.tracer, err = h.newTracer(ctx); err != nil {
		return err
	}
	engine, err := h.app.openEngine(ctx, st, h.spec, h.logger, h.metrics, h.config.Memory)
	runtime.KeepAlive(h.network)
	h.network = nil
	if err != nil {
		return err
	}
	err = h.serve(ctx, engine, st)
	return errors.Join(err, h.close(engine))
}

// close closes the engine, or gives up when the time to stop is up. Nothing is
// lost then: the log has everything, and the next start takes longer.
func (h *host) close(engine *serve.Engine) error {
	h.flushKeys()
	h.closeTracer()
	if h.until.IsZero() {
		return engine.Close()
	}
	closed := make(chan error, 1)
	go func() { closed <- engine.Close() }()
	limit := time.NewTimer(time.Until(h.until))
	defer limit.Stop()
	select {
	case err := <-closed:
		return err
	case <-limit.C:
		return errStillClosing
	}
}

var errStillClosing = orrery.Errorf(orrery.Unavailable, "drain_too_short", "feature state was not written out in time").
	WithNext("nothing is lost, but the next start reads more of the log; raise drain.within")

// flushKeys stores when keys were last used.
func (h *host) flushKeys() {
	if h.keys == nil {
		return
	}
	if err := h.keys.Flush(); err != nil {
		h.logger.Warn("the last use of keys could not be stored", "error", err)
	}
}

// address is where clients on this machine find the server.
func (h *host) address() string {
	tcp, ok := h.listener.Addr().(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return h.listener.Addr().String()
}

// usedEvery is how often the last use of keys is stored.
const usedEvery = 5 * time.Minute

// serve answers requests by an engine until the context ends, then finishes
// those in flight; or until a new process is ready to take over.
func (h *host) serve(ctx context.Context, engine *serve.Engine, st store.Store) error {
	h.info.Address, h.info.PID, h.info.Version = h.address(), os.Getpid(), version().String()
	quiet := *h.app
	quiet.quiet = true
	options := api.Options{Metrics: h.metrics, Tracer: h.tracer, Keys: h.keys, Quarantine: quarantineIn(h.dir, h.spec), Limits: h.config.Limits, Logger: h.logger, AccessLog: h.config.Log.Access, Stopping: h.door.Stopping()}
	server := api.New(engine, &jobs{app: &quiet, engine: engine, store: st, spec: h.spec}, options)
	h.gate.open(server, false)
	h.door.Open(h.gate, server)
	// Who finds the file finds the server answering.
	if err := h.info.write(h.dir); err != nil {
		return err
	}
	defer h.info.remove(h.dir)
	h.started.Do(func() { h.start(engine) })
	used := time.NewTicker(usedEvery)
	defer used.Stop()
	for {
		select {
		case <-used.C:
			h.flushKeys()
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

// start takes over from the process before, if there is one, and tells who waits.
func (h *host) start(engine *serve.Engine) {
	if h.old != nil {
		h.listen()
		passed := h.newServer(passedHandler(h.door))
		go func() { _ = passed.Serve(h.old.passed) }()
		h.old.say(heirMessage{Word: wordServing})
		go func() {
			<-h.old.gone()
			_ = passed.Close()
			h.old.clean()
		}()
	}
	h.ready(h, engine)
}

// stop drains: new requests are refused while those in flight finish. When the
// time is up it cuts off what is left. It stops listening.
func (h *host) stop(ctx context.Context) error {
	h.until = time.Now().Add(h.config.Drain.Within)
	drain, cancel := context.WithDeadline(context.WithoutCancel(ctx), h.until)
	defer cancel()
	if err := h.door.Drain(drain, h.config.Drain.Delay); err != nil {
		h.logger.Warn("requests were cut off, because they did not finish in time", "within", h.config.Drain.Within)
	}
	return h.shutDown(drain)
}

// shutDown closes connections, each when its request is answered.
func (h *host) shutDown(drain context.Context) error {
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
	for h.server.Connections() > 0 {
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
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return h.shutDown(drain)
}
