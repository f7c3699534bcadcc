package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"orrery.dev/access"
	"orrery.dev/api/front"
	"orrery.dev/telemetry"
)

// Options says how a server behaves. The zero value is a server without keys
// and with the default limits, which logs nothing.
type Options struct {
	// Keys are who may ask for what. Nil, or without any key in it, lets every
	// client do everything.
	Keys *access.Keys
	// Quarantine keeps what is refused, where the sender asks for it; nil keeps
	// nothing.
	Quarantine Quarantine
	// Limits bound what clients can make the server hold and do.
	Limits Limits
	// Logger is for what an operator should know; nil discards.
	Logger *slog.Logger
	// AccessLog writes a line for each request too.
	AccessLog bool
	// Metrics and Tracer, which may be nil, are told of each request.
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer
	// Stopping ends when streams should; nil never does.
	Stopping context.Context
}

func (o Options) withDefaults() Options {
	o.Limits = o.Limits.WithDefaults()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Stopping == nil {
		o.Stopping = context.Background()
	}
	return o
}

// Limits bound what clients can make the server hold and do. Zero values stand
// for the defaults.
type Limits struct {
	// Body bounds a JSON body, in bytes; 16 MiB.
	Body int64
	// Batch bounds the events of one array; 10,000.
	Batch int
	// Line bounds one line of an NDJSON stream, in bytes; 1 MiB.
	Line int
	// Buffered bounds what of bodies is in memory at once, in bytes; 256 MiB.
	Buffered int64
	// Concurrent is how many requests are decoded and decided on at once; 256.
	Concurrent int
	// Queue is how many more may wait for their turn; 4,096, which two processors work off in a
	// fifth of a second.
	Queue int
	// QueueTime is how long one waits at most; 1 s.
	QueueTime time.Duration
	// Header is how long a request's header may take; 10 s.
	Header time.Duration
	// Request is how long a request that is not a stream may take to arrive; 30 s.
	Request time.Duration
	// Idle is how long a stream may make no progress, in either direction, and a
	// connection lie unused; 60 s.
	Idle time.Duration
}

// maxHeader bounds a request's header, in bytes.
const maxHeader = 32 << 10

// Server gives an HTTP server that holds its connections to the limits.
func (l Limits) Server(handler http.Handler) *front.Server {
	l = l.WithDefaults()
	return front.New(&http.Server{
		Handler:           handler,
		ReadHeaderTimeout: l.Header, ReadTimeout: l.Request, IdleTimeout: l.Idle,
		// A request may arrive slowly, wait, and be read slowly. Streams and long
		// work set deadlines of their own.
		WriteTimeout:   l.Request + l.QueueTime + l.Idle,
		MaxHeaderBytes: maxHeader,
	}, inFront)
}

// inFront reports whether a request is answered without net/http: events sent one
// after another, whose answers are short and come at once. Lines are answered as
// they come.
func inFront(r *http.Request) bool {
	if !takesEvents(r.URL.Path) {
		return false
	}
	media := r.Header.Get("Content-Type")
	return media == mediaJSON || strings.HasPrefix(media, mediaJSON+";") || strings.HasPrefix(media, "application/cloudevents")
}

// takesEvents reports whether a path is one to which events are sent.
func takesEvents(path string) bool {
	system, rest, found := strings.Cut(path, "/v1/systems/")
	return found && system == "" && (strings.HasSuffix(rest, "/decisions") || strings.Contains(rest, "/events"))
}

// WithDefaults gives the limits with the defaults in place of zeros.
func (l Limits) WithDefaults() Limits {
	l.Body = cmp.Or(l.Body, 16<<20)
	l.Batch = cmp.Or(l.Batch, 10_000)
	l.Line = cmp.Or(l.Line, 1<<20)
	l.Buffered = cmp.Or(l.Buffered, 256<<20)
	l.Concurrent = cmp.Or(l.Concurrent, 256)
	l.Queue = cmp.Or(l.Queue, 4096)
	l.QueueTime = cmp.Or(l.QueueTime, time.Second)
	l.Header = cmp.Or(l.Header, 10*time.Second)
	l.Request = cmp.Or(l.Request, 30*time.Second)
	l.Idle = cmp.Or(l.Idle, time.Minute)
	return l
}
