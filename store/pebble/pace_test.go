package pebble

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPace holds work on tables to its share of the time, and lets all else and
// what is behind or at its end go on at once.
func TestPace(t *testing.T) {
	db, err := pebble.Open("", &pebble.Options{FS: vfs.NewMem(), MemTableSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range uint32(3) {
		if err := db.Set(binary.BigEndian.AppendUint32(nil, i), nil, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPacer()
		if p.of("000004.log") != nil || p.of("MANIFEST-000001") != nil {
			t.Error("what requests wait for would rest")
		}
		took := func(worked time.Duration) time.Duration {
			f := p.of("000007.sst")
			time.Sleep(worked)
			begun := time.Now()
			f.rest()
			return time.Since(begun)
		}
		if d := took(time.Second); d != 0 {
			t.Errorf("before the instance is open a table's writer rests for %v", d)
		}
		p.watch(db)
		for worked, want := range map[time.Duration]time.Duration{0: 0, workFor / 2: 0, workFor: restsFor * workFor, time.Second: restAtMost} {
			if d := took(worked); d != want {
				t.Errorf("after %v of work it rests for %v, want %v", worked, d, want)
			}
		}
		p.late.Store(true)
		p.asked.Store(int64(time.Since(p.began)) + int64(time.Hour))
		if d := took(time.Second); d != 0 {
			t.Errorf("behind with its work it rests for %v", d)
		}
	})
}
