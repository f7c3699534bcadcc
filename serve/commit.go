package serve

import (
	"orrery.dev/store"
)

// batchRecords is how many records the committer puts in one batch at most.
const batchRecords = 8192

// commit is the goroutine that makes jobs durable, in the order of sequencing:
// while one sync runs, the next batch gathers behind it.
func (e *Engine) commit() {
	defer close(e.ended)
	defer close(e.flush)
	var batch store.Batch
	var waiting []*job
	for first := range e.queue {
		batch.Records, batch.Entries, waiting = batch.Records[:0], batch.Entries[:0], waiting[:0]
		e.gather(first, &batch, &waiting)
		if e.Err() == nil && len(batch.Records) > 0 {
			if err := e.store.Log().Append(&batch, true); err != nil {
				e.fail(err)
			}
			e.syncs.Add(1)
		}
		if err := e.Err(); err != nil {
			for _, j := range waiting {
				j.err = err
			}
		} else {
			e.committed.Store(uint64(waiting[len(waiting)-1].last))
		}
		for _, j := range waiting {
			close(j.done)
			if j.flushed != nil {
				e.flush <- *j.flushed
			}
		}
	}
}

// gather takes first and whatever has queued behind it. Scoring takes
// microseconds, so waiting for a job's costs less than another sync would.
func (e *Engine) gather(first *job, batch *store.Batch, waiting *[]*job) {
	for j := first; ; {
		if !e.awaitScored(j) {
			j.err = e.Err()
		}
		batch.Records = append(batch.Records, j.records...)
		batch.Entries = append(batch.Entries, j.entries...)
		*waiting = append(*waiting, j)
		if len(batch.Records) >= batchRecords {
			return
		}
		select {
		case next, open := <-e.queue:
			if !open {
				return
			}
			j = next
		default:
			return
		}
	}
}

func (e *Engine) awaitScored(j *job) bool {
	select {
	case <-j.scored:
		return true
	case <-e.failed:
		return false
	}
}
