package serve_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/train"
)

// TestExplorationIsRecordedAndLearnedFrom runs a system that blocks by amount
// and lets a share through: what is recorded says so, comes out the same when
// it is recomputed, and weighs accordingly in what is learned.
func TestExplorationIsRecordedAndLearnedFrom(t *testing.T) {
	s := newSystem(t)
	s.close()
	source := strings.Replace(string(s.spec.Source), "score >= 0.9", "amount > 40.0", 1)
	s.spec = orrerytest.Spec(t, strings.Replace(source, "share: 0.01", "share: 0.2", 1))
	s.open()
	blocked, through := 0, 0
	check := func(results []serve.Result) {
		t.Helper()
		for i := range results {
			d := results[i].Decision
			if d == nil {
				continue
			}
			switch amount := d.Vector[s.spec.FeatureIndex("amount")]; {
			case amount <= 40:
				if d.Propensity != 1 || d.Intended != "" || d.Action == "block" {
					t.Fatalf("%v: %+v", amount, d)
				}
			case d.Intended == "block" && d.Action == "review" && d.Propensity == 0.2:
				through++
			case d.Intended == "" && d.Action == "block" && d.Propensity == 0.8:
				blocked++
			default:
				t.Fatalf("%v: %+v", amount, d)
			}
		}
	}
	events := sample(t, s.spec, 12)
	check(s.send(events))
	if far := 5 * math.Sqrt(0.2*0.8*float64(blocked+through)); math.Abs(float64(through)-0.2*float64(blocked+through)) > far {
		t.Errorf("%d of %d let through", through, blocked+through)
	}
	s.reopen()
	before := through
	check(s.send(events))
	if through != 2*before {
		t.Errorf("repeats let %d through, the first %d", through-before, before)
	}
	if v := s.verifyClean(); v.Decisions != int64(blocked+through)/2+belowForty(s, events) {
		t.Errorf("%d decisions recomputed", v.Decisions)
	}
	var rows *train.Rows
	_, counts, err := serve.Learn(t.Context(), s.store, s.engine.Reader(), serve.Lesson{Spec: s.spec, Kind: "gbdt", Range: replay.Range{From: 0, To: replay.Forever},
		Fit: func(_ context.Context, r *train.Rows) (model.Model, error) { rows = r; return stump(t, 1), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if counts.Explored == 0 || len(rows.Weight) != counts.Rows {
		t.Fatalf("%+v, %d weights", counts, len(rows.Weight))
	}
	for i, w := range rows.Weight {
		if amount := rows.Row(i)[0]; amount > 40 && w != 5 || amount <= 40 && w != 1 {
			t.Fatalf("an amount of %v weighs %v", amount, w)
		}
	}
}

func belowForty(s *system, events []orrery.Event) (n int64) {
	for i := range events {
		if e := &events[i]; e.Type.Is(s.spec.DecideOn) && e.Values[e.Type.Field("amount")].Units() <= 4000 {
			n++
		}
	}
	return n
}
