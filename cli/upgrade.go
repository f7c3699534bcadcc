package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
)

func (a *app) upgradeCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "upgrade FILE|DIR",
		Short: "Have a running server hand over to a new binary",
		Long: `Upgrade asks the running server of a system to start the binary it was started
from anew, with the same arguments, and to hand over to it: replace the binary or
the system's file first. The new process inherits the listening socket; requests
wait while the data directory changes hands, and none is refused. When the new
process cannot start, the old one goes on and upgrade says why.`,
		Example: "  orrery upgrade systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.upgrade(cmd.Context(), args[0], dir)
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}

// upgraded is what a handover came to.
type upgraded struct {
	Address  string `json:"address"`
	From     int    `json:"from_pid"`
	To       int    `json:"to_pid"`
	Version  string `json:"version"`
	Previous string `json:"previous_version"`
}

func (a *app) upgrade(ctx context.Context, path, dir string) error {
	_, dir, err := a.existing(path, dir)
	if err != nil {
		return err
	}
	before, err := readServerFile(dir)
	if err != nil {
		return orrery.Errorf(orrery.NotFound, "server_not_running", "no server is running on %s", dir).Because(err).
			WithNext("start one: orrery up")
	}
	// The last attempt's failure is not this one's.
	if before.Refused != "" {
		before.Refused = ""
		if err := before.write(dir); err != nil {
			return err
		}
	}
	if err := askForUpgrade(before.PID); err != nil {
		return orrery.Errorf(orrery.Unavailable, "server_unreachable", "the server, process %d, cannot be asked to hand over", before.PID).Because(err).
			WithNext("if it has crashed, start it again: orrery up")
	}
	after, err := awaitUpgrade(ctx, dir, before.PID)
	if err != nil {
		return err
	}
	u := &upgraded{Address: after.Address, From: before.PID, To: after.PID, Version: after.Version, Previous: before.Version}
	a.print(u, func(w io.Writer) {
		fmt.Fprintf(w, "process %d (%s) has handed over to process %d (%s) at http://%s\n", u.From, u.Previous, u.To, u.Version, u.Address)
	})
	return nil
}

// awaitUpgrade waits until another process serves the directory, or the present
// one has said why none does.
func awaitUpgrade(ctx context.Context, dir string, pid int) (serverInfo, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(prepareTime + openTime + 2*drainTime)
	defer limit.Stop()
	for {
		select {
		case <-tick.C:
		case <-limit.C:
			return serverInfo{}, orrery.Errorf(orrery.Unavailable, "upgrade_failed", "process %d has not handed over", pid).WithNext("look at its log")
		case <-ctx.Done():
			return serverInfo{}, context.Cause(ctx)
		}
		info, err := readServerFile(dir)
		switch {
		case err != nil: // Between the two processes there may be none.
		case info.PID != pid:
			return info, nil
		case info.Refused != "":
			return info, orrery.Errorf(orrery.Unavailable, "upgrade_failed", "the new process could not take over: %s", info.Refused).
				WithNext("process %d goes on serving; mend the cause and try again", pid)
		}
	}
}
