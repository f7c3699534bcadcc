package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

func (a *app) doctorCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "doctor DATA_DIR",
		Short: "Check a data directory, and say what is wrong and what to do",
		Long: `Doctor reads all of a data directory and compares every checksum: the log, its
order and that every record can be read; that a repeat of every event would be
recognised; releases and models; feature state; the clock; the room on the disk.
It changes nothing. The status is 1 when there is a problem.`,
		Example: "  orrery doctor orrery-data/fraud --spec systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.doctor(cmd.Context(), args[0], path) },
	}
	cmd.Flags().StringVar(&path, "spec", "", "the system's FILE or DIR, to see whether it fits the data")
	return cmd
}

// diagnosis is what doctor found.
type diagnosis struct {
	Dir      string          `json:"dir"`
	OK       bool            `json:"ok"`
	Findings []serve.Finding `json:"findings"`
}

func (d *diagnosis) add(check, fine string, problem error) {
	f := serve.Finding{Check: check, OK: problem == nil, Detail: fine}
	if problem != nil {
		f.Detail = problem.Error()
		var known *orrery.Error
		if errors.As(problem, &known) {
			f.Next = known.Next
			if f.Detail = known.Message; known.Err != nil {
				f.Detail += ": " + known.Err.Error()
			}
		}
	}
	d.Findings = append(d.Findings, f)
}

func (a *app) doctor(ctx context.Context, dir, path string) error {
	var s *spec.Spec
	var err error
	if path != "" {
		if s, err = a.loadSpec(path); err != nil {
			return err
		}
	}
	d := &diagnosis{Dir: dir}
	st, err := pebble.OpenReadOnly(dir, pebble.Options{})
	if inUse(err) {
		if running, runningErr := runningServer(dir); runningErr == nil {
			return orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "the server at %s has %s open", running.Address, dir).
				WithNext("stop the server, or look at a backup of it: orrery backup")
		}
	}
	switch orrery.CodeOf(err) {
	case "data_dir_in_use", "data_dir_newer", "data_dir_not_ours", "data_dir_missing", "data_dir_permission":
		return err
	}
	d.add("directory", "it is a data directory, and nobody else has it open", err)
	if err == nil {
		err = errors.Join(a.examine(ctx, d, st, s), st.Close())
		if err != nil {
			return err
		}
	}
	d.add("disk", roomWords(dir), roomError(dir))
	d.OK = true
	for _, f := range d.Findings {
		d.OK = d.OK && f.OK
	}
	a.print(d, func(w io.Writer) { printDiagnosis(w, d) })
	if !d.OK {
		return errReported
	}
	return nil
}

// examine adds what is found in an open store.
func (a *app) examine(ctx context.Context, d *diagnosis, st *pebble.Store, s *spec.Spec) error {
	bar := a.bar("checksums", "keys", 0)
	logErr, stateErr := st.ReadAll(ctx, bar.Set)
	bar.Stop()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d.add("log files", "every block of the log is as it was written", logErr)
	if stateErr != nil {
		stateErr = orrery.Errorf(orrery.Damaged, "state_damaged", "feature state cannot be read as it was written").Because(stateErr).
			WithNext("remove %s: it is rebuilt from the log at the next start", filepath.Join(d.Dir, "state"))
	}
	d.add("state files", "every block of the state is as it was written", stateErr)
	n, err := checkBlobs(st.Blob())
	d.add("blobs", fmt.Sprintf("%d files, each as its name says", n), err)
	if logErr != nil {
		return nil // What is in it cannot be relied on.
	}
	last, _ := st.Log().Last()
	first, _ := st.Log().First()
	bar = a.bar("records", "records", 0)
	bar.SetTotal(int64(last - first + 1))
	found, err := serve.Examine(ctx, st, builtin.Registry(), s, orrery.InstantOf(time.Now()), bar.Set)
	bar.Stop()
	d.Findings = append(d.Findings, found...)
	return err
}

func checkBlobs(blobs store.Blob) (int, error) {
	names, err := blobs.List()
	var problems []error
	for _, name := range names {
		if _, err := blobs.Get(name); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		err = orrery.Errorf(orrery.Damaged, "blob_damaged", "%d of %d files are not as they were written", len(problems), len(names)).
			Because(errors.Join(problems...)).WithNext("restore those files from a backup: releases and models are in them")
	}
	return len(names), err
}

// Little room left is a problem before it is full: 1 GB, or a fiftieth.
const (
	leastRoom  = 1e9
	leastShare = 50
)

func roomWords(dir string) string {
	free, total, ok := diskRoom(dir)
	if !ok {
		return "this system does not tell how much room is left"
	}
	return fmt.Sprintf("%s of %s free", sizeWords(free), sizeWords(total))
}

func roomError(dir string) error {
	free, total, ok := diskRoom(dir)
	if !ok || free >= leastRoom && free >= total/leastShare {
		return nil
	}
	return orrery.Errorf(orrery.Unavailable, "disk_full", "only %s of %s are free", sizeWords(free), sizeWords(total)).
		WithNext("make room, move the data to a larger disk, or keep less: log: {keep: 400d}")
}

func printDiagnosis(w io.Writer, d *diagnosis) {
	problems := 0
	for _, f := range d.Findings {
		mark := "ok     "
		if !f.OK {
			mark = "PROBLEM"
			problems++
		}
		fmt.Fprintf(w, "%s  %-11s  %s\n", mark, f.Check, f.Detail)
		if f.Next != "" {
			fmt.Fprintf(w, "         %-11s  to do: %s\n", "", f.Next)
		}
	}
	switch problems {
	case 0:
		fmt.Fprintf(w, "%s is sound\n", d.Dir)
	case 1:
		fmt.Fprintf(w, "%s has a problem\n", d.Dir)
	default:
		fmt.Fprintf(w, "%s has %d problems\n", d.Dir, problems)
	}
}
