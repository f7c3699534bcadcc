package storetest

import (
	"bytes"
	"testing"

	"orrery.dev"
	"orrery.dev/store"
)

func logEmpty(t *testing.T, open Open) {
	log := opened(t, open).Log()
	wantLast(t, log, 0)
	wantRecords(t, log, 0, nil)
	wantEntry(t, log, keyOf(1), 0)
	must(t, log.Append(&store.Batch{}, true))
	wantLast(t, log, 0)
	if _, ok, err := log.Get(1, store.EventRecord); ok || err != nil {
		t.Fatalf("a record in an empty log: %v, %v", ok, err)
	}
}

func logAppend(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.Log().Append(batchOf(1, 3), true))
	must(t, s.Log().Append(batchOf(4, 4), false))
	// Entries alone, records alone and gaps in the offsets are all a batch.
	must(t, s.Log().Append(&store.Batch{Entries: []store.Entry{{Key: []byte("alone"), Offset: 2}}}, true))
	must(t, s.Log().Append(&store.Batch{Records: []store.Record{recordOf(9, store.ControlRecord)}}, true))
	want := append(batchOf(1, 4).Records, recordOf(9, store.ControlRecord))
	for range 2 {
		wantRecords(t, s.Log(), 0, want)
		wantLast(t, s.Log(), 9)
		wantEntry(t, s.Log(), []byte("alone"), 2)
		for offset := orrery.Offset(1); offset <= 4; offset++ {
			wantEntry(t, s.Log(), keyOf(offset), offset)
		}
		wantEntry(t, s.Log(), keyOf(9), 0)
		if _, ok, _ := s.Log().Get(1, store.ControlRecord); ok {
			t.Fatal("a record of a kind that was not appended")
		}
		must(t, s.Close())
		s = open(t, dir)
	}
	must(t, s.Log().Append(batchOf(10, 10), true))
	wantLast(t, s.Log(), 10)
	// A key that comes again has the later offset, across batches and within one.
	again := batchOf(11, 12)
	again.Entries = append(again.Entries, store.Entry{Key: []byte("alone"), Offset: 11}, store.Entry{Key: []byte("alone"), Offset: 12})
	must(t, s.Log().Append(again, true))
	wantEntry(t, s.Log(), []byte("alone"), 12)
	must(t, s.Close())
	s = open(t, dir)
	wantEntry(t, s.Log(), []byte("alone"), 12)
	must(t, s.Log().Cut(&store.Cut{Before: 2, Forget: [][]byte{[]byte("alone")}}))
	wantEntry(t, s.Log(), []byte("alone"), 0)
	must(t, s.Close())
}

func logOrder(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	must(t, s.Log().Append(batchOf(5, 5), true))
	refused := []*store.Batch{
		batchOf(4, 4),
		batchOf(5, 6),
		{Records: []store.Record{recordOf(5, store.DecisionRecord)}},
		{Records: []store.Record{recordOf(7, store.EventRecord), recordOf(6, store.EventRecord)}},
		{Records: []store.Record{recordOf(6, store.DecisionRecord), recordOf(6, store.EventRecord)}},
		{Records: []store.Record{recordOf(6, store.EventRecord), recordOf(6, store.EventRecord)}},
	}
	for range 2 {
		for _, b := range refused {
			b.Entries = []store.Entry{{Key: []byte("refused"), Offset: 5}}
			wantCode(t, s.Log().Append(b, true), orrery.Internal, "log_out_of_order")
		}
		wantRecords(t, s.Log(), 0, batchOf(5, 5).Records)
		wantEntry(t, s.Log(), []byte("refused"), 0)
		must(t, s.Close())
		s = open(t, dir)
	}
	// A record of a later kind may still join the last offset.
	must(t, s.Log().Append(&store.Batch{Records: []store.Record{recordOf(5, store.ControlRecord)}}, true))
	must(t, s.Close())
}

// logShapes appends what is at the edges: no data, much data, keys of any byte.
func logShapes(t *testing.T, open Open) {
	log := opened(t, open).Log()
	const top = orrery.Offset(1) << 63
	b := &store.Batch{Records: []store.Record{
		{Offset: 1, Kind: store.EventRecord},
		{Offset: 2, Kind: store.EventRecord, Data: bytes.Repeat([]byte("much "), 1<<20)},
		{Offset: 255, Kind: store.EventRecord, Data: []byte{0, 255}},
		{Offset: 256, Kind: store.EventRecord, Data: []byte{255}},
		{Offset: top, Kind: 255, Data: []byte("top")},
	}}
	keys := [][]byte{{}, {0}, {0, 0}, {255}, {255, 255}, []byte("r"), bytes.Repeat([]byte{7}, 4096)}
	for i, key := range keys {
		b.Entries = append(b.Entries, store.Entry{Key: key, Offset: orrery.Offset(i + 1)})
	}
	b.Entries[1].Offset = top
	must(t, log.Append(b, true))
	wantRecords(t, log, 0, b.Records)
	wantLast(t, log, top)
	for _, e := range b.Entries {
		wantEntry(t, log, e.Key, e.Offset)
	}
	wantEntry(t, log, []byte{255, 255, 255}, 0)
}

func logScan(t *testing.T, open Open) {
	log := opened(t, open).Log()
	all := batchOf(10, 20).Records
	must(t, log.Append(batchOf(10, 20), true))
	for from := orrery.Offset(0); from <= 22; from++ {
		skipped := 2 * min(max(int(from)-10, 0), 11)
		wantRecords(t, log, from, all[skipped:])
	}
	wantRecords(t, log, ^orrery.Offset(0), nil)
	seen := 0
	for r, err := range log.Scan(0) {
		must(t, err)
		if seen++; r.Offset == 12 {
			break
		}
	}
	if seen != 5 {
		t.Fatalf("%d records up to the first of offset 12, want 5", seen)
	}
}

// logSnapshot appends between the call of Scan and its reading, and during it.
func logSnapshot(t *testing.T, open Open) {
	log := opened(t, open).Log()
	must(t, log.Append(batchOf(1, 3), true))
	scan := log.Scan(2)
	must(t, log.Append(batchOf(4, 5), true))
	for range 2 {
		var got []orrery.Offset
		for r, err := range scan {
			must(t, err)
			got = append(got, r.Offset)
			last, err := log.Last()
			must(t, err)
			must(t, log.Append(batchOf(last+1, last+1), false))
		}
		if len(got) != 4 || got[0] != 2 || got[3] != 3 {
			t.Fatalf("the scan saw offsets %v, want 2 2 3 3", got)
		}
	}
}
