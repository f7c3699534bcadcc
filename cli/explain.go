package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/plan"
	"orrery.dev/policy"
	"orrery.dev/serve"
	"orrery.dev/store"
)

func (a *app) explainCommand() *cobra.Command {
	var dir, system string
	var personal bool
	cmd := &cobra.Command{
		Use:     "explain ID",
		Short:   "Print a recorded decision as a person would want to read it",
		Example: "  orrery explain d42 --system systems/fraud",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.explain(cmd.Context(), args[0], dir, system, personal)
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().BoolVar(&personal, "personal", false, "show personal values too; of a running server that takes a key for admin")
	cmd.Flags().StringVar(&system, "system", "", "the system's FILE or DIR (default: the only system with data here)")
	return cmd
}

func (a *app) explain(ctx context.Context, id, dir, system string, personal bool) error {
	offset, err := serve.ParseDecisionID(id)
	if err != nil {
		return err
	}
	if dir, err = a.findData(dir, system); err != nil {
		return err
	}
	var record *api.Record
	err = withStore(dir, func(st store.Store) error {
		record, err = api.ReadRecord(serve.NewReader(st, builtin.Registry()), offset, personal)
		return err
	})
	err = orByServer(err, dir, func(c *client) error {
		record, err = recordFromServer(ctx, c, id, personal)
		return err
	})
	if err != nil {
		return err
	}
	a.print(record, func(w io.Writer) { printRecord(w, record) })
	return nil
}

// findData gives the data directory to read: the one named, that of the system
// named, or the only one there is.
func (a *app) findData(dir, system string) (string, error) {
	if dir == "" && system != "" {
		s, err := a.loadSpec(system)
		if err != nil {
			return "", err
		}
		dir = dataDir("", s)
	}
	if dir != "" {
		return dir, requireData(dir)
	}
	found, err := filepath.Glob(filepath.Join("orrery-data", "*"))
	if err != nil || len(found) == 0 {
		return "", orrery.Errorf(orrery.NotFound, "data_dir_missing", "there is no data under orrery-data").
			WithNext("name the data directory with --data")
	}
	if len(found) > 1 {
		return "", orrery.Errorf(orrery.Invalid, "system_ambiguous", "several systems have data under orrery-data").
			WithNext("name one with --system or --data")
	}
	return found[0], nil
}

func recordFromServer(ctx context.Context, c *client, id string, personal bool) (*api.Record, error) {
	var running struct {
		Systems []api.System `json:"systems"`
	}
	if err := c.get(ctx, "/v1/systems", &running); err != nil {
		return nil, err
	}
	record := &api.Record{}
	if personal {
		id += "?personal=true"
	}
	return record, c.get(ctx, "/v1/systems/"+running.Systems[0].Name+"/decisions/"+id, record)
}

func printRecord(w io.Writer, r *api.Record) {
	fmt.Fprintf(w, "%s: %s\n\n", r.DecisionID, r.Action)
	rows := [][]string{
		{"because", because(r.Rule)},
	}
	if r.Propensity != 0 {
		rows = append(rows, []string{"by chance", chance(r)})
	}
	rows = append(rows, [][]string{
		{"score", number(r.Score) + ofClasses(r.Scores)},
		{"event", fmt.Sprintf("%s %s, received %s", r.Type, r.EventID, r.At)},
		{"release", r.Release.Short()},
	}...)
	if r.Model != "" {
		rows = append(rows, []string{"model", r.Model})
	}
	if r.Fallback != "" {
		rows = append(rows, []string{"fallback", r.Fallback + ": " + fallbacks[r.Fallback]})
	}
	rows = append(rows, []string{"took", fmt.Sprintf("decode %d µs, sequence %d µs, score %d µs", r.Micros.Decode, r.Micros.Sequence, r.Micros.Score)})
	table(w, rows...)
	printReasons(w, r.Reasons)
	switch {
	case r.TextContribution != nil:
		fmt.Fprintf(w, "\nWhat the network made of the text added %+.3f to the log-odds, as a whole.\n", *r.TextContribution)
	case r.Model == model.ONNXKind:
		fmt.Fprintln(w, "\nWhat the network made of the text has no reasons.")
	}
	printHighlights(w, r.Highlights)
	fmt.Fprintln(w, "\nThe event:")
	var event bytes.Buffer
	if json.Indent(&event, r.Event, "  ", "  ") == nil {
		fmt.Fprintf(w, "  %s\n", event.String())
	}
	fmt.Fprintln(w, "\nWhat was known (* is an input of the model):")
	printFeatures(w, r.Features)
}

// ofClasses writes the scores of classes, the greatest first.
func ofClasses(scores map[string]float64) string {
	if len(scores) == 0 {
		return ""
	}
	classes := slices.SortedFunc(maps.Keys(scores), func(a, b string) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b))
	})
	for i, class := range classes {
		classes[i] = class + " " + number(scores[class])
	}
	return ": " + strings.Join(classes, ", ")
}

func because(r api.Rule) string {
	switch {
	case r.Index == policy.NoRule:
		return "the policy's fallback"
	case r.When == nil:
		return fmt.Sprintf("rule %d: no other rule held", r.Index+1)
	}
	return fmt.Sprintf("rule %d: %s", r.Index+1, *r.When)
}

// fallbacks says what each fallback means.
var fallbacks = map[string]string{
	plan.FallbackNoModel:  "the release has no trained model; run orrery train",
	plan.FallbackPaused:   "the system was paused",
	plan.FallbackLanguage: "the text is in no language that the model knows",
	plan.FallbackDeadline: "the deadline had passed before there was a score",
	plan.FallbackFault:    "the model failed; the server's log says how",
}

// chance says what exploration made of a decision.
func chance(r *api.Record) string {
	if r.Intended == "" {
		return fmt.Sprintf("not explored; its propensity was %s", number(r.Propensity))
	}
	return fmt.Sprintf("explored: the policy chose %s; the propensity of %s was %s", r.Intended, r.Action, number(r.Propensity))
}

func printReasons(w io.Writer, reasons []api.Reason) {
	if len(reasons) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat moved the score most (+ towards the positive class):")
	rows := make([][]string, len(reasons))
	for i, r := range reasons {
		rows[i] = []string{fmt.Sprintf("  %+.3f", r.Contribution), r.Text}
	}
	table(w, rows...)
}

// longestShown is how many characters of a place in a text are printed.
const longestShown = 40

// printHighlights quotes what senders wrote, so that none of it is a terminal's to
// obey.
func printHighlights(w io.Writer, highlights []api.Highlight) {
	if len(highlights) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat of the text it points at:")
	rows := make([][]string, len(highlights))
	for i, h := range highlights {
		quoted, why := []rune(h.Text), h.From
		if len(quoted) > longestShown {
			quoted = append(quoted[:longestShown-1], '…')
		}
		if h.From == "model" {
			why = fmt.Sprintf("%+.3f by the model", h.Contribution)
			if h.Class != "" {
				why += " towards " + h.Class
			}
		}
		rows[i] = []string{fmt.Sprintf("  %d to %d", h.Start, h.End), strconv.QuoteToGraphic(string(quoted)), why}
	}
	table(w, rows...)
}

func printFeatures(w io.Writer, features []api.FeatureValue) {
	rows := make([][]string, len(features))
	for i, f := range features {
		mark := " "
		if f.Input {
			mark = "*"
		}
		rows[i] = []string{mark + " " + f.Name, shown(f.Value, f.Category), f.Unit, f.About}
	}
	table(w, rows...)
}

// shown writes a feature's value. From a category its text cannot be had back.
func shown(v any, category bool) string {
	if category && v != nil {
		return "category " + number(v)
	}
	return number(v)
}

// number writes a value from JSON for a person, with at most six digits that
// matter.
func number(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	x, ok := v.(float64)
	if !ok {
		return "missing"
	}
	if x == float64(int64(x)) {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}
