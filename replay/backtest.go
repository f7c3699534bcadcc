package replay

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/store"
)

// Backtest says what a period would have been under another plan.
type Backtest struct {
	Range     string `json:"range"`
	Decisions int    `json:"decisions"`
	// Summary says in sentences how often each action would have been answered
	// more or less, and for what.
	Summary []string `json:"summary"`
	// Changed counts the decisions whose action would have been another.
	Changed int      `json:"changed"`
	Changes []Change `json:"changes"`
	// Actions says how often each action was and would have been answered.
	Actions []ActionTotals `json:"actions"`
	// Labelled decisions have a known outcome by the end of the history.
	Labelled int `json:"labelled"`
	// Measured says what Before and After are taken over: the rows that an
	// evaluation of the period would test on, by the same rules. The scores of
	// Before are those recorded. Both are empty where they cannot be measured.
	Measured TestCounts `json:"measured"`
	Before   Metrics    `json:"before,omitempty"`
	After    Metrics    `json:"after,omitempty"`
	// Outcomes counts those of the whole history, to its end.
	Outcomes        Outcomes `json:"outcomes"`
	Notices         []string `json:"notices,omitempty"`
	Events          int64    `json:"events"`
	EventsPerSecond float64  `json:"events_per_second"`
}

// Change gathers the decisions that would have gone from one action to another.
type Change struct {
	From string `json:"from"`
	To   string `json:"to"`
	Tally
	// Examples are the first few of them.
	Examples []Changed `json:"examples"`
}

// ActionTotals are the decisions that an action answered, and would have.
type ActionTotals struct {
	Action string `json:"action"`
	Before Tally  `json:"before"`
	After  Tally  `json:"after"`
}

// Tally adds up decisions by their outcome.
type Tally struct {
	Decisions int `json:"decisions"`
	Positives int `json:"positives"`
	// Negatives have a known outcome too; what remains of Decisions has none yet.
	Negatives int `json:"negatives"`
	// Sums adds up the fields that have a unit, over the positives and over the
	// rest.
	Sums []Sum `json:"sums,omitempty"`
	// Entities counts, of the decisions that are not positive, the different keys
	// of each entity.
	Entities []EntityCount `json:"entities,omitempty"`
}

// Sum is the total of one field, exact, in the field's own decimals.
type Sum struct {
	Field     string `json:"field"`
	Unit      string `json:"unit"`
	Positives string `json:"positives"`
	Others    string `json:"others"`
}

// EntityCount is how many different keys a field of an entity had.
type EntityCount struct {
	Field string `json:"field"`
	Keys  int    `json:"keys"`
}

// Changed is one decision that would have been another.
type Changed struct {
	Offset  orrery.Offset `json:"offset"`
	EventID string        `json:"event_id"`
	At      string        `json:"at"`
	// ScoreBefore and ScoreAfter are nil where there was no score.
	ScoreBefore any `json:"score_before"`
	ScoreAfter  any `json:"score_after"`
	// Outcome is true or false, or a class, nil where it is not known.
	Outcome any `json:"outcome"`
}

// changedKept is how many examples a Change has.
const changedKept = 5

// judged is one event of the period, decided on twice.
type judged struct {
	offset        orrery.Offset
	before, after string
	was, is       float64
	// wasBy and isBy are the scores of classes.
	wasBy, isBy []float64
	// example is its index in the backtester's examples.
	example int
	amounts []int64
	keys    []string
}

// RunBacktest replays a source and decides on each event of span twice: as it
// was recorded, or by before where it was not, and by after. Changes are told
// with the outcomes known by the end of the source; metrics are those of Evaluate
// for that test range, with the training range that TrainSpan gives.
func RunBacktest(ctx context.Context, source Source, before, after *plan.Plan, span Range, tick func(events int64)) (*Backtest, error) {
	begun := time.Now()
	r := newBacktester(before, after, span)
	if err := r.begin(source); err != nil {
		return nil, err
	}
	visit := each(r.step, r.control)
	events, err := walk(ctx, source, tick, func(b *Batch) error {
		r.batch, r.next = b.Events, 0
		return visit(b)
	})
	if err != nil {
		return nil, err
	}
	out := r.result()
	out.Events, out.EventsPerSecond = events, float64(events)/time.Since(begun).Seconds()
	return out, nil
}

// runner is a plan with a state of its own, since what one plan applies must not
// be seen by the other before it has asked. Plans that need the same tables share
// one: an event counts once there, and whoever asks is answered alike.
type runner struct {
	plan    *plan.Plan
	state   *plan.State
	scratch *plan.Scratch
	// costs has for each example what Example.Costs has.
	costs [][]float64
}

func newRunner(p *plan.Plan) *runner {
	return &runner{plan: p, scratch: p.NewScratch()}
}

func (r *runner) decide(e *orrery.Event) (*orrery.Decision, error) {
	d := &orrery.Decision{Vector: make([]float64, r.plan.Width())}
	if err := r.plan.Ask(r.state, e, r.scratch, d); err != nil {
		return nil, err
	}
	r.plan.Decide(e, r.scratch, d)
	if err := r.scratch.Fault(); err != nil {
		return nil, err
	}
	r.costs = append(r.costs, r.plan.Costs(e, r.scratch, d.Vector))
	return d, nil
}

type backtester struct {
	before, after *runner
	protocol      Protocol
	joiner        *joiner
	// id, excluded and ranked are the indexes of the collector; amounts those of
	// fields with a unit, entities those of entity fields.
	id, excluded, ranked int
	amounts, entities    []int
	// batch is the one at hand, next its event that is.
	batch []orrery.Event
	next  int
	// examples begin with the events before the period that say which entities
	// an evaluation leaves out.
	examples Examples
	rows     []judged
}

func newBacktester(before, after *plan.Plan, span Range) *backtester {
	s := after.Spec
	r := &backtester{before: newRunner(before), after: newRunner(after), joiner: newJoiner(s), id: matched(s), excluded: -1, ranked: -1,
		protocol: Protocol{Train: Range{From: span.From, To: span.From}, Test: span}}
	if e := s.Evaluate; e != nil {
		r.excluded, r.ranked = e.LeaveOutKnown, e.By
	}
	if s.Model != nil {
		r.protocol.Train = TrainSpan(s, span.From)
	}
	for i := range s.DecideOn.Fields {
		f := &s.DecideOn.Fields[i]
		if f.Unit != "" && f.Type.Exact() {
			r.amounts = append(r.amounts, i)
		}
		if f.Type == orrery.Entity {
			r.entities = append(r.entities, i)
		}
	}
	return r
}

// begin makes the states that the source's first event is applied to.
func (r *backtester) begin(source Source) (err error) {
	if r.before.state, err = rootOf(source); err != nil {
		return err
	}
	if r.after.state = r.before.state; !sameTables(r.before.plan.Tables(), r.after.plan.Tables()) {
		if r.after.state, err = rootOf(source); err != nil {
			return err
		}
	}
	r.before.plan.Bind(r.before.state)
	r.after.plan.Bind(r.after.state)
	return nil
}

func sameTables(a, b []store.TableID) bool {
	in := func(list []store.TableID) func(store.TableID) bool {
		return func(t store.TableID) bool { return !slices.Contains(list, t) }
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

func (r *backtester) step(e *orrery.Event, recorded *orrery.Decision) error {
	if r.next%plan.PrefetchEvents == 0 {
		ahead := r.batch[r.next:min(r.next+plan.PrefetchEvents, len(r.batch))]
		r.before.plan.Prefetch(r.before.state, r.before.scratch, ahead)
		r.after.plan.Prefetch(r.after.state, r.after.scratch, ahead)
	}
	r.next++
	r.joiner.add(e)
	decided := e.Type.Is(r.after.plan.Spec.DecideOn) && !e.Erased
	if !decided || !r.protocol.Test.Contains(e.Time) {
		if decided && r.excluded >= 0 && e.Time >= r.protocol.Train.From && e.Time < r.protocol.Test.From {
			r.example(e)
			r.before.costs, r.after.costs = append(r.before.costs, nil), append(r.after.costs, nil)
		}
		return r.apply(e)
	}
	was, err := r.before.decide(e)
	if err != nil {
		return err
	}
	x := r.example(e)
	// What was not recorded was not acted on, so nothing hid its outcome.
	if recorded != nil {
		x.Unknowable, x.Weight = weigh(r.before.plan, e, r.before.scratch, was.Vector, recorded)
		was = recorded
	}
	is, err := r.after.decide(e)
	if err != nil {
		return err
	}
	j := judged{offset: e.Offset, before: was.Action, after: is.Action, was: was.Score, is: is.Score, wasBy: was.Scores, isBy: is.Scores, example: len(r.examples.List) - 1}
	for _, field := range r.amounts {
		j.amounts = append(j.amounts, e.Values[field].Units())
	}
	for _, field := range r.entities {
		j.keys = append(j.keys, e.Values[field].Text())
	}
	r.rows = append(r.rows, j)
	return nil
}

func (r *backtester) apply(e *orrery.Event) error {
	if err := r.before.plan.Apply(r.before.state, e); err != nil || r.after.state == r.before.state {
		return err
	}
	return r.after.plan.Apply(r.after.state, e)
}

// example notes an event as an evaluation would.
func (r *backtester) example(e *orrery.Event) *Example {
	r.examples.List = append(r.examples.List, Example{ID: text(e, r.id), Time: e.Time, Received: e.Received,
		Excluded: text(e, r.excluded), Ranked: text(e, r.ranked), Weight: 1})
	return &r.examples.List[len(r.examples.List)-1]
}

func (r *backtester) control(offset orrery.Offset, c *record.Control) error {
	return errors.Join(r.joiner.control(offset, c), r.before.state.Control(offset, c), r.after.state.Control(offset, c))
}

func (r *backtester) result() *Backtest {
	out := &Backtest{Range: r.protocol.Test.String(), Decisions: len(r.rows), Changes: []Change{}}
	var labels *Labels
	if label := r.after.plan.Spec.Label; label != nil {
		r.examples.corrected = r.joiner.corrected
		r.examples.outcomes, r.examples.Last, r.examples.Classes = r.joiner.join(), r.joiner.last, label.Classes
		r.examples.Several = label.Several
		labels = r.examples.LabelsAt(label, r.joiner.last+1)
		out.Outcomes = labels.Outcomes
		r.measure(out)
	}
	changes, before, after := map[[2]string]*change{}, map[string]*tally{}, map[string]*tally{}
	for i := range r.rows {
		j := &r.rows[i]
		class, known := 0, false
		if labels != nil {
			class, known = labels.ClassOf(&r.examples.List[j.example])
		}
		if known {
			out.Labelled++
		}
		outcome := r.outcome(class, known)
		// Of several classes, none is the positive one that tallies are about.
		positive := class == 1
		known = known && r.examples.Classes == nil
		r.tallyOf(before, j.before).add(j, positive, known)
		r.tallyOf(after, j.after).add(j, positive, known)
		if j.before == j.after {
			continue
		}
		out.Changed++
		key := [2]string{j.before, j.after}
		if changes[key] == nil {
			changes[key] = &change{tally: r.newTally()}
		}
		changes[key].add(j, positive, known)
		if c := changes[key]; len(c.examples) < changedKept {
			c.examples = append(c.examples, r.changed(j, outcome))
		}
	}
	for key, c := range changes {
		out.Changes = append(out.Changes, Change{From: key[0], To: key[1], Tally: c.total(), Examples: c.examples})
	}
	slices.SortFunc(out.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Decisions, a.Decisions), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	actions := r.actions(before, after)
	out.Summary = append([]string{}, r.words(actions, before, after)...)
	for _, action := range actions {
		out.Actions = append(out.Actions, ActionTotals{Action: action, Before: r.tallyOf(before, action).total(), After: r.tallyOf(after, action).total()})
	}
	return out
}

// actions lists what was or would have been answered: the actions of the changed
// policy in its order, then others by name.
func (r *backtester) actions(before, after map[string]*tally) []string {
	out := r.after.plan.Spec.Actions()
	first := len(out)
	for _, tallies := range []map[string]*tally{before, after} {
		for action := range tallies {
			if !slices.Contains(out, action) {
				out = append(out, action)
			}
		}
	}
	slices.Sort(out[first:])
	return out
}

func (r *backtester) changed(j *judged, outcome any) Changed {
	e := &r.examples.List[j.example]
	return Changed{Offset: j.offset, EventID: e.ID, At: e.Time.String(), ScoreBefore: Number(j.was), ScoreAfter: Number(j.is), Outcome: outcome}
}

// outcome gives what is known of a decision's outcome: true, false or a class, nil
// for nothing.
func (r *backtester) outcome(class int, known bool) any {
	switch {
	case !known:
		return nil
	case r.examples.Classes != nil:
		return r.after.plan.Spec.Label.ClassText(int64(class))
	}
	return class == 1
}

// measure fills Before and After as Evaluate measures a test range.
func (r *backtester) measure(out *Backtest) {
	place := map[int]*judged{}
	for i := range r.rows {
		place[r.rows[i].example] = &r.rows[i]
	}
	of := func(run *runner, score func(*judged) (float64, []float64)) Metrics {
		x := r.examples
		x.List = slices.Clone(x.List)
		for i := range x.List {
			x.List[i].Costs = run.costs[i]
		}
		t := x.testRows(run.plan, r.protocol)
		out.Measured, out.Notices = t.counts, t.notices
		for _, i := range t.rows {
			one, byClass := score(place[i])
			t.scores, t.classes = append(t.scores, one), append(t.classes, byClass...)
		}
		t.choose(run.plan.Model())
		if slices.ContainsFunc(t.scores, math.IsNaN) {
			return nil
		}
		var e Evaluation
		if err := t.measure(run.plan, &e); err != nil {
			return nil // of one class, say
		}
		return e.Metrics
	}
	out.Before = of(r.before, func(j *judged) (float64, []float64) { return j.was, j.wasBy })
	out.After = of(r.after, func(j *judged) (float64, []float64) { return j.is, j.isBy })
}
