package serve

import "orrery.dev"

// generation is how many identities the sequencer remembers before it lets the
// older half go.
const generation = 1 << 15

// repeats remembers the identities that were sequenced lately, so that an event
// that is not yet in the log, or was not when it was looked up, is recognised.
type repeats struct {
	recent, older map[string]orrery.Offset
	// floor is the offset up to which identities may have been forgotten.
	floor orrery.Offset
	top   orrery.Offset
}

func newRepeats(floor orrery.Offset) *repeats {
	return &repeats{recent: map[string]orrery.Offset{}, older: map[string]orrery.Offset{}, floor: floor, top: floor}
}

func (r *repeats) lookup(key []byte) (orrery.Offset, bool) {
	if at, ok := r.recent[string(key)]; ok {
		return at, true
	}
	at, ok := r.older[string(key)]
	return at, ok
}

// add remembers an identity. Forgetting waits until what is forgotten is in the
// log, where it is found from then on.
func (r *repeats) add(key []byte, at, committed orrery.Offset) {
	if len(r.recent) >= generation && r.top <= committed {
		r.floor, r.top = r.top, at-1
		r.older, r.recent = r.recent, make(map[string]orrery.Offset, generation)
	}
	r.recent[string(key)] = at
}
