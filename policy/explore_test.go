package policy_test

import (
	"math"
	"testing"

	"orrery.dev"
	"orrery.dev/policy"
)

var blocks = []policy.Explore{{Action: "block", Instead: "review", Share: 0.01}, {Action: "review", Instead: "approve", Share: 0.2}}

func TestExplorationTakesItsShare(t *testing.T) {
	x := policy.NewExploration("fraud", blocks)
	for _, kind := range blocks {
		const n = 200_000
		taken := 0
		for offset := range orrery.Offset(n) {
			action, propensity := x.Take(offset+1, kind.Action)
			switch {
			case action == kind.Instead && propensity == kind.Share:
				taken++
			case action != kind.Action || propensity != 1-kind.Share:
				t.Fatalf("%s at %d: %s with propensity %v", kind.Action, offset, action, propensity)
			}
		}
		// Five standard deviations of a binomial count.
		if far := 5 * math.Sqrt(n*kind.Share*(1-kind.Share)); math.Abs(float64(taken)-n*kind.Share) > far {
			t.Errorf("%s: %d of %d let through at a share of %v", kind.Action, taken, n, kind.Share)
		}
	}
	if action, propensity := x.Take(1, "approve"); action != "approve" || propensity != 1 {
		t.Errorf("an action that is not explored: %s with propensity %v", action, propensity)
	}
}

// TestExplorationIsPartOfTheRecord pins what was drawn: a record that was made
// by one version must be recomputed by the next.
func TestExplorationIsPartOfTheRecord(t *testing.T) {
	for system, want := range map[string][]orrery.Offset{"fraud": wantFraud, "chat": wantChat} {
		x := policy.NewExploration(system, blocks)
		var got []orrery.Offset
		for offset := orrery.Offset(1); len(got) < len(want); offset++ {
			if action, _ := x.Take(offset, "block"); action == "review" {
				got = append(got, offset)
			}
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s lets through %v, want %v", system, got, want)
			}
		}
	}
}

var (
	wantFraud = []orrery.Offset{113, 158, 172, 210}
	wantChat  = []orrery.Offset{74, 87, 110, 122}
)
