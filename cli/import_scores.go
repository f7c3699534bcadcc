package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/perspective"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
)

func (a *app) importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Take over what another system has collected",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.importScoresCommand())
	return cmd
}

func (a *app) importScoresCommand() *cobra.Command {
	var im scoresImport
	var thresholds []string
	cmd := &cobra.Command{
		Use:   "perspective-scores FILE",
		Short: "Find the thresholds that keep a site's policy when it leaves the Perspective API",
		Long: `Perspective-scores reads texts with the scores that the Perspective API gave
them, and the thresholds that the site acts on. It scores the texts anew by what
the system serves for each attribute (perspective.attributes), recording nothing,
and finds the threshold by which as many messages are acted on as before: the new
scores' quantile. It says how sure that is, which messages would be treated in
another way, and which lines to put into the policy of system.yaml.

FILE is one of two, or - for standard input:

CSV, with a column text (or comment_text) and one for each attribute, by its name
in capitals or not. An empty cell is no score; other columns do not matter.

NDJSON, an object a line: {"request": ..., "response": ...}, the messages of
comments:analyze as they were sent and received; or an object that has the text
in text or comment.text, and the scores in attributeScores, as responses have
them, or each under its attribute's name.

The texts are scored as those of somebody of whom nothing is known. A line that
is at fault is refused with its reason, and the others are read; the status is 1
when any was refused.`,
		Example: "  orrery import perspective-scores scores.csv --system systems/moderation --threshold TOXICITY=0.9:remove,TOXICITY=0.7,IDENTITY_ATTACK=0.8",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			im.app, im.path = a, args[0]
			return im.run(cmd.Context(), thresholds)
		},
	}
	dataFlag(cmd, &im.dir)
	cmd.Flags().StringVar(&im.system, "system", ".", "the system's FILE or DIR")
	cmd.Flags().StringSliceVar(&thresholds, "threshold", nil, "ATTRIBUTE=SCORE[:ACTION],...: what the site acts on at present, and by which action of the policy (default "+defaultScoreAction+"); several of an attribute make a ladder")
	return cmd
}

// defaultScoreAction is the action of a threshold that is given without one.
const defaultScoreAction = "review"

// scoresImport finds the thresholds that keep a policy.
type scoresImport struct {
	app               *app
	path, dir, system string
	spec              *spec.Spec
	thresholds        []oldThreshold
	scored            []perspective.Scored
	// next has the new scores of each text, by attribute; nil where it has none.
	next []map[string]float64
}

// oldThreshold is what a site acts on.
type oldThreshold struct {
	attribute string
	score     float64
	action    string
}

func (im *scoresImport) run(ctx context.Context, thresholds []string) error {
	if len(thresholds) == 0 {
		return usagef("perspective-scores needs --threshold ATTRIBUTE=SCORE; see orrery import perspective-scores --help")
	}
	var err error
	if im.spec, im.dir, err = im.app.existing(im.system, im.dir); err != nil {
		return err
	}
	if im.thresholds, err = parseThresholds(thresholds, im.spec); err != nil {
		return err
	}
	faults, err := im.read()
	if err != nil {
		return err
	}
	out := &ScoresReport{System: im.spec.System, Refused: len(faults), First: faults[:min(len(faults), firstKept)]}
	if len(im.scored) > 0 {
		if out.LeftOut, err = im.scoreAll(ctx); err == nil {
			err = im.measure(out)
		}
		if err != nil {
			return err
		}
	}
	im.app.print(out, func(w io.Writer) { printScores(w, out) })
	if len(faults) > 0 {
		return errReported
	}
	return nil
}

// parseThresholds reads --threshold; every fault of it is in the error.
func parseThresholds(args []string, s *spec.Spec) ([]oldThreshold, error) {
	if s.Perspective == nil {
		return nil, orrery.Errorf(orrery.Invalid, "no_perspective", "the system %s serves no attributes of the Perspective API", s.System).
			WithNext("say in its file which it serves: perspective: {attributes: {TOXICITY: score}}")
	}
	var out []oldThreshold
	var faults []string
	for _, arg := range args {
		name, rest, ok := strings.Cut(arg, "=")
		number, action, _ := strings.Cut(rest, ":")
		t := oldThreshold{attribute: strings.ToUpper(strings.TrimSpace(name)), action: strings.TrimSpace(action)}
		if t.action == "" {
			t.action = defaultScoreAction
		}
		var err error
		t.score, err = strconv.ParseFloat(strings.TrimSpace(number), 64)
		switch {
		case !ok || err != nil || !(t.score > 0 && t.score <= 1):
			faults = append(faults, fmt.Sprintf("%q is no ATTRIBUTE=SCORE with a score above 0, up to 1", arg))
		case s.Perspective.Attribute(t.attribute) < 0:
			faults = append(faults, fmt.Sprintf("the system does not serve the attribute %s", t.attribute))
		case slices.ContainsFunc(out, func(o oldThreshold) bool { return o.attribute == t.attribute && o.score == t.score }):
			faults = append(faults, fmt.Sprintf("%s=%v is given twice", t.attribute, t.score))
		default:
			out = append(out, t)
		}
	}
	if faults == nil {
		return out, nil
	}
	var served []string
	for _, a := range s.Perspective.Attributes {
		served = append(served, a.Name)
	}
	return nil, orrery.Errorf(orrery.Invalid, "bad_threshold", "%s", strings.Join(faults, "; ")).
		WithNext("it serves %s: --threshold %s=0.8", strings.Join(served, ", "), served[0])
}

// attributes gives the names of those that have thresholds, in the order given.
func (im *scoresImport) attributes() (out []string) {
	for _, t := range im.thresholds {
		if !slices.Contains(out, t.attribute) {
			out = append(out, t.attribute)
		}
	}
	return out
}

// read reads the file. A score that its request cut off tells only what thresholds
// above the cut do.
func (im *scoresImport) read() ([]perspective.LineFault, error) {
	in := im.app.in
	if im.path != "-" {
		file, err := os.Open(im.path)
		if err != nil {
			return nil, orrery.Errorf(orrery.NotFound, "file_unreadable", "%s cannot be read", im.path).Because(err).WithNext("check the path")
		}
		defer file.Close()
		in = file
	}
	scored, faults, err := perspective.ReadScores(in, im.attributes())
	if err != nil {
		return nil, orrery.Errorf(orrery.Unavailable, "file_unreadable", "%s cannot be read to its end", im.path).Because(err)
	}
	for _, s := range scored {
		ok := true
		for _, t := range im.thresholds {
			if cut, has := s.Cut[t.attribute]; has && cut > t.score {
				faults = append(faults, perspective.LineFault{Line: s.Line, Code: "scores_cut_off",
					Message: fmt.Sprintf("the request asked for no score of %s below %v, so it is not known whether it is at or above %v", t.attribute, cut, t.score)})
				ok = false
			}
		}
		for name := range s.Cut {
			s.Scores[name] = 0
		}
		if ok {
			im.scored = append(im.scored, s)
		}
	}
	slices.SortStableFunc(faults, func(a, b perspective.LineFault) int { return a.Line - b.Line })
	return faults, nil
}

// analyzer answers a request of the Perspective API, recording nothing.
type analyzer func(context.Context, *perspective.AnalyzeRequest) (*perspective.AnalyzeResponse, error)

// scoreAll scores the texts by the system: by its server where one runs.
func (im *scoresImport) scoreAll(ctx context.Context) (left LeftOut, err error) {
	err = im.app.withEngine(ctx, im.spec, im.dir, func(engine *serve.Engine, _ store.Store) error {
		if engine.Plan().Spec.Perspective == nil {
			return orrery.Errorf(orrery.Invalid, "no_perspective", "the release in force serves no attributes").WithNext("train one of the system's file as it is: orrery train")
		}
		server := api.New(engine, nil, api.Options{})
		left, err = im.scoreBy(ctx, func(ctx context.Context, r *perspective.AnalyzeRequest) (*perspective.AnalyzeResponse, error) {
			return server.Analyze(ctx, r, time.Now())
		})
		return err
	})
	err = orByServer(err, im.dir, func(c *client) error {
		left, err = im.scoreBy(ctx, c.analyze)
		return err
	})
	return left, err
}

// Requests are made by so many at a time, and a text that gets no score for a
// reason of the moment is tried so often.
const (
	scorersAtOnce = 4
	scoreTries    = 5
)

func (im *scoresImport) scoreBy(ctx context.Context, analyze analyzer) (LeftOut, error) {
	bar := im.app.bar("score", "texts", int64(len(im.scored)))
	defer bar.Stop()
	im.next = make([]map[string]float64, len(im.scored))
	failed := make([]error, len(im.scored))
	var begun, done atomic.Int64
	var all sync.WaitGroup
	for range scorersAtOnce {
		all.Go(func() {
			for i := begun.Add(1) - 1; i < int64(len(im.scored)) && ctx.Err() == nil; i = begun.Add(1) - 1 {
				im.next[i], failed[i] = im.scoreOne(ctx, analyze, &im.scored[i])
				bar.Set(done.Add(1))
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return LeftOut{}, context.Cause(ctx)
	}
	var left LeftOut
	var first error
	for i, err := range failed {
		switch {
		case err != nil:
			left.NoScore++
			if first == nil {
				first = err
			}
		case im.next[i] == nil:
			left.Language++
		}
	}
	if left.NoScore == len(im.scored) {
		return left, first
	}
	return left, nil
}

// scoreOne gives the new scores of a text; nil where it is in a language that the
// system does not know.
func (im *scoresImport) scoreOne(ctx context.Context, analyze analyzer, s *perspective.Scored) (map[string]float64, error) {
	r := &perspective.AnalyzeRequest{Comment: perspective.TextEntry{Text: s.Text}, Languages: s.Languages,
		Requested: map[string]perspective.Parameters{}, DoNotStore: true, DropUnsupported: true}
	for _, name := range im.attributes() {
		r.Requested[name] = perspective.Parameters{}
	}
	var answer *perspective.AnalyzeResponse
	var err error
	for range scoreTries {
		if answer, err = analyze(ctx, r); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil || answer.AttributeScores == nil {
		return nil, err
	}
	out := map[string]float64{}
	for name, a := range answer.AttributeScores {
		if a.SummaryScore != nil && a.SummaryScore.Value != nil {
			out[name] = *a.SummaryScore.Value
		}
	}
	return out, nil
}

// analyze asks a running server.
func (c *client) analyze(ctx context.Context, r *perspective.AnalyzeRequest) (*perspective.AnalyzeResponse, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+perspective.Prefix+"comments:analyze", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.perform(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	answer := struct {
		perspective.AnalyzeResponse
		Error *perspective.Error `json:"error"`
	}{}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the server at %s gave an answer that cannot be read: %w", c.base, err)
	}
	if answer.Error != nil {
		return nil, orrery.Errorf(api.KindOf(response.StatusCode), "perspective_refused", "%s", answer.Error.Message)
	}
	return &answer.AnalyzeResponse, nil
}
