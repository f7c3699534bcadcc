package cli

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// remoteHeader carries the client's address on requests that one process passes
// on to the one that took over. It is believed on the socket between them alone.
const remoteHeader = "Orrery-Remote-Address"

// passOn gives a handler that sends requests on to the process that took over.
func passOn(socket string, logger *slog.Logger) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "orrery"})
			r.Out.Host = r.In.Host
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				r.Out.Header[name] = r.In.Header[name]
			}
			r.Out.Header.Set(remoteHeader, r.In.RemoteAddr)
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			},
			MaxIdleConnsPerHost: 256,
			DisableCompression:  true,
		},
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A stream is answered while it is still being sent.
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	})
}

// passedHandler takes the requests that the old process passes on.
func passedHandler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if remote := r.Header.Get(remoteHeader); remote != "" {
			r.RemoteAddr = remote
		}
		r.Header.Del(remoteHeader)
		next.ServeHTTP(w, r)
	})
}
