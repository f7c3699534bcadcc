package telemetry_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"orrery.dev/telemetry"
)

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	m.Gauge("orrery_log_offset", "An offset.", func() float64 { return 7 })
	route := m.Route("POST /v1/x")
	route.Answered(200, time.Millisecond)
	route.Answered(429, time.Microsecond)
	m.Refused("overloaded")
	m.Decided("block", "abc", "", [4]int64{1, 2, 3, 4000})
	m.Committed(12, time.Millisecond)
	text := scrape(t, m)
	for _, line := range []string{
		`orrery_http_requests_total{code="2xx",route="POST /v1/x"} 1`, `orrery_http_requests_total{code="4xx",route="POST /v1/x"} 1`,
		`orrery_http_request_duration_seconds_count{route="POST /v1/x"} 2`, `orrery_problems_total{code="overloaded"} 1`,
		`orrery_decisions_total{action="block",fallback="",release="abc"} 1`, `orrery_decision_stage_duration_seconds_sum{stage="commit"} 0.004`,
		`orrery_commit_batch_records_sum 12`, `orrery_log_sync_duration_seconds_count 1`, `orrery_log_offset 7`, `orrery_build_info{version="v1"} 1`,
		`go_goroutines `, `process_cpu_seconds_total `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line %s", line)
		}
	}
}

// TestLabelsAreBounded counts more releases than are kept apart.
func TestLabelsAreBounded(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	for i := range 1000 {
		m.Decided("approve", fmt.Sprint(i), "", [4]int64{})
	}
	text := scrape(t, m)
	if n := strings.Count(text, "\norrery_decisions_total{"); n != 201 {
		t.Errorf("%d label sets", n)
	}
	if !strings.Contains(text, `orrery_decisions_total{action="other",fallback="other",release="other"} 800`) {
		t.Error("what is not kept apart is not counted")
	}
}

func TestNilCountsNothing(t *testing.T) {
	var m *telemetry.Metrics
	m.Refused("x")
	m.Decided("a", "b", "c", [4]int64{})
	m.Gauge("x", "x", nil)
	var tracer *telemetry.Tracer
	tracer.Stages(t.Context(), [4]int64{})
	if m.Route("x") != nil || tracer.Close(t.Context()) != nil {
		t.Error("something of nothing")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	if made, err := telemetry.NewTracer(t.Context(), telemetry.TraceOptions{}); made != nil || err != nil {
		t.Errorf("a tracer without an endpoint: %v, %v", made, err)
	}
}

// TestTracesReachACollector decodes what a collector would get.
func TestTracesReachACollector(t *testing.T) {
	got := make(chan *collector.ExportTraceServiceRequest, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unpacked, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = unpacked
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		var export collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(text, &export); err != nil {
			t.Error(err)
		}
		if r.URL.Path != "/v1/traces" || r.Header.Get("X-Token") != "secret" {
			t.Errorf("%s with %v", r.URL.Path, r.Header)
		}
		got <- &export
	}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	tracer, err := telemetry.NewTracer(t.Context(), telemetry.TraceOptions{Headers: map[string]string{"X-Token": "secret"}, System: "fraud", Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	// The share is 0, so the caller's decision alone has a request traced.
	for _, header := range []string{"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
		r := httptest.NewRequest("POST", "/v1/x", nil)
		r.Header.Set("Traceparent", header)
		ctx, span := tracer.Start(r, "POST /v1/{x}")
		tracer.Stages(ctx, [4]int64{10, 20, 30, 4000})
		telemetry.End(span, 503)
	}
	if err := tracer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	export := <-got
	spans := export.ResourceSpans[0].ScopeSpans[0].Spans
	took := map[string]uint64{}
	var root []byte
	for _, s := range spans {
		if fmt.Sprintf("%x", s.TraceId) != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("%s is of the trace %x", s.Name, s.TraceId)
		}
		took[s.Name] = (s.EndTimeUnixNano - s.StartTimeUnixNano) / 1000
		if s.Name == "POST /v1/{x}" {
			root = s.SpanId
			if fmt.Sprintf("%x", s.ParentSpanId) != "00f067aa0ba902b7" || s.Status.GetCode() != 2 {
				t.Errorf("the request's span: %v", s)
			}
		}
	}
	for _, s := range spans {
		if s.Name != "POST /v1/{x}" && string(s.ParentSpanId) != string(root) {
			t.Errorf("%s is not under the request", s.Name)
		}
	}
	if len(spans) != 5 || took["decode"] != 10 || took["sequence"] != 20 || took["score"] != 30 || took["commit"] != 4000 {
		t.Errorf("%d spans, %v", len(spans), took)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := telemetry.NewMetrics("v1")
	route := m.Route("POST /v1/x")
	for b.Loop() {
		m.Decided("approve", "abc", "", [4]int64{1, 2, 3, 400})
		route.Answered(200, 500*time.Microsecond)
	}
}
