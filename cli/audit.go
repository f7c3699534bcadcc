package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev/access"
	"orrery.dev/api"
	"orrery.dev/store"
)

func (a *app) auditCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "audit FILE|DIR",
		Short: "Print who did what: every administrative act",
		Long: `Audit prints the audit trail: who did what, when, from where, and how it ended.
Each entry carries a hash of itself and of the one before; audit checks them all
and fails where the trail is not as it was written. Keep the last hash elsewhere
to be sure that the whole of it was not written anew.`,
		Example: "  orrery audit systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, dir, err := a.existing(args[0], dir)
			if err != nil {
				return err
			}
			entries, fault := readAudit(cmd.Context(), dir)
			if len(entries) > 0 || fault == nil {
				a.print(map[string]any{"entries": entries}, func(w io.Writer) { printAudit(w, entries, fault == nil) })
			}
			return fault
		},
	}
	dataFlag(cmd, &dir)
	return cmd
}

// readAudit gives the trail up to its end or to where it is broken.
func readAudit(ctx context.Context, dir string) ([]access.Entry, error) {
	entries := []access.Entry{}
	err := withStore(dir, func(st store.Store) error {
		keys, err := access.Open(st.Meta(), nil)
		if err != nil {
			return err
		}
		for e, err := range keys.Trail().Entries(0) {
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	return entries, orByServer(err, dir, func(c *client) error {
		for after := uint64(0); ; {
			var page api.AuditPage
			if err := c.get(ctx, fmt.Sprintf("/v1/audit?after=%d", after), &page); err != nil {
				return err
			}
			entries = append(entries, page.Entries...)
			if after = page.Next; after == 0 {
				return nil
			}
		}
	})
}

// audited does an administrative act on a store that this process has open, and
// records it.
func audited(st store.Store, act, target string, do func() error) error {
	keys, err := access.Open(st.Meta(), nil)
	if err != nil {
		return err
	}
	return keys.Trail().Act(access.Local, act, target, do)
}

func printAudit(w io.Writer, entries []access.Entry, whole bool) {
	if len(entries) == 0 {
		fmt.Fprintln(w, "nothing has been done yet")
		return
	}
	rows := [][]string{{"#", "AT", "WHO", "FROM", "ACT", "ON", "OUTCOME"}}
	for _, e := range entries {
		outcome := e.Outcome
		if e.Begun > 0 {
			outcome += fmt.Sprintf(" (began as %d)", e.Begun)
		}
		rows = append(rows, []string{fmt.Sprint(e.Seq), e.At.Format(time.RFC3339), e.Actor, e.From, e.Act, e.Target, outcome})
	}
	table(w, rows...)
	if !whole {
		return
	}
	fmt.Fprintf(w, "\nwhole; the last hash is %s\n", entries[len(entries)-1].Hash)
}
