package serve_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"orrery.dev"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// The rounds of TestFaultsBelowTheEngine: go test ./serve -run Faults -faults 1000.
var (
	faultRounds = flag.Int("faults", 8, "how many disks to let fail, and half as many bits to flip in each file")
	faultSeed   = flag.Uint64("faultseed", 11, "the seed of when and how")
)

// faultKind is what a disk does to a write once it has begun to fail.
type faultKind int

const (
	writeError faultKind = iota
	fullDisk
	shortWrite
	syncError
	faultKinds
)

func (k faultKind) String() string {
	return [...]string{"write error", "full disk", "short write", "failing sync"}[k]
}

// faultyDisk fails the n-th write from when it is armed on, and whatever follows.
type faultyDisk struct {
	vfs.FS
	kind  faultKind
	armed atomic.Bool
	left  atomic.Int64
}

func (d *faultyDisk) failure(kinds ...errorfs.OpKind) error {
	if !d.armed.Load() || d.left.Add(-1) >= 0 {
		return nil
	}
	number := syscall.EIO
	if d.kind == fullDisk || d.kind == shortWrite {
		number = syscall.ENOSPC
	}
	return &fs.PathError{Op: "write", Path: "/data", Err: number}
}

// inject wraps a disk: errors come from errorfs, short writes from here.
func inject(disk vfs.FS, d *faultyDisk) vfs.FS {
	d.FS = errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileWrite, errorfs.OpFileWriteAt:
			if d.kind == shortWrite {
				return nil // The wrapper around does it.
			}
			if d.kind == syncError {
				return nil
			}
			return d.failure()
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if d.kind == fullDisk || d.kind == shortWrite {
				return nil
			}
			return d.failure()
		case errorfs.OpCreate, errorfs.OpRename, errorfs.OpLink, errorfs.OpMkdirAll, errorfs.OpReuseForWrite:
			if d.kind == syncError || d.kind == shortWrite {
				return nil
			}
			return d.failure()
		}
		return nil
	}))
	return d
}

func (d *faultyDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.Create(name, c))
}

func (d *faultyDisk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.ReuseForWrite(from, to, c))
}

func (d *faultyDisk) Unwrap() vfs.FS { return d.FS }

func (d *faultyDisk) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil || d.kind != shortWrite {
		return f, err
	}
	return shortFile{f, d}, nil
}

// shortFile writes a part of what it is given when its disk fails.
type shortFile struct {
	vfs.File
	disk *faultyDisk
}

func (f shortFile) Write(p []byte) (int, error) {
	err := f.disk.failure()
	if err == nil {
		return f.File.Write(p)
	}
	n, _ := f.File.Write(p[:len(p)/2])
	return n, err
}

// acknowledgements is what the clients of a life were told.
type acknowledgements struct {
	mutex sync.Mutex
	byID  map[string]orrery.Decision
}

// live sends the events from several clients, until the first that is refused;
// it gives the refusal.
func (a *acknowledgements) live(t *testing.T, engine *serve.Engine, events []orrery.Event) error {
	var group sync.WaitGroup
	var next atomic.Int64
	refused := make(chan error, 8)
	for range 3 {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(events) {
					return
				}
				results, err := engine.Decide(t.Context(), events[i:i+1], 0)
				if err == nil {
					err = results[0].Err
				}
				if err != nil {
					refused <- err
					return
				}
				a.mutex.Lock()
				if was, ok := a.byID[events[i].ID]; ok && !sameDecision(&was, results[0].Decision) {
					t.Errorf("event %s was answered with %+v, and now with %+v", events[i].ID, was, *results[0].Decision)
				}
				a.byID[events[i].ID] = *results[0].Decision
				a.mutex.Unlock()
			}
		})
	}
	group.Wait()
	select {
	case err := <-refused:
		return err
	default:
		return nil
	}
}

// check finds every acknowledged decision in a store, as it was, once.
func (a *acknowledgements) check(t *testing.T, engine *serve.Engine) {
	t.Helper()
	for id, want := range a.byID {
		event, got, err := engine.Reader().Recorded(want.Offset)
		if err != nil || got == nil || event.ID != id || !sameDecision(got, &want) {
			t.Fatalf("event %s was answered with %+v, and is recorded as %+v %v", id, want, got, err)
		}
	}
	v, err := engine.Reader().Verify(t.Context(), nil)
	if err != nil || v.Different != 0 || v.Events < int64(len(a.byID)) {
		t.Fatalf("%d acknowledged; verification %+v %v", len(a.byID), v, err)
	}
}

// TestFaultsBelowTheEngine lets the disk fail at a random write, in each way, and
// then the power: the engine stops with a sentence that says what to do, still
// reads, and the next one has everything that was acknowledged and goes on.
func TestFaultsBelowTheEngine(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	events := decided(t, s, 4)
	random := rand.New(rand.NewPCG(*faultSeed, 11))
	hit := map[string]int{}
	for round := range *faultRounds {
		kind := faultKind(round) % faultKinds
		t.Run(fmt.Sprintf("%d %v", round, kind), func(t *testing.T) { failBelow(t, s, events, kind, random, hit) })
	}
	if hit["storage_failed"] == 0 {
		t.Errorf("the faults did no harm: %v", hit)
	}
	t.Log("refusals by code:", hit)
}

func failBelow(t *testing.T, s *spec.Spec, events []orrery.Event, kind faultKind, random *rand.Rand, hit map[string]int) {
	machine := vfs.NewCrashableMem()
	told := &acknowledgements{byID: map[string]orrery.Decision{}}
	for life := range 3 {
		disk := &faultyDisk{kind: kind}
		disk.left.Store(random.Int64N(200))
		// In some lives the disk fails while it is opened.
		disk.armed.Store(random.IntN(4) == 0)
		d, err := tryOpenOn(t, inject(machine, disk), s)
		if err == nil {
			disk.armed.Store(true)
			if life > 0 {
				told.check(t, d.engine)
			}
			err = told.live(t, d.engine, events)
			if err != nil {
				// It still reads what was acknowledged.
				told.check(t, d.engine)
			}
			if closeErr := errors.Join(d.engine.Close(), d.store.Close()); err == nil {
				err = closeErr
			}
		}
		if err != nil { // The disk can fail where it does no harm.
			mustSayWhatToDo(t, err)
			hit[orrery.CodeOf(err)]++
		}
		machine = machine.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
	}
	d := openOn(t, machine, s)
	told.check(t, d.engine)
	if err := told.live(t, d.engine, events); err != nil {
		t.Fatalf("after the faults: %v", err)
	}
	told.check(t, d.engine)
	if v, err := d.engine.Reader().Verify(t.Context(), nil); err != nil || v.Events != int64(len(events)) {
		t.Errorf("%d events were sent, and %+v %v are recorded", len(events), v, err)
	}
	d.close(t)
}

// mustSayWhatToDo holds an error to what a person needs.
func mustSayWhatToDo(t *testing.T, err error) {
	t.Helper()
	for cause := err; cause != nil; {
		var known *orrery.Error
		if !errors.As(cause, &known) {
			break
		}
		if known.Next != "" {
			return
		}
		cause = known.Err
	}
	t.Errorf("the refusal says not what to do: %v", err)
}
