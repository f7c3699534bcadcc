package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

type ingestFlags struct {
	dir    string
	events []string
	live   bool
	// received names the column that says when an event became known.
	received string
}

func (a *app) ingestCommand() *cobra.Command {
	var f ingestFlags
	cmd := &cobra.Command{
		Use:   "ingest FILE|DIR --events EVENT=FILE...",
		Short: "Read files of events into the log",
		Long: `Ingest reads files into the log, all together in time order. At the same instant,
events that are not decided on come first, then files go in the order given,
then lines. History is taken to have been known when it happened; with
--received now, it counts as received now.

A bad event is refused on its own line with a reason; the good ones are
recorded. The status is 1 when any was refused. An event that was recorded
before is recognised by its id, so that an ingest can be run again.

Files are CSV, NDJSON or Parquet; CSV and NDJSON plain, gzip or zstd.`,
		Example: "  orrery ingest systems/fraud --events transaction=transactions.csv.gz --events fraud_report=fraud_reports.csv.gz",
		Args:    cobra.ExactArgs(1),
	}
	var received string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if received != "event_time" && received != "now" {
			return usagef("--received takes event_time or now, not %q", received)
		}
		f.live = received == "now"
		if f.live && f.received != "" {
			return usagef("--received now and --received-column contradict each other")
		}
		return a.ingest(cmd.Context(), args[0], f)
	}
	dataFlag(cmd, &f.dir)
	cmd.Flags().StringArrayVar(&f.events, "events", nil, "EVENT=FILE: a CSV, NDJSON or Parquet file of one event type; may be repeated")
	cmd.Flags().StringVar(&received, "received", "event_time", "when the events became known: event_time or now")
	cmd.Flags().StringVar(&f.received, "received-column", "", "the column that says when each event became known")
	return cmd
}

// IngestSummary says what became of the events of files.
type IngestSummary struct {
	Read     int64 `json:"read"`
	Recorded int64 `json:"recorded"`
	// Repeated events had been recorded before.
	Repeated int64 `json:"repeated"`
	Refused  int64 `json:"refused"`
	// Reasons counts the refused by code, First has the first few.
	Reasons map[string]int64   `json:"reasons,omitempty"`
	First   []ingest.Rejection `json:"first,omitempty"`
	Notices []string           `json:"notices,omitempty"`
	Seconds float64            `json:"seconds"`
}

func (a *app) ingest(ctx context.Context, path string, f ingestFlags) error {
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	if len(f.events) == 0 {
		return usagef("ingest needs --events EVENT=FILE; see orrery ingest --help")
	}
	inputs, err := parseInputs(f.events, f.received, s)
	if err != nil {
		return err
	}
	dir := dataDir(f.dir, s)
	var summary *IngestSummary
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, _ store.Store) error {
		summary, err = a.ingestFiles(ctx, s, inputs, func(events []orrery.Event) ([]serve.Result, error) {
			return engine.Ingest(ctx, events, !f.live)
		})
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		if f.received != "" {
			return orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "a server has the data open, and received times cannot be sent to it").
				WithNext("stop the server while the files are read")
		}
		summary, err = a.ingestFiles(ctx, s, inputs, c.sender(ctx, s, f.live))
		return err
	})
	if summary != nil {
		a.print(summary, func(w io.Writer) { printIngest(w, summary) })
	}
	if err == nil && summary.Refused > 0 {
		return errReported
	}
	return err
}

// sendBatch is how many events are recorded together.
const sendBatch = 4096

// firstKept is how many refusals a summary shows.
const firstKept = 20

// ingestFiles reads files in time order and sends their events in batches.
func (a *app) ingestFiles(ctx context.Context, s *spec.Spec, inputs []ingest.Input, send func([]orrery.Event) ([]serve.Result, error)) (*IngestSummary, error) {
	files, err := replay.FromFiles(ctx, s, inputs, replay.FileOptions{CheckOrder: true, Sort: true})
	if err != nil {
		return nil, err
	}
	defer files.Close()
	bar := a.bar("ingest", "events", 0)
	summary := &IngestSummary{Reasons: map[string]int64{}}
	begun := time.Now()
	for {
		batch, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			bar.Stop()
			return summary.finish(files, begun), err
		}
		for events := batch.Events; len(events) > 0; {
			n := min(len(events), sendBatch)
			results, err := send(events[:n])
			if err != nil {
				bar.Stop()
				return summary.finish(files, begun), err
			}
			summary.add(results)
			events = events[n:]
		}
		bar.Set(summary.Recorded + summary.Repeated)
	}
	bar.Done("")
	return summary.finish(files, begun), nil
}

func (s *IngestSummary) add(results []serve.Result) {
	for i := range results {
		r := &results[i]
		switch {
		case r.Err != nil:
			s.refuse(orrery.CodeOf(r.Err), ingest.Rejection{Faults: []ingest.Fault{{Code: orrery.CodeOf(r.Err), Message: r.Err.Error()}}})
		case r.Repeated:
			s.Repeated++
		default:
			s.Recorded++
		}
	}
}

func (s *IngestSummary) refuse(code string, r ingest.Rejection) {
	s.Refused++
	s.Reasons[code]++
	if len(s.First) < firstKept {
		s.First = append(s.First, r)
	}
}

// finish adds what the reading of the files found.
func (s *IngestSummary) finish(files *replay.FileSource, begun time.Time) *IngestSummary {
	stats := files.Stats()
	s.Refused += stats.Refused
	for code, n := range stats.Reasons {
		s.Reasons[code] += n
	}
	s.First = append(stats.First, s.First...)
	s.First = s.First[:min(len(s.First), firstKept)]
	s.Repeated += stats.Repeated
	s.Read = s.Recorded + s.Repeated + s.Refused
	s.Notices = files.Notices()
	s.Seconds = time.Since(begun).Seconds()
	return s
}

func printIngest(w io.Writer, s *IngestSummary) {
	for _, notice := range s.Notices {
		fmt.Fprintf(w, "note: %s\n", notice)
	}
	for _, r := range s.First {
		fmt.Fprintln(w, r.String())
	}
	if more := s.Refused - int64(len(s.First)); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	fmt.Fprintf(w, "%d events read in %.1f s: %d recorded, %d repeated, %d refused\n", s.Read, s.Seconds, s.Recorded, s.Repeated, s.Refused)
	for _, code := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(w, "  refused as %s: %d\n", code, s.Reasons[code])
	}
}
