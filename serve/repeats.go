package serve

import "orrery.dev"

// generation is how many identities the sequencer remembers before it lets the
// older half go.
const generation = 1 << 15

// recent remembers something about the identities that were sequenced lately,
// which is not yet in the log, or was not when it was looked up.
type recent[V any] struct {
	newer, older map[string]V
	// floor is the offset up to which identities may have been forgotten.
	floor orrery.Offset
	top   orrery.Offset
	// size is how many a generation has.
	size int
}

func newRecent[V any](floor orrery.Offset, size int) *recent[V] {
	return &recent[V]{newer: map[string]V{}, older: map[string]V{}, floor: floor, top: floor, size: size}
}

func (r *recent[V]) lookup(key []byte) (V, bool) {
	if v, ok := r.newer[string(key)]; ok {
		return v, true
	}
	v, ok := r.older[string(key)]
	return v, ok
}

// add remembers an identity of the event at an offset. Forgetting waits until
// what is forgotten is in the log, where it is found from then on.
func (r *recent[V]) add(key []byte, v V, at, committed orrery.Offset) {
	if len(r.newer) >= r.size && r.top <= committed {
		r.floor, r.top = r.top, at-1
		r.older, r.newer = r.newer, make(map[string]V, r.size)
	}
	r.newer[string(key)] = v
}
