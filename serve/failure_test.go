package serve_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

// failing is a store whose log stops taking appends.
type failing struct {
	store.Store
	log *failingLog
}

func (f failing) Log() store.Log { return f.log }

type failingLog struct {
	store.Log
	mutex sync.Mutex
	left  int
	// late fails the sync rather than the write: the batch is in the log.
	late bool
}

var errDisk = errors.New("the disk is full")

func (l *failingLog) Start(b *store.Batch) (func() error, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.left > 0 {
		l.left--
		return l.Log.Start(b)
	}
	if !l.late {
		return nil, errDisk
	}
	if _, err := l.Log.Start(b); err != nil {
		return nil, err
	}
	return func() error { return errDisk }, nil
}

// TestAFailedCommitStopsTheEngine: what cannot be recorded is not acknowledged,
// nothing hangs, and what was acknowledged before is still there.
func TestAFailedCommitStopsTheEngine(t *testing.T) {
	t.Run("write", func(t *testing.T) { failCommit(t, false) })
	t.Run("sync", func(t *testing.T) { failCommit(t, true) })
}

func failCommit(t *testing.T, late bool) {
	s := orrerytest.FraudSpec(t)
	inner := memory.New()
	st := failing{Store: inner, log: &failingLog{Log: inner.Log(), left: 4, late: late}}
	options := serve.Options{Registry: builtin.Registry(), CheckpointEvery: time.Hour,
		Clock: func() orrery.Instant { return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC)) }}
	engine, err := serve.Open(t.Context(), st, s, options)
	if err != nil {
		t.Fatal(err)
	}
	var events []orrery.Event
	for _, e := range sample(t, s, 3) {
		if e.Type.Is(s.DecideOn) {
			events = append(events, e)
		}
	}
	acknowledged := 0
	for _, e := range events {
		if _, err = engine.Decide(t.Context(), []orrery.Event{e}, 0); err != nil {
			break
		}
		acknowledged++
	}
	if orrery.CodeOf(err) != "storage_failed" || !errors.Is(err, errDisk) || acknowledged == 0 {
		t.Fatalf("after %d: %v", acknowledged, err)
	}
	var group sync.WaitGroup
	for _, e := range events[:20] {
		group.Go(func() {
			if _, err := engine.Decide(t.Context(), []orrery.Event{e}, 0); orrery.KindOf(err) != orrery.Unavailable {
				t.Errorf("after the failure: %v", err)
			}
		})
	}
	group.Wait()
	if err := engine.Close(); orrery.CodeOf(err) != "storage_failed" {
		t.Errorf("Close: %v", err)
	}

	// A new engine on the same data goes on from what was acknowledged; what was
	// written and not synced may be there.
	engine, err = serve.Open(t.Context(), inner, s, options)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events[:acknowledged+1] {
		results, err := engine.Decide(t.Context(), []orrery.Event{e}, 0)
		if err != nil || results[0].Err != nil || results[0].Repeated != (i < acknowledged || late) {
			t.Errorf("event %d of %d acknowledged: %+v %v", i, acknowledged, results, err)
		}
	}
	if v, err := engine.Reader().Verify(t.Context(), nil); err != nil || v.Different != 0 {
		t.Errorf("verification: %+v %v", v, err)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
}
