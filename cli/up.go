package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// drainTime is how long a stopping server waits for requests in flight.
const drainTime = 10 * time.Second

func (a *app) upCommand() *cobra.Command {
	var dir, address string
	cmd := &cobra.Command{
		Use:   "up FILE|DIR",
		Short: "Run a system",
		Long: `Up serves a system over HTTP on its data directory: it answers each event that
the spec decides on, and records both durably before it answers. Ctrl-C or
SIGTERM finishes what is in flight and stops.`,
		Example: "  orrery up systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.up(cmd.Context(), args[0], dir, address)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&address, "addr", "127.0.0.1:8080", "the address to listen on")
	return cmd
}

func (a *app) up(ctx context.Context, path, dir, address string) error {
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	listener, err := listen(address)
	if err != nil {
		return err
	}
	defer listener.Close()
	dir = dataDir(dir, s)
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, st store.Store) error {
		return a.serve(ctx, listener, dir, s, engine, st, a.announce)
	})
	if inUse(err) {
		if running, addressErr := runningServer(dir); addressErr == nil {
			return orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "a server at %s is using the data in %s", running, dir).
				WithNext("stop it first, or name another directory with --data")
		}
	}
	if errors.Is(err, errInterrupted) {
		return nil
	}
	return err
}

// listen takes a loopback address: nothing here asks who a client is, so no
// other machine may reach it.
func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, orrery.Errorf(orrery.Invalid, "address_invalid", "%q is not an address", address).WithNext("write it as in 127.0.0.1:8080")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, orrery.Errorf(orrery.Invalid, "address_not_loopback", "%s can be reached by other machines, and clients are not authenticated", address).
			WithNext("listen on 127.0.0.1 and put a proxy that authenticates in front")
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, orrery.Errorf(orrery.Unavailable, "port_in_use", "%s is taken by another program", address).
			WithNext("name another address with --addr, such as 127.0.0.1:0 for any free port")
	}
	if err != nil {
		return nil, orrery.Errorf(orrery.Unavailable, "address_unusable", "cannot listen on %s", address).Because(err)
	}
	return listener, nil
}

// announce tells where a server has begun to listen.
func (a *app) announce(s *spec.Spec, engine *serve.Engine, address string) {
	fmt.Fprintf(a.out, "%s is up on http://%s, release %s\n", s.System, address, engine.Plan().Release.Short())
	if !engine.Plan().HasModel() && s.Model != nil {
		fmt.Fprintln(a.out, "no model has been trained yet; once there are labelled events: orrery train")
	}
	fmt.Fprintf(a.out, "decide with POST http://%s/v1/systems/%s/decisions\n", address, s.System)
}

// serve answers requests until the context ends, then finishes those in flight.
func (a *app) serve(ctx context.Context, listener net.Listener, dir string, s *spec.Spec, engine *serve.Engine, st store.Store, ready func(*spec.Spec, *serve.Engine, string)) error {
	address := listener.Addr().String()
	remove, err := writeServerFile(dir, address)
	if err != nil {
		return err
	}
	defer remove()
	logger := slog.New(slog.NewTextHandler(a.err, nil))
	quiet := *a
	quiet.quiet = true
	server := &http.Server{
		Handler:           api.New(engine, &jobs{app: &quiet, engine: engine, store: st, spec: s}, logger),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready(s, engine, address)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		_ = server.Close()
	}
	return nil
}
