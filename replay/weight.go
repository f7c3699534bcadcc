package replay

import (
	"orrery.dev"
	"orrery.dev/plan"
)

// weigh says whether the outcome of a recorded decision can never be learned,
// and how many decisions of its kind it stands for in training and in metrics.
//
// Where the policy left the action to chance, the outcome is seen with a known
// probability: that of the actions that do not hide it. What is seen weighs one
// over that (Horvitz and Thompson, "A generalization of sampling without
// replacement from a finite universe", JASA 47, 1952). Each decision is then
// counted once in expectation, whatever chance made of it, so a weighted sum
// over the rows that are seen is an unbiased estimate of the sum over all
// decisions, would-be blocks included. Three kinds of rows follow from that:
//
//   - A decision that was let through, where the action that the policy chose
//     would have hidden the outcome, weighs one over its propensity.
//   - One that was not, whose action hides the outcome, weighs nothing: those
//     let through stand for it. That holds even if an outcome is reported, since
//     it would be counted twice.
//   - Any other weighs 1, also one that was explored though the outcome is seen
//     either way.
//
// The label is the plan's, and vector has the plan's features: the release that
// decided may have had others.
func weigh(p *plan.Plan, e *orrery.Event, s *plan.Scratch, vector []float64, recorded *orrery.Decision) (unknowable bool, weight float64) {
	d := *recorded
	d.Vector = vector
	unknowable = p.Unknowable(e, s, &d)
	if d.Propensity == 1 {
		return unknowable, 1
	}
	if unknowable {
		return true, 0
	}
	if d.Intended != "" {
		d.Action = d.Intended
		if p.Unknowable(e, s, &d) {
			return false, 1 / d.Propensity
		}
	}
	return false, 1
}
