package plan_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/train"
)

const chatty = `
orrery: 1
system: chat
entities: [author]
events:
  message:
    id: id
    time: at
    fields: {id: string, at: timestamp, author: entity, text: string}
  verdict:
    id: id
    time: at
    fields: {id: string, at: timestamp, message: string, label: string}
decide_on: message
text: {of: message.text, languages: [en]}
features:
  messages: {count: message, by: author, window: 1d}
label: {from: verdict.label, classes: [rude, fine], match: message, matures_after: 1d}
model: {kind: text, train: {range: 7d}}
policy:
  - {when: class == "rude" && messages > 1, action: silence, with: {minutes: 10 * messages, never: sqrt(0 - messages)}}
  - {when: class == "rude", action: mask, mask: model}
  - {action: allow}
answer: {fallback: hold}
`

func chattyPlan(t *testing.T) *plan.Plan {
	t.Helper()
	s := orrerytest.Spec(t, chatty)
	rows := &train.Rows{Classes: s.Label.Classes}
	for i := range 60 {
		rows.Text = append(rows.Text, fmt.Sprintf("you blorp number %d", i), fmt.Sprintf("what a nice morning number %d", i))
		rows.Y = append(rows.Y, 0, 1)
	}
	kind, _ := builtin.Trainer("text")
	m, err := kind.Fit(context.Background(), rows, train.Params(s.Model.Params), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", s, m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func message(p *plan.Plan, offset int, author, text string) *orrery.Event {
	at := orrery.Instant(offset) * orrery.Instant(orrery.Second)
	return &orrery.Event{Type: p.Spec.DecideOn, ID: fmt.Sprint(offset), Time: at, Received: at, Offset: orrery.Offset(offset),
		Values: []orrery.Value{orrery.StringValue(fmt.Sprint(offset)), orrery.TimestampValue(at), orrery.EntityValue(author), orrery.StringValue(text)}}
}

// TestTextDecides has a model that reads the text, and rules that read the class it
// chooses, give numbers with an action and mask what spoke for the class.
func TestTextDecides(t *testing.T) {
	p := chattyPlan(t)
	state := plan.NewState()
	const rude = "so here: you blorp, that is what you are"
	masked := decide(t, p, state, message(p, 1, "ann", rude))
	if masked.Action != "mask" || len(masked.Spans) == 0 || masked.Scores[0] <= masked.Scores[1] || masked.Score != masked.Scores[0] {
		t.Fatalf("%+v", masked)
	}
	hidden := ""
	for i, s := range masked.Spans {
		if s.Start < 0 || s.End > len(rude) || s.Start >= s.End || i > 0 && s.Start <= masked.Spans[i-1].End {
			t.Fatalf("spans %v of a text of %d bytes", masked.Spans, len(rude))
		}
		hidden += rude[s.Start:s.End] + "|"
	}
	if !slices.ContainsFunc(masked.Spans, func(s orrery.Span) bool { return s.Start <= 15 && s.End > 15 }) { // in "blorp"
		t.Errorf("masked %q", hidden)
	}
	if text := p.Masked(message(p, 1, "ann", rude), masked); len(text) != len(rude) || text == rude || text[15] != '*' {
		t.Errorf("with that masked: %q", text)
	}
	silenced := decide(t, p, state, message(p, 2, "ann", rude))
	if silenced.Action != "silence" || len(silenced.With) != 2 || len(silenced.Spans) > 0 {
		t.Fatalf("%+v", silenced)
	}
	if with := p.With(silenced); len(with) != 1 || with["minutes"] != 20 {
		t.Errorf("with %v: what is missing is left out", with)
	}
	if fine := decide(t, p, state, message(p, 3, "bob", "what a nice morning")); fine.Action != "allow" || p.Chosen(fine) != 1 {
		t.Errorf("%+v", fine)
	}
}

// TestTextOfNoKnownLanguage gets no score, and the fallback.
func TestTextOfNoKnownLanguage(t *testing.T) {
	p := chattyPlan(t)
	state := plan.NewState()
	for i, text := range []string{"Ich weiß nicht, was das für ein Wetter ist, aber es ist mir auch egal", "это сообщение написано по-русски"} {
		d := decide(t, p, state, message(p, i+1, "ann", text))
		if d.Fallback != plan.FallbackLanguage || d.Action != "hold" || d.Score == d.Score || len(d.Scores) != 0 {
			t.Errorf("%q: %+v", text, d)
		}
	}
	for i, text := range []string{"ok", "", "lol :)", "good morning to all of you"} {
		if d := decide(t, p, state, message(p, i+5, "bob", text)); d.Fallback != "" {
			t.Errorf("%q: %+v", text, d)
		}
	}
}

var _ model.TextModel = (*model.Text)(nil)
