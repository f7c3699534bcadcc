package plan

import (
	"cmp"
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
	// FallbackLanguage is that the text is in none of the languages that the model
	// knows.
	FallbackLanguage = "language"
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
// Nor is there where the model's encoder fails: see Scratch.Fault.
func (p *Plan) Decide(e *orrery.Event, s *Scratch, d *orrery.Decision) {
	p.decide(e, s, d, origin{})
}

// DecideEncoded is Decide for an event whose text has been encoded: see Encode.
// nil is one that has not.
func (p *Plan) DecideEncoded(e *orrery.Event, s *Scratch, d *orrery.Decision, encoded []float64) {
	p.decide(e, s, d, origin{encoded: encoded})
}

// DecideGiven is Decide with the scores of another decision on the event in the
// place of the model's. All that follows from the scores is worked out.
func (p *Plan) DecideGiven(e *orrery.Event, s *Scratch, d, given *orrery.Decision) {
	p.decide(e, s, d, origin{given: given})
}

// origin says where scores come from: a decision, the encoding of the text, or, with
// neither, the model.
type origin struct {
	given   *orrery.Decision
	encoded []float64
}

func (p *Plan) decide(e *orrery.Event, s *Scratch, d *orrery.Decision, from origin) {
	p.Complete(e, s, d)
	d.Release = p.Release
	if d.Fallback == "" && p.model == nil && p.Spec.Model != nil {
		d.Fallback = FallbackNoModel
	}
	if d.Fallback == "" && !p.understands(e, s) {
		d.Fallback = FallbackLanguage
	}
	s.fault = nil
	p.score(e, s, d, from)
	p.spread(s, d)
	s.input = expr.Input{Event: e, Vector: s.vector, Text: s.text[:]}
	switch d.Fallback {
	case "":
		d.Rule, d.Action = p.policy.Decide(&s.input)
	case FallbackPaused:
		d.Rule, d.Action = p.policy.Fallback()
	default:
		d.Rule, d.Action = p.policy.WithoutScore(&s.input)
	}
	p.leaveToChance(d)
	p.act(e, s, d)
	if a := &p.Spec.Answer; d.Fallback == "" && slices.Contains(a.ReasonsFor, d.Action) {
		d.Reasons, _ = p.Reasons(d, a.ReasonsTop)
	}
}

// act works out what goes with the action of the rule that fired, unless chance
// took another: its numbers, and the spans of the text that it masks.
func (p *Plan) act(e *orrery.Event, s *Scratch, d *orrery.Decision) {
	d.With, d.Spans = d.With[:0], d.Spans[:0]
	if d.Rule < 0 || d.Intended != "" {
		return
	}
	r := &p.Spec.Policy[d.Rule]
	for i := range r.With {
		d.With = append(d.With, canonical(r.With[i].Value.Number(&s.input)))
	}
	for _, m := range r.Mask {
		if m.Model {
			d.Spans = p.spokeFor(e, s, d, d.Spans)
		} else {
			d.Spans = p.ListSpans(m.List, m.Category, e, s, d, d.Spans)
		}
	}
	d.Spans = apart(d.Spans)
}

// A model's mask has at most maskedMost places, those that spoke at least
// maskedShare as much as the first.
const (
	maskedMost  = 8
	maskedShare = 0.25
)

// spokeFor appends the places of the text that spoke for the class chosen.
func (p *Plan) spokeFor(e *orrery.Event, s *Scratch, d *orrery.Decision, spans []orrery.Span) []orrery.Span {
	if p.reader == nil || d.Fallback != "" {
		return spans
	}
	places := p.reader.Highlights(p.Text(e), s.row, p.spokenFor(d), maskedMost)
	for _, h := range places {
		if h.Contribution > 0 && h.Contribution >= maskedShare*places[0].Contribution && h.Start < h.End {
			spans = append(spans, orrery.Span{Start: h.Start, End: h.End})
		}
	}
	return spans
}

// apart puts spans in order and makes one of those that touch.
func apart(spans []orrery.Span) []orrery.Span {
	slices.SortFunc(spans, func(a, b orrery.Span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
		} else {
			out = append(out, s)
		}
	}
	return out
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
