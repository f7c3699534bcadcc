package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/backup"
	"orrery.dev/builtin"
	"orrery.dev/record"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/store"
)

func (a *app) restoreCommand() *cobra.Command {
	var number int
	var trust bool
	var from vaultSource
	cmd := &cobra.Command{
		Use:   "restore BACKUP DIR",
		Short: "Put a backup into a new data directory",
		Long: `Restore puts a backup, a file or a folder of backups, into a directory that does
not exist or is empty. Every file is held against its checksum, and then every
recorded decision is recomputed from the restored log. A directory that restore
has not finished with is not taken for a data directory.

Data with personal fields needs its vault, which is in no backup: --vault names the
newest copy, or the file of the live data directory. Whoever has been forgotten since
the backup is read as erased.`,
		Example: "  orrery restore backups restored\n  orrery restore fraud.tar.zst restored && orrery up systems/fraud --data restored",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.restore(cmd.Context(), args[0], args[1], number, !trust, from)
		},
	}
	cmd.Flags().IntVar(&number, "number", 0, "which of a folder's backups (default: the newest)")
	cmd.Flags().StringVar(&from.file, "vault", "", "the vault to read what is personal with")
	cmd.Flags().BoolVar(&from.none, "without-vault", false, "the vault is lost: read all that is personal as erased, from now on")
	cmd.MarkFlagsMutuallyExclusive("vault", "without-vault")
	cmd.Flags().BoolVar(&trust, "no-verify", false, "do not recompute the decisions; the checksums are held all the same")
	return cmd
}

// restored is what a restore came to.
type restored struct {
	Directory string        `json:"directory"`
	System    string        `json:"system"`
	Made      time.Time     `json:"made"`
	Files     int           `json:"files"`
	Offset    orrery.Offset `json:"log_offset"`
	// Received and Time are of the latest event.
	Received string               `json:"received,omitempty"`
	Time     string               `json:"event_time,omitempty"`
	Verified *replay.Verification `json:"verification,omitempty"`
}

func (a *app) restore(ctx context.Context, from, dir string, number int, verify bool, vault vaultSource) error {
	done := &restored{Directory: dir}
	look := func(dir string) error {
		if err := vault.place(dir); err != nil {
			return err
		}
		return withStore(dir, func(st store.Store) error {
			if err := vault.giveUp(st); err != nil {
				return err
			}
			return a.inspect(ctx, st, done, verify)
		})
	}
	m, err := backup.Restore(from, number, dir, look)
	if err != nil {
		return err
	}
	done.System, done.Made, done.Files = m.System, m.Made, len(m.Files)
	a.print(done, func(w io.Writer) {
		fmt.Fprintf(w, "%s holds the data of %s as of %s: %d files, the log up to offset %d\n", dir, done.System, done.Made.Format(time.RFC3339), done.Files, done.Offset)
		if done.Time != "" {
			fmt.Fprintf(w, "the last event happened at %s and was received at %s\n", done.Time, done.Received)
		}
		if done.Verified != nil {
			printVerification(w, done.Verified)
		}
	})
	return nil
}

// inspect reads what was restored, and recomputes it.
func (a *app) inspect(ctx context.Context, st store.Store, done *restored, verify bool) (err error) {
	if done.Offset, err = st.Log().Last(); err != nil {
		return err
	}
	reader := serve.NewReader(st, builtin.Registry())
	for at := done.Offset; at > 0; at-- {
		data, ok, err := st.Log().Get(at, store.EventRecord)
		if err != nil {
			return err
		}
		if ok {
			event, err := record.DecodeEvent(data, reader.Contract)
			if err != nil {
				return err
			}
			done.Received, done.Time = event.Received.String(), event.Time.String()
			break
		}
	}
	if !verify {
		return nil
	}
	bar := a.bar("verify", "events", int64(done.Offset))
	if done.Verified, err = reader.Verify(ctx, bar.Set); err != nil {
		return err
	}
	bar.Done("")
	if n := done.Verified.Different; n > 0 {
		printVerification(a.err, done.Verified)
		return orrery.Errorf(orrery.Damaged, "backup_differs", "%d of the restored decisions do not come out as they were recorded", n).
			WithNext("use another backup, or --no-verify to look at this one")
	}
	return nil
}
