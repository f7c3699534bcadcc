package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/cli/progress"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store/pebble"
)

func (a *app) checkCommand() *cobra.Command {
	var against string
	cmd := &cobra.Command{
		Use:   "check FILE|DIR",
		Short: "Report every fault of a system's file",
		Long: `Check reports every fault of a system's file in one pass: where it is, what is
wrong and what was likely meant. The status is 1 when there is a fault.

With --against it says what the file would mean for data that is there, also
while a server runs on it: whether the two go together, which features' state is
kept, which must be built anew, and about how long that takes. The status is 1
when the data refuses it.`,
		Example: "  orrery check systems/fraud\n  orrery check systems/fraud --against orrery-data/fraud",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.check(cmd.Context(), args[0], against) },
	}
	cmd.Flags().StringVar(&against, "against", "", "a data directory that the file is to work on")
	return cmd
}

func (a *app) check(ctx context.Context, path, against string) error {
	s, diagnostics, err := spec.Load(path, builtin.Registry())
	if err != nil {
		return err
	}
	if diagnostics == nil {
		diagnostics = spec.Diagnostics{}
	}
	result := map[string]any{"ok": s != nil, "diagnostics": diagnostics}
	var effect *serve.Effect
	if s != nil && against != "" {
		if effect, err = a.against(ctx, s, against); err != nil {
			return err
		}
		result["against"] = effect
	}
	a.print(result, func(w io.Writer) {
		spec.Render(w, diagnostics, a.color())
		if s != nil {
			describeSpec(w, s)
		}
		if effect != nil {
			for _, line := range effect.Words() {
				fmt.Fprintln(w, line)
			}
		}
	})
	if s == nil || effect != nil && !effect.Compatible {
		return errReported
	}
	return nil
}

// against asks the data directory, or the server that has it open.
func (a *app) against(ctx context.Context, s *spec.Spec, dir string) (effect *serve.Effect, err error) {
	st, err := pebble.OpenReadOnly(dir, pebble.Options{})
	if err == nil {
		effect, err = serve.NewReader(st, builtin.Registry()).Against(ctx, s)
		return effect, errors.Join(err, st.Close())
	}
	err = orByServer(err, dir, func(c *client) error {
		var running struct {
			Systems []api.System `json:"systems"`
		}
		if err := c.get(ctx, "/v1/systems", &running); err != nil {
			return err
		}
		effect = &serve.Effect{}
		return c.do(ctx, http.MethodPost, "/v1/systems/"+running.Systems[0].Name+"/check", "application/yaml", bytes.NewReader(s.Source), effect)
	})
	return effect, err
}

func describeSpec(w io.Writer, s *spec.Spec) {
	fmt.Fprintf(w, "%s is fine: %d events, %d features, %s, %d rules\n",
		s.Path, len(s.Contract.Events), len(s.Features), describeModel(s.Model), len(s.Policy))
}

func describeModel(m *spec.Model) string {
	switch {
	case m == nil:
		return "no model"
	case !m.ReadsText:
		return fmt.Sprintf("a model of kind %s on %d of them", m.Kind, len(m.Features))
	case len(m.Features) == 0:
		return fmt.Sprintf("a model of kind %s on the text", m.Kind)
	}
	return fmt.Sprintf("a model of kind %s on the text and %d of them", m.Kind, len(m.Features))
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
