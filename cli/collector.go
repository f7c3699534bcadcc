package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// leastPercent is by how much the heap may grow between two collections, of what
// was live after the first.
const leastPercent = 200

// collector has Go's collector wait until the heap has come to a size that is
// worth a collection. What decides by itself is only the growth, and a server that
// has just begun has little to grow from.
type collector struct {
	floor   atomic.Int64
	percent atomic.Int64
	live    [1]metrics.Sample
}

var theCollector = collector{live: [1]metrics.Sample{{Name: "/gc/heap/live:bytes"}}}

// collectLazily lets the heap grow to floor bytes, or by leastPercent if that is
// more.
func collectLazily(floor int64) {
	if theCollector.floor.Swap(floor) == 0 {
		theCollector.afterEach()
	}
}

// afterEach sets the growth after each collection: the finalizer of an object
// that nothing refers to runs then.
func (c *collector) afterEach() {
	c.adjust()
	// With a pointer in it, the object is one by itself: a finalizer needs that.
	type sentinel struct{ _ *sentinel }
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) { c.afterEach() })
}

func (c *collector) adjust() {
	metrics.Read(c.live[:])
	live := max(int64(c.live[0].Value.Uint64()), 1<<20)
	percent := max(100*(c.floor.Load()-live)/live, leastPercent)
	// To change it stops the world, for a moment.
	if was := c.percent.Load(); percent < was-was/8 || percent > was+was/8 {
		c.percent.Store(percent)
		debug.SetGCPercent(int(percent))
	}
}
