package ingest

import (
	"sync"
	"sync/atomic"

	"orrery.dev"
	"orrery.dev/ingest/parquet"
)

// slab is the memory of a block's values, which batches share until released.
type slab struct {
	values []orrery.Value
	users  atomic.Int32
}

// pools keep what is used again.
type pools struct {
	texts, blocks, slabs, batches, rows sync.Pool
}

// text gives an empty buffer.
func (p *pools) text(size int) []byte {
	if b, ok := p.texts.Get().(*[]byte); ok && cap(*b) >= size {
		return (*b)[:0]
	}
	return make([]byte, 0, size)
}

func (p *pools) block(s *source, text piece) *block {
	b, ok := p.blocks.Get().(*block)
	if !ok {
		b = &block{done: make(chan struct{}, 1)}
	}
	b.source, b.piece = s, text
	if b.slab, ok = p.slabs.Get().(*slab); !ok {
		b.slab = &slab{}
	}
	b.slab.users.Store(1)
	return b
}

// recycle takes back a block whose events have all been copied.
func (p *pools) recycle(b *block) {
	p.drop(b.slab)
	if b.done == nil {
		return // A whole file, sorted: too large to keep.
	}
	*b = block{done: b.done, events: b.events[:0]}
	p.blocks.Put(b)
}

// drop says that one user of the slab is done.
func (p *pools) drop(s *slab) {
	if s != nil && s.users.Add(-1) == 0 {
		p.slabs.Put(s)
	}
}

// textDone takes back the buffer of a block that has been decoded.
func (p *pools) textDone(text []byte) {
	if text != nil {
		p.texts.Put(&text)
	}
}

// noRows gives memory for the rows of a block.
func (p *pools) noRows() *parquet.Rows {
	if rows, ok := p.rows.Get().(*parquet.Rows); ok {
		return rows
	}
	return &parquet.Rows{}
}

// rowsDone takes back the rows of a block that has been decoded.
func (p *pools) rowsDone(b *block) {
	if b.rows != nil {
		p.rows.Put(b.rows)
		b.rows = nil
	}
}

// noEvents gives an empty slice for a batch.
func (p *pools) noEvents() []orrery.Event {
	if events, ok := p.batches.Get().(*[]orrery.Event); ok {
		return (*events)[:0]
	}
	return make([]orrery.Event, 0, batchEvents)
}

// events takes back a batch's slice.
func (p *pools) events(events []orrery.Event) {
	if cap(events) >= batchEvents {
		p.batches.Put(&events)
	}
}
