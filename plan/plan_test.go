package plan_test

import (
	"math"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/spec"
	"orrery.dev/systems/fraud"
)

// small has one feature of each sort, in an order that needs sorting.
const small = `
orrery: 1
system: small
entities: [shopper]
events:
  order:
    id: order_id
    time: at
    fields: {order_id: string, at: timestamp, shopper: entity, amount: {type: decimal, scale: 2}, note: {type: string, optional: true}}
decide_on: order
features:
  unusual: amount > 2 * shopper_mean
  shopper_mean: {mean: order.amount, by: shopper, window: 7d}
  large_count: {count: order, by: shopper, window: [1d, 7d], where: order.amount > 100}
  count: {count: order, by: shopper, window: [1d, 7d]}
  large_share: {ratio: [large_count, count]}
  amount: order.amount
  noted: has(order.note)
policy:
  - {when: unusual == 1.0 && amount > 50, action: look}
  - {action: go}
`

func order(s *spec.Spec, offset int, at orrery.Instant, cents int64) *orrery.Event {
	e := &orrery.Event{Type: s.DecideOn, ID: "o", Time: at, Received: at, Offset: orrery.Offset(offset), Values: make([]orrery.Value, 5)}
	e.Values[0], e.Values[1] = orrery.StringValue("o"), orrery.TimestampValue(at)
	e.Values[2], e.Values[3] = orrery.EntityValue("ann"), orrery.DecimalValue(cents)
	return e
}

// decide runs one event through both halves of a plan.
func decide(t *testing.T, p *plan.Plan, state *plan.State, e *orrery.Event) *orrery.Decision {
	t.Helper()
	s := p.NewScratch()
	d := &orrery.Decision{Offset: e.Offset, Vector: make([]float64, p.Width())}
	if err := p.Ask(state, e, s, d); err != nil {
		t.Fatal(err)
	}
	p.Decide(e, s, d)
	return d
}

func TestDerivedFeaturesAndPolicy(t *testing.T) {
	s := orrerytest.Spec(t, small)
	p, err := plan.Compile("r", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	state := plan.NewState()
	value := func(d *orrery.Decision, name string) float64 {
		t.Helper()
		i := s.FeatureIndex(name)
		if i < 0 {
			t.Fatalf("there is no feature %s", name)
		}
		return d.Vector[i]
	}
	first := decide(t, p, state, order(s, 1, 1_000_000, 4000))
	if value(first, "amount") != 40 || value(first, "unusual") != 0 || value(first, "large_share_7d") != 0 || value(first, "noted") != 0 || first.Action != "go" {
		t.Errorf("first: %v %s", first.Vector, first.Action)
	}
	second := decide(t, p, state, order(s, 2, 2_000_000, 30000))
	// The mean is (40 + 300) / 2 = 170, and 300 is not over twice that.
	if value(second, "shopper_mean") != 170 || value(second, "unusual") != 0 || value(second, "large_share_1d") != 0.5 {
		t.Errorf("second: %v", second.Vector)
	}
	for i := range 8 {
		decide(t, p, state, order(s, 3+i, orrery.Instant(3_000_000+i), 1000))
	}
	last := decide(t, p, state, order(s, 11, 4_000_000, 60000))
	if value(last, "unusual") != 1 || last.Action != "look" || last.Rule != 0 {
		t.Errorf("last: %v %s by rule %d", last.Vector, last.Action, last.Rule)
	}
	if !math.IsNaN(last.Score) || last.Fallback != "" {
		t.Errorf("score %v, fallback %q in a system without a model", last.Score, last.Fallback)
	}
}

func TestKnownIsWhatAnAskerWouldSee(t *testing.T) {
	s := orrerytest.Spec(t, small)
	p, err := plan.Compile("r", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	state := plan.NewState()
	decide(t, p, state, order(s, 1, 1_000_000, 4000))
	vector := make([]float64, p.Width())
	if err := p.Known(state, 1_000_000, map[string]string{"shopper": "ann"}, p.NewScratch(), vector); err != nil {
		t.Fatal(err)
	}
	if got := vector[s.FeatureIndex("shopper_mean")]; got != 40 {
		t.Errorf("shopper_mean %v", got)
	}
	if got := vector[s.FeatureIndex("amount")]; !math.IsNaN(got) {
		t.Errorf("amount %v of no event", got)
	}
	for name, about := range map[string]bool{"shopper_mean": true, "large_share_1d": true, "amount": false, "unusual": false} {
		if p.About(s.FeatureIndex(name), "shopper") != about {
			t.Errorf("%s is about the shopper: %v", name, !about)
		}
	}
}

func TestWithoutATrainedModelThereIsAnAnswer(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	p, err := plan.Compile("r", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	events := orrerytest.FraudEvents(t, s, fraud.Options{Customers: 5, Terminals: 50, Days: 2})
	d := decide(t, p, plan.NewState(), withOffset(events[0]))
	if d.Action != "approve" || d.Fallback != plan.FallbackNoModel || !math.IsNaN(d.Score) {
		t.Errorf("%+v", d)
	}
}

func withOffset(e orrery.Event) *orrery.Event {
	e.Offset = 1
	return &e
}

func TestAModelMustFitTheSpec(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	m, err := model.NewLinear([]string{"height"}, []float64{0}, []float64{1}, []float64{1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Compile("r", s, m); orrery.CodeOf(err) != "model_feature_unknown" {
		t.Errorf("error %v", err)
	}
}

func TestSameFeatures(t *testing.T) {
	a, b := orrerytest.Spec(t, small), orrerytest.Spec(t, small)
	names := a.FeatureNames()
	if !plan.SameFeatures(a, b, names) {
		t.Error("a spec differs from itself")
	}
	changed := orrerytest.FraudSpec(t)
	if plan.SameFeatures(a, changed, names) {
		t.Error("another system's features are the same")
	}
}

func TestReasonsNameWhatMovedTheScore(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	m, err := model.NewLinear([]string{"night", "amount"}, []float64{0, 50}, []float64{1, 10}, []float64{0.5, 2}, -3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", s, m)
	if err != nil {
		t.Fatal(err)
	}
	vector := make([]float64, p.Width())
	vector[s.FeatureIndex("night")], vector[s.FeatureIndex("amount")] = 1, 90
	reasons, base := p.Reasons(&orrery.Decision{Vector: vector}, 5)
	if len(reasons) != 2 || base != -3 || reasons[0] != (orrery.Reason{Slot: s.FeatureIndex("amount"), Contribution: 8}) ||
		reasons[1] != (orrery.Reason{Slot: s.FeatureIndex("night"), Contribution: 0.5}) {
		t.Errorf("reasons %v from %v", reasons, base)
	}
	if reasons, _ := p.Reasons(&orrery.Decision{Vector: vector}, 1); len(reasons) != 1 {
		t.Errorf("%d reasons, want one", len(reasons))
	}
}
