package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/replay"
	"orrery.dev/serve"
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

A bad event is refused on its own line with a reason, and put in quarantine
(orrery quarantine); the good ones are recorded. The status is 1 when any was
refused.

An ingest that was stopped goes on where it was when the same command is run
again, also after the files were moved or have grown: it passes over the events
that are recorded, and checks that they are the same. Where a file has changed
before that point, all is read again, and an event that is recorded is
recognised by its id.

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
	// Skipped events had been recorded by an earlier run of the same import, and
	// of the refused, RefusedBefore were put in quarantine by it.
	Skipped       int64 `json:"skipped,omitempty"`
	RefusedBefore int64 `json:"refused_before,omitempty"`
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
	files := fileImport{app: a, spec: s, inputs: inputs, live: f.live, step: sendBatch, every: importEvery}
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, _ store.Store) error {
		files.to = directRecorder{engine, quarantineIn(dir, s)}
		summary, err = files.run(ctx)
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		files.to = remoteRecorder{c, s}
		summary, err = files.run(ctx)
		return err
	})
	if summary != nil {
		a.print(summary, func(w io.Writer) { printIngest(w, summary, err) })
	}
	if err == nil && summary.Refused > 0 {
		return errReported
	}
	return err
}

// add counts what became of events, and gives those that were refused.
func (s *IngestSummary) add(events []orrery.Event, results []serve.Result, source func(*orrery.Event) string) []quarantine.Item {
	var items []quarantine.Item
	for i := range results {
		r := &results[i]
		switch {
		case r.Err != nil:
			// Their lines are not at hand any more; what was read of them is.
			e := &events[i]
			raw := ingest.Raw(ingest.InputJSON, string(ingest.AppendJSON(nil, e)))
			it := quarantine.OfError(e.Type.Name, source(e), 0, orrery.InstantOf(time.Now()), raw, r.Err)
			items = append(items, it)
			s.Refused++
			s.Reasons[it.Faults[0].Code]++
			s.list([]ingest.Rejection{{Faults: it.Faults}})
		case r.Repeated:
			s.Repeated++
		default:
			s.Recorded++
		}
	}
	return items
}

// list shows the first few refusals.
func (s *IngestSummary) list(rejected []ingest.Rejection) {
	s.First = append(s.First, rejected[:min(len(rejected), firstKept-len(s.First))]...)
}

// finish adds what the reading of the files found.
func (s *IngestSummary) finish(files *replay.FileSource, begun time.Time) *IngestSummary {
	stats := files.Stats()
	s.Refused += stats.Refused
	for code, n := range stats.Reasons {
		s.Reasons[code] += n
	}
	s.Repeated += stats.Repeated
	s.Read = s.Recorded + s.Repeated + s.Refused + s.Skipped
	s.Notices = files.Notices()
	s.Seconds = time.Since(begun).Seconds()
	return s
}

func printIngest(w io.Writer, s *IngestSummary, err error) {
	for _, notice := range s.Notices {
		fmt.Fprintf(w, "note: %s\n", notice)
	}
	for _, r := range s.First {
		fmt.Fprintln(w, r.String())
	}
	if more := s.Refused - s.RefusedBefore - int64(len(s.First)); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	fmt.Fprintf(w, "%d events read in %.1f s: %d recorded, %d repeated, %d refused\n", s.Read, s.Seconds, s.Recorded, s.Repeated, s.Refused)
	if s.Skipped > 0 {
		fmt.Fprintf(w, "of these, an earlier run recorded %d and refused %d\n", s.Skipped, s.RefusedBefore)
	}
	for _, code := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(w, "  refused as %s: %d\n", code, s.Reasons[code])
	}
	if s.Refused > 0 {
		fmt.Fprintln(w, "what was refused is in quarantine: orrery quarantine")
	}
	if err != nil && orrery.CodeOf(err) != importTooLate {
		fmt.Fprintln(w, "the same command goes on from here")
	}
}
