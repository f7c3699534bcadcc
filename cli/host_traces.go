package cli

import (
	"context"
	"time"

	"orrery.dev/telemetry"
)

// newTracer makes the tracer that the configuration asks for, nil for none.
func (h *host) newTracer(ctx context.Context) (*telemetry.Tracer, error) {
	o := telemetry.TraceOptions{Endpoint: h.config.Traces.Endpoint, Share: h.config.Traces.Share, Headers: map[string]string{},
		System: h.spec.System, Version: version().Version}
	for name, reference := range h.config.Traces.Headers {
		value, err := reference.Resolve()
		if err != nil {
			return nil, err
		}
		o.Headers[name] = value
	}
	return telemetry.NewTracer(ctx, o)
}

// lastTraces is how long a stopping server may take to send its last traces.
const lastTraces = time.Second

func (h *host) closeTracer() {
	ctx, cancel := context.WithTimeout(context.Background(), lastTraces)
	defer cancel()
	if err := h.tracer.Close(ctx); err != nil {
		h.logger.Warn("the last traces could not be sent", "error", err)
	}
}
