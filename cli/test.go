package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orrery.dev/cases"
	"orrery.dev/plan"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

func (a *app) testCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "test FILE|DIR",
		Short: "Run a system's own cases",
		Long: `Test runs the cases in test.yaml beside the system's file: a few events in, and
the features, the score, the action, the fallback and the reasons expected of
the last of them. A case starts from nothing; it may put keys on lists (lists:),
pause the system (paused: true) or miss the score (fallback: deadline). Scores are looked at when --data names the data of a
system whose model has been trained. The status is 1 when a case fails.`,
		Example: "  orrery test systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.test(cmd.Context(), args[0], dir) },
	}
	cmd.Flags().StringVar(&dir, "data", "", "the data directory whose model scores (default: none)")
	return cmd
}

func (a *app) test(ctx context.Context, path, dir string) error {
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	file := filepath.Join(filepath.Dir(path), cases.FileName)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file = filepath.Join(path, cases.FileName)
	}
	list, err := cases.Load(file)
	if err != nil {
		return err
	}
	p, err := a.planToTest(ctx, s, dir)
	if err != nil {
		return err
	}
	results, failed := make([]cases.Result, len(list)), 0
	for i := range list {
		results[i] = cases.Run(p, &list[i])
		if !results[i].Passed {
			failed++
		}
	}
	a.print(map[string]any{"cases": results, "failed": failed}, func(w io.Writer) { printCases(w, results, failed) })
	if failed > 0 {
		return errReported
	}
	return nil
}

// planToTest compiles the spec, with the model in force in a data directory if
// one is named.
func (a *app) planToTest(ctx context.Context, s *spec.Spec, dir string) (*plan.Plan, error) {
	if dir == "" {
		return plan.Compile("", s, nil)
	}
	if err := requireData(dir); err != nil {
		return nil, err
	}
	var p *plan.Plan
	err := a.withEngine(ctx, s, dir, func(engine *serve.Engine, _ store.Store) error {
		p = engine.Plan()
		return nil
	})
	return p, err
}

func printCases(w io.Writer, results []cases.Result, failed int) {
	for _, r := range results {
		switch {
		case r.Error != "":
			fmt.Fprintf(w, "FAIL  %s\n      %s\n", r.Name, r.Error)
		case r.Passed:
			fmt.Fprintf(w, "ok    %s\n", r.Name)
		default:
			fmt.Fprintf(w, "FAIL  %s\n", r.Name)
			rows := make([][]string, len(r.Differences))
			for i, d := range r.Differences {
				rows[i] = []string{"      " + d.What, "want " + d.Want, "got " + d.Got}
			}
			table(w, rows...)
		}
		if r.Skipped != "" {
			fmt.Fprintf(w, "      not looked at: %s\n", r.Skipped)
		}
	}
	fmt.Fprintf(w, "%d cases, %d failed\n", len(results), failed)
}
