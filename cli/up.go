package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

func (a *app) upCommand() *cobra.Command {
	var dir, address string
	cmd := &cobra.Command{
		Use:   "up FILE|DIR",
		Short: "Run a system",
		Long: `Up serves a system over HTTP on its data directory: it answers each event that
the spec decides on, and records both durably before it answers. Ctrl-C or
SIGTERM finishes what is in flight and stops. SIGUSR2, or orrery upgrade, hands
over to a new process without an outage.`,
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
	old, err := inherited()
	if err != nil {
		return err
	}
	err = a.upFrom(ctx, old, path, dir, address)
	if old != nil && err != nil {
		reason := err.Error()
		if errors.Is(err, errReported) {
			reason = "its file has the faults that the log lists"
		}
		old.say(heirMessage{Word: wordFailed, Reason: reason})
	}
	if errors.Is(err, errInterrupted) {
		return nil
	}
	return err
}

func (a *app) upFrom(ctx context.Context, old *ancestor, path, dir, address string) error {
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	h := newHost(a, s, dataDir(dir, s))
	h.ready = a.announce
	if old == nil {
		if h.listener, err = listen(address); err != nil {
			return err
		}
	} else {
		h.listener, h.old = old.listener, old
		old.awaitGo()
	}
	defer h.listener.Close()
	err = h.run(ctx)
	if inUse(err) {
		if running, addressErr := runningServer(h.dir); addressErr == nil {
			return orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "a server at %s is using the data in %s", running, h.dir).
				WithNext("stop it first, or name another directory with --data")
		}
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
