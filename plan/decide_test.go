package plan_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/policy"
	"orrery.dev/record"
	"orrery.dev/spec"
)

// answering has a model, a fallback and reasons for one action.
const answering = `
label: {from: refund.bad, match: order_id, matures_after: 7d}
model: {kind: logistic, features: [amount, count_*], train: {range: 7d}}
policy:
  - {when: score >= 0.5, action: stop}
  - {when: amount > 900, action: look}
  - {action: go}
answer: {fallback: hold, reasons: {for: [stop], top: 2}}
`

func answeringSpec(t testing.TB) *spec.Spec {
	before, _, _ := strings.Cut(small, "policy:")
	before = strings.Replace(before, "decide_on:", "  refund:\n    id: id\n    time: at\n    fields: {id: string, at: timestamp, order_id: string, bad: bool}\ndecide_on:", 1)
	return orrerytest.Spec(t, before+answering)
}

func answeringPlan(t testing.TB) *plan.Plan {
	s := answeringSpec(t)
	m, err := model.NewLinear([]string{"amount", "count_1d", "count_7d"}, []float64{0, 0, 0}, []float64{1, 1, 1}, []float64{0.01, 0.5, 0.001}, -3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", s, m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReasonsAreThoseOfTheNamedActions(t *testing.T) {
	p := answeringPlan(t)
	state := plan.NewState()
	stopped := decide(t, p, state, order(p.Spec, 1, 1_000_000, 80000))
	want, _ := p.Reasons(stopped, 2)
	if stopped.Action != "stop" || len(want) != 2 || len(stopped.Reasons) != 2 || stopped.Reasons[0] != want[0] || stopped.Reasons[1] != want[1] {
		t.Errorf("%s: reasons %v, want %v", stopped.Action, stopped.Reasons, want)
	}
	if passed := decide(t, p, state, order(p.Spec, 2, 2_000_000, 1000)); passed.Action != "go" || passed.Reasons != nil {
		t.Errorf("%s: reasons %v", passed.Action, passed.Reasons)
	}
}

func TestFallbacks(t *testing.T) {
	p := answeringPlan(t)
	untrained, err := plan.Compile("r", p.Spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		plan     *plan.Plan
		preset   string
		cents    int64
		fallback string
		rule     int
		action   string
	}{
		{"in time", p, "", 80000, "", 0, "stop"},
		{"no time", p, plan.FallbackDeadline, 80000, "deadline", policy.NoRule, "hold"},
		{"no time, and a rule without a score", p, plan.FallbackDeadline, 90001, "deadline", 1, "look"},
		{"a fault", p, plan.FallbackFault, 80000, "fault", policy.NoRule, "hold"},
		{"no model", untrained, "", 80000, "no_model", policy.NoRule, "hold"},
		{"paused", p, plan.FallbackPaused, 90001, "paused", policy.NoRule, "hold"},
	} {
		state, s := plan.NewState(), test.plan.NewScratch()
		d := &orrery.Decision{Vector: make([]float64, test.plan.Width())}
		e := order(p.Spec, 1, 1_000_000, test.cents)
		if err := test.plan.Ask(state, e, s, d); err != nil {
			t.Fatal(err)
		}
		if test.preset != "" {
			d.Fallback = test.preset
		}
		test.plan.Decide(e, s, d)
		if d.Fallback != test.fallback || d.Rule != test.rule || d.Action != test.action || math.IsNaN(d.Score) != (test.fallback != "") ||
			d.Vector[p.Spec.FeatureIndex("amount")] != float64(test.cents)/100 || d.Propensity != 1 {
			t.Errorf("%s: %+v", test.name, d)
		}
	}
}

func TestAPauseIsInForceFromItsOffset(t *testing.T) {
	p := answeringPlan(t)
	state := plan.NewState()
	body, err := json.Marshal(control.Note{By: "ann", Reason: "the feed is wrong"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", plan.FallbackPaused, "", plan.FallbackPaused} {
		if d := decide(t, p, state, order(p.Spec, 1+2*i, orrery.Instant(1_000_000*(i+1)), 100)); d.Fallback != want {
			t.Errorf("decision %d: fallback %q, want %q", i, d.Fallback, want)
		}
		kind := []string{control.TypePause, control.TypeResume}[i%2]
		if err := state.Control(orrery.Offset(2+2*i), &record.Control{Type: kind, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p := answeringPlan(b)
	for name, cents := range map[string]int64{"without reasons": 1000, "with reasons": 80000} {
		b.Run(name, func(b *testing.B) {
			e, s := order(p.Spec, 1, 1_000_000, cents), p.NewScratch()
			d := &orrery.Decision{Vector: make([]float64, p.Width())}
			if err := p.Ask(plan.NewState(), e, s, d); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				p.Decide(e, s, d)
			}
		})
	}
}
