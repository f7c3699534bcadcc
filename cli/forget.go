package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"orrery.dev/api"
	"orrery.dev/control"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

func (a *app) forgetCommand() *cobra.Command {
	var dir, system string
	var note control.Note
	cmd := &cobra.Command{
		Use:   "forget ENTITY=KEY --system FILE|DIR",
		Short: "Destroy the key of what is personal of somebody",
		Long: `Forget destroys the key under which the personal fields of somebody's events, and
the decisions on them, are kept: in the log, in every backup of it, wherever a copy
went. Nobody can read them from then on. Decisions are answered as erased and
counted so by orrery replay --verify; the entity's state is dropped; a pseudonym
keeps what the features of others count.

A copy of the vault (see orrery backup --vault) still has the key: replace it after
forgetting. Models that were trained before are not trained again. What else stays
possible is in docs/privacy.md.`,
		Example: "  orrery forget customer=596 --system systems/fraud --reason \"asked on 3 May\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			entity, key, ok := strings.Cut(args[0], "=")
			if !ok || key == "" {
				return usagef("forget takes ENTITY=KEY")
			}
			return a.forget(cmd.Context(), system, dir, api.ForgetRequest{Entity: entity, Key: api.Key(key), By: note.By, Reason: note.Reason})
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&system, "system", "systems/fraud", "the system's FILE or DIR")
	noteFlags(cmd, &note)
	return cmd
}

func (a *app) forget(ctx context.Context, path, dir string, request api.ForgetRequest) error {
	done := &serve.Forgetting{}
	err := a.either(ctx, path, dir, "forget", func(_ *spec.Spec, engine *serve.Engine) (err error) {
		done, err = api.Forget(ctx, engine, request)
		return err
	}, func(base string, c *client) error {
		return c.post(ctx, base+"/forget", request, done)
	})
	if err != nil {
		return err
	}
	a.print(done, func(w io.Writer) {
		switch {
		case done.Pseudonym != "":
			fmt.Fprintf(w, "forgotten, as of offset %d; the pseudonym %s stays where others' features count it\n", done.Offset, done.Pseudonym)
		case done.Offset != 0:
			fmt.Fprintf(w, "nothing personal was kept; the state is dropped as of offset %d\n", done.Offset)
		default:
			fmt.Fprintln(w, "nothing was known")
		}
	})
	return nil
}
