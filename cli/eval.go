package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/systems/moderation/functional"
	"orrery.dev/train"
)

type evalFlags struct {
	events   []string
	received string
	train    string
	test     []string
	model    string
	folds    int
	seed     uint64
	renames  string
	// functional tests on the functional suite, with the slurs of a file; hate is the
	// class that stands for hate.
	functional  bool
	slurs, hate string
	// identities is a file of terms that name groups.
	identities string
}

// labelled reports whether the flags ask for an evaluation on labelled events.
func (f *evalFlags) labelled() bool {
	return f.functional || f.folds != 0 || f.renames != "" || slices.ContainsFunc(f.test, func(t string) bool { return strings.Contains(t, "=") })
}

func (a *app) evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval FILE|DIR --events EVENT=FILE... (--train FROM..TO --test FROM..TO | --test EVENT=FILE | --folds N)",
		Short: "Train on one part of files and measure on another",
		Long: `Eval replays files through the system's features, fits its model on the rows of
the train range with the labels known when the test range opens, and measures
it on the test range. Earlier events warm the features. A test row is left out
when its entity had a positive outcome, for an event on or after the start of
the train range, received before that test day began (see evaluate in the
system's file). Ranges are half-open.

Files of labelled events have the outcome in a column beside the event, by the
name of the field that label.from names; whatever else they lack is missing in
the events. Eval then trains on all of --events and tests on the files of
--test, or divides --events into folds (--folds) and tests on each with a model
of the others. --functional tests on a suite of texts that say what a detector of
hate can and cannot do. --map brings outcomes of different names together; "other" stands
for all classes that the test does not name.

Of a model that reads a text it prints bias by identity: how the scores of hate
treat the texts that name a group, beside all others. Subgroup AUC is low where
hateful texts and harmless ones that name the group are confused, BPSN where
harmless texts that name it score too high, BNSP where hateful ones score too low.
A figure of too few texts is left out, and it is said why.`,
		Example: "  orrery eval systems/fraud --events transaction=transactions.csv.gz --events fraud_report=fraud_reports.csv.gz \\\n" +
			"      --train 2018-07-04..2018-07-11 --test 2018-07-18..2018-07-25 --json\n" +
			"  orrery eval systems/moderation --events message=labelled.csv --folds 5\n" +
			"  orrery eval systems/moderation --events message=labelled.csv --test message=other.csv --map hateful=hate,non-hateful=other",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.eval(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.events, "events", nil, "EVENT=FILE: a CSV, NDJSON or Parquet file of one event type; may be repeated")
	flags.StringVar(&f.received, "received-column", "", "the column that says when each event became known (default: when it happened)")
	flags.StringVar(&f.train, "train", "", "event times to train on, FROM..TO")
	flags.StringArrayVar(&f.test, "test", nil, "event times to test on, FROM..TO, or EVENT=FILE, a file of labelled events; files may be repeated")
	flags.IntVar(&f.folds, "folds", 0, "cross-validate on labelled events, in this many folds")
	flags.Uint64Var(&f.seed, "seed", 0, "the seed by which events are divided into folds")
	flags.BoolVar(&f.functional, "functional", false, "test on the functional suite: what a detector of hate can and cannot do")
	flags.StringVar(&f.slurs, "slurs", "", "a file of slurs for the functional suite, which has none: GROUP: SINGULAR | PLURAL")
	flags.StringVar(&f.hate, "hate", "", "the class that stands for hate, for bias by identity and with --functional (default "+functional.Hate+", or true)")
	flags.StringVar(&f.identities, "identities", "", "a file of further terms by which texts name groups, for bias by identity: GROUP: TERM | TERM")
	flags.StringVar(&f.renames, "map", "", "other names for the outcomes of labelled events, FROM=TO,...")
	flags.StringVar(&f.model, "model", "", "the kind of model (default: the spec's)")
	return cmd
}

func (a *app) eval(ctx context.Context, path string, f evalFlags) error {
	s, err := a.loadSpec(path)
	if err != nil {
		return err
	}
	if f.labelled() {
		return a.evalLabelled(ctx, s, f)
	}
	if f.train == "" || len(f.test) != 1 || len(f.events) == 0 {
		return usagef("eval needs --events, --train and --test; see orrery eval --help")
	}
	protocol := replay.Protocol{}
	if protocol.Identities, err = f.identitiesOf(s); err != nil {
		return err
	}
	if protocol.Train, err = parseRange(f.train, s.Location); err != nil {
		return err
	}
	if protocol.Test, err = parseRange(f.test[0], s.Location); err != nil {
		return err
	}
	inputs, err := parseInputs(f.events, f.received, s)
	if err != nil {
		return err
	}
	result, err := a.evaluate(ctx, s, inputs, f.model, protocol)
	if err != nil {
		return err
	}
	a.print(result, func(w io.Writer) { printEvaluation(w, result) })
	return nil
}

// evaluate runs the protocol on files.
func (a *app) evaluate(ctx context.Context, s *spec.Spec, inputs []ingest.Input, kind string, protocol replay.Protocol) (*replay.Evaluation, error) {
	if s.Label == nil {
		return nil, orrery.Errorf(orrery.Invalid, "nothing_to_evaluate", "the system %s has no label", s.System).WithNext("add label to its file")
	}
	if protocol.Test.From < protocol.Train.To {
		return nil, orrery.Errorf(orrery.Invalid, "ranges_overlap", "the test range %s begins before the train range %s ends", protocol.Test, protocol.Train).
			WithNext("test on what comes after training")
	}
	var err error
	var calibration *train.CalibrationReport
	if protocol.Fit, protocol.Kind, err = reportingTrainer(s, kind, nil, nil, func(r *train.CalibrationReport) { calibration = r }); err != nil {
		return nil, err
	}
	p, err := plan.Compile("", s, nil)
	if err != nil {
		return nil, err
	}
	protocol.Begun = time.Now()
	files, examples, err := a.collectFiles(ctx, s, p, inputs, replay.Range{From: protocol.Train.From, To: protocol.Test.To})
	if err != nil {
		return nil, err
	}
	result, err := replay.Evaluate(ctx, p, examples, protocol)
	if err != nil {
		return nil, err
	}
	result.Calibration = calibration
	result.Notices = append(files.Notices(), result.Notices...)
	return result, nil
}

// collectFiles replays files; when one turns out not to be in time order, it
// begins again with that file sorted.
func (a *app) collectFiles(ctx context.Context, s *spec.Spec, p *plan.Plan, inputs []ingest.Input, span replay.Range) (*replay.FileSource, *replay.Examples, error) {
	for sorted := false; ; sorted = true {
		files, err := replay.FromFiles(ctx, s, inputs, replay.FileOptions{Sort: sorted})
		if err != nil {
			return nil, nil, err
		}
		bar := a.bar("replay", "events", 0)
		examples, err := replay.Collect(ctx, p, files, span, s.Model.Features, bar.Set)
		files.Close()
		if err == nil {
			bar.Done("")
			return files, examples, nil
		}
		if sorted || !replay.Unsorted(err) {
			return nil, nil, err
		}
		bar.Done("not in time order; sorting")
	}
}

// parseInputs reads EVENT=FILE arguments; received names the column of received
// times, empty for none.
func parseInputs(args []string, received string, s *spec.Spec) ([]ingest.Input, error) {
	var inputs []ingest.Input
	for _, arg := range args {
		name, path, ok := strings.Cut(arg, "=")
		if !ok || path == "" {
			return nil, usagef("--events takes EVENT=FILE, not %q", arg)
		}
		t := s.Contract.Event(name)
		if t == nil {
			var names []string
			for _, t := range s.Contract.Events {
				names = append(names, t.Name)
			}
			return nil, orrery.Errorf(orrery.Invalid, "event_unknown", "the system has no event %q", name).
				WithNext("it has %s", strings.Join(names, ", "))
		}
		inputs = append(inputs, ingest.Input{Path: path, Type: t, Received: received})
	}
	return inputs, nil
}

// note writes what a person should know, if there is something.
func note(w io.Writer, text string) {
	if text != "" {
		fmt.Fprintf(w, "note: %s\n", text)
	}
}

func printEvaluation(w io.Writer, e *replay.Evaluation) {
	for _, notice := range append(e.Notices, e.Test.Outcomes.Notice()) {
		note(w, notice)
	}
	printCounts(w, e)
	fmt.Fprintln(w)
	rows := [][]string{{e.Model, ""}}
	for _, name := range e.Metrics.Names() {
		rows = append(rows, []string{name, fmt.Sprintf("%.4f", e.Metrics[name])})
	}
	table(w, rows...)
	if e.Classes != nil {
		printClasses(w, e.Classes)
	}
	if e.Labels != nil {
		printLabels(w, e.Labels)
	}
	printBias(w, e.Bias)
	printReliability(w, e)
	fmt.Fprintf(w, "\n%d events replayed in %.2f s (%.0f/s), trained in %.2f s, scored in %.2f s, %.2f s in all\n",
		e.Events, e.Seconds.Replay, e.EventsPerSecond, e.Seconds.Train, e.Seconds.Score, e.Seconds.Total)
}
