package ingest

import "orrery.dev"

// batchEvents is how many events a batch has at most.
const batchEvents = 8192

// Batch is a run of events in order.
type Batch struct {
	// Events belong to the caller until Release. Their texts are parts of larger
	// strings: clone what is kept for long.
	Events []orrery.Event
	// Rejected are refused lines met on the way, as many as Options allow.
	Rejected []Rejection

	pools *pools
	slabs []*slab
}

// Release gives the memory of the batch back for later batches. Its events and
// their values must not be used any more; texts stay as they are. A batch
// that is not released is left to the garbage collector.
func (b *Batch) Release() {
	for _, s := range b.slabs {
		b.pools.drop(s)
	}
	b.pools.events(b.Events)
	b.Events, b.Rejected, b.slabs = nil, nil, nil
}

func (b *Batch) take(from *source, events []orrery.Event) {
	if b.Events == nil {
		b.Events = b.pools.noEvents()
	}
	b.Events = append(b.Events, events...)
	if slab := from.head.slab; slab != nil && (len(b.slabs) == 0 || !b.has(slab)) {
		slab.users.Add(1)
		b.slabs = append(b.slabs, slab)
	}
}

func (b *Batch) has(s *slab) bool {
	for _, other := range b.slabs {
		if other == s {
			return true
		}
	}
	return false
}
