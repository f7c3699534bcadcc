package serve

import (
	"time"

	"orrery.dev"
)

// Observer is told what the engine does, by the goroutine that does it: it must
// not wait.
type Observer interface {
	// Committed says that a batch of records is durable, and how long that took.
	Committed(records int, took time.Duration)
}

// Stats says how an engine does.
type Stats struct {
	// Last is the offset up to which the log is durable, Checkpoint the one up to
	// which feature state is.
	Last, Checkpoint orrery.Offset
	// Queued is how many requests wait to be sequenced.
	Queued int
	// StateBytes is about how much memory feature state takes.
	StateBytes int64
}

// Stats may be asked for at any time.
func (e *Engine) Stats() Stats {
	checkpoint, _ := e.marks.now()
	return Stats{Last: e.Last(), Checkpoint: checkpoint, Queued: len(e.jobs), StateBytes: e.stateBytes.Load()}
}
