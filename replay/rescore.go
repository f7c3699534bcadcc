package replay

import (
	"fmt"
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/plan"
)

// ScoreTolerance is how far a score of a model with an encoder may be from the one
// recorded. The library that runs an encoder does not give the same bits on every
// processor and in every version, nor for a text in another batch; a score is then
// off by some 1e-6, and that of a network with dynamic quantisation by a few
// thousandths.
const ScoreTolerance = 0.01

// Rescored is what came of scoring again where scores are not the same bits
// everywhere.
type Rescored struct {
	// Scores counts the decisions that were scored again, Outside those of them of
	// which a score is further than Tolerance from the one recorded. Greatest is the
	// greatest difference.
	Scores    int64   `json:"scores"`
	Outside   int64   `json:"outside"`
	Tolerance float64 `json:"tolerance"`
	Greatest  float64 `json:"greatest_difference"`
	// Left counts the decisions that could not be scored again, and Because says why.
	Left    int64  `json:"left,omitempty"`
	Because string `json:"because,omitempty"`
}

// rescoreBlock is how many decisions are scored again together.
const rescoreBlock = 256

// rescoring gathers decisions of one plan.
type rescoring struct {
	plan *plan.Plan
	// missing says why the plan cannot score here, nil where it can.
	missing   error
	texts     []string
	decisions []*orrery.Decision
}

// rescore gathers a decision that is to be scored again: with the scores recorded,
// and the vector that was computed.
func (v *verifier) rescore(p *plan.Plan, e *orrery.Event, recorded, computed *orrery.Decision) error {
	if v.out.Encoded == nil {
		v.out.Encoded = &Rescored{Tolerance: ScoreTolerance}
	}
	r := v.rescoring[p.Release]
	if r == nil {
		r = &rescoring{plan: p, missing: p.Ready()}
		v.rescoring[p.Release] = r
	}
	if r.missing != nil {
		v.out.Encoded.Left++
		v.out.Encoded.Because = r.missing.Error()
		return nil
	}
	r.texts = append(r.texts, p.Text(e))
	r.decisions = append(r.decisions, &orrery.Decision{Offset: recorded.Offset, Release: recorded.Release,
		Vector: computed.Vector, Score: recorded.Score, Scores: slices.Clone(recorded.Scores)})
	if len(r.texts) < rescoreBlock {
		return nil
	}
	return v.scoreAgain(r)
}

// rescoreRest scores what is left of every plan.
func (v *verifier) rescoreRest() error {
	for _, p := range v.plans {
		if r := v.rescoring[p.Release]; r != nil && len(r.texts) > 0 {
			if err := v.scoreAgain(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) scoreAgain(r *rescoring) error {
	computed, err := r.plan.Rescore(r.texts, r.decisions)
	if err != nil {
		return err
	}
	for i, d := range r.decisions {
		was := d.Scores
		if len(was) != len(computed[i]) {
			was = []float64{d.Score}
		}
		v.scored(d, was, computed[i])
	}
	r.texts, r.decisions = r.texts[:0], r.decisions[:0]
	return nil
}

// scored counts a decision that was scored again, by the score that is furthest
// from the one recorded.
func (v *verifier) scored(d *orrery.Decision, was, is []float64) {
	most, at := 0.0, 0
	for k := range is {
		x := math.Inf(1)
		if k < len(was) {
			x = math.Abs(was[k] - is[k])
		}
		if x != x {
			x = math.Inf(1)
		}
		if x > most {
			most, at = x, k
		}
	}
	out := v.out.Encoded
	out.Scores++
	if !math.IsInf(most, 0) {
		out.Greatest = max(out.Greatest, most)
	}
	if most <= ScoreTolerance {
		return
	}
	out.Outside++
	if len(v.out.First) >= differencesKept {
		return
	}
	what, recorded := "score", any(nil)
	if len(is) > 1 {
		what = fmt.Sprintf("score of class %d", at)
	}
	if at < len(was) {
		recorded = Number(was[at])
	}
	v.out.First = append(v.out.First, Difference{Offset: d.Offset, Release: d.Release, What: what, Recorded: recorded, Computed: Number(is[at])})
}
