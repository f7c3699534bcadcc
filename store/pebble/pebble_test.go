package pebble_test

import (
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev/store"
	"orrery.dev/store/pebble"
	"orrery.dev/store/storetest"
)

// small keeps an instance's memory, and with it the suite's, small enough that
// memory tables fill and are written out within a test.
var small = pebble.Options{CacheBytes: 8 << 20, MemTableBytes: 64 << 10}

func open(t testing.TB, dir string, o pebble.Options) store.Store {
	t.Helper()
	s, err := pebble.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func inMemory() storetest.Open {
	o := small
	o.FS = vfs.NewMem()
	return func(t testing.TB, dir string) store.Store { return open(t, dir, o) }
}

func TestStore(t *testing.T) { storetest.Run(t, inMemory()) }

func TestHistories(t *testing.T) { storetest.RunHistories(t, inMemory()) }

func TestStoreOnDisk(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string) store.Store { return open(t, filepath.Join(dir, "data"), small) })
}
