package serve

import (
	"encoding/json"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/feature"
	"orrery.dev/store"
)

// checkpointStep is how many entities' state is encoded between two jobs.
const checkpointStep = 64

// checkpoint is a walk over the entities that changed since the last one.
type checkpoint struct {
	entries  *feature.Checkpoint
	controls *control.Checkpoint
	tables   []store.TableID
	summary  summary
}

// summary is what the engine knows beside feature state as of an offset; it is
// a cache of the log, kept in Meta under summaryName.
type summary struct {
	Offset    orrery.Offset    `json:"offset"`
	Received  orrery.Instant   `json:"received"`
	Watermark orrery.Instant   `json:"watermark"`
	Release   orrery.ReleaseID `json:"release"`
}

const summaryName = "summary"

// flushed is a piece of a checkpoint on its way to the state store: items, or
// the mark at its end.
type flushed struct {
	items []store.StateItem
	mark  *checkpoint
}

// beginCheckpoint starts a checkpoint of what has been applied so far, unless
// one is still on its way.
func (e *Engine) beginCheckpoint() {
	if e.checkpoint != nil || e.marking.Load() {
		return
	}
	p := e.current.Load().plan
	e.marking.Store(true)
	e.checkpoint = &checkpoint{entries: e.state.Features.Checkpoint(), controls: e.state.Controls.Checkpoint(), tables: append(p.Tables(), control.Table),
		summary: summary{Offset: e.last, Received: e.received, Watermark: e.watermark, Release: p.Release}}
}

// continueCheckpoint encodes the next few entities, then what controls have set, if a checkpoint is in
// progress, and sends them behind what the committer has queued.
func (e *Engine) continueCheckpoint() {
	if e.checkpoint == nil {
		return
	}
	piece := flushed{items: e.checkpoint.entries.Next(checkpointStep)}
	if len(piece.items) == 0 {
		piece.items = e.checkpoint.controls.Next(checkpointStep)
	}
	if len(piece.items) == 0 {
		piece.mark, e.checkpoint = e.checkpoint, nil
	}
	j := internalJob(e.last)
	j.flushed = &piece
	select {
	case e.queue <- j:
	case <-e.failed:
	}
}

func (e *Engine) finishCheckpoint() {
	for e.checkpoint != nil && e.Err() == nil {
		e.continueCheckpoint()
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
			e.marking.Store(false)
		}
		if err != nil {
			e.fail(err)
		}
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
	return e.store.State().Mark(c.summary.Offset, c.tables)
}
