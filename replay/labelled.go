package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/plan"
	"orrery.dev/spec"
)

// Labelled is a set of events decided on that came with their outcomes, in a
// column of the name that the spec's outcome has: labelled messages, say. What
// the file lacks of an event is missing in it, but for the id, the outcome, and
// the text where the spec has one. A column "weight" says how much each counts; one
// that counts less than 1, made from a template say, teaches and is tested on never.
type Labelled struct {
	// X is [len(Label) × columns], row-major, Text [len(Label)] or nil, as in
	// Examples. ID is that of each event.
	X       []float64
	Text    []string
	ID      []string
	Columns []string
	// Categorical is [columns], or nil where none is a category.
	Categorical []bool
	// Weight is [len(Label)], in (0, 1000], or nil where all weigh 1.
	Weight []float64
	// Label is what the outcome of each is, by its name. Several says that it can be
	// several names, as orrery.LabelSet writes them, in alphabetical order.
	Label   []string
	Several bool
	Notices []string
}

// Outcome gives the name of the column that outcomes stand in.
func Outcome(s *spec.Spec) string { return s.Label.Event.Fields[s.Label.Field].Name }

// ReadLabelled reads files of labelled events, in order, and runs them through
// the plan from an empty state. rename gives outcomes other names; one that it
// does not have keeps its own. Events without a time are a second apart.
//
// An error of kind Invalid says that the spec has no label, or that a file lacks
// a column or has no good line.
func ReadLabelled(ctx context.Context, p *plan.Plan, paths []string, rename map[string]string) (*Labelled, error) {
	if p.Spec.Label == nil {
		return nil, orrery.Errorf(orrery.Invalid, "nothing_to_evaluate", "the system %s has no label", p.Spec.System).WithNext("add label to its file")
	}
	r := newLabelledReader(p, rename)
	for _, path := range paths {
		if err := r.read(ctx, path); err != nil {
			return nil, err
		}
	}
	if len(r.out.Label) == 0 {
		return nil, orrery.Errorf(orrery.Invalid, "no_labelled_events", "%s: no line has an event with its `%s`", strings.Join(paths, ", "), Outcome(p.Spec)).
			WithNext("%s", strings.Join(append(r.out.Notices, "look at the first lines"), "; "))
	}
	return &r.out, r.run()
}

// LabelledTexts is ReadLabelled for events that are a text and nothing else: ids,
// texts and labels are [events].
func LabelledTexts(p *plan.Plan, ids, texts, labels []string) (*Labelled, error) {
	if p.Spec.Text == nil {
		return nil, orrery.Errorf(orrery.Invalid, "no_text", "the system %s has no text", p.Spec.System).WithNext("name the field: text: EVENT.FIELD")
	}
	r := newLabelledReader(p, nil)
	decided := p.Spec.DecideOn
	for i := range texts {
		e := orrery.Event{Type: decided, ID: ids[i], Values: make([]orrery.Value, len(decided.Fields))}
		e.Values[decided.IDField], e.Values[p.Spec.Text.Field] = orrery.StringValue(ids[i]), orrery.StringValue(texts[i])
		r.events, r.out.Label, r.out.Weight = append(r.events, e), append(r.out.Label, labels[i]), append(r.out.Weight, 1)
	}
	return &r.out, r.run()
}

type labelledReader struct {
	plan   *plan.Plan
	rename map[string]string
	// form is how an event stands in a file, with its outcome in the last field or,
	// where the event has a field of that name, in it.
	form            *orrery.EventType
	outcome, weight int
	events          []orrery.Event
	out             Labelled
}

func newLabelledReader(p *plan.Plan, rename map[string]string) *labelledReader {
	decided, name := p.Spec.DecideOn, Outcome(p.Spec)
	form := *decided
	form.Fields, form.TimeField, form.Subject = slices.Clone(decided.Fields), -1, ""
	r := &labelledReader{plan: p, rename: rename, form: &form, outcome: decided.Field(name)}
	r.out.Several = p.Spec.Label.Several
	for i := range form.Fields {
		f := &form.Fields[i]
		f.Optional = f.Default.IsMissing() && i != r.outcome && i != form.IDField && (p.Spec.Text == nil || i != p.Spec.Text.Field)
		// Outcomes are read by whoever measures, so nothing of the file is hidden.
		f.Personal = false
	}
	if r.outcome < 0 {
		r.outcome = len(form.Fields)
		form.Fields = append(form.Fields, orrery.Field{Name: name, Type: orrery.String, About: "the outcome"})
	}
	if r.weight = decided.Field(weightColumn); r.weight < 0 {
		r.weight = len(form.Fields)
		form.Fields = append(form.Fields, orrery.Field{Name: weightColumn, Type: orrery.Float, Optional: true,
			Min: orrery.FloatValue(math.SmallestNonzeroFloat64), Max: orrery.FloatValue(1000), About: "how much the event counts"})
	}
	for _, f := range p.Spec.Model.Features {
		r.out.Columns = append(r.out.Columns, p.Spec.Features[f].Name)
		r.out.Categorical = append(r.out.Categorical, p.Spec.Features[f].Category)
	}
	if !slices.Contains(r.out.Categorical, true) {
		r.out.Categorical = nil
	}
	return r
}

// weightColumn is the column of a labelled file that says how much an event
// counts.
const weightColumn = "weight"

// read takes in the events of a file.
func (r *labelledReader) read(ctx context.Context, path string) error {
	stream, err := ingest.Open(ctx, []ingest.Input{{Path: path, Type: r.form}}, ingest.Options{})
	if err != nil {
		return err
	}
	defer stream.Close()
	first := ""
	for {
		batch, err := stream.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(batch.Rejected) > 0 && first == "" {
			first = batch.Rejected[0].String()
		}
		for i := range batch.Events {
			r.take(&batch.Events[i])
		}
		batch.Release()
	}
	r.out.Notices = append(r.out.Notices, stream.Notices()...)
	if n := stream.Stats().Rejected; n > 0 {
		r.out.Notices = append(r.out.Notices, fmt.Sprintf("%d lines were refused; the first: %s", n, first))
	}
	return nil
}

// take copies an event, whose memory is the batch's, as one of the spec's.
func (r *labelledReader) take(e *orrery.Event) {
	label := strings.Clone(e.Values[r.outcome].Format(0))
	label = r.renamed(label)
	decided := r.plan.Spec.DecideOn
	kept := orrery.Event{Type: decided, ID: strings.Clone(e.ID), Values: slices.Clone(e.Values[:len(decided.Fields)])}
	r.events, r.out.Label = append(r.events, kept), append(r.out.Label, label)
	weight := 1.0
	if v := &e.Values[r.weight]; r.weight >= len(decided.Fields) && !v.IsMissing() {
		weight = v.Float()
	}
	r.out.Weight = append(r.out.Weight, weight)
}

// renamed gives the name of an outcome, of several that can be right those of each,
// in order.
func (r *labelledReader) renamed(label string) string {
	of := func(name string) string {
		if other, ok := r.rename[name]; ok {
			return other
		}
		return name
	}
	if !r.out.Several {
		return of(label)
	}
	var names []string
	for name := range strings.SplitSeq(label, orrery.LabelSeparator) {
		if name = of(strings.TrimSpace(name)); name != orrery.NoLabel {
			names = append(names, name)
		}
	}
	if names == nil {
		return orrery.NoLabel
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), orrery.LabelSeparator)
}

// names gives the classes that an outcome names.
func (l *Labelled) names(label string) []string {
	switch {
	case !l.Several:
		return []string{label}
	case label == orrery.NoLabel:
		return nil
	}
	return strings.Split(label, orrery.LabelSeparator)
}

// run asks the plan about every event, in the order of their times.
func (r *labelledReader) run() error {
	state, scratch := plan.NewState(), r.plan.NewScratch()
	r.plan.Bind(state)
	decided := r.plan.Spec.DecideOn
	order := make([]int, len(r.events))
	at := orrery.Instant(0)
	for i := range r.events {
		e := &r.events[i]
		order[i], at = i, at.Add(orrery.Second)
		if v := &e.Values[decided.TimeField]; v.IsMissing() {
			*v = orrery.TimestampValue(at)
		}
		e.Time = e.Values[decided.TimeField].Instant()
		e.Received, e.Offset = e.Time, orrery.Offset(i+1)
		at = e.Time
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(min(max(r.events[a].Time-r.events[b].Time, -1), 1)) })
	columns := len(r.out.Columns)
	r.out.X = make([]float64, columns*len(r.events))
	decision := orrery.Decision{Vector: make([]float64, r.plan.Width())}
	for n, i := range order {
		e := &r.events[i]
		e.Offset = orrery.Offset(n + 1)
		if err := r.plan.Ask(state, e, scratch, &decision); err != nil {
			return err
		}
		r.plan.Complete(e, scratch, &decision)
		for c, slot := range r.plan.Spec.Model.Features {
			r.out.X[i*columns+c] = decision.Vector[slot]
		}
	}
	r.out.Weight = unlessEqual(r.out.Weight)
	for i := range r.events {
		r.out.ID = append(r.out.ID, r.events[i].ID)
		if r.plan.ReadsText() {
			r.out.Text = append(r.out.Text, r.plan.Text(&r.events[i]))
		}
	}
	return nil
}

// Subset gives the events of some indexes.
func (l *Labelled) Subset(of []int) *Labelled {
	out := &Labelled{Columns: l.Columns, Categorical: l.Categorical, Several: l.Several}
	n := len(l.Columns)
	for _, i := range of {
		out.X = append(out.X, l.X[i*n:(i+1)*n]...)
		if l.Text != nil {
			out.Text = append(out.Text, l.Text[i])
		}
		if l.Weight != nil {
			out.Weight = append(out.Weight, l.Weight[i])
		}
		out.ID, out.Label = append(out.ID, l.ID[i]), append(out.Label, l.Label[i])
	}
	return out
}

// Classes gives the names that outcomes have: those of order first, then the
// others by name.
func (l *Labelled) Classes(order []string) []string {
	present := map[string]bool{}
	for _, label := range l.Label {
		for _, name := range l.names(label) {
			present[name] = true
		}
	}
	var out []string
	for _, class := range order {
		if present[class] {
			out = append(out, class)
			delete(present, class)
		}
	}
	var rest []string
	for class := range present {
		rest = append(rest, class)
	}
	slices.Sort(rest)
	return append(out, rest...)
}
