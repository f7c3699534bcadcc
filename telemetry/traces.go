package telemetry

import (
	"context"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"orrery.dev"
)

// TraceOptions say where traces go. The environment variables of OpenTelemetry
// (OTEL_EXPORTER_OTLP_ENDPOINT and its kin) say what the options do not.
type TraceOptions struct {
	// Endpoint is the URL of a collector that speaks OTLP over HTTP, such as
	// http://127.0.0.1:4318; empty leaves it to the environment.
	Endpoint string
	// Headers go with every export, to say who sends it.
	Headers map[string]string
	// Share is which part of the requests is traced that their callers have not
	// decided on, from 0 to 1.
	Share float64
	// System and Version describe the sender.
	System, Version string
}

// wanted reports whether anything says where traces go.
func (o *TraceOptions) wanted() bool {
	return o.Endpoint != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Tracer sends traces to a collector. A nil Tracer sends none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	carrier  propagation.TraceContext
}

// NewTracer makes a tracer, nil where nothing says where traces go. Spans leave
// in batches in the background; a collector that is not there costs no request
// anything.
func NewTracer(ctx context.Context, o TraceOptions) (*Tracer, error) {
	if !o.wanted() {
		return nil, nil
	}
	var options []otlptracehttp.Option
	if o.Endpoint != "" {
		options = append(options, otlptracehttp.WithEndpointURL(o.Endpoint))
	}
	if len(o.Headers) > 0 {
		options = append(options, otlptracehttp.WithHeaders(o.Headers))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, orrery.Errorf(orrery.Invalid, "traces_misconfigured", "traces cannot be sent").Because(err).
			WithNext("check the endpoint, as in http://127.0.0.1:4318")
	}
	about := resource.NewSchemaless(attribute.String("service.name", "orrery"), attribute.String("service.version", o.Version),
		attribute.String("orrery.system", o.System))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Share))))
	return &Tracer{provider: provider, tracer: provider.Tracer("orrery.dev")}, nil
}

// Close sends what is left.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Start begins the span of a request on a route, as part of its caller's trace
// where it names one. The context of a request that is not traced stays as it is.
func (t *Tracer) Start(r *http.Request, route string) (context.Context, trace.Span) {
	ctx := t.carrier.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return t.tracer.Start(ctx, route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route)))
}

// End ends the span of a request.
func End(span trace.Span, status int) {
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()
}

// Stages adds the spans of a decision's stages to the trace of a context. The
// last stage has just ended; micros is how long each took.
func (t *Tracer) Stages(ctx context.Context, micros [4]int64) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	end := time.Now()
	begin := end
	for _, m := range micros {
		begin = begin.Add(-time.Duration(m) * time.Microsecond)
	}
	for i, name := range stageNames {
		until := begin.Add(time.Duration(micros[i]) * time.Microsecond)
		_, span := t.tracer.Start(ctx, name, trace.WithTimestamp(begin))
		span.End(trace.WithTimestamp(until))
		begin = until
	}
}
