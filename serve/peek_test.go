package serve_test

import (
	"math"
	"testing"

	"orrery.dev"
)

// An event that is scored gets the decision that it then gets when it is decided
// on, and leaves no trace: in the log, in the state, or in who is known.
func TestScoreIsDecideWithoutATrace(t *testing.T) {
	for name, s := range map[string]*system{"fraud": newSystem(t), "personal": newPrivateShop(t)} {
		t.Run(name, func(t *testing.T) {
			var events []orrery.Event
			if name == "fraud" {
				events = sample(t, s.spec, 4)
			} else {
				for i := range 60 {
					events = append(events, s.order(i, i%5, i%3))
				}
			}
			scored := 0
			for i, e := range events {
				if i == len(events)/2 {
					s.reopen() // The state is on disk now, and is read.
				}
				// The record of the first release may come while the first event is
				// scored; it is there when that event has been sent.
				if i == 0 || !e.Type.Is(s.spec.DecideOn) {
					s.send([]orrery.Event{e})
					continue
				}
				last := s.engine.Last()
				_, d, err := s.engine.Score(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				if d.Offset != 0 || s.engine.Last() != last {
					t.Fatalf("event %d was recorded at %d", i, d.Offset)
				}
				decided := s.send([]orrery.Event{e})[0].Decision
				if d.Action != decided.Action || d.Rule != decided.Rule || d.Release != decided.Release {
					t.Fatalf("event %d: scored %+v, then decided %+v", i, d, decided)
				}
				for j := range d.Vector {
					if math.Float64bits(d.Vector[j]) != math.Float64bits(decided.Vector[j]) {
						t.Fatalf("event %d: %s is %v when scored, then %v", i, s.spec.Features[j].Name, d.Vector[j], decided.Vector[j])
					}
				}
				scored++
			}
			if v := s.verifyClean(); v.Events != int64(len(events)) || scored == 0 {
				t.Errorf("%d events, %d of them scored before; the log has %d", len(events), scored, v.Events)
			}
		})
	}
}

// A key that never came is not made known by being scored.
func TestScoreMakesNobodyKnown(t *testing.T) {
	s := newPrivateShop(t)
	s.send([]orrery.Event{s.order(0, 1, 1)})
	stranger := s.order(1, 7, 1)
	if _, _, err := s.engine.Score(t.Context(), stranger); err != nil {
		t.Fatal(err)
	}
	vault, err := s.store.Vault()
	if err != nil {
		t.Fatal(err)
	}
	if _, known, err := vault.Find("buyer", keyOf(7)); known || err != nil {
		t.Errorf("known %v, %v", known, err)
	}
}

func TestScoreRefusesWhatDecideWould(t *testing.T) {
	s := newSystem(t)
	e := sample(t, s.spec, 1)[0]
	e.Time = s.clock().Add(30 * orrery.Day)
	if _, _, err := s.engine.Score(t.Context(), e); orrery.CodeOf(err) != "event_in_future" {
		t.Error(err)
	}
	for _, typ := range s.spec.Contract.Events {
		if typ != s.spec.DecideOn {
			other := orrery.Event{Type: typ, ID: "x", Values: make([]orrery.Value, len(typ.Fields))}
			if _, _, err := s.engine.Score(t.Context(), other); orrery.CodeOf(err) != "not_decided_on" {
				t.Error(err)
			}
		}
	}
}
