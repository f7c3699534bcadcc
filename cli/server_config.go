package cli

import (
	"io"
	"log/slog"
	"time"

	"orrery.dev/access"
	"orrery.dev/api"
)

// serverConfig says how a server is put on a network.
type serverConfig struct {
	// Listen is the address, host:port.
	Listen string
	// Memory is what the process may take.
	Memory memoryBytes
	// TLS is nil for a server without.
	TLS    *tlsConfig
	Limits api.Limits
	Drain  drainConfig
	Log    logConfig
	Traces tracesConfig
}

// tracesConfig says where traces go.
type tracesConfig struct {
	Endpoint string
	// Headers go with each export; their values are secrets.
	Headers map[string]access.Reference
	Share   float64
}

// drainConfig says how a server stops.
type drainConfig struct {
	// Delay is how long it still answers after it has said that it is not ready.
	Delay time.Duration
	// Within bounds all of stopping, the delay included.
	Within time.Duration
}

// logConfig says what a server logs, and how.
type logConfig struct {
	// Format is text or json.
	Format string
	Level  slog.Level
	// Access asks for a line for each request.
	Access bool
}

func (c logConfig) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
