package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

func (a *app) retainCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "retain FILE|DIR",
		Short: "Cut off the log what its spec does not keep",
		Long: `Retain cuts off the log what is older, or more, than the spec's log block keeps.
A running server does so by itself; this is for data without one. Features and
verification stay exact, since what goes is summed up first. It can be ended at
any time and run again.`,
		Example: "  orrery retain systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.retain(cmd.Context(), args[0], dir) },
	}
	dataFlag(cmd, &dir)
	return cmd
}

func (a *app) retain(ctx context.Context, path, dir string) error {
	s, dir, err := a.existing(path, dir)
	if err != nil {
		return err
	}
	if s.Log == (spec.Log{}) {
		return orrery.Errorf(orrery.Invalid, "nothing_to_retain", "%s keeps all of its log", s.Path).
			WithNext("say how much is kept: log: {keep: 400d}")
	}
	var done serve.Retained
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, _ store.Store) error {
		done, err = engine.Retain(ctx)
		return err
	})
	if inUse(err) {
		if running, runningErr := runningServer(dir); runningErr == nil {
			return orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "the server at %s has the data open, and cuts the log by itself", running.Address).
				WithNext("leave it to the server, or stop it first")
		}
	}
	if err != nil {
		return err
	}
	a.print(done, func(w io.Writer) {
		fmt.Fprintf(w, "cut off %d events in %d records; the log begins with %s and takes about %s\n",
			done.Events, done.Records, serve.DecisionID(done.First), sizeWords(done.Bytes))
		if done.Held != "" {
			fmt.Fprintf(w, "more would go but for this: %s\n", done.Held)
		}
	})
	return nil
}

// sizeWords writes a number of bytes for a person.
func sizeWords(n int64) string {
	unit, x := "B", float64(n)
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if x < 1000 {
			break
		}
		unit, x = u, x/1000
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", x, unit)
}
