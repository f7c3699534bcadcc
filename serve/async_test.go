package serve_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/memory"
	"orrery.dev/store/pebble"
	"orrery.dev/systems/fraud"
)

// asyncSpec is the fraud system with durability: async.
func asyncSpec(t testing.TB) *spec.Spec {
	t.Helper()
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return orrerytest.Spec(t, strings.Replace(string(source), "decide_on:", "durability: async\ndecide_on:", 1))
}

// slowDisk is a store whose syncs end when the test lets them.
type slowDisk struct {
	store.Store
	log *slowLog
}

func (s slowDisk) Log() store.Log { return s.log }

type slowLog struct {
	store.Log
	release chan struct{}
}

func (l *slowLog) Start(b *store.Batch) (func() error, error) {
	wait, err := l.Log.Start(b)
	return func() error {
		<-l.release
		return wait()
	}, err
}

// decided gives the events of the sample that are decided on.
func decided(t testing.TB, s *spec.Spec, days int) (events []orrery.Event) {
	for _, e := range sample(t, s, days) {
		if e.Type.Is(s.DecideOn) {
			events = append(events, e)
		}
	}
	return events
}

func clockAfterTheSample() orrery.Instant {
	return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC))
}

// TestAsyncRepliesBeforeTheSync holds the disk: with durability async replies
// leave all the same, those of two batches, and no more; with sync none leaves.
func TestAsyncRepliesBeforeTheSync(t *testing.T) {
	for want, s := range map[int]*spec.Spec{0: orrerytest.FraudSpec(t), 2: asyncSpec(t)} {
		events := decided(t, s, 3)
		synctest.Test(t, func(t *testing.T) {
			inner := memory.New()
			log := &slowLog{Log: inner.Log(), release: make(chan struct{})}
			engine, err := serve.Open(t.Context(), slowDisk{inner, log}, s, serve.Options{Registry: builtin.Registry(), CheckpointEvery: time.Hour, Clock: clockAfterTheSample})
			if err != nil {
				t.Fatal(err)
			}
			log.release <- struct{}{} // the release that is announced at the start
			answered := 0
			for i := range 4 {
				done := make(chan error, 1)
				go func() {
					_, err := engine.Decide(t.Context(), events[i:i+1], 0)
					done <- err
				}()
				synctest.Wait()
				select {
				case err := <-done:
					if err != nil {
						t.Error(err)
					}
					answered++
				default:
				}
			}
			if answered != want {
				t.Errorf("async %v: %d replies left before their sync, want %d", s.Async, answered, want)
			}
			close(log.release)
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAsyncLosesTheNewestOnly cuts the power at random instants: what is gone are
// the newest replies and their number is bounded by the batches under way, what
// is left verifies, and after a clean stop nothing is gone.
func TestAsyncLosesTheNewestOnly(t *testing.T) {
	s := asyncSpec(t)
	events := decided(t, s, 6)
	random := rand.New(rand.NewPCG(5, 5))
	for round := range 20 {
		machine := vfs.NewCrashableMem()
		d := openOn(t, machine, s)
		n := 1 + random.IntN(len(events)-1)
		offsets := make([]orrery.Offset, n)
		for i := range n {
			results, err := d.engine.Decide(t.Context(), events[i:i+1], 0)
			if err != nil || results[0].Err != nil {
				t.Fatal(results, err)
			}
			offsets[i] = results[0].Decision.Offset
		}
		clean := round%4 == 3
		if clean {
			d.close(t)
		}
		after := machine.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
		if !clean {
			d.close(t)
		}
		d = openOn(t, after, s)
		kept := 0
		for i := range n {
			_, decision, err := d.engine.Reader().Recorded(offsets[i])
			if err != nil || decision == nil {
				break
			}
			kept++
		}
		for i := kept; i < n; i++ {
			if event, _, err := d.engine.Reader().Recorded(offsets[i]); err == nil && event.ID == events[i].ID {
				t.Fatalf("round %d: reply %d is there, and reply %d before it is not", round, i, kept)
			}
		}
		// One client, so a batch holds one event.
		if lost := n - kept; lost > 2 || clean && lost > 0 {
			t.Fatalf("round %d: %d of %d replies are lost, stopped cleanly %v", round, lost, n, clean)
		}
		if _, err := d.engine.Decide(t.Context(), events[:n], 0); err != nil {
			t.Fatal(err)
		}
		if v, err := d.engine.Reader().Verify(t.Context(), nil); err != nil || v.Different != 0 || v.Events != int64(n) {
			t.Fatalf("round %d: %+v %v", round, v, err)
		}
		d.close(t)
	}
}

// driven is an engine on a machine in memory.
type driven struct {
	store  store.Store
	engine *serve.Engine
}

func openOn(t testing.TB, disk vfs.FS, s *spec.Spec) *driven {
	t.Helper()
	d, err := tryOpenOn(t, disk, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func tryOpenOn(t testing.TB, disk vfs.FS, s *spec.Spec) (*driven, error) {
	st, err := pebble.Open("/data", pebble.Options{FS: disk, CacheBytes: 8 << 20, MemTableBytes: 256 << 10})
	if err != nil {
		return nil, err
	}
	engine, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry(), CheckpointEvery: 3 * time.Millisecond, Clock: clockAfterTheSample})
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	return &driven{st, engine}, nil
}

func (d *driven) close(t testing.TB) {
	t.Helper()
	if err := d.engine.Close(); err != nil {
		t.Error(err)
	}
	if err := d.store.Close(); err != nil {
		t.Error(err)
	}
}
