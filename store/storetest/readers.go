package storetest

import (
	"sync"
	"sync/atomic"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
)

// readers reads everything while one goroutine appends, one writes state and
// one puts values; it is for the race detector as much as for what it asserts.
func readers(t *testing.T, open Open) {
	const batches, size = 100, 20
	s := opened(t, open)
	var done atomic.Bool
	var writers, others sync.WaitGroup
	writers.Go(func() {
		for i := range orrery.Offset(batches) {
			check(t, s.Log().Append(batchOf(i*size+1, (i+1)*size), i%10 == 0))
		}
	})
	writers.Go(func() {
		for i := range orrery.Offset(batches) {
			check(t, s.State().Write([]store.StateItem{item(1, "k", string(keyOf(i))), item(2, "k", string(keyOf(i)))}))
			if i%25 == 0 {
				check(t, s.State().Mark(i, []store.TableID{table(1)}))
			}
		}
	})
	writers.Go(func() {
		for i := range orrery.Offset(10) {
			check(t, s.Meta().Put(map[string][]byte{"a": keyOf(i), "b": keyOf(i)}))
		}
	})
	for range 2 {
		writers.Go(func() {
			for i := range orrery.Offset(3) {
				_, err := s.Blob().Put(keyOf(i))
				check(t, err)
			}
		})
		others.Go(func() {
			for !done.Load() {
				readOnce(t, s)
			}
		})
	}
	writers.Wait()
	done.Store(true)
	others.Wait()
	wantRecords(t, s.Log(), 0, batchOf(1, batches*size).Records)
}

// readOnce reads the log twice, by scan and one by one, and finds no batch in
// part, no gap, and all that it has once seen.
func readOnce(t *testing.T, s store.Store) {
	last, err := s.Log().Last()
	check(t, err)
	want := orrery.Offset(1)
	for r, err := range s.Log().Scan(1) {
		check(t, err)
		if r.Offset != want {
			t.Errorf("offset %d in a scan, want %d", r.Offset, want)
			return
		}
		if r.Kind == store.DecisionRecord {
			want++
		}
	}
	if seen := want - 1; seen < last || seen%20 != 0 {
		t.Errorf("a scan saw %d events; there were %d before", seen, last)
	}
	if last > 0 {
		if offset, ok, err := s.Log().Lookup(keyOf(last)); !ok || offset != last || err != nil {
			t.Errorf("entry of %d: %d, %v, %v", last, offset, ok, err)
		}
		if _, ok, err := s.Log().Get(last, store.DecisionRecord); !ok || err != nil {
			t.Errorf("record %d: %v, %v", last, ok, err)
		}
	}
	for _, err := range s.State().Scan(table(1)) {
		check(t, err)
	}
	_, err = s.State().Marked(table(1))
	check(t, err)
	_, _, err = s.Meta().Get("a")
	check(t, err)
	_, err = s.Blob().List()
	check(t, err)
}

// check is must for goroutines other than the test's own.
func check(t testing.TB, err error) {
	if err != nil {
		t.Error(err)
	}
}
