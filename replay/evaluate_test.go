package replay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/train"
)

// history is a Source over a list of events.
type history struct {
	events []orrery.Event
	given  bool
}

func (h *history) Next() (*replay.Batch, error) {
	if h.given {
		return nil, io.EOF
	}
	h.given = true
	for i := range h.events {
		h.events[i].Offset = orrery.Offset(i + 1)
	}
	return &replay.Batch{Events: h.events}, nil
}

func day(n int) orrery.Instant {
	return orrery.InstantOf(time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC)).Add(orrery.Duration(n) * orrery.Day)
}

// transaction and report make the fraud system's events.
func transaction(s *spec.Spec, id int, at orrery.Instant, customer int) orrery.Event {
	t := s.Contract.Event("transaction")
	e := orrery.Event{Type: t, ID: fmt.Sprint(id), Time: at, Received: at, Values: make([]orrery.Value, len(t.Fields))}
	e.Values[t.Field("transaction_id")] = orrery.StringValue(e.ID)
	e.Values[t.Field("at")] = orrery.TimestampValue(at)
	e.Values[t.Field("customer")] = orrery.EntityValue(fmt.Sprint("c", customer))
	e.Values[t.Field("terminal")] = orrery.EntityValue(fmt.Sprint("t", customer%3))
	e.Values[t.Field("amount")] = orrery.DecimalValue(int64(100 + id))
	return e
}

func report(s *spec.Spec, about *orrery.Event, at orrery.Instant, positive bool) orrery.Event {
	t := s.Contract.Event("fraud_report")
	e := orrery.Event{Type: t, ID: fmt.Sprint("r", about.ID, at), Time: at, Received: at, Values: make([]orrery.Value, len(t.Fields))}
	e.Values[t.Field("report_id")] = orrery.StringValue(e.ID)
	e.Values[t.Field("at")] = orrery.TimestampValue(at)
	e.Values[t.Field("transaction_id")] = orrery.StringValue(about.ID)
	e.Values[t.Field("customer")] = about.Values[about.Type.Field("customer")]
	e.Values[t.Field("terminal")] = about.Values[about.Type.Field("terminal")]
	e.Values[t.Field("fraud")] = orrery.BoolValue(positive)
	return e
}

func collect(t *testing.T, s *spec.Spec, events []orrery.Event, span replay.Range) (*plan.Plan, *replay.Examples) {
	t.Helper()
	p, err := plan.Compile("", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := replay.Collect(t.Context(), p, &history{events: events}, span, s.Model.Features, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, x
}

func TestLabelsMatureAtTheirLastInstant(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	made := transaction(s, 1, day(0), 1)
	matures := day(0).Add(s.Label.MaturesAfter)
	_, x := collect(t, s, []orrery.Event{made, report(s, &made, matures, true)}, replay.Range{From: day(0), To: day(1)})
	for _, test := range []struct {
		name            string
		at              orrery.Instant
		positive, known bool
	}{
		{"before it matures", matures - 1, false, false},
		{"at the instant of the report, which is not before it", matures, false, false},
		{"just after the report", matures + 1, true, true},
		{"in the end", replay.Forever, true, true},
	} {
		positive, known := x.LabelsAt(s.Label, test.at).Of(&x.List[0])
		if positive != test.positive || known != test.known {
			t.Errorf("%s: positive %v, known %v", test.name, positive, known)
		}
	}
}

func TestSilenceIsALabelOnceMature(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	_, x := collect(t, s, []orrery.Event{transaction(s, 1, day(0), 1)}, replay.Range{From: day(0), To: day(1)})
	matures := day(0).Add(s.Label.MaturesAfter)
	if _, known := x.LabelsAt(s.Label, matures).Of(&x.List[0]); known {
		t.Error("known at the last instant at which a report counts")
	}
	if positive, known := x.LabelsAt(s.Label, matures+1).Of(&x.List[0]); !known || positive {
		t.Errorf("positive %v, known %v after it matured", positive, known)
	}
}

func TestTheNewestOutcomeCounts(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	made := transaction(s, 1, day(0), 1)
	events := []orrery.Event{made, report(s, &made, day(2), true), report(s, &made, day(4), false)}
	_, x := collect(t, s, events, replay.Range{From: day(0), To: day(1)})
	for at, want := range map[orrery.Instant]bool{day(3): true, day(5): false} {
		if positive, known := x.LabelsAt(s.Label, at).Of(&x.List[0]); !known || positive != want {
			t.Errorf("at %s: positive %v, known %v", at, positive, known)
		}
	}
}

// byAmount scores a row by its first input, the amount.
type byAmount struct{ features []string }

func (m byAmount) Kind() string                          { return "by amount" }
func (m byAmount) Features() []string                    { return m.features }
func (m byAmount) Score(row []float64) float64           { return row[0] / 1000 }
func (m byAmount) AppendBinary(b []byte) ([]byte, error) { return b, nil }

// TestEvaluateCountsAsTheProtocolSays compares the counts of random histories
// with a reading of the protocol that goes through all pairs.
func TestEvaluateCountsAsTheProtocolSays(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var made []orrery.Event
		for id := range 600 {
			at := day(0).Add(orrery.Duration(id) * 32 * orrery.Day / 600)
			if id%7 == 0 {
				// Some fall on midnight exactly.
				at = day(int(orrery.Duration(at-day(0)) / orrery.Day))
			}
			made = append(made, transaction(s, id, at, random.IntN(60)))
		}
		var events []orrery.Event
		reported, cleared := map[string]orrery.Instant{}, map[string]orrery.Instant{}
		for i := range made {
			events = append(events, made[i])
			if random.IntN(12) == 0 {
				at := made[i].Time.Add(7 * orrery.Day)
				reported[made[i].ID] = at
				events = append(events, report(s, &made[i], at, true))
				if random.IntN(3) == 0 {
					at = at.Add(orrery.Duration(random.IntN(12)) * orrery.Day / 2)
					cleared[made[i].ID] = at
					events = append(events, report(s, &made[i], at, false))
				}
			}
		}
		sortByTime(events)
		protocol := replay.Protocol{Train: replay.Range{From: day(2), To: day(9)}, Test: replay.Range{From: day(16), To: day(23)}, Begun: time.Now(),
			Fit: func(_ context.Context, rows *train.Rows) (model.Model, error) { return byAmount{rows.Names}, nil }}
		p, x := collect(t, s, events, replay.Range{From: protocol.Train.From, To: protocol.Test.To})
		got, err := replay.Evaluate(t.Context(), p, x, protocol)
		if err != nil {
			t.Fatal(err)
		}
		want := bruteForce(made, reported, cleared, protocol)
		if got.Train.Rows != want.Train.Rows || got.Train.Positives != want.Train.Positives ||
			got.Test.Rows != want.Test.Rows || got.Test.Positives != want.Test.Positives || got.Test.LeftOut != want.Test.LeftOut {
			t.Fatalf("seed %d: train %+v, test %+v; by brute force %+v, %+v", seed, got.Train, got.Test, want.Train, want.Test)
		}
	}
}

func sortByTime(events []orrery.Event) {
	// Insertion keeps the order of ties and is plain to see.
	for i := range events {
		for j := i; j > 0 && events[j].Time < events[j-1].Time; j-- {
			events[j], events[j-1] = events[j-1], events[j]
		}
	}
}

func bruteForce(made []orrery.Event, reported, cleared map[string]orrery.Instant, protocol replay.Protocol) replay.Evaluation {
	var out replay.Evaluation
	positiveAt := func(id string, at orrery.Instant) bool {
		reportedAt, fraud := reported[id]
		clearedAt, cleared := cleared[id]
		return fraud && reportedAt < at && !(cleared && clearedAt < at)
	}
	customer := func(e *orrery.Event) string { return e.Values[e.Type.Field("customer")].Text() }
	for i := range made {
		e := &made[i]
		fraud := positiveAt(e.ID, protocol.Test.From)
		if e.Time >= protocol.Test.From {
			fraud = positiveAt(e.ID, replay.Forever)
		}
		switch {
		case protocol.Train.From <= e.Time && e.Time < protocol.Train.To:
			out.Train.Rows++
			if fraud {
				out.Train.Positives++
			}
		case protocol.Test.From <= e.Time && e.Time < protocol.Test.To:
			began := e.Time.Time().Truncate(24 * time.Hour)
			known := false
			for j := range made {
				known = known || positiveAt(made[j].ID, orrery.InstantOf(began)) && customer(&made[j]) == customer(e) && made[j].Time >= protocol.Train.From
			}
			if known {
				out.Test.LeftOut++
				continue
			}
			out.Test.Rows++
			if fraud {
				out.Test.Positives++
			}
		}
	}
	return out
}

func TestRangesThatCannotBeLearnedFrom(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	made := transaction(s, 1, day(2), 1)
	p, x := collect(t, s, []orrery.Event{made, transaction(s, 2, day(20), 2)}, replay.Range{From: day(0), To: day(30)})
	for name, protocol := range map[string]replay.Protocol{
		"train_range_empty":     {Train: replay.Range{From: day(5), To: day(6)}, Test: replay.Range{From: day(19), To: day(25)}},
		"train_range_one_class": {Train: replay.Range{From: day(1), To: day(6)}, Test: replay.Range{From: day(19), To: day(25)}},
	} {
		_, err := replay.Evaluate(t.Context(), p, x, protocol)
		var known *orrery.Error
		if !errors.As(err, &known) || known.Code != name || known.Next == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
