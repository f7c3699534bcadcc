package replay_test

import (
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/systems/fraud"
)

// recorded is a Source of one event and the decision recorded on it.
type recorded struct {
	event    orrery.Event
	decision orrery.Decision
	given    bool
}

func (r *recorded) Next() (*replay.Batch, error) {
	if r.given {
		return nil, io.EOF
	}
	r.given = true
	return &replay.Batch{Events: []orrery.Event{r.event}, Decisions: []*orrery.Decision{&r.decision}}, nil
}

// TestVerifyNoticesEveryPart alters each part of a recorded decision, by a bit
// where it is a number, and expects verification to name it.
func TestVerifyNoticesEveryPart(t *testing.T) {
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := orrerytest.Spec(t, string(source)+"answer: {fallback: review, reasons: {for: approve}}\n")
	m, err := model.NewLinear([]string{"amount", "night"}, []float64{0, 0}, []float64{1, 1}, []float64{0.001, 0.5}, -3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", s, m)
	if err != nil {
		t.Fatal(err)
	}
	event := transaction(s, 1, day(0), 1)
	event.Offset = 1
	made := func(fallback string) orrery.Decision {
		d := orrery.Decision{Vector: make([]float64, p.Width())}
		scratch := p.NewScratch()
		if err := p.Ask(plan.NewState(), &event, scratch, &d); err != nil {
			t.Fatal(err)
		}
		d.Fallback = fallback
		p.Decide(&event, scratch, &d)
		return d
	}
	if d := made(""); len(d.Reasons) == 0 {
		t.Fatalf("the decision has no reasons: %+v", d)
	}
	next := func(x float64) float64 { return math.Nextafter(x, 2) }
	for _, test := range []struct {
		what     string // that differs; empty for nothing
		fallback string
		change   func(d *orrery.Decision)
	}{
		{"", "", func(*orrery.Decision) {}},
		{"", plan.FallbackDeadline, func(*orrery.Decision) {}},
		{"", plan.FallbackFault, func(*orrery.Decision) {}},
		{"fallback", plan.FallbackPaused, func(*orrery.Decision) {}}, // no control had paused it
		{"amount", "", func(d *orrery.Decision) { d.Vector[0] = next(d.Vector[0]) }},
		{"amount", plan.FallbackDeadline, func(d *orrery.Decision) { d.Vector[0] = next(d.Vector[0]) }},
		{"score", "", func(d *orrery.Decision) { d.Score = next(d.Score) }},
		{"number of classes", "", func(d *orrery.Decision) { d.Scores = []float64{1} }},
		{"rule", "", func(d *orrery.Decision) { d.Rule-- }},
		{"action", "", func(d *orrery.Decision) { d.Action = "block" }},
		{"action", plan.FallbackDeadline, func(d *orrery.Decision) { d.Action = "approve" }},
		{"intended action", "", func(d *orrery.Decision) { d.Intended = "block" }},
		{"propensity", "", func(d *orrery.Decision) { d.Propensity = math.Nextafter(1, 0) }},
		{"reasons", "", func(d *orrery.Decision) { d.Reasons[0].Contribution = next(d.Reasons[0].Contribution) }},
		{"reasons", "", func(d *orrery.Decision) { d.Reasons = nil }},
	} {
		r := &recorded{event: event, decision: made(test.fallback)}
		test.change(&r.decision)
		v, err := replay.Verify(t.Context(), r, []*plan.Plan{p}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, d := range v.First {
			found = append(found, d.What)
		}
		if test.what == "" && v.Different != 0 || test.what != "" && !slices.Contains(found, test.what) {
			t.Errorf("%s %s: %d differ, by %s", test.what, test.fallback, v.Different, strings.Join(found, ", "))
		}
	}
}
