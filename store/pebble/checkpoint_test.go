package pebble_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"orrery.dev"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// numbered is a batch of one record with an entry.
func numbered(at orrery.Offset) *store.Batch {
	return &store.Batch{Records: []store.Record{{Offset: at, Kind: store.EventRecord, Data: fmt.Appendf(nil, "%0400d", at)}},
		Entries: []store.Entry{{Key: fmt.Append(nil, at), Offset: at}}}
}

// TestCheckpointBesideWrites opens copies that were made while the log grew and
// state was written: each has all that was there when it was begun, its state is
// not ahead of its log, and the store it came from noticed nothing.
func TestCheckpointBesideWrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := pebble.Open(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	table := store.TableID{7}
	var durable atomic.Uint64
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for at := orrery.Offset(1); ; at++ {
			err := s.Log().Append(numbered(at), at%10 == 0)
			if err == nil && at%10 == 0 {
				durable.Store(uint64(at))
			}
			if at%50 == 0 {
				err = errors.Join(err, s.State().Write([]store.StateItem{{Table: table, Key: "k", Value: fmt.Append(nil, at)}}))
			}
			if at%200 == 0 {
				err = errors.Join(err, s.State().Mark(at, []store.TableID{table}))
			}
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for range 8 {
		least := durable.Load()
		err := s.Checkpoint(func(copied string) error {
			if err := s.Checkpoint(func(string) error { return nil }); orrery.CodeOf(err) != "checkpoint_under_way" {
				t.Errorf("a second one at a time: %v", err)
			}
			// Opening changes it; the blocks that it shares stay as they are.
			return checkCopy(copied, table, orrery.Offset(least))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	writer.Wait()
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy is still there: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := checkCopy(dir, table, orrery.Offset(durable.Load())); err != nil {
		t.Error(err)
	}
}

func checkCopy(dir string, table store.TableID, least orrery.Offset) error {
	s, err := pebble.Open(dir, small)
	if err != nil {
		return err
	}
	defer s.Close()
	last, err := s.Log().Last()
	if err != nil || last < least {
		return fmt.Errorf("the copy ends at %d, and %d was durable: %w", last, least, err)
	}
	marked, err := s.State().Marked(table)
	if err != nil || marked > last {
		return fmt.Errorf("the state's mark is %d, and the log ends at %d: %w", marked, last, err)
	}
	if marked > 0 {
		value, ok, err := s.State().Get(table, "k")
		var at orrery.Offset
		if _, scanErr := fmt.Sscan(string(value), &at); !ok || err != nil || scanErr != nil || at < marked || at > last {
			return fmt.Errorf("the state is of %q, marked %d, the log ends at %d: %v %v", value, marked, last, err, scanErr)
		}
	}
	next := orrery.Offset(1)
	for r, err := range s.Log().Scan(1) {
		if err != nil {
			return err
		}
		if r.Offset != next || string(r.Data) != fmt.Sprintf("%0400d", next) {
			return fmt.Errorf("record %d is %q", r.Offset, r.Data)
		}
		next++
	}
	if next != last+1 {
		return fmt.Errorf("%d records, and the last is %d", next-1, last)
	}
	return nil
}

// TestCheckpointThatFails leaves the store as it was: a disk without room for a
// copy is no reason to stop.
func TestCheckpointThatFails(t *testing.T) {
	for n := range 60 {
		var copying atomic.Bool
		var left atomic.Int64
		left.Store(int64(n))
		o := small
		o.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if copying.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && len(op.Path) > 16 && op.Path[:16] == "/data/checkpoint" && left.Add(-1) < 0 {
				return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
			}
			return nil
		}))
		s, err := pebble.Open("/data", o)
		if err == nil {
			err = s.Log().Append(numbered(1), true)
		}
		if err == nil {
			err = s.State().Mark(1, []store.TableID{{1}})
		}
		if err != nil {
			t.Fatal(err)
		}
		copying.Store(true)
		failed := s.Checkpoint(func(string) error { return nil })
		if failed != nil && orrery.CodeOf(failed) != "disk_full" {
			t.Errorf("write %d: %v", n, failed)
		}
		copying.Store(false)
		if err := s.Log().Append(numbered(2), true); err != nil {
			t.Fatalf("write %d: after a copy that failed with %v: %v", n, failed, err)
		}
		if err := s.Checkpoint(func(string) error { return nil }); err != nil {
			t.Errorf("write %d: the next copy: %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if failed == nil && n > 0 {
			return // It wrote less often than that.
		}
	}
	t.Error("it writes more than 60 times")
}
