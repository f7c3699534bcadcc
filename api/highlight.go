package api

import (
	"cmp"
	"context"
	"slices"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/serve"
)

// Highlight is a place in the text that a decision points at.
type Highlight struct {
	Span
	// Text is what stands there.
	Text string `json:"text"`
	// From is what points at it: model, or lists.NAME, or lists.NAME.CATEGORY of a term
	// that has a category.
	From string `json:"from"`
	// Class is the class that the model's contribution speaks for, or against where it is
	// negative; empty where there are none.
	Class string `json:"class,omitempty"`
	// Contribution is how much of the class's margin the model found there.
	Contribution float64 `json:"contribution,omitempty"`
}

// textShown reports whether somebody may be shown the text decided on.
func textShown(p *plan.Plan, personal bool) bool {
	t := p.Spec.Text
	return t != nil && (personal || !p.Spec.DecideOn.Fields[t.Field].Personal)
}

// highlightsOf describes places in an event's text, by where they begin.
func highlightsOf(p *plan.Plan, e *orrery.Event, places []plan.Highlight) []Highlight {
	whole := p.Text(e)
	var out []Highlight
	for _, h := range places {
		if h.End > len(whole) {
			continue
		}
		one := Highlight{Span: spansOf(whole, []orrery.Span{h.Span})[0], Text: whole[h.Start:h.End], From: "model", Contribution: h.Contribution}
		switch {
		case h.List >= 0:
			one.From = "lists." + p.Spec.Lists[h.List].Name
			if h.Category != "" {
				one.From += "." + h.Category
			}
		case p.Spec.Label != nil && h.Class < len(p.Spec.Label.Classes):
			one.Class = p.Spec.Label.Classes[h.Class]
		}
		out = append(out, one)
	}
	return out
}

// addTerms adds to a record the terms of lists that its decision found. event is the
// one decided on, as it may be shown.
func addTerms(ctx context.Context, engine *serve.Engine, record *Record, event *orrery.Event, d *orrery.Decision, personal bool) error {
	p, err := engine.Reader().Plan(d.Release)
	if err != nil || !textShown(p, personal) {
		return err
	}
	lists, err := engine.Lists(ctx)
	if err != nil {
		return err
	}
	record.Highlights = append(record.Highlights, highlightsOf(p, event, p.TermHighlights(event, d, lists))...)
	slices.SortStableFunc(record.Highlights, func(a, b Highlight) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	return nil
}

func highlightSchema() node {
	return object(node{"start": integer("the first character, in code points from 0"), "end": integer("the character behind the last"), "text": text("what stands there"),
		"from": text("what points at it: model, lists.NAME, or lists.NAME.CATEGORY"), "class": text("the class that the contribution speaks for, or against where it is negative"),
		"contribution": node{"type": "number", "description": "how much of the class's margin the model found there"}}, "class", "contribution")
}
