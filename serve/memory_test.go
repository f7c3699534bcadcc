package serve_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

func openSmall(t *testing.T, st store.Store, s *spec.Spec, stateBytes int64) *serve.Engine {
	t.Helper()
	engine, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry(), CheckpointEvery: 5 * time.Millisecond, StateBytes: stateBytes,
		Clock: func() orrery.Instant { return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC)) }})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// TestAnswersDoNotDependOnMemory sends the same events, some in batches, to an
// engine with room for all state and to one with room for a fraction of it,
// which is started again on the way; once from what it had written, once from
// the log alone.
func TestAnswersDoNotDependOnMemory(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	events := sample(t, s, 6)
	roomy, tight := memory.New(), memory.New()
	large, small := openSmall(t, roomy, s, 1<<30), openSmall(t, tight, s, 20_000)
	random := rand.New(rand.NewPCG(5, 5))
	for sent := 0; len(events) > 0; sent++ {
		n := min(len(events), 1+random.IntN(1<<random.IntN(8)))
		decide := events[0].Type.Is(s.DecideOn)
		for i := 1; i < n; i++ {
			if events[i].Type.Is(s.DecideOn) != decide {
				n = i
			}
		}
		compareResults(t, submit(t, large, events[:n], decide), submit(t, small, events[:n], decide))
		events = events[n:]
		if sent == 20 || sent == 40 {
			if err := small.Close(); err != nil {
				t.Fatal(err)
			}
			if sent == 40 {
				forgetState(t, tight, small)
			}
			small = openSmall(t, tight, s, 20_000)
		}
	}
	for _, engine := range []*serve.Engine{large, small} {
		if v, err := engine.Reader().Verify(t.Context(), nil); err != nil || v.Different != 0 || v.Decisions == 0 {
			t.Errorf("verification: %+v %v", v, err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}
}

func forgetState(t *testing.T, st store.Store, engine *serve.Engine) {
	t.Helper()
	for _, table := range engine.Plan().Tables() {
		if err := st.State().Drop(table); err != nil {
			t.Fatal(err)
		}
	}
}

func submit(t *testing.T, engine *serve.Engine, events []orrery.Event, decide bool) []serve.Result {
	t.Helper()
	var results []serve.Result
	var err error
	if decide {
		results, err = engine.Decide(t.Context(), events, 0)
	} else {
		results, err = engine.Ingest(t.Context(), events, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func compareResults(t *testing.T, want, got []serve.Result) {
	t.Helper()
	for i := range want {
		if want[i].Err != nil || got[i].Err != nil {
			t.Fatalf("%v and %v", want[i].Err, got[i].Err)
		}
		if want[i].Decision == nil {
			continue
		}
		for j, x := range want[i].Decision.Vector {
			if y := got[i].Decision.Vector[j]; math.Float64bits(x) != math.Float64bits(y) {
				t.Fatalf("feature %d of %s is %v with room and %v without", j, want[i].Event.ID, x, y)
			}
		}
	}
}

// TestManyWaitForTheSameState has many goroutines ask about few entities while
// there is hardly room for any.
func TestManyWaitForTheSameState(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	engine := openSmall(t, memory.New(), s, 4_000)
	events := sample(t, s, 3)
	var group sync.WaitGroup
	for part := range 16 {
		group.Go(func() {
			for i := part; i < len(events); i += 16 {
				e := events[i]
				if !e.Type.Is(s.DecideOn) {
					continue
				}
				if results, err := engine.Decide(t.Context(), []orrery.Event{e}, 0); err != nil || results[0].Err != nil {
					t.Errorf("%v %v", results, err)
					return
				}
			}
		})
	}
	group.Wait()
	if v, err := engine.Reader().Verify(t.Context(), nil); err != nil || v.Different != 0 || v.Decisions == 0 {
		t.Errorf("verification: %+v %v", v, err)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
}

// TestStateIsNotKeptAheadOfTheLog: the log fails while checkpoints go on. What
// the log does not have must not be in the state that the next start reads.
func TestStateIsNotKeptAheadOfTheLog(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	events := sample(t, s, 4)
	for left := 3; left < 40; left += 3 {
		inner := memory.New()
		broken := openSmall(t, failing{Store: inner, log: &failingLog{Log: inner.Log(), left: left}}, s, 10_000)
		var err error
		for _, e := range events {
			if _, err = broken.Decide(t.Context(), []orrery.Event{e}, 0); err != nil {
				break
			}
		}
		if !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		_ = broken.Close()

		last, err := inner.Log().Last()
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range broken.Plan().Tables() {
			if marked, err := inner.State().Marked(table); err != nil || marked > last {
				t.Fatalf("state is marked to %d, the log ends at %d, %v", marked, last, err)
			}
		}
		again := openSmall(t, inner, s, 1<<30)
		reference := openSmall(t, memory.New(), s, 1<<30)
		for _, e := range events[:60] {
			if !e.Type.Is(s.DecideOn) {
				continue
			}
			compareResults(t, submit(t, reference, []orrery.Event{e}, true), submit(t, again, []orrery.Event{e}, true))
		}
		if err := errors.Join(again.Close(), reference.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
