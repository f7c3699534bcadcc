// Package telemetry is what a server tells of itself: metrics in the form of
// Prometheus, and traces by OpenTelemetry. Label sets are bounded, and a metric
// is found before the request that counts in it, not during.
package telemetry

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the metrics of one server. Nil metrics count nothing.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	problems  *family
	decisions *family
	stages    [len(stageNames)]prometheus.Histogram
	batch     prometheus.Histogram
	sync      prometheus.Histogram
}

// The stages of a decision, in their order.
var stageNames = [...]string{"decode", "sequence", "score", "commit"}

// Bounds of histograms: a decision takes from tens of microseconds to seconds.
var (
	requestSeconds = prometheus.ExponentialBuckets(50e-6, 2, 18)
	stageSeconds   = prometheus.ExponentialBuckets(1e-6, 4, 12)
	batchRecords   = prometheus.ExponentialBuckets(1, 2, 14)
)

// NewMetrics makes metrics, with those of the Go runtime and of the process.
// version names the program's.
func NewMetrics(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orrery_http_requests_total", Help: "Requests answered, by route and class of status."}, []string{"route", "code"})
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "orrery_http_request_duration_seconds", Help: "How long requests took, by route.", Buckets: requestSeconds}, []string{"route"})
	problems := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orrery_problems_total", Help: "Requests and events refused, by code of problem."}, []string{"code"})
	decisions := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orrery_decisions_total", Help: "Decisions made, by action, release and fallback."}, []string{"action", "release", "fallback"})
	stages := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "orrery_decision_stage_duration_seconds", Help: "How long each stage of a decision took.", Buckets: stageSeconds}, []string{"stage"})
	m.batch = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "orrery_commit_batch_records", Help: "Records that one sync of the log made durable.", Buckets: batchRecords})
	m.sync = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "orrery_log_sync_duration_seconds", Help: "How long it took to write a batch to the log and sync it.", Buckets: requestSeconds})
	for i, name := range stageNames {
		m.stages[i] = stages.WithLabelValues(name).(prometheus.Histogram)
	}
	m.problems, m.decisions = newFamily(problems, 1), newFamily(decisions, 3)
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "orrery_build_info", Help: "Always 1; the version is in the label.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.latency, problems, decisions, stages, m.batch, m.sync, info)
	return m
}

// Handler gives the metrics to a scraper.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Gauge adds a value that is read when it is asked for.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	if m != nil {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
	}
}

// Route are the metrics of one route.
type Route struct {
	latency prometheus.Observer
	classes [6]prometheus.Counter
}

// Route finds the metrics of a route; nil of nil metrics.
func (m *Metrics) Route(pattern string) *Route {
	if m == nil {
		return nil
	}
	r := &Route{latency: m.latency.WithLabelValues(pattern)}
	for i, class := range [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		r.classes[i] = m.requests.WithLabelValues(pattern, class)
	}
	return r
}

// Answered counts a request.
func (r *Route) Answered(status int, took time.Duration) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	r.classes[class].Inc()
	r.latency.Observe(took.Seconds())
}

// Refused counts a problem by its code.
func (m *Metrics) Refused(code string) {
	if m != nil {
		m.problems.with(label{code}).Inc()
	}
}

// Decided counts a decision. The stages are in microseconds: to decode, to
// sequence, to score, to commit.
func (m *Metrics) Decided(action, release, fallback string, micros [4]int64) {
	if m == nil {
		return
	}
	m.decisions.with(label{action, release, fallback}).Inc()
	for i, stage := range m.stages {
		stage.Observe(float64(micros[i]) * 1e-6)
	}
}

// Committed counts a batch of the log.
func (m *Metrics) Committed(records int, took time.Duration) {
	m.batch.Observe(float64(records))
	m.sync.Observe(took.Seconds())
}

// label holds the values of up to three labels.
type label [3]string

// familySize is how many label sets a family keeps apart.
const familySize = 200

// family is a counter by labels whose values come from outside this program, or
// change in its life: as releases do. It keeps a bounded number of them apart;
// what comes after is counted under "other".
type family struct {
	vec   *prometheus.CounterVec
	names int
	mu    sync.Mutex
	known atomic.Pointer[map[label]prometheus.Counter]
}

func newFamily(vec *prometheus.CounterVec, names int) *family {
	f := &family{vec: vec, names: names}
	f.known.Store(&map[label]prometheus.Counter{})
	return f
}

func (f *family) with(l label) prometheus.Counter {
	if c, ok := (*f.known.Load())[l]; ok {
		return c
	}
	return f.add(l)
}

func (f *family) add(l label) prometheus.Counter {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := *f.known.Load()
	if c, ok := known[l]; ok {
		return c
	}
	kept := l
	if len(known) >= familySize {
		kept = label{"other", "other", "other"}
	}
	counter := f.vec.WithLabelValues(kept[:f.names]...)
	if kept == l {
		grown := maps.Clone(known)
		grown[l] = counter
		f.known.Store(&grown)
	}
	return counter
}
