package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/ingest/parquet"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

func (a *app) rowsCommand() *cobra.Command {
	var dir, out, span string
	cmd := &cobra.Command{
		Use:   "rows FILE|DIR --out FILE.parquet",
		Short: "Write point-in-time rows for a notebook",
		Long: `Rows replays the log and writes one row for each event that the system decides
on: its id, its times, the label, null while it is not known, the weight, and
every feature as it was known at that instant. The weight is how many decisions
the row stands for: 1, but for one that was let through by chance, and 0 for one
that such a row stands for. The file is Parquet.`,
		Example: "  orrery rows systems/fraud --out rows.parquet --range 2018-07-04..2018-07-11",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if filepath.Ext(out) != ".parquet" {
				return usagef("rows needs --out FILE.parquet; see orrery rows --help")
			}
			return a.rows(cmd.Context(), args[0], dir, out, span)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&out, "out", "", "the file to write; one that exists is not overwritten")
	cmd.Flags().StringVar(&span, "range", "", "event times to write, FROM..TO, half-open (default: all)")
	return cmd
}

// RowsSummary says what was written.
type RowsSummary struct {
	File    string `json:"file"`
	Rows    int    `json:"rows"`
	Columns int    `json:"columns"`
	Events  int64  `json:"events"`
}

func (a *app) rows(ctx context.Context, path, dir, out, spanText string) error {
	s, dir, err := a.existing(path, dir)
	if err != nil {
		return err
	}
	for _, c := range rowColumns(&spec.Spec{}) {
		if s.FeatureIndex(c.Name) >= 0 {
			return orrery.Errorf(orrery.Invalid, "column_taken", "the feature %q has the name of a column that each row has", c.Name).
				WithNext("rename the feature")
		}
	}
	span := replay.Range{From: -replay.Forever, To: replay.Forever}
	if spanText != "" {
		if span, err = parseRange(spanText, s.Location); err != nil {
			return err
		}
	}
	var summary *RowsSummary
	err = withStore(dir, func(st store.Store) error {
		summary, err = a.writeRows(ctx, s, st, out, span)
		return err
	})
	if err != nil {
		return err
	}
	a.print(summary, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d rows of %d columns, from %d events\n", summary.File, summary.Rows, summary.Columns, summary.Events)
	})
	return nil
}

func (a *app) writeRows(ctx context.Context, s *spec.Spec, st store.Store, out string, span replay.Range) (*RowsSummary, error) {
	reader := serve.NewReader(st, builtin.Registry())
	s, err := reader.Fit(s, false)
	if err != nil {
		return nil, err
	}
	p, err := plan.Compile("", s, nil)
	if err != nil {
		return nil, err
	}
	if span, err = reader.Within(span, p); err != nil {
		return nil, err
	}
	source := reader.History(s.Contract)
	defer source.Close()
	columns := make([]int, len(s.Features))
	for i := range columns {
		columns[i] = i
	}
	bar := a.bar("replay", "events", 0)
	examples, err := replay.Collect(ctx, p, source, span, columns, bar.Set)
	bar.Stop()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, orrery.Errorf(orrery.Invalid, "file_not_writable", "cannot write %s", out).Because(err).
			WithNext("name a file that does not exist, in a folder that can be written")
	}
	summary := &RowsSummary{File: out, Rows: len(examples.List), Columns: len(rowColumns(s)), Events: examples.Events}
	if err := errors.Join(encodeRows(file, s, examples), file.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(out))
	}
	return summary, nil
}

// rowColumns names the columns of a file of rows. The first five are of the
// event, the rest the features in their order.
func rowColumns(s *spec.Spec) []parquet.OutColumn {
	columns := []parquet.OutColumn{
		{Name: "event_id", Kind: parquet.Text}, {Name: "event_time", Kind: parquet.Timestamp},
		{Name: "event_received", Kind: parquet.Timestamp}, {Name: "label", Kind: parquet.Bool},
		{Name: "weight", Kind: parquet.Double},
	}
	if s.Label != nil && s.Label.Classes != nil {
		columns[3].Kind = parquet.Text // empty where it is not known
	}
	for i := range s.Features {
		columns = append(columns, parquet.OutColumn{Name: s.Features[i].Name, Kind: parquet.Double})
	}
	return columns
}

func encodeRows(w io.Writer, s *spec.Spec, x *replay.Examples) error {
	columns := rowColumns(s)
	out := parquet.NewWriter(w, columns)
	var labels *replay.Labels
	if s.Label != nil {
		labels = x.LabelsAt(s.Label, x.Last+1)
	}
	for i := range x.List {
		e := &x.List[i]
		out.Text(0, e.ID)
		out.Instant(1, e.Time)
		out.Instant(2, e.Received)
		class, known, weight := 0, false, e.Weight
		if labels != nil {
			class, known = labels.ClassOf(e)
			weight = labels.WeightOf(e)
		}
		switch {
		case len(x.Classes) == 0:
			out.Bool(3, class == 1, known)
		case known:
			out.Text(3, s.Label.ClassText(int64(class)))
		default:
			out.Text(3, "")
		}
		out.Number(4, weight)
		for j, value := range x.Row(i) {
			out.Number(5+j, value)
		}
		if err := out.Write(); err != nil {
			return err
		}
	}
	return out.Close()
}
