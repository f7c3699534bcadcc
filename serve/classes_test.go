package serve_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/train"
)

const support = `
orrery: 1
system: support
entities: [customer]
events:
  ticket:
    id: ticket_id
    time: at
    fields: {ticket_id: string, at: timestamp, customer: entity, product: string, words: int}
  closed:
    id: closed_id
    time: at
    fields: {closed_id: string, at: timestamp, ticket_id: string, team: string}
decide_on: ticket
features:
  product: ticket.product
  words: ticket.words
label: {from: closed.team, classes: [billing, technical, other], match: ticket_id, matures_after: 1h}
model:
  kind: gbdt
  features: [product, words]
  params: {trees: 20, min_child_weight: 1}
  train: {range: 30d}
policy:
  - {when: scores.billing >= 0.5, action: to_billing}
  - {when: scores.technical >= 0.5, action: to_technical}
  - {action: to_anyone}
answer: {reasons: {for: [to_billing], top: 2}}
`

// A model of several classes over texts is trained from the log, put in force,
// decides, and what it decided is read and verified after a restart.
func TestClassesAreRecordedAndVerified(t *testing.T) {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: orrerytest.Spec(t, support)}
	s.clock = func() orrery.Instant { return orrery.InstantOf(time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)) }
	s.open()
	t.Cleanup(s.close)
	ticket, closed := s.spec.Contract.Event("ticket"), s.spec.Contract.Event("closed")
	begin := orrery.InstantOf(time.Date(2024, 1, 20, 0, 0, 0, 0, time.UTC))
	event := func(i int) orrery.Event {
		at := begin.Add(orrery.Duration(i) * orrery.Minute)
		e := orrery.Event{Type: ticket, ID: fmt.Sprint(i), Time: at, Values: make([]orrery.Value, len(ticket.Fields))}
		e.Values[0], e.Values[1], e.Values[2] = orrery.StringValue(e.ID), orrery.TimestampValue(at), orrery.EntityValue(fmt.Sprint("c", i%7))
		e.Values[3], e.Values[4] = orrery.StringValue(fmt.Sprint("product ", i%6)), orrery.IntValue(int64(i*37%100))
		return e
	}
	var events []orrery.Event
	for i := range 600 {
		e := event(i)
		team := []string{"billing", "technical", "other"}[i%6/2]
		if i*37%100 > 90 {
			team = "other"
		}
		at := e.Time.Add(orrery.Second)
		c := orrery.Event{Type: closed, ID: fmt.Sprint("c", i), Time: at, Values: make([]orrery.Value, len(closed.Fields))}
		c.Values[0], c.Values[1], c.Values[2], c.Values[3] = orrery.StringValue(c.ID), orrery.TimestampValue(at), orrery.StringValue(e.ID), orrery.StringValue(team)
		events = append(events, e, c)
	}
	s.send(events)
	r, counts, err := serve.Learn(t.Context(), s.store, s.engine.Reader(), serve.Lesson{Spec: s.spec, Kind: "gbdt",
		Range: replay.Range{From: begin, To: begin.Add(orrery.Day)},
		Fit: func(ctx context.Context, rows *train.Rows) (model.Model, error) {
			o := train.DefaultGBDT()
			o.Trees, o.MinChildWeight = 20, 1
			return o.Fit(ctx, rows, nil)
		}})
	if err != nil {
		t.Fatal(err)
	}
	if counts.Rows != 600 || len(counts.Classes) != 3 || counts.Classes[0].Rows == 0 {
		t.Fatalf("trained on %+v", counts)
	}
	if err := s.engine.Install(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	actions := map[string]int{}
	for i := 600; i < 720; i++ {
		result := s.send([]orrery.Event{event(i)})[0]
		d := result.Decision
		actions[d.Action]++
		if len(d.Scores) != 3 || math.Abs(d.Scores[0]+d.Scores[1]+d.Scores[2]-1) > 1e-9 || d.Score != max(d.Scores[0], d.Scores[1], d.Scores[2]) {
			t.Fatalf("scores %v, the greatest %v", d.Scores, d.Score)
		}
		if (d.Action == "to_billing") != (len(d.Reasons) > 0) {
			t.Fatalf("%s has the reasons %v", d.Action, d.Reasons)
		}
	}
	if actions["to_billing"] < 20 || actions["to_technical"] < 20 || actions["to_anyone"] < 20 {
		t.Errorf("actions %v", actions)
	}
	s.reopen()
	if v := s.verifyClean(); v.Decisions != 720 {
		t.Errorf("%d decisions verified", v.Decisions)
	}
}
