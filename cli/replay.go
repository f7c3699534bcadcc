package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"orrery.dev/builtin"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/text"
)

func (a *app) replayCommand() *cobra.Command {
	var dir string
	var verify bool
	cmd := &cobra.Command{
		Use:   "replay FILE|DIR --verify",
		Short: "Recompute what was recorded and compare, bit by bit",
		Long: `Replay runs the log through the plan again. With --verify it recomputes every
recorded decision, by the release that made it: features, score, rule and
action. It prints how many differ, and the status is 1 unless none does.

The library that runs ONNX models does not give the same bits on every machine. The
score of such a model is taken from the record, and what follows from it is
recomputed bit by bit; then scores are computed again, and those that are further
than 0.01 from the record count as well. Where models cannot be run, it says how
many scores were not computed again.`,
		Example: "  orrery replay systems/fraud --verify",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !verify {
				return usagef("replay needs --verify; see orrery replay --help")
			}
			return a.verify(cmd.Context(), args[0], dir)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().BoolVar(&verify, "verify", false, "compare with what was recorded")
	return cmd
}

func (a *app) verify(ctx context.Context, path, dir string) error {
	s, dir, err := a.existing(path, dir)
	if err != nil {
		return err
	}
	var v *replay.Verification
	err = withStore(dir, func(st store.Store) error {
		bar := a.bar("verify", "events", 0)
		v, err = serve.NewReader(st, builtin.Registry()).Verify(ctx, bar.Set)
		if err == nil {
			bar.Done("")
		}
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		v = &replay.Verification{}
		return c.post(ctx, "/v1/systems/"+s.System+"/verify", struct{}{}, v)
	})
	if err != nil {
		return err
	}
	a.print(v, func(w io.Writer) { printVerification(w, v) })
	if !v.Clean() {
		return errReported
	}
	return nil
}

func printVerification(w io.Writer, v *replay.Verification) {
	for _, d := range v.First {
		fmt.Fprintf(w, "%s, release %s: %s was recorded as %v and computes as %v\n", serve.DecisionID(d.Offset), d.Release.Short(), d.What, d.Recorded, d.Computed)
	}
	for _, o := range v.OtherForms {
		fmt.Fprintf(w, "%d decisions of release %s were made on version %d of texts' normal form and cannot be recomputed by this program, which reads version %d: verify them with the program that made them\n",
			o.Decisions, o.Release.Short(), o.Form, text.Form)
	}
	erased := ""
	if v.Erased > 0 {
		erased = fmt.Sprintf(", %d erased", v.Erased)
	}
	fmt.Fprintf(w, "%d events replayed, %d decisions recomputed, %d differ%s\n", v.Events, v.Decisions, v.Different, erased)
	if r := v.Encoded; r != nil {
		printRescored(w, r)
	}
}

func printRescored(w io.Writer, r *replay.Rescored) {
	if r.Scores > 0 {
		fmt.Fprintf(w, "%d scores of an ONNX model computed again, %d more than %v from the one recorded; the greatest difference is %.2g\n", r.Scores, r.Outside, r.Tolerance, r.Greatest)
	}
	if r.Left > 0 {
		fmt.Fprintf(w, "%d scores of an ONNX model were not computed again: %s\n", r.Left, r.Because)
	}
}
