package serve_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/ingest"
	"orrery.dev/orrerytest"
	"orrery.dev/record"
	"orrery.dev/store"
)

// strikesSpec counts the system's own removals.
func strikesSpec(author string) string {
	return `
orrery: 1
system: room
entities: [author, channel]
events:
  message:
    id: message_id
    time: at
    ` + author + `
    fields: {message_id: string, at: timestamp, author: {type: entity, personal: ` + fmt.Sprint(author != "") + `}, channel: {type: entity, optional: true}, caps: float}
  strike:
    id: strike_id
    time: at
    ` + author + `
    fields: {strike_id: string, at: timestamp, message_id: string, author: {type: entity, personal: ` + fmt.Sprint(author != "") + `}, channel: {type: entity, optional: true},
             action: {type: string, optional: true}, caps: {type: float, optional: true}, second: {type: bool, default: false}}
decide_on: message
features:
  strikes: {count: strike, by: author, window: 1d}
  second: {count: strike, where: strike.second, by: author, window: 1d}
  removed: {count: strike, where: strike.action == "remove", by: channel, window: 1d}
policy:
  - {when: strikes >= 3, action: ban}
  - {when: message.caps > 0.5, action: remove}
  - {action: allow}
emit:
  strike: {when: 'action in ["remove", "ban"]', set: {action: action, caps: message.caps * 2, second: strikes >= 1}}
`
}

func strikes(t testing.TB, author string) *system {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: orrerytest.Spec(t, strikesSpec(author))}
	s.clock = func() orrery.Instant { return orrery.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) }
	return s
}

// message is the i-th of a room: every author's are a minute apart, and loud ones
// are removed.
func (s *system) message(i int, author string, loud bool) orrery.Event {
	s.t.Helper()
	caps := 0.25
	if loud {
		caps = 0.75
	}
	at := time.Date(2026, 2, 1, 0, i, 0, 0, time.UTC).Format(time.RFC3339)
	e, err := ingest.NewDecoder(s.spec.DecideOn).Decode(fmt.Appendf(nil, `{"message_id": "m%d", "at": %q, "author": %q, "channel": "lobby", "caps": %g}`, i, at, author, caps))
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// decide decides on a message, and waits until what it calls for is recorded.
func (s *system) decideAndSettle(e orrery.Event) *orrery.Decision {
	s.t.Helper()
	d := s.send([]orrery.Event{e})[0].Decision
	if err := s.engine.Settle(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return d
}

// emitted gives the log's strikes by id, each of which may be there once, and the
// decisions that call for one.
func (s *system) emitted() (strikes map[string]orrery.Event, called []orrery.Offset) {
	s.t.Helper()
	strikes = map[string]orrery.Event{}
	for r, err := range s.store.Log().Scan(1) {
		if err != nil {
			s.t.Fatal(err)
		}
		switch r.Kind {
		case store.EventRecord:
			e, err := record.DecodeEvent(r.Data, s.engine.Reader().Contract)
			if err != nil {
				s.t.Fatal(err)
			}
			if e.Type.Name != "strike" {
				continue
			}
			if _, twice := strikes[e.ID]; twice {
				s.t.Fatalf("the strike %s is recorded twice", e.ID)
			}
			strikes[e.ID] = e
		case store.DecisionRecord:
			d, err := record.DecodeDecision(r.Data, r.Offset, s.engine.Reader().Contract)
			if err != nil {
				s.t.Fatal(err)
			}
			if d.Action != "allow" {
				called = append(called, r.Offset)
			}
		}
	}
	return strikes, called
}

func TestASystemHearsItsOwnDecisions(t *testing.T) {
	for name, author := range map[string]string{"plain": "", "personal": "subject: author"} {
		t.Run(name, func(t *testing.T) {
			s := strikes(t, author)
			s.open()
			t.Cleanup(s.close)
			want := []string{"allow", "remove", "remove", "remove", "ban", "ban"}
			for i, action := range want {
				if d := s.decideAndSettle(s.message(i, "ann", i > 0 && i < 4)); d.Action != action {
					t.Fatalf("message %d: %s with features %v, want %s", i, d.Action, d.Vector, action)
				}
			}
			// Another author in the same channel, and a repeat, which changes nothing.
			other := s.decideAndSettle(s.message(10, "bob", true))
			if other.Action != "remove" || other.Vector[0] != 0 || other.Vector[2] != 3 {
				t.Errorf("another author: %s with features %v", other.Action, other.Vector)
			}
			if !s.send([]orrery.Event{s.message(10, "bob", true)})[0].Repeated {
				t.Error("no repeat")
			}
			last := s.decideAndSettle(s.message(11, "ann", false))
			if last.Vector[0] != 5 || last.Vector[1] != 4 {
				t.Errorf("the last features are %v", last.Vector)
			}
			if stats := s.engine.EmissionStats(); stats.Recorded != 7 || stats.Refused != 0 || stats.Waiting != 0 {
				t.Errorf("%+v", stats)
			}
			s.reopen()
			recorded, called := s.emitted()
			if len(recorded) != 7 || len(called) != 7 {
				t.Fatalf("%d strikes of %d decisions", len(recorded), len(called))
			}
			strike := recorded[fmt.Sprint("d", other.Offset)]
			field := func(name string) orrery.Value { return strike.Values[strike.Type.Field(name)] }
			if field("message_id").Text() != "m10" || field("channel").Text() != "lobby" || field("action").Text() != "remove" ||
				field("caps").Float() != 1.5 || field("second").Bool() || strike.Time != s.message(10, "bob", true).Time {
				t.Errorf("the strike is %+v", strike.Values)
			}
			s.verifyClean()
		})
	}
}

// TestAnIDThatIsTaken: another event has the id of a decision, whose own event is
// refused, and nothing waits for it.
func TestAnIDThatIsTaken(t *testing.T) {
	s := strikes(t, "")
	s.open()
	t.Cleanup(s.close)
	strike, err := ingest.NewDecoder(s.spec.Contract.Event("strike")).Decode([]byte(`{"strike_id": "d3", "at": "2026-02-01T00:00:00Z", "message_id": "x", "author": "ann"}`))
	if err != nil {
		t.Fatal(err)
	}
	s.send([]orrery.Event{strike})
	if d := s.decideAndSettle(s.message(1, "ann", true)); d.Offset != 3 {
		t.Fatalf("the decision is d%d", d.Offset)
	}
	if stats := s.engine.EmissionStats(); stats.Refused != 1 || stats.Recorded != 0 || stats.Waiting != 0 {
		t.Errorf("%+v", stats)
	}
}

// TestEmittedOnceThroughCrashes takes the power away while decisions are made, again
// and again. When all is settled, each decision that was made has the event that it
// calls for, once.
func TestEmittedOnceThroughCrashes(t *testing.T) {
	s := strikes(t, "")
	random := rand.New(rand.NewPCG(4, 4))
	disk := vfs.NewCrashableMem()
	const rounds, messages = 25, 40
	answered := map[orrery.Offset]bool{}
	for round := range rounds {
		s.openOn(disk)
		if err := s.engine.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		recorded, called := s.emitted()
		if len(recorded) != len(called) {
			t.Fatalf("round %d: %d strikes for %d decisions", round, len(recorded), len(called))
		}
		for _, offset := range called {
			if _, ok := recorded[fmt.Sprint("d", offset)]; !ok {
				t.Fatalf("round %d: the decision d%d has no strike", round, offset)
			}
			delete(answered, offset)
		}
		if len(answered) > 0 {
			t.Fatalf("round %d: decisions were answered and are lost: %v", round, answered)
		}
		s.verifyClean()
		stop := 1 + random.IntN(messages)
		var clone *vfs.MemFS
		for i := range messages {
			d := s.send([]orrery.Event{s.message(round*messages+i, fmt.Sprint("author", random.IntN(9)), random.IntN(2) == 0)})[0].Decision
			if d.Action != "allow" && clone == nil {
				answered[d.Offset] = true
			}
			if i == stop || i == messages-1 && clone == nil {
				clone = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
			}
		}
		s.close()
		disk = clone
	}
}
