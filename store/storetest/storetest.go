// Package storetest is the one suite that every store runs: Run checks what the
// ports promise while a store lives, one promise at a time; RunHistories the same
// by random histories; RunCrash what they promise after a crash and under a
// failing disk.
package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
)

// Open opens the store of a directory; opened again after Close it has what it
// had. The directories of two tests are never the same.
type Open func(t testing.TB, dir string) store.Store

// Run checks every promise of the ports that does not need a crash.
func Run(t *testing.T, open Open) {
	tests := []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"log/empty", logEmpty},
		{"log/append", logAppend},
		{"log/order", logOrder},
		{"log/shapes", logShapes},
		{"log/scan", logScan},
		{"log/snapshot", logSnapshot},
		{"log/cut", logCut},
		{"log/cut bounds", logCutBounds},
		{"log/cut beside", logCutBeside},
		{"state/items", stateItems},
		{"state/tables", stateTables},
		{"meta", metaValues},
		{"blob", blobContent},
		{"blob/names", blobNames},
		{"vault", vaultSubjects},
		{"vault/beside", vaultBeside},
		{"owned", owned},
		{"close", closeTwice},
		{"readers", readers},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, open) })
	}
}

// opened gives the store of a directory of the test's own, closed at its end.
func opened(t *testing.T, open Open) store.Store {
	t.Helper()
	s := open(t, t.TempDir())
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recordOf makes a record whose data can be told from any other's.
func recordOf(offset orrery.Offset, kind store.RecordKind) store.Record {
	return store.Record{Offset: offset, Kind: kind, Data: fmt.Appendf(nil, "record %d/%d", offset, kind)}
}

// batchOf makes a batch of events, each with its decision and its entry.
func batchOf(first, last orrery.Offset) *store.Batch {
	b := &store.Batch{}
	for offset := first; offset <= last; offset++ {
		b.Records = append(b.Records, recordOf(offset, store.EventRecord), recordOf(offset, store.DecisionRecord))
		b.Entries = append(b.Entries, store.Entry{Key: keyOf(offset), Offset: offset})
	}
	return b
}

func keyOf(offset orrery.Offset) []byte { return fmt.Appendf(nil, "event\x00%d", offset) }

// scanned reads a log from an offset; the records are copies.
func scanned(t testing.TB, log store.Log, from orrery.Offset) []store.Record {
	t.Helper()
	var records []store.Record
	for r, err := range log.Scan(from) {
		must(t, err)
		r.Data = bytes.Clone(r.Data)
		records = append(records, r)
	}
	return records
}

func sameRecords(a, b []store.Record) bool {
	return slices.EqualFunc(a, b, func(x, y store.Record) bool {
		return x.Offset == y.Offset && x.Kind == y.Kind && bytes.Equal(x.Data, y.Data)
	})
}

func wantRecords(t testing.TB, log store.Log, from orrery.Offset, want []store.Record) {
	t.Helper()
	if got := scanned(t, log, from); !sameRecords(got, want) {
		t.Fatalf("scan from %d: got %d records %.200v, want %d %.200v", from, len(got), got, len(want), want)
	}
	for _, r := range want {
		wantRecord(t, log, r)
	}
}

func wantRecord(t testing.TB, log store.Log, want store.Record) {
	t.Helper()
	data, ok, err := log.Get(want.Offset, want.Kind)
	must(t, err)
	if !ok || !bytes.Equal(data, want.Data) {
		t.Fatalf("record %d/%d: got %.80q, %v, want %.80q", want.Offset, want.Kind, data, ok, want.Data)
	}
}

func wantLast(t testing.TB, log store.Log, want orrery.Offset) {
	t.Helper()
	last, err := log.Last()
	must(t, err)
	if last != want {
		t.Fatalf("last offset %d, want %d", last, want)
	}
}

// wantEntry checks a look-up; want 0 stands for "not there".
func wantEntry(t testing.TB, log store.Log, key []byte, want orrery.Offset) {
	t.Helper()
	offset, ok, err := log.Lookup(key)
	must(t, err)
	if ok != (want != 0) || offset != want {
		t.Fatalf("entry %q: got %d, %v, want %d", key, offset, ok, want)
	}
}

func wantCode(t testing.TB, err error, kind orrery.ErrorKind, code string) {
	t.Helper()
	if orrery.KindOf(err) != kind || orrery.CodeOf(err) != code {
		t.Fatalf("got kind %d, code %s (%v), want kind %d, code %s", orrery.KindOf(err), orrery.CodeOf(err), err, kind, code)
	}
}
