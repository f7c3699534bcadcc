package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/store"
)

func (a *app) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list, rotate and revoke API keys",
		Long: `Keys says who may ask a server for what. A key is for systems and for verbs:
ingest (record events), decide, read (decisions, features, metrics) and admin
(train, verify, keys, controls, audit); no verb implies another. The store keeps
digests only: a token is shown once.

From the first key on, every client of the system needs one, on every address,
and that stays so when the last key is revoked.

The commands work on the data directory, or through the server that has it open;
then they need a key for admin of every system in $` + keyVariable + `, if there are keys
already. What they do takes effect at once and is recorded: see orrery audit.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.keysCreateCommand(), a.keysListCommand(), a.keysRotateCommand(), a.keysRevokeCommand())
	return cmd
}

func (a *app) keysCreateCommand() *cobra.Command {
	var dir string
	var request api.KeyRequest
	var verbs []string
	cmd := &cobra.Command{
		Use:     "create FILE|DIR --name NAME --verbs VERB,...",
		Short:   "Make a key and show its token, this once",
		Example: "  orrery keys create systems/fraud --name checkout --verbs decide,ingest --expires 90d",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, verb := range verbs {
				request.Verbs = append(request.Verbs, access.Verb(verb))
			}
			s, err := a.loadSpec(args[0])
			if err != nil {
				return err
			}
			var made *api.NewKey
			err = withKeys(cmd.Context(), dataDir(dir, s), "POST", "/v1/keys", request, &made, func(keys *access.Keys) error {
				made, err = api.CreateKey(keys, access.Local, request)
				return err
			})
			return a.showToken(made, err)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&request.Name, "name", "", "who or what will use the key")
	cmd.Flags().StringSliceVar(&verbs, "verbs", nil, "what the key is for: some of ingest, decide, read, admin")
	cmd.Flags().StringSliceVar(&request.Systems, "systems", []string{access.Everything}, "the systems that the key is for; * for every one")
	cmd.Flags().StringVar(&request.ExpiresIn, "expires", "", "how long the key works, as in 90d (default: until it is revoked)")
	return cmd
}

func (a *app) keysListCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "list FILE|DIR", Short: "List the keys", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, dir, err := a.existing(args[0], dir)
			if err != nil {
				return err
			}
			var list *api.KeyList
			err = withKeys(cmd.Context(), dir, "GET", "/v1/keys", nil, &list, func(keys *access.Keys) error {
				list = &api.KeyList{Keys: keys.List()}
				return nil
			})
			if err == nil {
				a.print(list, func(w io.Writer) { printKeys(w, list.Keys) })
			}
			return err
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}

func (a *app) keysRotateCommand() *cobra.Command {
	var dir string
	var request api.KeyRotation
	cmd := &cobra.Command{
		Use:     "rotate FILE|DIR ID",
		Short:   "Give a key another token; the one before works for the overlap that is left",
		Example: "  orrery keys rotate systems/fraud k4wq2m7c --overlap 24h",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, dir, err := a.existing(args[0], dir)
			if err != nil {
				return err
			}
			var made *api.NewKey
			err = withKeys(cmd.Context(), dir, "POST", "/v1/keys/"+url.PathEscape(args[1])+"/rotate", request, &made, func(keys *access.Keys) error {
				made, err = api.RotateKey(keys, access.Local, args[1], request)
				return err
			})
			return a.showToken(made, err)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&request.Overlap, "overlap", "24h", "how long the token before works too; 0s for not at all")
	return cmd
}

func (a *app) keysRevokeCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "revoke FILE|DIR ID", Short: "End a key at once", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, dir, err := a.existing(args[0], dir)
			if err != nil {
				return err
			}
			var key *access.Key
			err = withKeys(cmd.Context(), dir, "POST", "/v1/keys/"+url.PathEscape(args[1])+"/revoke", struct{}{}, &key, func(keys *access.Keys) error {
				revoked, err := keys.Revoke(access.Local, args[1])
				key = &revoked
				return err
			})
			if err == nil {
				a.print(key, func(w io.Writer) { fmt.Fprintf(w, "key %s (%s) is revoked\n", key.ID, key.Name) })
			}
			return err
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}

// withKeys works on the keys of a data directory, or asks the server that has
// it open; the answer goes to into then.
func withKeys(ctx context.Context, dir, method, path string, body, into any, work func(*access.Keys) error) error {
	err := withStore(dir, func(st store.Store) error {
		keys, err := access.Open(st.Meta(), nil)
		if err != nil {
			return err
		}
		return work(keys)
	})
	return orByServer(err, dir, func(c *client) error {
		if method == "GET" {
			return c.get(ctx, path, into)
		}
		return c.post(ctx, path, body, into)
	})
}

// showToken prints a token that nobody will see again.
func (a *app) showToken(made *api.NewKey, err error) error {
	if err != nil {
		return err
	}
	a.print(made, func(w io.Writer) {
		fmt.Fprintf(w, "key %s (%s), for %s of %s\n", made.Key.ID, made.Key.Name, joinVerbs(made.Key.Verbs), strings.Join(made.Key.Systems, ", "))
		if until := made.Key.PreviousUntil; !until.IsZero() {
			fmt.Fprintf(w, "its token before works until %s\n", until.Format(time.RFC3339))
		}
		fmt.Fprintf(w, "\n  %s\n\nkeep it now: it is not stored and cannot be shown again\n", made.Token)
	})
	return nil
}

func printKeys(w io.Writer, keys []access.Key) {
	if len(keys) == 0 {
		fmt.Fprintln(w, "no key has been made: a server listens on this machine only, and asks for none")
		return
	}
	date := func(t time.Time, none string) string {
		if t.IsZero() {
			return none
		}
		return t.Format("2006-01-02 15:04")
	}
	rows := [][]string{{"ID", "NAME", "VERBS", "SYSTEMS", "STATE", "CREATED", "EXPIRES", "LAST USED"}}
	for _, k := range keys {
		rows = append(rows, []string{k.ID, k.Name, joinVerbs(k.Verbs), strings.Join(k.Systems, ","), k.State(time.Now()),
			date(k.Created, ""), date(k.Expires, "never"), date(k.LastUsed, "never")})
	}
	table(w, rows...)
}

func joinVerbs(verbs []access.Verb) string {
	var names []string
	for _, verb := range verbs {
		names = append(names, string(verb))
	}
	return strings.Join(names, ",")
}
