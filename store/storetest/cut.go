package storetest

import (
	"fmt"
	"sync"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
)

// cutOf makes a cut that forgets the entries of some offsets.
func cutOf(before, forgetFrom orrery.Offset, base ...store.StateItem) *store.Cut {
	c := &store.Cut{Before: before, Base: base, Values: map[string][]byte{"cut": fmt.Append(nil, before)}}
	for offset := forgetFrom; offset < before; offset++ {
		c.Forget = append(c.Forget, keyOf(offset))
	}
	return c
}

func wantFirst(t testing.TB, log store.Log, want orrery.Offset) {
	t.Helper()
	first, err := log.First()
	must(t, err)
	if first != want {
		t.Fatalf("first offset %d, want %d", first, want)
	}
}

// wantBase checks the base of an entity; want "" stands for "not there".
func wantBase(t testing.TB, log store.Log, n byte, key, want string) {
	t.Helper()
	value, ok, err := log.Base(table(n), key)
	must(t, err)
	if ok != (want != "") || string(value) != want {
		t.Fatalf("the base of %q in table %d is %q, %v, want %q", key, n, value, ok, want)
	}
	clear(value)
	found := ""
	for it, err := range log.ScanBase(table(n)) {
		must(t, err)
		if it.Key == key && it.Table == table(n) {
			found = string(it.Value)
		}
		clear(it.Value)
	}
	if found != want {
		t.Fatalf("a scan finds %q as the base of %q in table %d, want %q", found, key, n, want)
	}
}

func logCut(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.Log().Append(batchOf(1, 20), true))
	wantFirst(t, s.Log(), 1)
	wantBase(t, s.Log(), 1, "k", "")
	must(t, s.Log().Cut(cutOf(6, 1, item(1, "k", "five"), item(1, "other", "five"), item(2, "k", "two"))))
	must(t, s.Log().Cut(cutOf(9, 7, item(1, "k", "eight"))))
	// The same place again changes the base alone.
	must(t, s.Log().Cut(&store.Cut{Before: 9, Drop: []store.TableID{table(2)}, Base: []store.StateItem{item(3, "k", "three")}}))
	for range 2 {
		wantFirst(t, s.Log(), 9)
		wantLast(t, s.Log(), 20)
		wantRecords(t, s.Log(), 0, batchOf(9, 20).Records)
		wantRecords(t, s.Log(), 8, batchOf(9, 20).Records)
		wantRecords(t, s.Log(), 12, batchOf(12, 20).Records)
		for offset := orrery.Offset(1); offset < 9; offset++ {
			if _, ok, err := s.Log().Get(offset, store.EventRecord); ok || err != nil {
				t.Fatalf("record %d after the cut: %v, %v", offset, ok, err)
			}
			kept := orrery.Offset(0)
			if offset == 6 { // Its entry was not named.
				kept = 6
			}
			wantEntry(t, s.Log(), keyOf(offset), kept)
		}
		wantEntry(t, s.Log(), keyOf(9), 9)
		wantBase(t, s.Log(), 1, "k", "eight")
		wantBase(t, s.Log(), 1, "other", "five")
		wantBase(t, s.Log(), 2, "k", "")
		wantBase(t, s.Log(), 3, "k", "three")
		wantBase(t, s.Log(), 1, "", "")
		wantMeta(t, s.Meta(), "cut", "9")
		// The base is not the state.
		wantState(t, s.State(), 1)
		must(t, s.Close())
		s = open(t, dir)
	}
	wantCode(t, s.Log().Append(batchOf(5, 5), true), orrery.Internal, "log_out_of_order")
	must(t, s.Log().Append(batchOf(21, 21), true))
	wantRecords(t, s.Log(), 0, batchOf(9, 21).Records)
	must(t, s.Close())
}

// logCutBounds refuses cuts that go back or leave nothing.
func logCutBounds(t *testing.T, open Open) {
	s := opened(t, open)
	wantCode(t, s.Log().Cut(&store.Cut{Before: 1}), orrery.Internal, "cut_out_of_range")
	must(t, s.Log().Append(batchOf(1, 10), true))
	must(t, s.Log().Cut(cutOf(5, 1)))
	for _, before := range []orrery.Offset{0, 1, 4, 11, 1 << 60} {
		wantCode(t, s.Log().Cut(cutOf(before, before, item(1, "k", "v"))), orrery.Internal, "cut_out_of_range")
	}
	wantFirst(t, s.Log(), 5)
	wantBase(t, s.Log(), 1, "k", "")
	wantMeta(t, s.Meta(), "cut", "5")
	must(t, s.Log().Cut(cutOf(10, 5)))
	wantRecords(t, s.Log(), 0, batchOf(10, 10).Records)
	for _, from := range []orrery.Offset{0, 10, 11} {
		if size, err := s.Log().Size(from); err != nil || size < 0 {
			t.Fatalf("size from %d: %d, %v", from, size, err)
		}
	}
}

// logCutBeside cuts while another goroutine appends and a third reads.
func logCutBeside(t *testing.T, open Open) {
	const batches, size = 60, 20
	s := opened(t, open)
	must(t, s.Log().Append(batchOf(1, size), true))
	var group sync.WaitGroup
	group.Go(func() {
		for i := orrery.Offset(1); i < batches; i++ {
			check(t, s.Log().Append(batchOf(i*size+1, (i+1)*size), i%7 == 0))
		}
	})
	group.Go(func() {
		for first := orrery.Offset(1); first < batches*size/2; {
			last, err := s.Log().Last()
			check(t, err)
			if next := min(first+7, last); next > first {
				check(t, s.Log().Cut(cutOf(next, first, item(1, "k", fmt.Sprint(next)))))
				first = next
			}
		}
	})
	group.Go(func() {
		for range batches {
			want := orrery.Offset(0)
			for r, err := range s.Log().Scan(0) {
				check(t, err)
				if want != 0 && r.Offset != want && r.Offset != want+1 {
					t.Errorf("offset %d follows %d", r.Offset, want)
					return
				}
				want = r.Offset
			}
		}
	})
	group.Wait()
	first, err := s.Log().First()
	must(t, err)
	wantRecords(t, s.Log(), 0, batchOf(first, batches*size).Records)
	wantEntry(t, s.Log(), keyOf(first-1), 0)
	wantBase(t, s.Log(), 1, "k", fmt.Sprint(first))
}
