package serve_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
	"orrery.dev/systems/fraud"
	"orrery.dev/train"
)

// sample gives the events of a small world, in time order.
func sample(t testing.TB, s *spec.Spec, days int) []orrery.Event {
	return orrerytest.FraudEvents(t, s, fraud.Options{Customers: 60, Terminals: 400, Days: days, Seed: 7})
}

// system is an engine on a directory that can be closed and opened again.
type system struct {
	t      testing.TB
	dir    string
	spec   *spec.Spec
	clock  func() orrery.Instant
	logger *slog.Logger
	store  store.Store
	engine *serve.Engine
}

func newSystem(t testing.TB) *system {
	s := &system{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: orrerytest.FraudSpec(t)}
	s.clock = func() orrery.Instant { return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC)) }
	s.open()
	t.Cleanup(s.close)
	return s
}

func (s *system) open() {
	s.t.Helper()
	var err error
	if s.store, err = pebble.Open(s.dir, pebble.Options{}); err != nil {
		s.t.Fatal(err)
	}
	s.engine, err = serve.Open(s.t.Context(), s.store, s.spec, serve.Options{Registry: builtin.Registry(), Clock: s.clock, Logger: s.logger, CheckpointEvery: 50 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) close() {
	if s.engine == nil {
		return
	}
	if err := s.engine.Close(); err != nil {
		s.t.Error(err)
	}
	if err := s.store.Close(); err != nil {
		s.t.Error(err)
	}
	s.engine = nil
}

func (s *system) reopen() {
	s.t.Helper()
	s.close()
	s.open()
}

// send decides on transactions and ingests the rest, and gives the results in order.
func (s *system) send(events []orrery.Event) []serve.Result {
	s.t.Helper()
	var out []serve.Result
	for _, e := range events {
		var results []serve.Result
		var err error
		if e.Type.Is(s.spec.DecideOn) {
			results, err = s.engine.Decide(s.t.Context(), []orrery.Event{e}, 0)
		} else {
			results, err = s.engine.Ingest(s.t.Context(), []orrery.Event{e}, false)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, results...)
	}
	return out
}

func (s *system) verifyClean() *replay.Verification {
	s.t.Helper()
	v, err := s.engine.Reader().Verify(s.t.Context(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if v.Different != 0 {
		s.t.Fatalf("%d of %d decisions differ: %+v", v.Different, v.Decisions, v.First)
	}
	return v
}

func TestRepeatGetsTheSameAnswer(t *testing.T) {
	s := newSystem(t)
	events := sample(t, s.spec, 3)
	first := s.send(events)
	check := func(when string, again []serve.Result) {
		t.Helper()
		for i := range again {
			if !again[i].Repeated || again[i].Err != nil {
				t.Fatalf("%s: event %d: repeated %v, error %v", when, i, again[i].Repeated, again[i].Err)
			}
			if (again[i].Decision == nil) != (first[i].Decision == nil) {
				t.Fatalf("%s: event %d: a decision came or went", when, i)
			}
			if again[i].Decision != nil && !sameDecision(again[i].Decision, first[i].Decision) {
				t.Fatalf("%s: event %d: %+v, first %+v", when, i, again[i].Decision, first[i].Decision)
			}
		}
	}
	check("at once", s.send(events))
	s.reopen()
	check("after a restart", s.send(events))
	if v := s.verifyClean(); v.Events != int64(len(events)) {
		t.Errorf("the log has %d events, want %d", v.Events, len(events))
	}
}

func sameDecision(a, b *orrery.Decision) bool {
	return a.Offset == b.Offset && a.Action == b.Action && a.Rule == b.Rule && a.Release == b.Release &&
		math.Float64bits(a.Score) == math.Float64bits(b.Score) &&
		slices.EqualFunc(a.Vector, b.Vector, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

func TestSameIDWithAnotherBodyIsAConflict(t *testing.T) {
	s := newSystem(t)
	event := sample(t, s.spec, 2)[0]
	s.send([]orrery.Event{event})
	altered := event
	altered.Values = slices.Clone(event.Values)
	amount := event.Type.Field("amount")
	altered.Values[amount] = orrery.DecimalValue(event.Values[amount].Units() + 1)
	results, err := s.engine.Decide(t.Context(), []orrery.Event{altered}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := results[0].Err; orrery.KindOf(err) != orrery.Conflict || orrery.CodeOf(err) != "event_conflict" {
		t.Errorf("error %v, want a conflict", err)
	}
}

func TestRepeatInsideABatch(t *testing.T) {
	s := newSystem(t)
	event := sample(t, s.spec, 2)[0]
	results, err := s.engine.Decide(t.Context(), []orrery.Event{event, event, event}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil || r.Repeated != (i > 0) || !sameDecision(r.Decision, results[0].Decision) {
			t.Errorf("item %d: repeated %v, error %v", i, r.Repeated, r.Err)
		}
	}
}

// TestConcurrentSendersAgree sends the same events from several goroutines at
// once: each is recorded once, and all senders get the one answer.
func TestConcurrentSendersAgree(t *testing.T) {
	s := newSystem(t)
	var events []orrery.Event
	for _, e := range sample(t, s.spec, 6) {
		if e.Type.Is(s.spec.DecideOn) {
			events = append(events, e)
		}
	}
	const senders = 8
	offsets := make([][]orrery.Offset, senders)
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			order := rand.New(rand.NewPCG(1, uint64(sender))).Perm(len(events))
			offsets[sender] = make([]orrery.Offset, len(events))
			for _, i := range order {
				results, err := s.engine.Decide(context.Background(), []orrery.Event{events[i]}, 0)
				if err == nil {
					err = results[0].Err
				}
				if err != nil {
					t.Error(err)
					return
				}
				offsets[sender][i] = results[0].Decision.Offset
			}
		})
	}
	group.Wait()
	for sender := range senders {
		if !slices.Equal(offsets[sender], offsets[0]) {
			t.Fatalf("sender %d was told other decisions than sender 0", sender)
		}
	}
	if v := s.verifyClean(); v.Events != int64(len(events)) {
		t.Errorf("the log has %d events, want %d", v.Events, len(events))
	}
}

// TestRestartsChangeNothing compares an engine that is stopped at random
// moments with one that is not.
func TestRestartsChangeNothing(t *testing.T) {
	steady, restarted := newSystem(t), newSystem(t)
	events := sample(t, steady.spec, 8)
	random := rand.New(rand.NewPCG(3, 3))
	for len(events) > 0 {
		n := min(len(events), 1+random.IntN(120))
		a, b := steady.send(events[:n]), restarted.send(events[:n])
		for i := range a {
			if a[i].Err != nil || b[i].Err != nil {
				t.Fatalf("event %s: %v, after restarts %v", a[i].Event.ID, a[i].Err, b[i].Err)
			}
			if a[i].Decision != nil && !slices.EqualFunc(a[i].Decision.Vector, b[i].Decision.Vector,
				func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }) {
				t.Fatalf("event %s: %v, after restarts %v", a[i].Event.ID, a[i].Decision.Vector, b[i].Decision.Vector)
			}
		}
		restarted.reopen()
		events = events[n:]
	}
	restarted.verifyClean()
}

// stump is a model of one split on the amount, so that releases differ.
func stump(t testing.TB, threshold float64) model.Model {
	t.Helper()
	m, err := model.NewTrees("gbdt", []string{"amount"}, 0, []model.Tree{{
		Feature: []int32{0}, Threshold: []float64{threshold}, Left: []int32{^0}, Right: []int32{^1},
		MissingLeft: []bool{true}, Value: []float64{-3, 3}, Cover: []float64{1, 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *system) learn(threshold float64) orrery.ReleaseID {
	s.t.Helper()
	r, _, err := serve.Learn(s.t.Context(), s.store, s.engine.Reader(), serve.Lesson{Spec: s.spec, Kind: "gbdt",
		Range: replay.Range{From: 0, To: replay.Forever},
		Fit:   func(context.Context, *train.Rows) (model.Model, error) { return stump(s.t, threshold), nil }})
	if err != nil {
		s.t.Fatal(err)
	}
	return r.ID
}

// TestInstallUnderLoad switches releases while requests run: none fails, each
// names the release that made it, and all verify.
func TestInstallUnderLoad(t *testing.T) {
	s := newSystem(t)
	events := sample(t, s.spec, 16)
	half := len(events) / 2
	if _, err := s.engine.Ingest(t.Context(), events[:half], false); err != nil {
		t.Fatal(err)
	}
	releases := []orrery.ReleaseID{s.learn(10), s.learn(100)}
	if releases[0] == releases[1] {
		t.Fatal("two models made one release")
	}
	if again := s.learn(10); again != releases[0] {
		t.Errorf("the same training made releases %s and %s", releases[0], again)
	}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(done)
		for _, r := range s.send(events[half:]) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
	})
	for i := 0; ; i++ {
		if err := s.engine.Install(t.Context(), releases[i%2]); err != nil {
			t.Error(err)
		}
		select {
		case <-done:
		default:
			continue
		}
		break
	}
	group.Wait()
	s.verifyClean()
	inForce := s.engine.Plan().Release
	s.reopen()
	if got := s.engine.Plan().Release; got != inForce {
		t.Errorf("after a restart release %s is in force, before it was %s", got.Short(), inForce.Short())
	}
}

func TestTimesThatDoNotFit(t *testing.T) {
	s := newSystem(t)
	events := sample(t, s.spec, 60)
	s.send(events[len(events)-1:])
	check := func(e orrery.Event, imported bool, code string) {
		t.Helper()
		results, err := s.engine.Ingest(t.Context(), []orrery.Event{e}, imported)
		if err != nil {
			t.Fatal(err)
		}
		if got := orrery.CodeOf(results[0].Err); results[0].Err == nil || got != code {
			t.Errorf("error %v, want code %s", results[0].Err, code)
		}
	}
	check(events[0], false, "event_too_old")
	check(events[len(events)-2], true, "import_out_of_order")
	late := events[len(events)-2]
	late.ID = "in the future"
	late.Time = s.clock().Add(2 * orrery.Day)
	check(late, false, "event_in_future")
}

// TestRepeatBeyondTheHorizon refuses a repeat as too old once dedupe.within has
// passed by the events' own time, however long the log has kept it.
func TestRepeatBeyondTheHorizon(t *testing.T) {
	s := newSystem(t)
	events := decided(t, s.spec, 40)
	s.send(events[:1])
	last := events[len(events)-1]
	if last.Time <= events[0].Time.Add(s.spec.Dedupe.Within) {
		t.Fatal("the sample is too short")
	}
	check := func(code string) {
		t.Helper()
		results, err := s.engine.Decide(t.Context(), events[:1], 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := orrery.CodeOf(results[0].Err); code != "" && got != code || code == "" && !results[0].Repeated {
			t.Errorf("%+v, want code %q", results[0], code)
		}
	}
	check("")
	s.send([]orrery.Event{last})
	check("event_too_old")
	s.reopen()
	check("event_too_old")
}

func TestClosedEngineRefuses(t *testing.T) {
	s := newSystem(t)
	events := sample(t, s.spec, 2)
	engine, st := s.engine, s.store
	s.engine = nil
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := engine.Decide(t.Context(), events[:1], 0); orrery.KindOf(err) != orrery.Unavailable {
		t.Errorf("error %v, want unavailable", err)
	}
}

func ExampleDecisionID() {
	fmt.Println(serve.DecisionID(42))
	// Output: d42
}
