package replay_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
)

// exploring is the fraud system with another label and with exploration.
func exploring(t *testing.T, unknownWhen, explore string) *spec.Spec {
	t.Helper()
	source := string(orrerytest.FraudSpec(t).Source)
	source = strings.ReplaceAll(source, `unknown_when: action == "block"`, unknownWhen)
	var kept []string
	for line := range strings.Lines(source) {
		if !strings.HasPrefix(line, "explore:") {
			kept = append(kept, line)
		}
	}
	return orrerytest.Spec(t, strings.Join(kept, "")+"\n"+explore+"\n")
}

// TestWeightsCountEachDecisionOnce goes through all that chance can make of one
// decision: the weight of what is seen, times the probability of it, adds up
// to 1, which is what makes a weighted sum unbiased. With an outcome reported
// and without, and where the label hides outcomes and where it does not.
func TestWeightsCountEachDecisionOnce(t *testing.T) {
	const share = 0.02
	type taken struct {
		action, intended string
		propensity       float64
		weight           float64
	}
	for _, test := range []struct {
		name, unknownWhen string
		taken             []taken
	}{
		{"hidden by the block", `unknown_when: action == "block"`,
			[]taken{{"review", "block", share, 1 / share}, {"block", "", 1 - share, 0}}},
		{"hidden by the block of small amounts, which this is", `unknown_when: action == "block" && amount < 100`,
			[]taken{{"review", "block", share, 1 / share}, {"block", "", 1 - share, 0}}},
		{"hidden by the block of large amounts", `unknown_when: action == "block" && amount > 100`,
			[]taken{{"review", "block", share, 1}, {"block", "", 1 - share, 1}}},
		{"hidden never", `unknown_when: "false"`,
			[]taken{{"review", "block", share, 1}, {"block", "", 1 - share, 1}}},
		{"not explored", `unknown_when: action == "block"`,
			[]taken{{"approve", "", 1, 1}}},
	} {
		s := exploring(t, test.unknownWhen, fmt.Sprintf("explore: {action: block, instead: review, share: %v}", share))
		p, err := plan.Compile("", s, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, reported := range []bool{false, true} {
			sum := 0.0
			for _, c := range test.taken {
				made := transaction(s, 1, day(0), 1)
				history := &decided{events: []orrery.Event{made}, decisions: []*orrery.Decision{{
					// The release that decided had other features than the one that learns.
					Vector: []float64{1e9}, Action: c.action, Intended: c.intended, Propensity: c.propensity}}}
				if reported {
					history.events = append(history.events, report(s, &made, day(1), true))
					history.decisions = append(history.decisions, nil)
				}
				for i := range history.events {
					history.events[i].Offset = orrery.Offset(i + 1)
				}
				x, err := replay.Collect(t.Context(), p, history, replay.Range{From: day(0), To: day(1)}, s.Model.Features, nil)
				if err != nil {
					t.Fatal(err)
				}
				labels := x.LabelsAt(s.Label, replay.Forever)
				weight := x.List[0].Weight
				if weight != c.weight {
					t.Errorf("%s: %s with propensity %v weighs %v, want %v", test.name, c.action, c.propensity, weight, c.weight)
				}
				if positive, known := labels.Of(&x.List[0]); known {
					sum += float64(c.propensity * weight)
					if positive != reported {
						t.Errorf("%s: positive %v", test.name, positive)
					}
				}
				rows, counts := x.TrainRows(labels, replay.Range{From: day(0), To: day(1)})
				if c.weight > 1 && (counts.Explored != 1 || rows.Weight[0] != c.weight) || c.weight == 0 && counts.Rows != 0 {
					t.Errorf("%s: %+v, weights %v", test.name, counts, rows.Weight)
				}
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Errorf("%s, reported %v: a decision is counted %v times in expectation", test.name, reported, sum)
			}
		}
	}
}
