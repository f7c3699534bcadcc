package plan

import (
	"math"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/expr"
	"orrery.dev/spec"
	"orrery.dev/text"
)

// question is what a slot of the vector asks of a list.
type question struct {
	slot int
	spec.Listed
}

// reading is a text of the event at hand in its normal form, and what terms of
// lists were found in it.
type reading struct {
	normal text.Normal
	// field is that of the text, -1 where none has been read; failed says that it
	// has no normal form.
	field  int
	failed bool
	// found has for each list of the spec what Find gave, as far as looked is true.
	found  [][]control.Match
	looked []bool
	finder []control.Finder
}

// listsOf gives the lists at the decision's place in the log, which Ask left
// there.
func listsOf(d *orrery.Decision) *control.Lists {
	lists, _ := d.Begun.(*control.Lists)
	return lists
}

// answer writes to the vector what lists say of the event. Of a decision that was
// read from its record, what they said stays.
func (p *Plan) answer(e *orrery.Event, s *Scratch, d *orrery.Decision) {
	s.reading.begin(len(p.Spec.Lists))
	if d.Begun == nil {
		return
	}
	for i := range p.questions {
		q := &p.questions[i]
		switch value := &e.Values[q.Field]; {
		case value.IsMissing():
			d.Vector[q.slot] = math.NaN()
		case p.Spec.Lists[q.List].Terms:
			d.Vector[q.slot] = p.answerTerms(q, e, s, d)
		default:
			list := &p.Spec.Lists[q.List]
			d.Vector[q.slot] = answerKey(q, list, listsOf(d).List(list.Name).Listed(value.Text(), e.Time))
		}
	}
}

func answerKey(q *question, list *spec.List, entry *control.Entry) float64 {
	switch {
	case q.Question == expr.EntryValue && (entry == nil || entry.Value == nil):
		return list.Value.Default
	case q.Question == expr.EntryValue:
		return *entry.Value
	case entry != nil:
		return 1
	}
	return 0
}

func (p *Plan) answerTerms(q *question, e *orrery.Event, s *Scratch, d *orrery.Decision) float64 {
	found, ok := p.matches(q.List, e, s, d)
	if !ok {
		return math.NaN()
	}
	switch q.Question {
	case expr.EntryValue:
		return worst(found, p.Spec.Lists[q.List].Value.Default)
	case expr.MatchCount:
		return float64(control.Places(found))
	}
	for i := range found {
		if q.Category == "" || found[i].Entry.Category == q.Category {
			return 1
		}
	}
	return 0
}

// worst gives the greatest value of what was found, or the value for nothing.
func worst(found []control.Match, none float64) float64 {
	most, any := math.Inf(-1), false
	for i := range found {
		if v := found[i].Entry.Value; v != nil {
			most, any = max(most, *v), true
		}
	}
	if !any {
		return none
	}
	return most
}

func (r *reading) begin(lists int) {
	r.field, r.failed = -1, false
	if len(r.looked) != lists {
		r.found, r.looked, r.finder = make([][]control.Match, lists), make([]bool, lists), make([]control.Finder, lists)
	}
	clear(r.looked)
}

// read brings a field of the event into normal form, once; it is false for a text
// that has none.
func (r *reading) read(e *orrery.Event, field int) bool {
	if r.field != field {
		r.field = field
		r.failed = r.normal.Reset(e.Values[field].Text()) != nil
	}
	return !r.failed
}

// matches gives where terms of a list occur in the event's text, at the decision's
// place in the log; ok is false for a text that cannot be read: too long, or no
// UTF-8. d is one that Complete has completed, or completes.
func (p *Plan) matches(list int, e *orrery.Event, s *Scratch, d *orrery.Decision) (found []control.Match, ok bool) {
	l, r := &p.Spec.Lists[list], &s.reading
	if !r.read(e, l.Fields[0]) {
		return nil, false
	}
	if !r.looked[list] {
		r.looked[list] = true
		r.found[list] = r.finder[list].Find(listsOf(d).List(l.Name), &r.normal, e.Time)
	}
	return r.found[list], true
}

// ListSpans appends the places in the event's text where terms of a list occur, at
// the decision's place in the log: by where they begin, and they may overlap. list
// is an index in Spec.Lists, of a list of terms; category narrows it down to the
// terms of one, empty is all. It is called within Decide, once the vector of d is
// complete.
func (p *Plan) ListSpans(list int, category string, e *orrery.Event, s *Scratch, d *orrery.Decision, spans []orrery.Span) []orrery.Span {
	if e.Values[p.Spec.Lists[list].Fields[0]].IsMissing() {
		return spans
	}
	found, _ := p.matches(list, e, s, d)
	for i := range found {
		if category == "" || found[i].Entry.Category == category {
			spans = append(spans, found[i].Span)
		}
	}
	return spans
}
