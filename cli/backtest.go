package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/train"
)

type backtestFlags struct{ dir, since, changed string }

func (a *app) backtestCommand() *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest FILE|DIR --spec NEW --since 7d",
		Short: "Say what a past period would have been under a changed spec",
		Long: `Backtest replays the log and decides on the newest events twice: as it was, and
under the changed spec. It says in words and in a table which decisions would have
differed and what they were worth, gives examples, and measures the scores as eval
would. Lists and pauses are replayed as they were. The model in force scores for
both when the changed spec defines its features alike; otherwise a model is
fitted for the changed spec to what was known before the period.`,
		Example: "  orrery backtest systems/fraud --spec changed.yaml --since 7d",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.changed == "" {
				return usagef("backtest needs --spec; see orrery backtest --help")
			}
			return a.backtest(cmd.Context(), args[0], f)
		},
	}
	dataFlag(cmd, &f.dir)
	cmd.Flags().StringVar(&f.changed, "spec", "", "the changed spec, FILE or DIR")
	cmd.Flags().StringVar(&f.since, "since", "7d", "how far back from the newest event the period begins")
	return cmd
}

func (a *app) backtest(ctx context.Context, path string, f backtestFlags) error {
	s, dir, err := a.existing(path, f.dir)
	if err != nil {
		return err
	}
	changed, err := a.loadSpec(f.changed)
	if err != nil {
		return err
	}
	if changed.DecideOn.Name != s.DecideOn.Name {
		return orrery.Errorf(orrery.Invalid, "decide_on_changed", "%s decides on %s and the system on %s", f.changed, changed.DecideOn.Name, s.DecideOn.Name).
			WithNext("compare specs that decide on the same event")
	}
	since, ok := spec.ParseDuration(f.since)
	if !ok || since <= 0 {
		return usagef("--since takes a duration such as 7d, not %q", f.since)
	}
	var result *replay.Backtest
	err = a.withEngine(ctx, s, dir, func(engine *serve.Engine, st store.Store) error {
		result, err = a.runBacktest(ctx, engine, st, changed, since)
		return err
	})
	if err != nil {
		return err
	}
	a.print(result, func(w io.Writer) { printBacktest(w, result) })
	return nil
}

func (a *app) runBacktest(ctx context.Context, engine *serve.Engine, st store.Store, changed *spec.Spec, since orrery.Duration) (*replay.Backtest, error) {
	changed, err := engine.Reader().Fit(changed, false)
	if err != nil {
		return nil, err
	}
	latest, err := engine.Latest(ctx)
	if err != nil {
		return nil, err
	}
	span := replay.Range{From: latest.Add(-since) + 1, To: latest + 1}
	after, err := a.changedPlan(ctx, engine, st, changed, span)
	if err != nil {
		return nil, err
	}
	if span, err = engine.Reader().Within(span, after); err != nil {
		return nil, err
	}
	source := engine.Reader().History(changed.Contract)
	defer source.Close()
	bar := a.bar("backtest", "events", int64(engine.Last()))
	result, err := replay.RunBacktest(ctx, source, engine.Plan(), after, span, bar.Set)
	bar.Stop()
	return result, err
}

// changedPlan compiles the changed spec with the model in force, or with one of
// its own that knows only what was known when the period began.
func (a *app) changedPlan(ctx context.Context, engine *serve.Engine, st store.Store, changed *spec.Spec, span replay.Range) (*plan.Plan, error) {
	now := engine.Plan()
	whole := changed.Model != nil && changed.Model.Whole
	if m := now.Model(); !whole && (changed.Model == nil || m == nil || plan.SameFeatures(now.Spec, changed, m.Features())) {
		return plan.Compile("", changed, m)
	}
	fit, _, err := trainer(changed, "", nil)
	if err != nil {
		return nil, err
	}
	if whole {
		m, err := fit(ctx, &train.Rows{})
		if err != nil {
			return nil, err
		}
		return plan.Compile("", changed, m)
	}
	p, err := plan.Compile("", changed, nil)
	if err != nil {
		return nil, err
	}
	rowsOf, err := engine.Reader().Within(replay.TrainSpan(changed, span.From), p)
	if err != nil {
		return nil, err
	}
	source := engine.Reader().History(changed.Contract)
	defer source.Close()
	bar := a.bar("replay", "events", int64(engine.Last()))
	examples, err := replay.Collect(ctx, p, source, rowsOf, changed.Model.Features, bar.Set)
	bar.Stop()
	if err != nil {
		return nil, err
	}
	rows, _ := examples.TrainRows(examples.LabelsAt(changed.Label, span.From), rowsOf)
	if err := replay.CheckTrainable(rows, rowsOf); err != nil {
		return nil, err
	}
	m, err := fit(ctx, rows)
	if err != nil {
		return nil, err
	}
	return plan.Compile("", changed, m)
}

func printBacktest(w io.Writer, b *replay.Backtest) {
	for _, notice := range append(b.Notices, b.Outcomes.Notice()) {
		note(w, notice)
	}
	fmt.Fprintf(w, "%d decisions of %s; %d would have differed\n", b.Decisions, b.Range, b.Changed)
	for _, sentence := range b.Summary {
		fmt.Fprintf(w, "  %s\n", sentence)
	}
	printTransitions(w, b)
	printChanges(w, b)
	rows := [][]string{{"", "before", "after"}}
	for _, name := range b.After.Names() {
		before := "none"
		if x, ok := b.Before[name]; ok {
			before = fmt.Sprintf("%.4f", x)
		}
		rows = append(rows, []string{name, before, fmt.Sprintf("%.4f", b.After[name])})
	}
	if len(rows) > 1 {
		fmt.Fprintf(w, "\nmeasured as eval would, on %d rows, %d of them positive:\n", b.Measured.Rows, b.Measured.Positives)
		table(w, rows...)
	}
	fmt.Fprintf(w, "\n%d events replayed (%.0f/s)\n", b.Events, b.EventsPerSecond)
}

// printTransitions prints how many decisions went from each action to each.
func printTransitions(w io.Writer, b *replay.Backtest) {
	if b.Changed == 0 {
		return
	}
	moved := map[[2]string]int{}
	kept := map[string]int{}
	for _, a := range b.Actions {
		kept[a.Action] = a.Before.Decisions
	}
	for _, c := range b.Changes {
		moved[[2]string{c.From, c.To}] = c.Decisions
		kept[c.From] -= c.Decisions
	}
	head := []string{"\nbefore \\ after"}
	for _, a := range b.Actions {
		head = append(head, a.Action)
	}
	rows := [][]string{head}
	for _, from := range b.Actions {
		row := []string{from.Action}
		for _, to := range b.Actions {
			n := moved[[2]string{from.Action, to.Action}]
			if from.Action == to.Action {
				n = kept[from.Action]
			}
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, row)
	}
	table(w, rows...)
}

func printChanges(w io.Writer, b *replay.Backtest) {
	for _, c := range b.Changes {
		fmt.Fprintf(w, "\n%s instead of %s: %d, of which %d turned out positive and %d negative\n", c.To, c.From, c.Decisions, c.Positives, c.Negatives)
		for _, s := range c.Sums {
			fmt.Fprintf(w, "  %s: %s %s of the positive, %s %s of the others\n", s.Field, s.Positives, s.Unit, s.Others, s.Unit)
		}
		var rows [][]string
		for _, x := range c.Examples {
			outcome := "not known yet"
			if known, ok := x.Outcome.(bool); ok {
				outcome = map[bool]string{true: "positive", false: "negative"}[known]
			}
			rows = append(rows, []string{"  " + serve.DecisionID(x.Offset), x.EventID, x.At, number(x.ScoreBefore) + " → " + number(x.ScoreAfter), outcome})
		}
		table(w, rows...)
	}
}
