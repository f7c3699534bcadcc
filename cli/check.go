package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"orrery.dev/builtin"
	"orrery.dev/cli/progress"
	"orrery.dev/spec"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE|DIR",
		Short: "Report every fault of a system's file",
		Long: `Check reports every fault of a system's file in one pass: where it is, what is
wrong and what was likely meant. The status is 1 when there is a fault.`,
		Example: "  orrery check systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.check(args[0]) },
	}
}

func (a *app) check(path string) error {
	s, diagnostics, err := spec.Load(path, builtin.Registry())
	if err != nil {
		return err
	}
	if a.json {
		if diagnostics == nil {
			diagnostics = spec.Diagnostics{}
		}
		a.printJSON(map[string]any{"ok": s != nil, "diagnostics": diagnostics})
	} else {
		spec.Render(a.out, diagnostics, a.color())
	}
	if s == nil {
		return errReported
	}
	if !a.json {
		describeSpec(a.out, s)
	}
	return nil
}

func describeSpec(w io.Writer, s *spec.Spec) {
	model := "no model"
	if s.Model != nil {
		model = fmt.Sprintf("a %s model on %d of them", s.Model.Kind, len(s.Model.Features))
	}
	fmt.Fprintf(w, "%s is fine: %d events, %d features, %s, %d rules\n", s.Path, len(s.Contract.Events), len(s.Features), model, len(s.Policy))
}

func (a *app) color() bool {
	file, ok := a.out.(*os.File)
	return ok && progress.IsTerminal(file) && os.Getenv("NO_COLOR") == ""
}

// loadSpec loads a system's file for a command that needs a sound one.
func (a *app) loadSpec(path string) (*spec.Spec, error) {
	s, diagnostics, err := spec.Load(path, builtin.Registry())
	if err != nil {
		return nil, err
	}
	if s == nil {
		spec.Render(a.err, diagnostics, false)
		return nil, errReported
	}
	return s, nil
}
