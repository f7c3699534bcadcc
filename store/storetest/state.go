package storetest

import (
	"fmt"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
)

func table(n byte) store.TableID { return store.TableID{0: 255, 15: n} }

func item(n byte, key, value string) store.StateItem {
	return store.StateItem{Table: table(n), Key: key, Value: []byte(value)}
}

// wantState checks the items of a table, each written "key=value", in order.
func wantState(t testing.TB, s store.State, n byte, want ...string) {
	t.Helper()
	var got []string
	for it, err := range s.Scan(table(n)) {
		must(t, err)
		if it.Table != table(n) {
			t.Fatalf("table %x in the scan of %x", it.Table, table(n))
		}
		got = append(got, fmt.Sprintf("%s=%s", it.Key, it.Value))
		value, ok, err := s.Get(table(n), it.Key)
		must(t, err)
		if !ok || string(value) != string(it.Value) {
			t.Fatalf("item %q: scan has %q, get %q, %v", it.Key, it.Value, value, ok)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("table %d has %q, want %q", n, got, want)
	}
}

func wantMark(t testing.TB, s store.State, n byte, want orrery.Offset) {
	t.Helper()
	offset, err := s.Marked(table(n))
	must(t, err)
	if offset != want {
		t.Fatalf("table %d is marked %d, want %d", n, offset, want)
	}
}

func stateItems(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	state := s.State()
	wantState(t, state, 1)
	wantMark(t, state, 1, 0)
	must(t, state.Write(nil))
	must(t, state.Write([]store.StateItem{item(1, "b", "1"), item(1, "", ""), item(1, "a\x00", "2"), item(1, "\xff", "3"), item(1, "b", "4")}))
	if _, ok, err := state.Get(table(1), "c"); ok || err != nil {
		t.Fatalf("an item that was not written: %v, %v", ok, err)
	}
	must(t, state.Mark(7, []store.TableID{table(1)}))
	must(t, state.Write([]store.StateItem{item(1, "b", "5"), item(1, "gone", "6"), item(2, "gone", "7")}))
	must(t, state.Write([]store.StateItem{{Table: table(1), Key: "gone"}, {Table: table(1), Key: "never there"}}))
	wantState(t, state, 2, "gone=7")
	must(t, state.Mark(8, nil))
	for range 2 {
		wantState(t, s.State(), 1, "=", "a\x00=2", "b=5", "\xff=3")
		wantMark(t, s.State(), 1, 7)
		must(t, s.Close())
		s = open(t, dir)
	}
	// A mark may also go back: a table that is built anew.
	must(t, s.State().Mark(3, []store.TableID{table(1)}))
	wantMark(t, s.State(), 1, 3)
	must(t, s.Close())
}

func stateTables(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	// Ids whose bytes come one after another, as a range's ends would.
	for n := range byte(3) {
		must(t, s.State().Write([]store.StateItem{item(n+254, "k", fmt.Sprint(n)), item(n+254, "\xff\xff", "z")}))
	}
	must(t, s.State().Mark(5, []store.TableID{table(254), table(255)}))
	must(t, s.State().Mark(6, []store.TableID{table(0)}))
	must(t, s.State().Drop(table(254)))
	must(t, s.State().Drop(table(77)))
	for range 2 {
		wantState(t, s.State(), 254)
		wantMark(t, s.State(), 254, 0)
		wantState(t, s.State(), 255, "k=1", "\xff\xff=z")
		wantMark(t, s.State(), 255, 5)
		wantState(t, s.State(), 0, "k=2", "\xff\xff=z")
		wantMark(t, s.State(), 0, 6)
		must(t, s.Close())
		s = open(t, dir)
	}
	must(t, s.State().Write([]store.StateItem{item(254, "new", "1")}))
	wantState(t, s.State(), 254, "new=1")
	all := store.TableID{}
	for i := range all {
		all[i] = 255
	}
	must(t, s.State().Write([]store.StateItem{{Table: all, Key: "k", Value: []byte("v")}}))
	for it, err := range s.State().Scan(all) {
		must(t, err)
		if it.Key != "k" {
			t.Fatalf("item %q of the last table", it.Key)
		}
	}
	must(t, s.State().Drop(all))
	must(t, s.Close())
}
