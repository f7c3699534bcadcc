package replay_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/train"
)

const moderation = `
orrery: 1
system: moderation
entities: [author]
events:
  message:
    id: message_id
    time: at
    fields: {message_id: string, at: timestamp, author: entity, room: {type: string, optional: true}, length: int}
  verdict:
    id: verdict_id
    time: at
    fields: {verdict_id: string, at: timestamp, message_id: string, class: string}
decide_on: message
features:
  room: message.room
  length: message.length
  messages: {count: message, by: author, window: 7d}
label: {from: verdict.class, classes: [hate, offensive, neither], match: message_id, matures_after: 1d}
model:
  kind: KIND
  features: [room, length, messages]
  train: {range: 30d, class_weight: {hate: 2}}
policy:
  - {when: scores.hate >= 0.5, action: remove}
  - {when: scores.offensive > scores.neither, action: flag}
  - {action: allow}
`

// messages are events whose class hangs on the room and the length. One in five
// has no verdict, and one verdict is of no class.
func messages(s *spec.Spec, n int) []orrery.Event {
	r := rand.New(rand.NewPCG(5, 5))
	message, verdict := s.Contract.Event("message"), s.Contract.Event("verdict")
	var out []orrery.Event
	for i := range n {
		at, room, length := day(0).Add(orrery.Duration(i)*20*orrery.Day/orrery.Duration(n)), r.IntN(12), r.IntN(200)
		e := orrery.Event{Type: message, ID: fmt.Sprint(i), Time: at, Received: at, Values: make([]orrery.Value, len(message.Fields))}
		e.Values[0], e.Values[1], e.Values[2] = orrery.StringValue(e.ID), orrery.TimestampValue(at), orrery.EntityValue(fmt.Sprint("a", r.IntN(30)))
		if room > 0 {
			e.Values[3] = orrery.StringValue(fmt.Sprint("room ", room))
		}
		e.Values[4] = orrery.IntValue(int64(length))
		class := []string{"hate", "offensive", "neither"}[min((room*7%5+r.IntN(2))/2, 2)]
		if length > 150 {
			class = "neither"
		}
		if i == 17 {
			class = "boring"
		}
		out = append(out, e)
		if i%5 == 0 {
			continue
		}
		v := orrery.Event{Type: verdict, ID: fmt.Sprint("v", i), Time: at, Received: at, Values: make([]orrery.Value, len(verdict.Fields))}
		v.Values[0], v.Values[1], v.Values[2], v.Values[3] = orrery.StringValue(v.ID), orrery.TimestampValue(at), orrery.StringValue(e.ID), orrery.StringValue(class)
		out = append(out, v)
	}
	return out
}

func TestSeveralClassesFromLogToDecision(t *testing.T) {
	for _, kind := range []string{"gbdt", "forest", "logistic"} {
		s := orrerytest.Spec(t, replaceKind(kind))
		events := messages(s, 3000)
		var fitted model.Model
		protocol := replay.Protocol{Train: replay.Range{From: day(0), To: day(14)}, Test: replay.Range{From: day(14), To: day(20)}, Begun: time.Now(), Kind: kind,
			Fit: func(ctx context.Context, rows *train.Rows) (m model.Model, err error) {
				k, _ := builtin.Trainer(kind)
				if rows.Categorical == nil || !rows.Categorical[0] || rows.Categorical[1] || len(rows.Classes) != 3 {
					t.Errorf("rows with categories %v and classes %v", rows.Categorical, rows.Classes)
				}
				fitted, err = k.Fit(ctx, train.Weigh(rows, s.Model.Train.Balanced, s.Model.Train.ClassWeights), s.Model.Params, nil)
				return fitted, err
			}}
		p, x := collect(t, s, events, replay.Range{From: day(0), To: day(20)})
		got, err := replay.Evaluate(t.Context(), p, x, protocol)
		if err != nil {
			t.Fatal(err)
		}
		if got.Metrics["accuracy"] < 0.7 || got.Classes.Classes[2].AUC == nil || *got.Classes.Classes[2].AUC < 0.8 {
			t.Errorf("%s: metrics %v", kind, got.Metrics)
		}
		// A message without a verdict is no row, since silence means nothing here.
		if got.Train.Rows+got.Train.Unknown != 2100 || got.Train.Unknown != 2100/5+1 || got.Train.Outcomes.Unclassed != 1 {
			t.Errorf("%s: trained on %+v", kind, got.Train)
		}
		decideByClass(t, s, fitted, events)
	}
}

// decideByClass decides on events by a model, whose file it reads first.
func decideByClass(t *testing.T, s *spec.Spec, fitted model.Model, events []orrery.Event) {
	t.Helper()
	file, err := fitted.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := model.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", s, read)
	if err != nil {
		t.Fatal(err)
	}
	state, scratch, actions := plan.NewState(), p.NewScratch(), map[string]int{}
	for i := range events {
		e := &events[i]
		e.Offset = orrery.Offset(i + 1)
		if !e.Type.Is(s.DecideOn) {
			if err := p.Apply(state, e); err != nil {
				t.Fatal(err)
			}
			continue
		}
		d := &orrery.Decision{Vector: make([]float64, p.Width())}
		if err := p.Ask(state, e, scratch, d); err != nil {
			t.Fatal(err)
		}
		p.Decide(e, scratch, d)
		want := "allow"
		switch {
		case d.Scores[0] >= 0.5:
			want = "remove"
		case d.Scores[1] > d.Scores[2]:
			want = "flag"
		}
		if sum := d.Scores[0] + d.Scores[1] + d.Scores[2]; math.Abs(sum-1) > 1e-9 || d.Score != max(d.Scores[0], d.Scores[1], d.Scores[2]) || d.Action != want {
			t.Fatalf("scores %v, score %v, action %s, want %s", d.Scores, d.Score, d.Action, want)
		}
		actions[d.Action]++
		if reasons, _ := p.Reasons(d, 3); i < 20 && len(reasons) == 0 {
			t.Error("there are no reasons")
		}
	}
	if len(actions) != 3 {
		t.Errorf("actions %v", actions)
	}
}

// A model of other classes than the label's is refused.
func TestAModelMustHaveTheClassesOfTheLabel(t *testing.T) {
	s := orrerytest.Spec(t, replaceKind("gbdt"))
	part, err := model.NewTrees(model.GBDT, []string{"length"}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := model.NewMulticlass([]string{"hate", "neither"}, []model.Part{part, part})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []model.Model{part, two} {
		if _, err := plan.Compile("r", s, m); orrery.CodeOf(err) != "model_classes_differ" {
			t.Errorf("error %v", err)
		}
	}
}

func replaceKind(kind string) string { return strings.Replace(moderation, "KIND", kind, 1) }

// A backtest of a label of classes measures the scores of both plans by class.
func TestBacktestOfClasses(t *testing.T) {
	s := orrerytest.Spec(t, replaceKind("gbdt"))
	events := messages(s, 600)
	part := func(base float64) model.Part {
		m, err := model.NewTrees(model.GBDT, []string{"length"}, base, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	compiled := func(bases ...float64) *plan.Plan {
		m, err := model.NewMulticlass(s.Label.Classes, []model.Part{part(bases[0]), part(bases[1]), part(bases[2])})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Compile("r", s, m)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	got, err := replay.RunBacktest(t.Context(), &history{events: events}, compiled(3, 0, 0), compiled(0, 0, 3), replay.Range{From: day(0), To: day(19)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Labelled < 400 || got.Before["accuracy"] >= got.After["accuracy"] || got.Before["log_loss"] <= got.After["log_loss"] {
		t.Errorf("%d labelled, before %v, after %v", got.Labelled, got.Before, got.After)
	}
	if len(got.Changes) != 1 || got.Changes[0].From != "remove" || got.Changes[0].To != "allow" {
		t.Errorf("changes %+v", got.Changes)
	}
}
