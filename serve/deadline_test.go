package serve

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/store/memory"
	"orrery.dev/systems/fraud"
	"orrery.dev/train"
)

// hindered is a model that does something before it scores.
type hindered struct {
	model.Model
	before func(row []float64)
}

func (h hindered) Score(row []float64) float64 {
	h.before(row)
	return h.Model.Score(row)
}

// hinderedEngine is a fraud system with a deadline of 50 ms and a trained model
// that is hindered, without its release saying so.
func hinderedEngine(t *testing.T, before func(row []float64)) (*Engine, []orrery.Event) {
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := orrerytest.Spec(t, string(source)+"answer: {deadline: 50ms, fallback: review}\n")
	st := memory.New()
	e, err := Open(t.Context(), st, s, Options{Registry: builtin.Registry(), Clock: func() orrery.Instant {
		return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC))
	}})
	if err != nil {
		t.Fatal(err)
	}
	all := orrerytest.FraudEvents(t, s, fraud.Options{Customers: 60, Terminals: 400, Days: 16, Seed: 7})
	half := len(all) / 2
	if _, err := e.Ingest(t.Context(), all[:half], false); err != nil {
		t.Fatal(err)
	}
	m, err := model.NewLinear([]string{"amount"}, []float64{0}, []float64{1}, []float64{0.001}, -9)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := Learn(t.Context(), st, e.Reader(), Lesson{Spec: s, Kind: "logistic", Range: replay.Range{From: 0, To: replay.Forever},
		Fit: func(context.Context, *train.Rows) (model.Model, error) { return m, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Install(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(r.ID, s, hindered{m, before})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.between(t.Context(), func() error { e.current.Store(newRuntime(p)); return nil }); err != nil {
		t.Fatal(err)
	}
	return e, slices.DeleteFunc(all[half:], func(e orrery.Event) bool { return !e.Type.Is(s.DecideOn) })
}

// finish verifies what was recorded, by the model as it is, and closes.
func finish(t *testing.T, e *Engine, decisions int64) {
	t.Helper()
	v, err := e.Reader().Verify(t.Context(), nil)
	if err != nil || v.Different != 0 || v.Decisions != decisions {
		t.Errorf("verification %+v %v, want %d decisions", v, err, decisions)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func mustDecide(t *testing.T, e *Engine, events ...orrery.Event) []*orrery.Decision {
	t.Helper()
	results, err := e.Decide(t.Context(), events, 0)
	if err != nil {
		t.Error(err)
		return nil
	}
	var out []*orrery.Decision
	for _, r := range results {
		if r.Err != nil {
			t.Error(r.Err)
		}
		out = append(out, r.Decision)
	}
	return out
}

func fallbacks(decisions []*orrery.Decision) (out []string) {
	for _, d := range decisions {
		out = append(out, d.Fallback)
	}
	return out
}

// TestASlowModelIsAnsweredFor blocks the model at one event of a batch: what was
// scored before counts, the rest is the fallback's, and requests behind it are
// not held up. Time is synthetic.
func TestASlowModelIsAnsweredFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, seen := make(chan struct{}), new(atomic.Int64)
		e, events := hinderedEngine(t, func([]float64) {
			if seen.Add(1) == 3 {
				<-release
			}
		})
		begun := time.Now()
		batch := mustDecide(t, e, events[:5]...)
		if took := time.Since(begun); took != 50*time.Millisecond {
			t.Errorf("the answer took %v of synthetic time", took)
		}
		if got := fallbacks(batch); !slices.Equal(got, []string{"", "", "deadline", "deadline", "deadline"}) {
			t.Errorf("fallbacks %q", got)
		}
		if d := batch[4]; d.Action != "review" || d.Rule != -1 || d.Score == d.Score || d.Vector[0] == 0 {
			t.Errorf("%+v", d)
		}
		if n := e.abandoned.Load(); n != 1 {
			t.Errorf("%d abandoned, want 1", n)
		}
		if next := mustDecide(t, e, events[5]); next[0].Fallback != "" || next[0].Score != next[0].Score {
			t.Errorf("the next: %+v", next[0])
		}
		close(release)
		synctest.Wait()
		if n := e.abandoned.Load(); n != 0 {
			t.Errorf("%d abandoned after their end", n)
		}
		finish(t, e, 6)
	})
}

// TestAStuckModelIsLeftAlone: once many scorers hang, no more are begun.
func TestAStuckModelIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, seen := make(chan struct{}), new(atomic.Int64)
		e, events := hinderedEngine(t, func([]float64) { seen.Add(1); <-release })
		const more = 6
		for i := range maxAbandoned + more {
			if got := fallbacks(mustDecide(t, e, events[i])); got[0] != plan.FallbackDeadline {
				t.Fatalf("event %d: %q", i, got)
			}
		}
		if n := seen.Load(); n != maxAbandoned {
			t.Errorf("%d scorers begun, want %d", n, maxAbandoned)
		}
		close(release)
		synctest.Wait()
		if got := fallbacks(mustDecide(t, e, events[maxAbandoned+more])); got[0] != "" {
			t.Errorf("after the model has come back: %q", got)
		}
		finish(t, e, maxAbandoned+more+1)
	})
}

// TestTimeSpentInTheQueueCounts holds the sequencer up past the deadline.
func TestTimeSpentInTheQueueCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var scored atomic.Int64
		e, events := hinderedEngine(t, func([]float64) { scored.Add(1) })
		hold := make(chan struct{})
		go func() { _ = e.between(t.Context(), func() error { <-hold; return nil }) }()
		synctest.Wait()
		var late []*orrery.Decision
		answered := make(chan struct{})
		go func() { late = mustDecide(t, e, events[0]); close(answered) }()
		time.Sleep(50 * time.Millisecond) // of the bubble's clock
		close(hold)
		<-answered
		if got := fallbacks(late); got[0] != plan.FallbackDeadline || scored.Load() != 0 {
			t.Errorf("%q, %d scored", got, scored.Load())
		}
		finish(t, e, 1)
	})
}

func TestAModelThatPanicsIsAnsweredFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen atomic.Int64
		e, events := hinderedEngine(t, func(row []float64) {
			if seen.Add(1) == 2 {
				_ = row[len(row)]
			}
		})
		if got := fallbacks(mustDecide(t, e, events[:3]...)); !slices.Equal(got, []string{"", plan.FallbackFault, ""}) {
			t.Errorf("fallbacks %q", got)
		}
		finish(t, e, 3)
	})
}
