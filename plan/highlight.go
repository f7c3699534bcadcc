package plan

import (
	"cmp"
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/expr"
	"orrery.dev/spec"
	"orrery.dev/text"
)

// Highlight is a place in the text of an event that its decision points at.
type Highlight struct {
	orrery.Span
	// List is an index in Spec.Lists, of the list that has a term there; -1 where the
	// model read something.
	List int
	// Category is that of the list's term, empty where it has none.
	Category string
	// Class is the class, as an index, whose score Contribution moved: by so much of
	// its margin, down where it is negative. It is 0 for a model without classes.
	Class        int
	Contribution float64
}

// highlightShare is how much of what the place that spoke most did a place of the
// model must have done, for or against.
const highlightShare = 0.1

// Highlights gives the places of the event's text that spoke most for or against
// the class chosen, at most 8, in order. They are worked out anew from the record of a
// decision, whose vector is complete; there are none where no model read the text, or
// one that read it in another form than this program does.
func (p *Plan) Highlights(e *orrery.Event, d *orrery.Decision) []Highlight {
	if p.reader == nil || d.Fallback != "" || p.OtherForm != 0 || len(d.Vector) != p.Width() {
		return nil
	}
	row := make([]float64, len(p.inputs))
	p.row(d.Vector, row)
	class := p.spokenFor(d)
	places := p.reader.Highlights(p.Text(e), row, class, maskedMost)
	var out []Highlight
	for _, h := range places {
		if math.Abs(h.Contribution) >= highlightShare*math.Abs(places[0].Contribution) && h.Start < h.End {
			out = append(out, Highlight{Span: orrery.Span{Start: h.Start, End: h.End}, List: -1, Class: class, Contribution: h.Contribution})
		}
	}
	slices.SortFunc(out, func(a, b Highlight) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	return out
}

// TermHighlights gives the places of the event's text where terms of lists stand, in
// order. The record of a decision says of which lists there were any; where they
// stand is told by the lists given, those of now, since no log keeps the lists of each
// decision. What has left a list since is not found.
func (p *Plan) TermHighlights(e *orrery.Event, d *orrery.Decision, lists *control.Lists) []Highlight {
	if p.Spec.Text == nil || len(d.Vector) != p.Width() || e.Values[p.Spec.Text.Field].IsMissing() {
		return nil
	}
	var normal text.Normal
	if normal.Reset(p.Text(e)) != nil {
		return nil
	}
	var out []Highlight
	var finder control.Finder
	for i := range p.Spec.Lists {
		l := &p.Spec.Lists[i]
		if !l.Terms || l.Fields[0] != p.Spec.Text.Field || !p.hadTerms(i, d) {
			continue
		}
		for _, m := range finder.Find(lists.List(l.Name), &normal, e.Time) {
			out = append(out, Highlight{Span: m.Span, List: i, Category: m.Entry.Category})
		}
	}
	slices.SortStableFunc(out, func(a, b Highlight) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	return slices.Compact(out)
}

// hadTerms reports whether a recorded decision says that terms of a list were in
// the text: by what was asked of the list, or because they were masked.
func (p *Plan) hadTerms(list int, d *orrery.Decision) bool {
	for i := range p.questions {
		q := &p.questions[i]
		none := 0.0
		if q.Question == expr.EntryValue {
			none = p.Spec.Lists[list].Value.Default
		}
		if x := d.Vector[q.slot]; q.List == list && !math.IsNaN(x) && x != none {
			return true
		}
	}
	return len(d.Spans) > 0 && d.Rule >= 0 && d.Rule < len(p.Spec.Policy) &&
		slices.ContainsFunc(p.Spec.Policy[d.Rule].Mask, func(m spec.Mask) bool { return !m.Model && m.List == list })
}
