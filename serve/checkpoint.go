package serve

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/feature"
	"orrery.dev/store"
)

// checkpointStep is how many entities are encoded between two jobs when there is
// haste, and calmStep when there is none: they take the sequencer 4 µs each, for
// which the next job waits.
const (
	checkpointStep = 64
	calmStep       = 16
)

// checkpoint is a walk over the entities that changed since the last one.
type checkpoint struct {
	entries  *feature.Checkpoint
	controls *control.Checkpoint
	tables   []store.TableID
	summary  summary
	// rest is the time from one piece to the next: in one go, the pieces would take
	// the processors from the requests of that time. It is 0 when there is haste.
	rest time.Duration
}

// summary is what the engine knows beside feature state as of an offset; it is
// a cache of the log, kept in Meta under summaryName.
type summary struct {
	Offset    orrery.Offset    `json:"offset"`
	Received  orrery.Instant   `json:"received"`
	Watermark orrery.Instant   `json:"watermark"`
	Release   orrery.ReleaseID `json:"release"`
	// Unsent is the first offset whose events of emit may not be in the log; 0 is
	// that behind Offset.
	Unsent orrery.Offset `json:"unsent,omitempty"`
}

const summaryName = "summary"

// flushed is a piece of a checkpoint on its way to the state store: items, or
// the mark at its end.
type flushed struct {
	items []store.StateItem
	mark  *checkpoint
}

// beginCheckpoint starts a checkpoint of what has been applied so far, unless
// one is still on its way. Its pieces are spread over half of the time until the
// next is due; with haste it goes on as fast as it can.
func (e *Engine) beginCheckpoint(haste bool) {
	if e.checkpoint == nil && !e.writing {
		p, changed := e.current.Load().plan, e.state.Features.Changed()
		e.checkpoint = &checkpoint{entries: e.state.Features.Checkpoint(), controls: e.state.Controls.Checkpoint(), tables: append(p.Tables(), control.Table),
			summary: summary{Offset: e.last, Received: e.received, Watermark: e.watermark, Release: p.Release, Unsent: e.emissions.unsent()},
			rest:    e.options.CheckpointEvery / 2 / time.Duration(1+changed/calmStep)}
		e.sendPiece()
	}
	if haste {
		e.hasten()
	}
}

// hasten has the checkpoint on its way, if there is one, rest no more.
func (e *Engine) hasten() {
	if e.checkpoint != nil && e.checkpoint.rest > 0 {
		e.checkpoint.rest = 0
		e.rested.Reset(0)
	}
}

// pieceWritten is called when a piece has been written. The next follows after
// the checkpoint's rest.
func (e *Engine) pieceWritten() {
	e.writing = false
	switch {
	case e.checkpoint == nil:
	case e.checkpoint.rest == 0:
		e.sendPiece()
	default:
		e.rested.Reset(e.checkpoint.rest)
	}
}

// continueCheckpoint sends the next piece, if there is one and none is on its
// way.
func (e *Engine) continueCheckpoint() {
	if e.checkpoint != nil && !e.writing {
		e.sendPiece()
	}
}

// sendPiece encodes the next few entities, then what controls have set, and sends
// them behind what the committer has queued. The mark is the last piece.
func (e *Engine) sendPiece() {
	step := calmStep
	if e.checkpoint.rest == 0 {
		step = checkpointStep
	}
	piece := flushed{items: e.checkpoint.entries.Next(step)}
	if len(piece.items) == 0 {
		piece.items = e.checkpoint.controls.Next(step)
	}
	if len(piece.items) == 0 {
		piece.mark, e.checkpoint = e.checkpoint, nil
	}
	j := internalJob(e.last)
	j.flushed = &piece
	e.writing = true
	select {
	case e.queue <- j:
	case <-e.failed:
	}
}

// finishCheckpoint waits, in the sequencer, until no piece is on its way and none
// is left.
func (e *Engine) finishCheckpoint() {
	for e.continueCheckpoint(); e.writing; e.continueCheckpoint() {
		select {
		case <-e.written:
			e.writing = false
		case <-e.failed:
			return
		}
	}
}

// flushLoop writes checkpoints to the state store. What cannot be written there
// would soon not be written to the log either, so a fault stops the engine.
func (e *Engine) flushLoop() {
	for piece := range e.flush {
		var err error
		if piece.mark == nil {
			err = e.store.State().Write(piece.items)
		} else {
			err = e.mark(piece.mark)
			if err == nil {
				e.marks.set(piece.mark.summary.Offset)
			}
		}
		if err != nil {
			e.fail(err)
			continue
		}
		e.written <- struct{}{}
	}
}

func (e *Engine) mark(c *checkpoint) error {
	text, err := json.Marshal(c.summary)
	if err != nil {
		return err
	}
	if err := e.store.Meta().Put(map[string][]byte{summaryName: text}); err != nil {
		return err
	}
	reviewed, err := e.reviews.write()
	if err != nil {
		return err
	}
	return e.store.State().Mark(c.summary.Offset, append(c.tables, reviewed...))
}

// marks says how far feature state is durable.
type marks struct {
	mutex   sync.Mutex
	offset  orrery.Offset
	changed chan struct{}
}

func newMarks() *marks { return &marks{changed: make(chan struct{})} }

func (m *marks) set(offset orrery.Offset) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.offset = offset
	close(m.changed)
	m.changed = make(chan struct{})
}

// now gives the offset up to which state is durable, and a channel that is
// closed at the next mark.
func (m *marks) now() (orrery.Offset, <-chan struct{}) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.offset, m.changed
}

// Flush writes out the feature state of every event that had been acknowledged
// when it was called, while the engine serves, and returns when it is durable.
func (e *Engine) Flush(ctx context.Context) error {
	for through := e.Last(); ; {
		at, changed := e.marks.now()
		if at >= through {
			return nil
		}
		if err := e.between(ctx, func() error { e.beginCheckpoint(true); return nil }); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-e.failed:
			return e.Err()
		case <-e.stopping:
			return errStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
