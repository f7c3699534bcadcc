package serve_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/store/pebble"
	"orrery.dev/systems/fraud"
)

// changedFraud is the fraud system with more at the end of its file.
func changedFraud(t testing.TB, old, replacement, more string) string {
	t.Helper()
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), old) {
		t.Fatalf("the fraud system has no %q", old)
	}
	return strings.Replace(string(source), old, replacement, 1) + more
}

func newSystemOf(t testing.TB, source string) *system {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: orrerytest.Spec(t, source)}
	s.clock = func() orrery.Instant { return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC)) }
	s.open()
	t.Cleanup(s.close)
	return s
}

// forget closes the system, loses the state of controls and opens it again.
func (s *system) forget() {
	s.t.Helper()
	s.close()
	st, err := pebble.Open(s.dir, pebble.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(st.State().Drop(control.Table), st.Close()); err != nil {
		s.t.Fatal(err)
	}
	s.open()
}

// TestControlsActFromTheirPlaceInTheLog changes lists and pauses at random
// between decisions, with restarts and with the state of controls lost, and
// holds each decision to a plain reading of what had been asked until then.
func TestControlsActFromTheirPlaceInTheLog(t *testing.T) {
	s := newSystemOf(t, changedFraud(t, "score >= 0.9", "transaction.customer in lists.blocked || score >= 0.9",
		"lists: {blocked: customer, shut: terminal}\nanswer: {fallback: review}\n"))
	random := rand.New(rand.NewPCG(5, 5))
	until := map[string]orrery.Instant{} // of each customer on the list, 0 for good
	paused, decisions := false, 0
	for _, e := range sample(t, s.spec, 2) {
		if !e.Type.Is(s.spec.DecideOn) {
			continue
		}
		customer := e.Values[e.Type.Field("customer")].Text()
		switch random.IntN(16) {
		case 0:
			end := []orrery.Instant{0, e.Time, e.Time + 1, e.Time.Add(orrery.Day)}[random.IntN(4)]
			added := 0
			for _, key := range []string{customer, "nobody"} {
				if _, was := until[key]; !was {
					added++
				}
				until[key] = end
			}
			done, err := s.engine.ChangeList(t.Context(), control.Change{List: "blocked", Add: control.Keys(customer, "nobody"), Until: end})
			if err != nil || done.Added != added {
				t.Fatalf("added %+v, want %d: %v", done, added, err)
			}
		case 1:
			if _, err := s.engine.ChangeList(t.Context(), control.Change{List: "blocked", Remove: []string{customer}}); err != nil {
				t.Fatal(err)
			}
			delete(until, customer)
		case 2:
			act := s.engine.Pause
			if paused = !paused; !paused {
				act = s.engine.Resume
			}
			if _, err := act(t.Context(), control.Note{By: "ann"}); err != nil {
				t.Fatal(err)
			}
		case 3:
			s.reopen()
		case 4:
			s.forget()
		}
		d := s.send([]orrery.Event{e})[0].Decision
		end, on := until[customer]
		on = on && (end == 0 || e.Time < end)
		want := "review" // in a pause, and for want of a model
		if on && !paused {
			want = "block"
		}
		slot := s.spec.FeatureIndex("transaction.customer in lists.blocked")
		if d.Action != want || (d.Vector[slot] == 1) != on || (d.Fallback == plan.FallbackPaused) != paused {
			t.Fatalf("decision %d: %s with %v, paused %v; want %s", d.Offset, d.Action, d.Vector[slot], paused, want)
		}
		decisions++
	}
	if v := s.verifyClean(); v.Decisions != int64(decisions) || decisions < 50 {
		t.Errorf("%d decisions verified of %d", v.Decisions, decisions)
	}
	entries, err := s.engine.Listed(t.Context(), "blocked", "", 1000)
	if err != nil || len(entries) != len(until) {
		t.Errorf("%d entries, want %d: %v", len(entries), len(until), err)
	}
}

// TestAHundredThousandEntries fills a list by one change: all of it acts at once,
// and a second one finds it there.
func TestAHundredThousandEntries(t *testing.T) {
	s := newSystemOf(t, changedFraud(t, "score >= 0.9", "transaction.customer in lists.blocked || score >= 0.9", "lists: {blocked: customer}\n"))
	change := control.Change{List: "blocked"}
	for i := range 100_000 {
		change.Add = append(change.Add, control.Item{Key: fmt.Sprint("c", i)})
	}
	last := s.engine.Last()
	for _, added := range []int{100_000, 0} {
		done, err := s.engine.ChangeList(t.Context(), change)
		if err != nil || done.Added != added || done.Offset != last+10 {
			t.Fatal(done, err)
		}
		last = done.Offset
	}
	for _, when := range []string{"at once", "after a restart"} {
		if n, err := s.engine.ListSize(t.Context(), "blocked"); err != nil || n != 100_000 {
			t.Errorf("%s: %d entries, %v", when, n, err)
		}
		page, err := s.engine.Listed(t.Context(), "blocked", "c99990", 5)
		if err != nil || len(page) != 5 || page[0].Key != "c99991" {
			t.Errorf("%s: %v %v", when, page, err)
		}
		s.reopen()
	}
}
