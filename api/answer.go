package api

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/serve"
)

// Answer is what a client gets for one event that was decided on.
type Answer struct {
	DecisionID string `json:"decision_id"`
	EventID    string `json:"event_id"`
	Score      any    `json:"score"`
	// Scores has the score of each class of a model of several, of which Score is
	// the greatest.
	Scores map[string]float64 `json:"scores,omitempty"`
	// Class is the one that the model chooses, empty where there are none.
	Class string `json:"class,omitempty"`
	// Classes are those that it chooses where several can be right; null where they
	// cannot.
	Classes []string `json:"classes,omitzero"`
	Action  string   `json:"action"`
	// With has the numbers that go with the action, Spans the parts of the text that
	// are to be masked.
	With  map[string]float64 `json:"with,omitempty"`
	Spans []Span             `json:"spans,omitempty"`
	// Masked is the text with those parts masked.
	Masked string `json:"masked,omitempty"`
	// Intended is the action that the policy chose, where chance took another.
	Intended string `json:"intended,omitempty"`
	// Propensity is the probability with which the action was taken; left out
	// when it is 1.
	Propensity float64          `json:"propensity,omitempty"`
	Rule       Rule             `json:"rule"`
	Release    orrery.ReleaseID `json:"release"`
	// Fallback says why the ordinary path could not answer.
	Fallback string `json:"fallback,omitempty"`
	// Reasons are the inputs that moved the score most, by size: in an answer for
	// the actions that the spec names, in a record always.
	Reasons []Reason `json:"reasons,omitempty"`
	// Repeated says that the event was recorded before and this is its answer.
	Repeated bool   `json:"repeated,omitempty"`
	Micros   Micros `json:"time_us"`
}

// Span is a part of a text, in characters (Unicode code points): [Start, End).
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// spansOf counts spans of bytes in characters. They are in order.
func spansOf(text string, spans []orrery.Span) []Span {
	var out []Span
	at, characters := 0, 0
	count := func(to int) int {
		to = min(to, len(text))
		characters += utf8.RuneCountInString(text[at:to])
		at = to
		return characters
	}
	for _, s := range spans {
		out = append(out, Span{Start: count(s.Start), End: count(s.End)})
	}
	return out
}

// Rule names the rule that fired.
type Rule struct {
	// Index counts the policy's rules from 0; it is -1 where none fired and the
	// fallback action answered.
	Index int `json:"index"`
	// When is its condition, null for the rule that always holds.
	When *string `json:"when"`
}

// Micros is the time by stage, microseconds. Commit is null in a recorded
// decision, whose record was made before it.
type Micros struct {
	Decode   int64  `json:"decode"`
	Sequence int64  `json:"sequence"`
	Score    int64  `json:"score"`
	Commit   *int64 `json:"commit,omitempty"`
}

func ruleOf(p *plan.Plan, index int) Rule {
	r := Rule{Index: index}
	if index >= 0 && index < len(p.Spec.Policy) && p.Spec.Policy[index].When != nil {
		text := p.Spec.Policy[index].When.Source()
		r.When = &text
	}
	return r
}

// AnswerOf describes a result by the plan that decided.
func AnswerOf(p *plan.Plan, r *serve.Result) *Answer {
	d := r.Decision
	a := &Answer{
		DecisionID: serve.DecisionID(d.Offset), EventID: r.Event.ID, Score: replay.Number(d.Score), Action: d.Action,
		Rule: ruleOf(p, d.Rule), Release: d.Release, Fallback: d.Fallback, Repeated: r.Repeated,
		Micros: Micros{Decode: d.Micros.Decode, Sequence: d.Micros.Sequence, Score: d.Micros.Score},
	}
	if d.Intended != "" || d.Propensity != 1 {
		a.Intended, a.Propensity = d.Intended, d.Propensity
	}
	a.Scores = scoresOf(p, d)
	if class := p.Chosen(d); class >= 0 {
		a.Class = p.Spec.Label.Classes[class]
	}
	if set, ok := p.Labels(d); ok {
		a.Classes = append([]string{}, set.Names(p.Spec.Label.Classes)...)
	}
	a.With = p.With(d)
	if len(d.Spans) > 0 {
		a.Spans, a.Masked = spansOf(p.Text(&r.Event), d.Spans), p.Masked(&r.Event, d)
	}
	a.Reasons = reasonsOf(p, &r.Event, d, d.Reasons, false)
	if !r.Repeated {
		a.Micros.Commit = &r.CommitMicros
	}
	return a
}

// Record is a whole recorded decision.
type Record struct {
	Answer
	System string          `json:"system"`
	Type   string          `json:"event_type"`
	Event  json.RawMessage `json:"event"`
	At     string          `json:"received"`
	// CorrectedBy is the id of the newest correction of the event; the decision and
	// the event are as they were before it.
	CorrectedBy string `json:"corrected_by,omitempty"`
	// Highlights are the places of the text that spoke most for or against what the
	// model chose, in order; a review has the terms of lists among them.
	Highlights []Highlight `json:"highlights,omitempty"`
	// Features has every feature of the release, in its order.
	Features []FeatureValue `json:"features"`
	// Model says what scored: its kind, empty when there was none.
	Model string `json:"model,omitempty"`
	// TextContribution is what a network's numbers for the text added to the log-odds
	// that the reasons are about, as one item; nil where there is no such part, or it
	// cannot be worked out here.
	TextContribution *float64 `json:"text_contribution,omitempty"`
}

// Reason says how much a feature moved the score: by its contribution to the
// log-odds of a boosted or logistic model, to the score of a forest.
type Reason struct {
	Feature string `json:"feature"`
	Value   any    `json:"value"`
	// Category says that the value is the number of a text, which it does not tell.
	Category     bool    `json:"category,omitempty"`
	Contribution float64 `json:"contribution"`
	About        string  `json:"about,omitempty"`
	// Text says it in a sentence.
	Text string `json:"text"`
}

// numbered reports whether a value is the number of a text.
func numbered(category bool, value any) bool {
	_, number := value.(float64)
	return category && number
}

func reasonsOf(p *plan.Plan, e *orrery.Event, d *orrery.Decision, reasons []orrery.Reason, personal bool) []Reason {
	var out []Reason
	for _, r := range reasons {
		f := &p.Spec.Features[r.Slot]
		value := shown(p, r.Slot, d.Vector, e, personal)
		reason := Reason{Feature: f.Name, Value: value, Category: numbered(f.Category, value), Contribution: r.Contribution, About: f.About, Text: orrery.PersonalMask}
		if personal || !p.Personal(r.Slot) {
			reason.Text = p.Sentence(r, d, e)
		}
		out = append(out, reason)
	}
	return out
}

// scoresOf names the scores of a decision by their classes.
func scoresOf(p *plan.Plan, d *orrery.Decision) map[string]float64 {
	if len(d.Scores) == 0 || p.Spec.Label == nil || len(p.Spec.Label.Classes) != len(d.Scores) {
		return nil
	}
	out := make(map[string]float64, len(d.Scores))
	for i, class := range p.Spec.Label.Classes {
		out[class] = d.Scores[i]
	}
	return out
}

// reasonsKept is how many reasons a record gives that has none of its own.
const reasonsKept = 5

// FeatureValue is one feature's value, null when it is missing.
type FeatureValue struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	// Category says that the value is the number of a text, which it does not tell.
	Category bool   `json:"category,omitempty"`
	Unit     string `json:"unit,omitempty"`
	About    string `json:"about,omitempty"`
	// Input says that the model takes it.
	Input bool `json:"input,omitempty"`
}

// RecordOf describes a recorded decision, made by the release that p compiles:
// with personal values, or with a mask in their place.
func RecordOf(p *plan.Plan, e *orrery.Event, d *orrery.Decision, personal bool) Record {
	if !personal {
		masked := serve.Mask(*e)
		e = &masked
	}
	record := Record{
		Answer: *AnswerOf(p, &serve.Result{Event: *e, Decision: d, Repeated: true}),
		System: p.Spec.System, Type: e.Type.Name, Event: ingest.AppendJSON(nil, e), At: e.Received.String(),
		Features: featuresOf(p, e, d.Vector, personal),
	}
	record.Repeated = false
	if textShown(p, personal) {
		record.Highlights = highlightsOf(p, e, p.Highlights(e, d))
		if x, ok := p.TextContribution(e, d); ok {
			record.TextContribution = &x
		}
	} else {
		record.Spans, record.Masked = nil, ""
	}
	record.Answer.Reasons = reasonsOf(p, e, d, d.Reasons, personal)
	if len(record.Reasons) == 0 && d.Fallback == "" {
		reasons, _ := p.Reasons(d, reasonsKept)
		record.Reasons = reasonsOf(p, e, d, reasons, personal)
	}
	if m := p.Model(); m != nil && d.Fallback == "" {
		record.Model = m.Kind()
	}
	return record
}

// shown gives a feature's value, or the mask for one that is made of a personal
// field.
func shown(p *plan.Plan, slot int, vector []float64, e *orrery.Event, personal bool) any {
	if p.Personal(slot) && !personal {
		return orrery.PersonalMask
	}
	return p.Value(slot, vector, e)
}

// featuresOf pairs the values of a vector with what the spec says of them. e is the
// event decided on, nil where there is none.
func featuresOf(p *plan.Plan, e *orrery.Event, vector []float64, personal bool) []FeatureValue {
	inputs := map[int]bool{}
	if p.Spec.Model != nil {
		for _, i := range p.Spec.Model.Features {
			inputs[i] = true
		}
	}
	out := make([]FeatureValue, len(vector))
	for i := range vector {
		f := &p.Spec.Features[i]
		value := shown(p, i, vector, e, personal)
		out[i] = FeatureValue{Name: f.Name, Value: value, Category: numbered(f.Category, value), Unit: f.Unit, About: f.About, Input: inputs[i]}
	}
	return out
}

// ReadRecord reads a recorded decision by the offset of its event. The error is
// of kind NotFound when no decision was recorded there.
func ReadRecord(reader *serve.Reader, offset orrery.Offset, personal bool) (*Record, error) {
	event, decision, err := reader.Recorded(offset)
	if err != nil {
		return nil, err
	}
	if decision == nil {
		return nil, orrery.Errorf(orrery.NotFound, "decision_not_found", "the event at offset %d was recorded without a decision", offset).
			WithNext("look for the decision_id of an answer")
	}
	if decision.Erased {
		return nil, serve.Erased(offset)
	}
	p, err := reader.Plan(decision.Release)
	if err != nil {
		return nil, err
	}
	// By the event as it is recorded: the log knows it so.
	correction, err := reader.CorrectedBy(&event)
	if err != nil {
		return nil, err
	}
	if personal {
		if event, err = reader.Reveal(event); err != nil {
			return nil, err
		}
	}
	record := RecordOf(p, &event, decision, personal)
	if correction != nil {
		record.CorrectedBy = correction.ID
	}
	return &record, nil
}

// Knowledge is what is known of one entity at an instant.
type Knowledge struct {
	Entity   string         `json:"entity"`
	Key      string         `json:"key"`
	At       string         `json:"at"`
	Features []FeatureValue `json:"features"`
}

// Known asks an engine what it knows of one entity: the features that are kept
// by that entity alone, or derived from such. A zero instant is that of the latest event.
func Known(ctx context.Context, engine *serve.Engine, entity, key string, at orrery.Instant) (*Knowledge, error) {
	p, at, vector, err := engine.Known(ctx, map[string]string{entity: key}, at)
	if err != nil {
		return nil, err
	}
	if p.Spec.Contract.PersonalKeys(entity) {
		key = orrery.PersonalMask
	}
	out := &Knowledge{Entity: entity, Key: key, At: at.String(), Features: []FeatureValue{}}
	for i, f := range featuresOf(p, nil, vector, false) {
		if p.About(i, entity) {
			out.Features = append(out.Features, f)
		}
	}
	return out, nil
}
