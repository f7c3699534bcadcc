package pebble

import (
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// known is the filter in front of the log's entries. At open it is filled from
// what is on disk, beside whatever else goes on, and is asked once it is whole.
type known struct {
	filter  *filter
	whole   atomic.Bool
	stop    chan struct{}
	filling sync.WaitGroup
}

// bytesPerEntry is about what an entry takes on disk, compressed.
const bytesPerEntry = 16

// know begins to fill a filter with the keys that have a prefix, of which each
// takes so many bytes on disk. It takes at most so many bytes of memory.
func (e *engine) know(prefix byte, each, bytes int) (*known, error) {
	lower, upper := []byte{prefix}, []byte{prefix + 1}
	disk, err := e.db.EstimateDiskUsage(lower, upper)
	if err != nil {
		return nil, explain(e.dir, err)
	}
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, explain(e.dir, err)
	}
	k := &known{filter: newFilter(max(1<<20, 2*int(disk)/each), bytes), stop: make(chan struct{})}
	k.filling.Go(func() { k.fill(it) })
	return k, nil
}

// fill adds what the iterator has. After a fault the filter stays unused: every
// look-up then goes to the disk, and reports what is wrong with it.
func (k *known) fill(it *pebble.Iterator) {
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		k.filter.add(it.Key()[1:])
		if n++; n%1024 != 0 {
			continue
		}
		select {
		case <-k.stop:
			_ = it.Close()
			return
		default:
		}
	}
	if it.Close() == nil {
		k.whole.Store(true)
	}
}

// absent reports whether the key is certainly not among the entries.
func (k *known) absent(key []byte) bool { return k != nil && k.whole.Load() && !k.filter.mayHave(key) }

// add is called before the entry can be found on disk.
func (k *known) add(key []byte) {
	if k != nil {
		k.filter.add(key)
	}
}

// close waits for the filling to end.
func (k *known) close() {
	if k != nil {
		close(k.stop)
		k.filling.Wait()
	}
}
