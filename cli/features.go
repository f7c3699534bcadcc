package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

func (a *app) featuresCommand() *cobra.Command {
	var dir, system, at string
	cmd := &cobra.Command{
		Use:     "features ENTITY=KEY --system FILE|DIR",
		Short:   "Show what is known of one entity",
		Example: "  orrery features customer=596 --system systems/fraud --at 2018-07-18T09:30:00Z",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.features(cmd.Context(), args[0], dir, system, at)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&system, "system", "systems/fraud", "the system's FILE or DIR")
	cmd.Flags().StringVar(&at, "at", "", "the instant to look from (default: that of the latest event)")
	return cmd
}

func (a *app) features(ctx context.Context, arg, dir, system, atText string) error {
	entity, key, ok := strings.Cut(arg, "=")
	if !ok || key == "" {
		return usagef("features takes ENTITY=KEY, not %q", arg)
	}
	s, dir, err := a.existing(system, dir)
	if err != nil {
		return err
	}
	if !s.Contract.HasEntity(entity) {
		return orrery.Errorf(orrery.Invalid, "entity_unknown", "the system has no entity %q", entity).
			WithNext("it has %s", strings.Join(s.Contract.Entities, ", "))
	}
	var at orrery.Instant
	if atText != "" {
		if at, err = parseInstant(atText, s.Location); err != nil {
			return orrery.Errorf(orrery.Invalid, "instant_invalid", "%q is not an instant", atText).
				WithNext("write it as in 2018-07-18T09:30:00Z")
		}
	}
	known, err := a.known(ctx, s, dir, entity, key, at)
	if err != nil {
		return err
	}
	a.print(known, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s at %s\n\n", known.Entity, known.Key, known.At)
		printFeatures(w, known.Features)
	})
	return nil
}

func (a *app) known(ctx context.Context, s *spec.Spec, dir, entity, key string, at orrery.Instant) (*api.Knowledge, error) {
	var known *api.Knowledge
	err := a.withEngine(ctx, s, dir, func(engine *serve.Engine, _ store.Store) error {
		var err error
		known, err = api.Known(ctx, engine, entity, key, at)
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		path := fmt.Sprintf("/v1/systems/%s/entities/%s/%s/features", s.System, entity, url.PathEscape(key))
		if at != 0 {
			path += "?at=" + url.QueryEscape(at.String())
		}
		known = &api.Knowledge{}
		return c.get(ctx, path, known)
	})
	return known, err
}
