package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/backup"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// archiveSuffixes end the names of backups that are one file.
var archiveSuffixes = []string{".tar.zst", ".tar"}

func (a *app) backupCommand() *cobra.Command {
	var dir, to, vaultTo string
	var keep int
	cmd := &cobra.Command{
		Use:   "backup FILE|DIR --to PATH",
		Short: "Copy a system's data, while it serves or not",
		Long: `Backup copies the data directory of a system as it is at one moment: the feature
state, then the log, then releases and models. A running server goes on serving;
it makes the copy and sends it. What was acknowledged before the command began is
in the backup.

A PATH that ends in .tar.zst or .tar is one file, a new one. Any other PATH is a
folder that holds any number of backups: each adds only what has changed. A
manifest with the checksum of every file is written last; what has none is no
backup.

The vault, which has the keys of what is personal, is in no backup: forgetting
somebody would not reach it there. With --vault it is copied to a path of its own,
in the place of the copy before. See docs/privacy.md.`,
		Example: "  orrery backup systems/fraud --to backups\n  orrery backup systems/fraud --to backups --keep 7\n  orrery backup systems/fraud --to fraud.tar.zst",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == "" {
				return usagef("backup needs --to PATH; see orrery backup --help")
			}
			if keep < 0 || keep > 0 && isArchive(to) {
				return usagef("--keep takes the number of backups to keep in a folder")
			}
			return a.backup(cmd.Context(), args[0], dir, to, vaultTo, keep)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&to, "to", "", "the file or the folder to write to")
	cmd.Flags().StringVar(&vaultTo, "vault", "", "copy the vault to this file, in the place of what is there")
	cmd.Flags().IntVar(&keep, "keep", 0, "remove all but so many of the folder's newest backups, when this one is written")
	return cmd
}

func isArchive(path string) bool {
	for _, suffix := range archiveSuffixes {
		if strings.HasSuffix(path, suffix) {
			return true
		}
	}
	return false
}

// backedUp is what a backup came to.
type backedUp struct {
	To       string        `json:"to"`
	Number   int           `json:"number,omitempty"`
	Offset   orrery.Offset `json:"log_offset"`
	Files    int           `json:"files"`
	Bytes    int64         `json:"bytes"`
	NewBytes int64         `json:"new_bytes"`
	Seconds  float64       `json:"seconds"`
	// Vault is where the vault was copied to; Keys says that there is one.
	Vault string `json:"vault,omitempty"`
	Keys  bool   `json:"has_vault,omitempty"`
}

func (a *app) backup(ctx context.Context, path, dir, to, vaultTo string, keep int) error {
	s, dir, err := a.existing(path, dir)
	if err != nil {
		return err
	}
	begun := time.Now()
	var done *backedUp
	take := func(write func(io.Writer) error) error {
		done, err = keepBackup(to, write)
		return err
	}
	err = withStore(dir, func(st store.Store) error {
		last, err := st.Log().Last()
		if err != nil {
			return err
		}
		return audited(st, "backup", s.System, func() error {
			return take(func(w io.Writer) error { return writeBackup(w, st, s, last) })
		})
	})
	err = orByServer(err, dir, func(c *client) error {
		return take(func(w io.Writer) error { return c.download(ctx, "/v1/systems/"+s.System+"/backup", w) })
	})
	if err != nil {
		return err
	}
	if keep > 0 {
		folder, err := backup.OpenFolder(to)
		if err == nil {
			err = folder.Keep(keep)
		}
		if err != nil {
			return err
		}
	}
	// After the data, so that the copy knows everybody whom the data names.
	if done.Keys, err = keepVault(dir, vaultTo); err != nil {
		return err
	}
	done.Vault = vaultTo
	done.Seconds = time.Since(begun).Seconds()
	a.print(done, func(w io.Writer) {
		name := done.To
		if done.Number > 0 {
			name = fmt.Sprintf("backup %d in %s", done.Number, done.To)
		}
		fmt.Fprintf(w, "%s: the log up to offset %d, %d files, %d bytes, %d of them new, in %.1f s\n", name, done.Offset, done.Files, done.Bytes, done.NewBytes, done.Seconds)
		switch {
		case done.Vault != "":
			fmt.Fprintf(w, "the vault: %s, in the place of any copy before\n", done.Vault)
		case done.Keys:
			fmt.Fprintln(w, "the keys of what is personal are not in it: copy the vault too, with --vault FILE")
		}
	})
	return nil
}

// checkpointer is a store that can be copied while it is used.
type checkpointer interface {
	Checkpoint(use func(dir string) error) error
}

// writeBackup writes a copy of a store as a stream. Who adds files of another
// sort to the data directory (audit, keys) adds them here: the copy that use is
// given is a directory of its own, to which they can be copied, after the log.
func writeBackup(w io.Writer, st store.Store, s *spec.Spec, last orrery.Offset) error {
	copied, ok := st.(checkpointer)
	if !ok {
		return orrery.Errorf(orrery.Unavailable, "backup_unsupported", "this store keeps nothing on disk")
	}
	info := backup.Info{System: s.System, Made: time.Now().UTC().Truncate(time.Second), Offset: last}
	return copied.Checkpoint(func(dir string) error { return backup.Write(w, os.DirFS(dir), info) })
}

// Backup implements api.Jobs: feature state first, then the log.
func (j *jobs) Backup(ctx context.Context, w io.Writer) error {
	last := j.engine.Last()
	if err := j.engine.Flush(ctx); err != nil {
		return err
	}
	return writeBackup(w, j.store, j.spec, last)
}

// keepBackup reads a stream as write writes it, and keeps it at a path.
func keepBackup(to string, write func(io.Writer) error) (*backedUp, error) {
	from, into := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		err := write(into)
		_ = into.CloseWithError(err) // A nil err is the end of the stream.
		wrote <- err
	}()
	done, err := keepStream(to, from)
	_ = from.CloseWithError(err)
	// Why nothing came is more to the point than that it ended.
	if writeErr := <-wrote; writeErr != nil && !errors.Is(writeErr, err) {
		err = writeErr
	}
	return done, err
}

func keepStream(to string, from io.Reader) (*backedUp, error) {
	if !isArchive(to) {
		folder, err := backup.MakeFolder(to)
		if err != nil {
			return nil, err
		}
		added, err := folder.Add(from)
		if err != nil {
			return nil, err
		}
		return &backedUp{To: to, Number: added.Number, Offset: added.Manifest.Offset, Files: added.Files, Bytes: added.Bytes, NewBytes: added.NewBytes}, nil
	}
	return keepArchive(to, from)
}

// keepArchive writes a stream to a file, under another name until it is whole.
func keepArchive(to string, from io.Reader) (done *backedUp, err error) {
	if _, err := os.Stat(to); err == nil {
		return nil, orrery.Errorf(orrery.Conflict, "file_exists", "%s exists", to).WithNext("name a new file")
	}
	temp := to + ".new"
	file, err := os.Create(temp)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	var packed io.WriteCloser = nopCloser{file}
	if strings.HasSuffix(to, ".zst") {
		if packed, err = zstd.NewWriter(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	done = &backedUp{To: to}
	// What is written is read on the way, and so known to be whole.
	m, err := backup.Read(io.TeeReader(from, packed), "the copy", func(f backup.File, content io.Reader) (string, error) {
		done.Files, done.Bytes = done.Files+1, done.Bytes+f.Size
		return backup.Sum(content)
	})
	if err = errors.Join(err, packed.Close(), file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	done.Offset, done.NewBytes = m.Offset, done.Bytes
	return done, renameDurably(temp, to)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// renameDurably gives a file that is synced its final name.
func renameDurably(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return backup.SyncParent(to)
}

// download copies the body of an answer.
func (c *client) download(ctx context.Context, path string, w io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	response, err := c.perform(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return problemError(response)
	}
	if _, err = io.Copy(w, response.Body); err != nil {
		return orrery.Errorf(orrery.Unavailable, "backup_cut_short", "the server at %s did not send the whole backup", c.base).Because(err).
			WithNext("look at the server's log, and try again")
	}
	return nil
}
