package plan

import (
	"slices"

	"orrery.dev"
	"orrery.dev/expr"
)

// Attributes gives the scores of the attributes of the spec's perspective block,
// in its order, for a decision on e that Decide has completed: from 0 to 1, NaN
// where one is missing, as all that read a score are where there is none.
func (p *Plan) Attributes(e *orrery.Event, s *Scratch, d *orrery.Decision) []float64 {
	if p.Spec.Perspective == nil {
		return nil
	}
	p.spread(s, d)
	s.input = expr.Input{Event: e, Vector: s.vector, Text: s.text[:]}
	out := make([]float64, len(p.Spec.Perspective.Attributes))
	for i := range out {
		x := canonical(p.Spec.Perspective.Attributes[i].Value.Number(&s.input))
		if x < 0 {
			x = 0
		} else if x > 1 {
			x = 1
		}
		out[i] = x
	}
	return out
}

// AttributesOf is Attributes for a part of the event's text alone: what is known
// of the past is that of d, and what comes of the text is worked out again.
func (p *Plan) AttributesOf(part string, e *orrery.Event, s *Scratch, d *orrery.Decision) []float64 {
	if p.Spec.Perspective == nil {
		return nil
	}
	event := *e
	event.Values = slices.Clone(e.Values)
	event.Values[p.Spec.Text.Field] = orrery.StringValue(part)
	decision := orrery.Decision{Offset: d.Offset, Vector: slices.Clone(d.Vector), Fallback: d.Fallback, Begun: d.Begun}
	p.Complete(&event, s, &decision)
	s.fault = nil
	p.score(&event, s, &decision, origin{})
	return p.Attributes(&event, s, &decision)
}
