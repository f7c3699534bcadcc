package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/systems/moderation/functional"
)

// evalFunctional trains on labelled events and tests on the functional suite.
func (a *app) evalFunctional(ctx context.Context, s *spec.Spec, f evalFlags) error {
	slurs, err := readSlurs(f.slurs)
	if err != nil {
		return err
	}
	run, err := a.labelledRun(ctx, s, f)
	if err != nil {
		return err
	}
	cases := functional.Builtin().Cases(slurs)
	ids, texts, labels := make([]string, len(cases)), make([]string, len(cases)), make([]string, len(cases))
	for i, c := range cases {
		ids[i], texts[i], labels[i] = c.ID, c.Text, c.Class
	}
	test, err := replay.LabelledTexts(run.plan, ids, texts, labels)
	if err != nil {
		return err
	}
	m, classes, err := run.protocol.Fit(ctx, run.learn)
	if err != nil {
		return err
	}
	f.hate = cmp.Or(f.hate, functional.Hate)
	if !slices.Contains(classes, f.hate) {
		return orrery.Errorf(orrery.Invalid, "class_unknown", "the model was trained on %s, and none of them is %q", strings.Join(classes, ", "), f.hate).
			WithNext("say which class stands for hate: --hate %s", classes[0])
	}
	hateful, err := replay.HeldFor(m, classes, slices.Index(classes, f.hate), test)
	if err != nil {
		return err
	}
	report, err := functional.Score(cases, hateful)
	if err != nil {
		return err
	}
	a.print(report, func(w io.Writer) { printFunctional(w, report, slurs != nil) })
	return nil
}

func readSlurs(path string) ([]functional.Slur, error) {
	return readTerms(path, "slurs", functional.Builtin().ReadSlurs)
}

// readTerms reads a list of terms, nothing where no file is named.
func readTerms[T any](path, what string, read func(io.Reader) ([]T, error)) ([]T, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, orrery.Errorf(orrery.NotFound, "file_missing", "the %s cannot be read", what).Because(err).WithNext("check the path")
	}
	defer f.Close()
	return read(f)
}

// identitiesOf gives what bias is measured by, nil for a system that reads no text.
func (f *evalFlags) identitiesOf(s *spec.Spec) (*replay.Identities, error) {
	more, err := readTerms(f.identities, "identities", functional.ReadIdentities)
	if err != nil || s.Text == nil || s.Label == nil {
		return nil, err
	}
	class := f.hate
	switch {
	case class != "":
	case s.Label.Classes == nil:
		class = "true"
	default:
		class = functional.Hate
	}
	mentions := functional.Builtin().Mentions(more...)
	return &replay.Identities{Class: class, Groups: mentions.Groups, In: mentions.In}, nil
}

func printFunctional(w io.Writer, r *functional.Report, slurs bool) {
	if !slurs {
		note(w, "cases with slurs are left out, since the suite has none: give a list with --slurs")
	}
	table(w, []string{"", "cases", "accuracy", "macro-F1"},
		[]string{"all", fmt.Sprint(r.Cases), fmt.Sprintf("%.4f", r.Accuracy), fmt.Sprintf("%.4f", r.MacroF1)},
		[]string{"spelling untouched", fmt.Sprint(r.Untouched.Cases), fmt.Sprintf("%.4f", r.Untouched.Accuracy), fmt.Sprintf("%.4f", r.Untouched.MacroF1)})
	fmt.Fprintln(w)
	rows := [][]string{{"functionality", "is", "cases", "right"}}
	for _, s := range r.Functionalities {
		rows = append(rows, []string{s.Name, s.Class, fmt.Sprint(s.Cases), fmt.Sprintf("%.4f", s.Accuracy)})
	}
	table(w, rows...)
	fmt.Fprintln(w)
	rows = [][]string{{"group", "cases", "right"}}
	for _, s := range r.Groups {
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Cases), fmt.Sprintf("%.4f", s.Accuracy)})
	}
	table(w, rows...)
	fmt.Fprintln(w)
	rows = [][]string{{"spelling", "cases", "right", "untouched"}}
	for _, s := range r.Tricks {
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Cases), fmt.Sprintf("%.4f", s.Accuracy), fmt.Sprintf("%.4f", s.Untouched)})
	}
	table(w, rows...)
}

// What contrast makes where nothing else is asked for: enough texts for the
// wording of templates not to matter, which together count as 3,000.
const (
	contrastTexts  = 12_000
	contrastWeight = 0.25
)

func (a *app) contrastCommand() *cobra.Command {
	var n int
	var seed uint64
	var weight float64
	var slurs string
	cmd := &cobra.Command{
		Use:   "contrast",
		Short: "Make labelled texts that teach what naming a group does not mean",
		Long: `Contrast writes labelled texts as CSV, made from the training templates of the
functional suite: in pairs that name the same group, one hateful and one not, so
that a model learns from what is said and not from who is named. Give the file to
eval beside real messages. Each counts for less than one message (--weight), so
it teaches and is never tested on.`,
		Example: "  orrery contrast > contrast.csv\n" +
			"  orrery eval systems/moderation --events message=labelled.csv --events message=contrast.csv --functional",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !(weight > 0 && weight <= 1000) {
				return usagef("--weight takes a number above 0, up to 1000")
			}
			list, err := readSlurs(slurs)
			if err != nil {
				return err
			}
			cases, err := functional.Builtin().Training(list, n, seed)
			if err != nil {
				return err
			}
			return writeCases(a.out, cases, weight)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&n, "n", contrastTexts, "how many texts to make")
	flags.Uint64Var(&seed, "seed", 1, "the seed by which they are drawn")
	flags.Float64Var(&weight, "weight", contrastWeight, "how much each counts, beside 1 for a real message")
	flags.StringVar(&slurs, "slurs", "", "a file of slurs to use in them: GROUP: SINGULAR | PLURAL")
	return cmd
}

func writeCases(w io.Writer, cases []functional.Case, weight float64) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"message_id", "text", "label", "weight"}}
	for _, c := range cases {
		rows = append(rows, []string{c.ID, c.Text, c.Class, strconv.FormatFloat(weight, 'g', -1, 64)})
	}
	return out.WriteAll(rows)
}

// count gives how many are true.
func count(all ...bool) int {
	n := 0
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}
