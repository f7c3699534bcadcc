package plan

import (
	"slices"

	"orrery.dev"
	"orrery.dev/expr"
)

// What Decision.Fallback says.
const (
	// FallbackNoModel is that the spec has a model and the release was never
	// trained.
	FallbackNoModel = "no_model"
	// FallbackPaused is that a control had paused the system.
	FallbackPaused = "paused"
	// FallbackDeadline is that there was no time left for a score.
	FallbackDeadline = "deadline"
	// FallbackFault is that the model failed.
	FallbackFault = "fault"
)

// OfTheMoment reports whether a fallback came of how things were when the
// decision was made, and not of the log: replay cannot find it out again, and
// takes it from the record.
func OfTheMoment(fallback string) bool {
	return fallback == FallbackDeadline || fallback == FallbackFault
}

// Decide completes d, which Ask began and which has its offset: the derived
// features, the score, the rule that fires, its action, what chance makes of
// that, and the reasons where the spec asks for them. Where
// d.Fallback already says why the model is not to be asked, there is no score.
func (p *Plan) Decide(e *orrery.Event, s *Scratch, d *orrery.Decision) {
	p.Complete(e, s, d.Vector)
	d.Release = p.Release
	if d.Fallback == "" && p.model == nil && p.Spec.Model != nil {
		d.Fallback = FallbackNoModel
	}
	p.score(s, d)
	p.spread(s, d)
	s.input = expr.Input{Event: e, Vector: s.vector}
	switch d.Fallback {
	case "":
		d.Rule, d.Action = p.policy.Decide(&s.input)
	case FallbackPaused:
		d.Rule, d.Action = p.policy.Fallback()
	default:
		d.Rule, d.Action = p.policy.WithoutScore(&s.input)
	}
	p.leaveToChance(d)
	if a := &p.Spec.Answer; d.Fallback == "" && slices.Contains(a.ReasonsFor, d.Action) {
		d.Reasons, _ = p.Reasons(d.Vector, a.ReasonsTop)
	}
}

// leaveToChance explores the action that the policy chose, but for a paused
// system's, which nobody asked the policy about.
func (p *Plan) leaveToChance(d *orrery.Decision) {
	d.Intended, d.Propensity = "", 1
	if d.Fallback == FallbackPaused {
		return
	}
	chosen := d.Action
	if d.Action, d.Propensity = p.explore.Take(d.Offset, chosen); d.Action != chosen {
		d.Intended = chosen
	}
}
