package main

import "testing"

// TestExplorationKeepsWhatBlocksLose retrains ten times on a log whose blocks
// hide their outcomes: with exploration the models stay nearly as good as those
// of an arm that sees everything, without they do not. A world and an arm always
// give the same figures.
func TestExplorationKeepsWhatBlocksLose(t *testing.T) {
	if testing.Short() {
		t.Skip("it lives through four months three times")
	}
	scale := Scale{Customers: 150, Terminals: 300, Rounds: 10, Drift: true}
	kept := map[string]float64{}
	for _, arm := range []Arm{{Name: "all", Omniscient: true}, {Name: "explored", Share: 0.2}, {Name: "hidden"}} {
		precisions, err := Simulate(t.Context(), arm, scale, 1)
		if err != nil {
			t.Fatal(err)
		}
		kept[arm.Name] = life(precisions).kept()
		t.Logf("%s: %.3f %.2f", arm.Name, kept[arm.Name], precisions)
	}
	if !(kept["explored"] > 0.85*kept["all"]) {
		t.Errorf("with exploration %.3f of %.3f are kept", kept["explored"], kept["all"])
	}
	if !(kept["hidden"] < 0.9*kept["explored"]) {
		t.Errorf("without exploration %.3f of %.3f are kept", kept["hidden"], kept["explored"])
	}
}
