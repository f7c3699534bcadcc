package memory_test

import (
	"testing"

	"orrery.dev/store"
	"orrery.dev/store/memory"
	"orrery.dev/store/storetest"
)

// opener keeps the stores by directory, so that one can be opened again.
func opener() storetest.Open {
	stores := map[string]*memory.Store{}
	return func(_ testing.TB, dir string) store.Store {
		if stores[dir] == nil {
			stores[dir] = memory.New()
		}
		return stores[dir]
	}
}

func TestStore(t *testing.T) { storetest.Run(t, opener()) }

func TestHistories(t *testing.T) { storetest.RunHistories(t, opener()) }
