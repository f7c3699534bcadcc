package replay_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/numeric"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/replay"
	"orrery.dev/review"
	"orrery.dev/spec"
	"orrery.dev/train"
)

// forum decides on posts of which nothing is ever known but what reviewers say.
const forum = `
orrery: 1
system: forum
events:
  post:
    id: post_id
    time: at
    fields: {post_id: string, at: timestamp, x: float}
  ruling:
    id: ruling_id
    time: at
    fields: {ruling_id: string, at: timestamp, post_id: string, bad: bool}
decide_on: post
features:
  x: post.x
label: {from: ruling.bad, match: post_id, matures_after: 1d, unknown_when: "true"}
model: {kind: logistic, features: [x], train: {range: 7d}}
policy:
  - {when: score >= 0.8, action: remove}
  - {action: allow}
review: {of: [remove], uncertain: {margin: 0.1, share: 0.3}, random: 0.02}
`

// once is a source of one batch.
type once struct {
	batch replay.Batch
	given bool
}

func (o *once) Next() (*replay.Batch, error) {
	if o.given {
		return nil, io.EOF
	}
	o.given = true
	return &o.batch, nil
}

// history of the forum, in the making.
type reviewed struct {
	t      *testing.T
	spec   *spec.Spec
	plan   *plan.Plan
	batch  replay.Batch
	offset orrery.Offset
}

func (r *reviewed) add(e orrery.Event, d *orrery.Decision) orrery.Offset {
	r.offset++
	e.Offset = r.offset
	r.batch.Events, r.batch.Decisions = append(r.batch.Events, e), append(r.batch.Decisions, d)
	return r.offset
}

func (r *reviewed) post(id int, at orrery.Instant, x float64) (orrery.Event, *orrery.Decision) {
	name := fmt.Sprint("p", id)
	e := orrery.Event{Type: r.spec.DecideOn, ID: name, Time: at, Received: at, Offset: r.offset + 1,
		Values: []orrery.Value{orrery.StringValue(name), orrery.TimestampValue(at), orrery.FloatValue(x)}}
	d := &orrery.Decision{Vector: make([]float64, r.plan.Width())}
	s := r.plan.NewScratch()
	if err := r.plan.Ask(plan.NewState(), &e, s, d); err != nil {
		r.t.Fatal(err)
	}
	r.plan.Decide(&e, s, d)
	r.add(e, d)
	return e, d
}

func (r *reviewed) rule(post *orrery.Event, at orrery.Instant, bad bool, act *review.Act) {
	name := fmt.Sprint("r", r.offset)
	outcome := r.add(orrery.Event{Type: r.spec.Label.Event, ID: name, Time: at, Received: at,
		Values: []orrery.Value{orrery.StringValue(name), orrery.TimestampValue(at), orrery.StringValue(post.ID), orrery.BoolValue(bad)}}, nil)
	if act == nil {
		return
	}
	act.Do, act.Decision, act.Outcome = review.DoVerdict, post.Offset, outcome
	c, err := act.Control()
	if err != nil {
		r.t.Fatal(err)
	}
	r.offset++
	r.batch.Controls = append(r.batch.Controls, replay.Control{Before: len(r.batch.Events), Offset: r.offset,
		Control: record.Control{Type: c.Type, At: at, Body: c.Body}})
}

func newReviewed(t *testing.T) (*reviewed, model.Model) {
	t.Helper()
	s := orrerytest.Spec(t, forum)
	m, err := model.NewLinear([]string{"x"}, []float64{0}, []float64{1}, []float64{1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", s, m)
	if err != nil {
		t.Fatal(err)
	}
	return &reviewed{t: t, spec: s, plan: p}, m
}

// TestMetricsOfWhatWasReviewed simulates a forum whose truth is known, has it
// reviewed, and holds the metrics of what reviewers saw to those of the truth: they
// meet with the weights, and do not without.
func TestMetricsOfWhatWasReviewed(t *testing.T) {
	const n = 60_000
	measured := func(everything bool, forget bool) (replay.Metrics, float64, replay.TestCounts) {
		r, m := newReviewed(t)
		random := numeric.NewRandom(11, 1)
		s := r.plan.NewScratch()
		for i := range n {
			at := day(0).Add(orrery.Duration(i) * 20 * orrery.Day / n)
			x := 8*random.Float64() - 5
			// The model is too sure of itself.
			bad := random.Float64() < numeric.Sigmoid(0.5*x-0.2)
			e, d := r.post(i, at, x)
			item, asked := r.plan.Asked(&e, s, d)
			switch {
			case everything:
				r.rule(&e, at, bad, nil)
			case asked:
				act := &review.Act{By: "ann", Round: review.First, Propensity: item.Propensity}
				if forget {
					act.Propensity = 1
				}
				r.rule(&e, at, bad, act)
			}
		}
		x, err := replay.Collect(t.Context(), r.plan, &once{batch: r.batch}, replay.Range{From: day(0), To: day(20)}, r.spec.Model.Features, nil)
		if err != nil {
			t.Fatal(err)
		}
		labels := x.LabelsAt(r.spec.Label, replay.Forever)
		total := 0.0
		for i := range x.List {
			if _, known := labels.ClassOf(&x.List[i]); known {
				total += labels.WeightOf(&x.List[i])
			}
		}
		evaluation, err := replay.Evaluate(t.Context(), r.plan, x, replay.Protocol{Train: replay.Range{From: day(0), To: day(1)}, Test: replay.Range{From: day(1), To: day(20)},
			Begun: time.Now(), Fit: func(context.Context, *train.Rows) (model.Model, error) { return m, nil }})
		if err != nil {
			t.Fatal(err)
		}
		return evaluation.Metrics, total, evaluation.Test
	}
	truth, all, _ := measured(true, false)
	corrected, total, counts := measured(false, false)
	naive, _, _ := measured(false, true)
	if all != n || math.Abs(total-n) > 0.05*n {
		t.Errorf("what was reviewed stands for %.0f decisions, want about %d; all stand for %v", total, n, all)
	}
	if counts.Reviewed == 0 || counts.Rows < n/10 || counts.Rows > n/2 {
		t.Errorf("%+v", counts)
	}
	for name, far := range map[string]float64{"auc": 0.03, "brier": 0.02, "log_loss": 0.05} {
		t.Logf("%s is %.4f; of what was reviewed %.4f, and %.4f without weights", name, truth[name], corrected[name], naive[name])
		if math.Abs(corrected[name]-truth[name]) > far || math.Abs(naive[name]-truth[name]) < far {
			t.Errorf("%s is %v; of what was reviewed %v, and %v without weights", name, truth[name], corrected[name], naive[name])
		}
	}
}

// TestWhatElseIsKnownStandsForItself goes through who can say the outcome of one
// decision that a fifth of are asked about.
func TestWhatElseIsKnownStandsForItself(t *testing.T) {
	ask := func(round review.Round, propensity float64) *review.Act {
		return &review.Act{By: "ann", Round: round, Propensity: propensity}
	}
	for _, test := range []struct {
		name   string
		acts   []*review.Act // nil for what somebody else says
		weight float64
	}{
		{"a reviewer who was asked by chance", []*review.Act{ask(review.First, 0.2)}, 5},
		{"who is asked about all", []*review.Act{ask(review.First, 1)}, 1},
		{"somebody else", []*review.Act{nil}, 1},
		{"both", []*review.Act{ask(review.First, 0.2), nil}, 1},
		{"both, the other first", []*review.Act{nil, ask(review.First, 0.2)}, 1},
		{"two reviewers who contradict each other", []*review.Act{ask(review.First, 0.2), ask(review.Third, 0.2)}, 5},
		{"a reviewer who changed the verdict", []*review.Act{ask(review.First, 0.2), ask(review.Change, 0.2)}, 5},
		{"a reviewer, and one after an appeal", []*review.Act{ask(review.First, 0.2), ask(review.Appeal, 0.2)}, 1},
		{"one after an appeal alone", []*review.Act{ask(review.Appeal, 0)}, 1},
	} {
		r, _ := newReviewed(t)
		e, _ := r.post(1, day(0), 1)
		for i, act := range test.acts {
			r.rule(&e, day(1), i%2 == 0, act)
		}
		x, err := replay.Collect(t.Context(), r.plan, &once{batch: r.batch}, replay.Range{From: day(0), To: day(1)}, r.spec.Model.Features, nil)
		if err != nil {
			t.Fatal(err)
		}
		labels := x.LabelsAt(r.spec.Label, replay.Forever)
		if got := labels.WeightOf(&x.List[0]); got != test.weight {
			t.Errorf("%s: weighs %v, want %v", test.name, got, test.weight)
		}
		if before := x.LabelsAt(r.spec.Label, day(1)); before.WeightOf(&x.List[0]) != 1 {
			t.Errorf("%s: weighs %v before", test.name, before.WeightOf(&x.List[0]))
		}
		// Where silence means something the outcome would be known either way.
		x.List[0].Unknowable = false
		if got := labels.WeightOf(&x.List[0]); got != 1 {
			t.Errorf("%s: weighs %v where silence is known", test.name, got)
		}
	}
}
