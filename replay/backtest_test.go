package replay_test

import (
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
)

// TestBacktestCountsWhatChanges compares two thresholds on the amount, whose
// effects can be counted by hand.
func TestBacktestCountsWhatChanges(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	above := func(dollars float64) *plan.Plan {
		m, err := model.NewTrees("gbdt", []string{"amount"}, 0, []model.Tree{{Feature: []int32{0}, Threshold: []float64{dollars},
			Left: []int32{^0}, Right: []int32{^1}, MissingLeft: []bool{true}, Value: []float64{-5, 5}, Cover: []float64{1, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Compile("", s, m)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var events, made []orrery.Event
	for id := range 10 {
		// The amounts are 1.00, 1.01 and so on to 1.09.
		made = append(made, transaction(s, id, day(id), 1))
	}
	events = append(events, made...)
	for _, id := range []int{5, 6, 9} {
		events = append(events, report(s, &made[id], made[id].Time.Add(7*orrery.Day), true))
	}
	sortByTime(events)
	span := replay.Range{From: day(2), To: day(10)}
	b, err := replay.RunBacktest(t.Context(), &history{events: events}, above(1.075), above(1.045), span, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Before, 8 and 9 were blocked; after, 5 to 9 are: 5, 6 and 7 change, and the
	// first two of these are frauds.
	if b.Decisions != 8 || b.Changed != 3 || len(b.Changes) != 1 {
		t.Fatalf("%+v", b)
	}
	c := b.Changes[0]
	want := replay.Sum{Field: "amount", Unit: "USD", Positives: "2.11", Others: "1.07"}
	if c.From != "approve" || c.To != "block" || c.Decisions != 3 || c.Positives != 2 || c.Sums[0] != want {
		t.Errorf("%+v", c)
	}
	if len(c.Examples) != 3 || c.Examples[0].EventID != "5" || c.Examples[0].Outcome != true || c.Examples[2].EventID != "7" {
		t.Errorf("examples %+v", c.Examples)
	}
	sentences := []string{"block would have answered 2 more that turned out fraud, worth 2.11 USD, and 1 more of the others",
		"approve would have answered 2 fewer that turned out fraud, worth 2.11 USD, and 1 fewer of the others"}
	if !slices.Equal(b.Summary, sentences) {
		t.Errorf("in words: %q", b.Summary)
	}
	if len(b.Actions) != 3 || b.Actions[0].Action != "block" || b.Actions[0].Before.Decisions != 2 || b.Actions[0].After.Decisions != 5 {
		t.Errorf("actions %+v", b.Actions)
	}
	if !(b.After["auc"] > b.Before["auc"]) {
		t.Errorf("before %v, after %v", b.Before, b.After)
	}
	same, err := replay.RunBacktest(t.Context(), &history{events: events}, above(1.075), above(1.075), span, nil)
	if err != nil || same.Changed != 0 || len(same.Changes) != 0 {
		t.Errorf("against itself: %+v %v", same, err)
	}
}
