package cli

import (
	"encoding/json"
	"slices"
	"time"
)

// rawJSON is text that is JSON already.
func rawJSON(b []byte) json.RawMessage { return b }

// tally counts what came of live traffic.
type tally struct {
	all, reports    int
	frauds, stopped int
	actions         map[string]int
	took            []time.Duration
}

func newTally() *tally { return &tally{actions: map[string]int{}} }

func (t *tally) decided(action string, fraud bool, took time.Duration) {
	t.all++
	t.actions[action]++
	t.took = append(t.took, took)
	if fraud {
		t.frauds++
		if action != "approve" {
			t.stopped++
		}
	}
}

// median gives the middle of the times taken, 0 when there were none.
func (t *tally) median() time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	slices.Sort(t.took)
	return t.took[len(t.took)/2]
}
