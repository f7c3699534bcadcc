package api

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"orrery.dev"
	"orrery.dev/serve"
	"orrery.dev/telemetry"
)

// watched is a response that remembers its status and size.
type watched struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var watchers = sync.Pool{New: func() any { return &watched{} }}

// observed gives a handler whose requests are counted, traced and logged, as far
// as the server is asked to.
func (s *Server) observed(pattern string, handler http.HandlerFunc) http.HandlerFunc {
	o := &s.options
	if o.Metrics == nil && o.Tracer == nil && !o.AccessLog {
		return handler
	}
	route := o.Metrics.Route(pattern)
	return func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := watchers.Get().(*watched)
		defer watchers.Put(seen)
		*seen = watched{ResponseWriter: w}
		if o.Tracer != nil {
			ctx, span := o.Tracer.Start(r, pattern)
			defer func() { telemetry.End(span, seen.status) }()
			r = r.WithContext(ctx)
		}
		handler(seen, r)
		took := time.Since(begun)
		if route != nil {
			route.Answered(seen.status, took)
		}
		if o.AccessLog {
			// The route's pattern, not the path: a path names people.
			o.Logger.Info("request", "route", pattern, "status", seen.status, "bytes", seen.bytes, "micros", took.Microseconds(), "from", r.RemoteAddr)
		}
	}
}

// decided counts a decision and traces its stages.
func (s *Server) decided(ctx context.Context, r *serve.Result) {
	if r.Repeated || s.options.Metrics == nil && s.options.Tracer == nil {
		return
	}
	d := r.Decision
	micros := [4]int64{d.Micros.Decode, d.Micros.Sequence, d.Micros.Score, r.CommitMicros}
	s.options.Metrics.Decided(d.Action, d.Release.Short(), d.Fallback, micros)
	s.options.Tracer.Stages(ctx, micros)
}

// problem describes an error of an event among others, and counts it.
func (s *Server) problem(err error) *Problem {
	p := problemOf(err)
	s.options.Metrics.Refused(p.Code)
	return p
}

// gauges adds what is read when somebody asks for the metrics.
func (s *Server) gauges() {
	m, stats := s.options.Metrics, s.engine.Stats
	reviewed := func() *serve.ReviewStats { st := s.engine.ReviewStats(); return &st }
	m.Gauge("orrery_requests_active", "Requests that are decoded and decided on now.", func() float64 { return float64(len(s.admission.places)) })
	m.Gauge("orrery_requests_waiting", "Requests that wait for their turn.", func() float64 { return float64(s.admission.waiting.Load()) })
	m.Gauge("orrery_bodies_buffered_bytes", "Bytes of bodies in memory.", func() float64 { return float64(s.meter.used.Load()) })
	m.Gauge("orrery_sequencer_queue", "Requests that wait to be sequenced.", func() float64 { return float64(stats().Queued) })
	m.Gauge("orrery_log_offset", "The offset up to which the log is durable.", func() float64 { return float64(stats().Last) })
	m.Gauge("orrery_checkpoint_lag", "Offsets that feature state is behind the log on disk.", func() float64 {
		st := stats()
		return float64(st.Last - min(st.Checkpoint, st.Last))
	})
	m.Gauge("orrery_reviews_open", "Decisions that wait for a reviewer.", func() float64 { return float64(reviewed().Open) })
	m.Gauge("orrery_reviews_claimed", "Decisions that a reviewer has claimed.", func() float64 { return float64(reviewed().Claimed) })
	m.Gauge("orrery_reviews_oldest_seconds", "How long the oldest decision has waited for a reviewer.", func() float64 { return reviewed().OldestAge.Std().Seconds() })
	m.Gauge("orrery_review_verdicts", "Verdicts of reviewers since the start.", func() float64 { return float64(reviewed().Verdicts()) })
	emitted := s.engine.EmissionStats
	m.Gauge("orrery_emitted_events", "Events about decisions (emit) recorded since the start.", func() float64 { return float64(emitted().Recorded) })
	m.Gauge("orrery_emitted_events_refused", "Events about decisions (emit) that could not be recorded since the start.", func() float64 { return float64(emitted().Refused) })
	m.Gauge("orrery_emitted_events_waiting", "Events about decisions (emit) that are not recorded yet.", func() float64 { return float64(emitted().Waiting) })
	m.Gauge("orrery_state_bytes", "Memory that feature state takes, about.", func() float64 { return float64(stats().StateBytes) })
	if q := s.options.Quarantine; q != nil {
		m.Gauge("orrery_quarantine_items", "Refused inputs that are kept in quarantine.", func() float64 {
			items, _, err := q.Size()
			if err != nil {
				return math.NaN()
			}
			return float64(items)
		})
	}
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if s.options.Metrics == nil {
		s.fail(w, r, orrery.Errorf(orrery.NotFound, "metrics_not_kept", "this server keeps no metrics"))
		return
	}
	s.options.Metrics.Handler().ServeHTTP(w, r)
}
