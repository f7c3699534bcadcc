package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/declare"
	"orrery.dev/spec"
)

// serverFileName is the file that says how a server is put on a network, beside
// the system's.
const serverFileName = "server.yaml"

// defaultAddress is where a server listens when nothing else is said.
const defaultAddress = "127.0.0.1:8080"

// ServerDeclaration declares the server's file, and is what it is checked against.
func ServerDeclaration() declare.Field {
	return declare.Field{Name: serverFileName, Type: declare.Mapping,
		Doc: "How a server is put on a network. The file stands beside system.yaml, or is named with `orrery up --config`; every key is optional. It holds no secret, only references to them: `${env:NAME}` for an environment variable, `${file:PATH}` for a file, in quotes within braces.",
		Fields: []declare.Field{
			{Name: "listen", Type: declare.Text, Default: defaultAddress, Example: "0.0.0.0:8443",
				Doc: "The address, host and port. One that other machines can reach is refused until an API key has been made with `orrery keys create`."},
			{Name: "memory_bytes", Type: declare.Int, Default: "1073741824", Min: declare.Bound(128 << 20), Example: "4294967296",
				Doc: "The memory that the process may take, about. Feature state that has no place in it is on disk, and read when it is asked for."},
			tlsField(), limitsField(), drainField(), logField(), tracesField(),
		}}
}

func tlsField() declare.Field {
	return declare.Field{Name: "tls", Type: declare.Mapping, Doc: "TLS 1.2 and later, with HTTP/2. Both files are read again when they change, or on SIGHUP; connections go on.",
		Fields: []declare.Field{
			{Name: "certificate", Type: declare.Text, Required: true, Example: "tls.crt",
				Doc: "A PEM file with the certificate and those that signed it. A relative path starts at this file's folder."},
			{Name: "key", Type: declare.Secret, Required: true, Example: "${file:tls.key}", Doc: "The certificate's private key, in PEM."},
		}}
}

func limitsField() declare.Field {
	count := func(name, def, doc string) declare.Field {
		return declare.Field{Name: name, Type: declare.Int, Default: def, Min: declare.Bound(1), Doc: doc}
	}
	lasting := func(name, def, doc string) declare.Field {
		return declare.Field{Name: name, Type: declare.Duration, Default: def, Above: declare.Bound(0), Doc: doc}
	}
	return declare.Field{Name: "limits", Type: declare.Mapping,
		Doc: "What clients can make the server hold and do. Beyond it they get 413 for what is too large, 408 for what is too slow, and 429 with Retry-After for what is too much.",
		Fields: []declare.Field{
			count("body_bytes", "16777216", "The bytes of one JSON body."),
			count("batch_events", "10000", "The events of one JSON array."),
			count("line_bytes", "1048576", "The bytes of one line of an NDJSON stream."),
			count("buffered_bytes", "268435456", "The bytes of all bodies that are in memory at once."),
			count("concurrent", "256", "How many requests are decoded and decided on at once. One that is still arriving, or being read by its client, does not count."),
			count("queue", "4096", "How many more may wait for their turn. The next is refused at once with 429."),
			lasting("queue_time", "1s", "How long one may wait before it is refused with 429."),
			lasting("header_time", "10s", "How long a request's header may take to arrive."),
			lasting("request_time", "30s", "How long a request that is not a stream may take to arrive."),
			lasting("idle_time", "60s", "How long a stream may make no progress in either direction, and a connection lie unused."),
		}}
}

func drainField() declare.Field {
	return declare.Field{Name: "drain", Type: declare.Mapping, Doc: "How the server stops on SIGTERM or Ctrl-C: `/readyz` says 503, new requests get 503, those in flight finish, and feature state is written out.",
		Fields: []declare.Field{
			{Name: "delay", Type: declare.Duration, Default: "0s", Doc: "How long requests are still answered after `/readyz` has begun to say 503, for a load balancer to notice."},
			{Name: "within", Type: declare.Duration, Default: "10s", Above: declare.Bound(0), Doc: "How long all of it may take, the delay included. What has not finished by then is cut off; nothing that was acknowledged is lost."},
		}}
}

func logField() declare.Field {
	return declare.Field{Name: "log", Type: declare.Mapping, Doc: "What goes to standard error. It never has the values of an event's fields.",
		Fields: []declare.Field{
			{Name: "format", Type: declare.Text, Enum: []string{"text", "json"}, Default: "text", Doc: "How a line is written."},
			{Name: "level", Type: declare.Text, Enum: []string{"debug", "info", "warn", "error"}, Default: "info", Doc: "The least severe lines to write."},
			{Name: "access", Type: declare.Bool, Default: "false", Doc: "Whether each request gets a line."},
		}}
}

// shareDefault is the part of requests that is traced.
const shareDefault = 0.01

func tracesField() declare.Field {
	return declare.Field{Name: "traces", Type: declare.Mapping, Doc: "Traces by OpenTelemetry, sent as OTLP over HTTP: a span for each request, and one for each stage of a decision. The variables `OTEL_EXPORTER_OTLP_*` say what is not said here.",
		Fields: []declare.Field{
			{Name: "endpoint", Type: declare.Text, Example: "http://127.0.0.1:4318", Doc: "The collector. Without one, here or in the environment, nothing is traced."},
			{Name: "headers", Type: declare.Mapping, Doc: "Headers of each export, such as one that says who sends it.",
				Each: &declare.Field{Type: declare.Secret, Example: "${env:OTLP_TOKEN}", Doc: "The header's value. Its name is written with _ for -."}},
			{Name: "share", Type: declare.Number, Default: strconv.FormatFloat(shareDefault, 'g', -1, 64), Min: declare.Bound(0), Max: declare.Bound(1), Doc: "Which part of the requests is traced, of those whose callers have not decided on it."},
		}}
}

// readServerFile reads and checks a server's file.
func (a *app) readServerFile(path string) (serverConfig, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return serverConfig{}, orrery.Errorf(orrery.NotFound, "config_not_found", "there is no file %s", path).WithNext("name a server.yaml")
	}
	if err != nil {
		return serverConfig{}, orrery.Errorf(orrery.Invalid, "config_unreadable", "%s cannot be read", path).Because(err).WithNext("check that you may read it")
	}
	root, diagnostics := spec.CheckDeclared(path, text, ServerDeclaration())
	if len(diagnostics) > 0 {
		if err := spec.Render(a.err, diagnostics, false); err != nil {
			return serverConfig{}, err
		}
	}
	if diagnostics.HasErrors() {
		return serverConfig{}, errReported
	}
	return serverConfigOf(root, filepath.Dir(path)), nil
}

// serverDefaults gives the configuration of a server of which only the address
// is said.
func serverDefaults(address string) serverConfig {
	root, _ := spec.CheckDeclared(serverFileName, nil, ServerDeclaration())
	config := serverConfigOf(root, ".")
	config.Listen = address
	return config
}

func serverConfigOf(root spec.Value, dir string) serverConfig {
	limits, drain, log := root.In("limits"), root.In("drain"), root.In("log")
	config := serverConfig{
		Listen: root.Text("listen"),
		Memory: memoryBytes(root.Int("memory_bytes")),
		Limits: api.Limits{
			Body: int64(limits.Int("body_bytes")), Batch: limits.Int("batch_events"), Line: limits.Int("line_bytes"),
			Buffered: int64(limits.Int("buffered_bytes")), Concurrent: limits.Int("concurrent"), Queue: limits.Int("queue"),
			QueueTime: limits.Duration("queue_time"), Header: limits.Duration("header_time"), Request: limits.Duration("request_time"),
			Idle: limits.Duration("idle_time"),
		},
		Drain: drainConfig{Delay: drain.Duration("delay"), Within: drain.Duration("within")},
		Log:   logConfig{Format: log.Text("format"), Access: log.Bool("access")},
	}
	traces := root.In("traces")
	config.Traces = tracesConfig{Endpoint: traces.Text("endpoint"), Share: traces.Number("share"), Headers: map[string]access.Reference{}}
	for name, text := range traces.In("headers").Texts() {
		value, _ := access.ParseReference(text)
		value.File = within(dir, value.File)
		config.Traces.Headers[strings.ReplaceAll(name, "_", "-")] = value
	}
	if !traces.Written() {
		config.Traces.Share = shareDefault
	}
	// The level is one of those declared, which slog knows too.
	_ = config.Log.Level.UnmarshalText([]byte(log.Text("level")))
	if tls := root.In("tls"); tls.Written() {
		key, _ := access.ParseReference(tls.Text("key"))
		key.File = within(dir, key.File)
		config.TLS = &tlsConfig{Certificate: within(dir, tls.Text("certificate")), Key: key}
	}
	return config
}

// within gives a path that, if relative, starts at a folder.
func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
