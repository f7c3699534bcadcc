package replay

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/plan"
	"orrery.dev/record"
)

// Backtest says what a period would have been under another plan.
type Backtest struct {
	Range     string `json:"range"`
	Decisions int    `json:"decisions"`
	// Changed counts the decisions whose action would have been another.
	Changed int      `json:"changed"`
	Changes []Change `json:"changes"`
	// Labelled decisions have a known outcome; Before and After measure the
	// scores of these, each by its Example.Weight. A metric is left out where a plan gave no scores.
	Labelled int     `json:"labelled"`
	Before   Metrics `json:"before,omitempty"`
	After    Metrics `json:"after,omitempty"`
	// Outcomes counts those of the whole history, to its end.
	Outcomes Outcomes `json:"outcomes"`
}

// Change gathers the decisions that would have gone from one action to another.
type Change struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Decisions int    `json:"decisions"`
	Positives int    `json:"positives"`
	Negatives int    `json:"negatives"`
	// Sums adds up the fields that have a unit, over the positives and over the
	// rest, by the field's name.
	Sums []Sum `json:"sums,omitempty"`
}

// Sum is the total of one field, exact, in the field's own decimals.
type Sum struct {
	Field     string `json:"field"`
	Unit      string `json:"unit"`
	Positives string `json:"positives"`
	Others    string `json:"others"`
}

// judged is one event of the period, decided on twice.
type judged struct {
	example       Example
	before, after string
	was, is       float64
	amounts       []int64
}

// RunBacktest replays a source and decides on each event of span twice: as it
// was recorded, or by before where it was not, and by after. Labels are those
// that the whole of the source makes known.
func RunBacktest(ctx context.Context, source Source, before, after *plan.Plan, span Range, tick func(events int64)) (*Backtest, error) {
	r := &backtester{before: newRunner(before), after: newRunner(after), span: span, joiner: newJoiner(after.Spec), id: matched(after.Spec)}
	for i := range after.Spec.DecideOn.Fields {
		if f := &after.Spec.DecideOn.Fields[i]; f.Unit != "" && f.Type.Exact() {
			r.amounts = append(r.amounts, i)
		}
	}
	if _, err := walk(ctx, source, tick, each(r.step, r.control)); err != nil {
		return nil, err
	}
	return r.result()
}

// runner is a plan with a state of its own: what one plan applies must not be
// seen by the other before it has asked.
type runner struct {
	plan    *plan.Plan
	state   *plan.State
	scratch *plan.Scratch
}

func newRunner(p *plan.Plan) *runner {
	return &runner{plan: p, state: plan.NewState(), scratch: p.NewScratch()}
}

func (r *runner) decide(e *orrery.Event) (*orrery.Decision, error) {
	d := &orrery.Decision{Vector: make([]float64, r.plan.Width())}
	if err := r.plan.Ask(r.state, e, r.scratch, d); err != nil {
		return nil, err
	}
	r.plan.Decide(e, r.scratch, d)
	return d, nil
}

type backtester struct {
	before, after *runner
	span          Range
	joiner        *joiner
	// id is the index in decide_on of the field that outcomes name.
	id      int
	amounts []int
	rows    []judged
}

func (r *backtester) step(e *orrery.Event, recorded *orrery.Decision) error {
	r.joiner.add(e)
	if !e.Type.Is(r.after.plan.Spec.DecideOn) || !r.span.Contains(e.Time) {
		return errors.Join(r.before.plan.Apply(r.before.state, e), r.after.plan.Apply(r.after.state, e))
	}
	was, err := r.before.decide(e)
	if err != nil {
		return err
	}
	// What was not recorded was not acted on, so nothing hid its outcome.
	unknowable, weight := false, 1.0
	if recorded != nil {
		unknowable, weight = weigh(r.before.plan, e, r.before.scratch, was.Vector, recorded)
		was = recorded
	}
	is, err := r.after.decide(e)
	if err != nil {
		return err
	}
	j := judged{example: Example{ID: text(e, r.id), Time: e.Time, Received: e.Received, Unknowable: unknowable, Weight: weight},
		before: was.Action, after: is.Action, was: was.Score, is: is.Score}
	for _, field := range r.amounts {
		j.amounts = append(j.amounts, e.Values[field].Units())
	}
	r.rows = append(r.rows, j)
	return nil
}

func (r *backtester) control(offset orrery.Offset, c *record.Control) error {
	return errors.Join(r.before.state.Control(offset, c), r.after.state.Control(offset, c))
}

func (r *backtester) result() (*Backtest, error) {
	out := &Backtest{Range: r.span.String(), Decisions: len(r.rows)}
	var labels *Labels
	if label := r.after.plan.Spec.Label; label != nil {
		labels = (&Examples{outcomes: r.joiner.join()}).LabelsAt(label, r.joiner.last+1)
		out.Outcomes = labels.Outcomes
	}
	changes := map[[2]string]*tally{}
	var before, after metric.Set
	for i := range r.rows {
		j := &r.rows[i]
		positive, known := false, false
		if labels != nil {
			positive, known = labels.Of(&j.example)
		}
		if known {
			out.Labelled++
			before.Label, before.Score = append(before.Label, zeroOrOne(positive)), append(before.Score, j.was)
			after.Label, after.Score = append(after.Label, zeroOrOne(positive)), append(after.Score, j.is)
			before.Weight, after.Weight = append(before.Weight, j.example.Weight), append(after.Weight, j.example.Weight)
		}
		if j.before == j.after {
			continue
		}
		out.Changed++
		key := [2]string{j.before, j.after}
		if changes[key] == nil {
			changes[key] = newTally(len(r.amounts))
		}
		changes[key].add(j, positive, known)
	}
	for key, t := range changes {
		out.Changes = append(out.Changes, t.change(key, r.after.plan.Spec.DecideOn, r.amounts))
	}
	slices.SortFunc(out.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Decisions, a.Decisions), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	out.Before, out.After = scoreMetrics(before), scoreMetrics(after)
	return out, nil
}

// scoreMetrics measures scores, as far as they are there and both classes are.
func scoreMetrics(set metric.Set) Metrics {
	if slices.ContainsFunc(set.Score, math.IsNaN) {
		return nil
	}
	out := Metrics{}
	for _, m := range scoreMeasures {
		if x, err := m.measure(set); err == nil {
			out[m.name] = x
		}
	}
	return out
}

// tally adds up the decisions of one change.
type tally struct {
	decisions, positives, negatives int
	positiveSums, otherSums         []int64
}

func newTally(amounts int) *tally {
	return &tally{positiveSums: make([]int64, amounts), otherSums: make([]int64, amounts)}
}

func (t *tally) add(j *judged, positive, known bool) {
	t.decisions++
	sums := t.otherSums
	switch {
	case known && positive:
		t.positives++
		sums = t.positiveSums
	case known:
		t.negatives++
	}
	for i, units := range j.amounts {
		sums[i] += units
	}
}

func (t *tally) change(key [2]string, decided *orrery.EventType, amounts []int) Change {
	c := Change{From: key[0], To: key[1], Decisions: t.decisions, Positives: t.positives, Negatives: t.negatives}
	for i, field := range amounts {
		f := &decided.Fields[field]
		c.Sums = append(c.Sums, Sum{Field: f.Name, Unit: f.Unit,
			Positives: orrery.DecimalValue(t.positiveSums[i]).Format(f.Scale), Others: orrery.DecimalValue(t.otherSums[i]).Format(f.Scale)})
	}
	return c
}
