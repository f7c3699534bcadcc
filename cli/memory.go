package cli

import (
	"runtime/debug"

	"orrery.dev/serve"
	"orrery.dev/store/pebble"
)

// memoryBytes is what a process may take, in bytes, and how it is shared out.
type memoryBytes int64

// defaultMemory is what a command takes that is not told otherwise.
const defaultMemory memoryBytes = 1 << 30

// store gives the share of the store.
func (m memoryBytes) store() pebble.Options { return pebble.ForMemory(int64(m)) }

// state gives the share of feature state.
func (m memoryBytes) state() int64 { return serve.StateShare(int64(m)) }

// limit has the garbage collector work harder as the process comes near to what
// it may take, less a sixteenth, which is for what the runtime and the allocator of
// what is outside of its heap lose. Below that the collector may be lazier than it
// is by itself: that is processor time saved, and fewer requests that meet it at work.
func (m memoryBytes) limit() {
	debug.SetMemoryLimit(int64(m-m/16) - m.store().OutsideHeap())
	collectLazily(int64(m) / 4)
}
