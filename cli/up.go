package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/serve"
)

func (a *app) upCommand() *cobra.Command {
	var dir string
	var flags serverFlags
	cmd := &cobra.Command{
		Use:   "up FILE|DIR",
		Short: "Run a system",
		Long: `Up serves a system over HTTP on its data directory: it answers each event that
the spec decides on, and records both durably before it answers. Ctrl-C or
SIGTERM finishes what is in flight and stops. SIGUSR2, or orrery upgrade, hands
over to a new process without an outage.

Without API keys it listens on this machine's own addresses only, and lets every
client do everything. From the first key on (orrery keys create) every client
needs one, and any address can be listened on.

A server.yaml beside the system's file says more: TLS, limits, logs, draining.
Its keys are in docs/reference/server.md. What a flag says goes before it.`,
		Example: "  orrery up systems/fraud\n  orrery up systems/fraud --addr 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.up(cmd, args[0], dir, &flags)
		},
	}
	dataFlag(cmd, &dir)
	flags.add(cmd)
	return cmd
}

func (a *app) up(cmd *cobra.Command, path, dir string, flags *serverFlags) error {
	old, err := inherited()
	if err != nil {
		return err
	}
	config, err := a.serverConfig(cmd, path, flags)
	if err == nil {
		err = a.upFrom(cmd.Context(), old, path, dir, config)
	}
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

func (a *app) upFrom(ctx context.Context, old *ancestor, path, dir string, config serverConfig) error {
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	h, err := newHost(a, s, dataDir(dir, s), config)
	if err != nil {
		return err
	}
	h.ready = a.announce
	if old != nil {
		h.listener, h.old, h.network = old.listener, old, readyNetwork(s)
		old.awaitGo()
	}
	err = h.run(ctx)
	if inUse(err) {
		if running, addressErr := runningServer(h.dir); addressErr == nil {
			return orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "a server at %s is using the data in %s", running.Address, h.dir).
				WithNext("stop it first, or name another directory with --data")
		}
	}
	return err
}

// bind takes the address to listen on: one that other machines can reach only
// when clients must have keys.
func bind(address string, keys *access.Keys) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, orrery.Errorf(orrery.Invalid, "address_invalid", "%q is not an address", address).WithNext("write it as in 127.0.0.1:8080")
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() && (keys == nil || !keys.Required()) {
		return nil, orrery.Errorf(orrery.Invalid, "address_not_loopback", "%s can be reached by other machines, and no API key has been made", address).
			WithNext("make one first: orrery keys create FILE|DIR --name NAME --verbs ingest,decide,read,admin; or listen on 127.0.0.1")
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
func (a *app) announce(h *host, engine *serve.Engine) {
	s := h.spec
	fmt.Fprintf(a.out, "%s is up on %s, release %s\n", s.System, h.info.url(), engine.Plan().Release.Short())
	if !h.keys.Required() {
		fmt.Fprintln(a.out, "no API key has been made: every client on this machine may do everything")
	}
	if !engine.Plan().HasModel() && s.Model != nil {
		fmt.Fprintln(a.out, "no model has been trained yet; once there are labelled events: orrery train")
	}
	fmt.Fprintf(a.out, "decide with POST %s/v1/systems/%s/decisions\n", h.info.url(), s.System)
}
