package serve

import (
	"sync"
	"time"

	"orrery.dev/store"
)

// batchRecords is how many records the committer puts in one batch at most.
const batchRecords = 8192

// batchesUnderWay is how many batches may be on their way to the disk: one that
// is being synced, and one that is written and waits behind it.
const batchesUnderWay = 2

// underWay is a batch in the log, not yet known to be durable.
type underWay struct {
	waiting []*job
	// durable waits until it is; nil where there is nothing to wait for.
	durable func() error
	begun   time.Time
	records int
}

// commit is the goroutine that writes jobs to the log, in the order of
// sequencing. Each batch is synced once for all who wait; while one sync runs,
// the next batch gathers, and is written as soon as there is room for it, so that
// the disk goes from sync to sync.
func (e *Engine) commit() {
	defer e.end()
	room, writing := make(chan struct{}, batchesUnderWay), make(chan underWay, batchesUnderWay)
	var acknowledging sync.WaitGroup
	acknowledging.Go(func() { e.acknowledge(writing, room) })
	defer acknowledging.Wait()
	defer close(writing)
	var batch store.Batch
	for first := range e.queue {
		room <- struct{}{}
		batch.Records, batch.Entries = batch.Records[:0], batch.Entries[:0]
		next := underWay{waiting: e.gather(first, &batch)}
		if e.Err() == nil && len(batch.Records) > 0 {
			var err error
			next.begun, next.records = time.Now(), len(batch.Records)
			if next.durable, err = e.store.Log().Start(&batch); err != nil {
				e.fail(err)
			}
			e.syncs.Add(1)
			if err == nil {
				for _, j := range next.waiting {
					j.recorded()
				}
				next.answerAhead()
			}
		}
		writing <- next
	}
}

// answerAhead lets those go that need not wait for the disk, as their spec says:
// they are in the log, in their place. What bounds the loss is the number of
// batches that may be under way.
func (u *underWay) answerAhead() {
	for _, j := range u.waiting {
		if j.async() {
			j.finish(nil)
		}
	}
}

// acknowledge is the goroutine that tells who waits that their records are
// durable, batch by batch in order.
func (e *Engine) acknowledge(writing <-chan underWay, room <-chan struct{}) {
	defer close(e.flush)
	for batch := range writing {
		if batch.durable != nil {
			if err := batch.durable(); err != nil {
				e.fail(err)
			} else if observer := e.options.Observer; observer != nil {
				observer.Committed(batch.records, time.Since(batch.begun))
			}
		}
		<-room
		err := e.Err()
		if err == nil {
			for _, j := range batch.waiting {
				e.emissions.arrive(j.emits)
			}
			e.committed.Store(uint64(batch.waiting[len(batch.waiting)-1].last))
		}
		for _, j := range batch.waiting {
			if err == nil {
				e.reviews.arrive(j)
			}
			if !j.answered {
				j.finish(err)
			}
			// State that has applied what the log does not have must not be kept.
			if j.flushed != nil && err == nil {
				e.flush <- *j.flushed
			}
		}
	}
}

// gather takes first and whatever has queued behind it. Scoring takes
// microseconds, so waiting for a job's costs less than another sync would.
func (e *Engine) gather(first *job, batch *store.Batch) []*job {
	var waiting []*job
	for j := first; ; {
		// After a failure the job may still be being scored, and is not touched.
		if e.awaitScored(j) {
			batch.Records = append(batch.Records, j.records...)
			batch.Entries = append(batch.Entries, j.entries...)
		}
		waiting = append(waiting, j)
		if len(batch.Records) >= batchRecords {
			return waiting
		}
		select {
		case next, open := <-e.queue:
			if !open {
				return waiting
			}
			j = next
		default:
			return waiting
		}
	}
}

func (e *Engine) awaitScored(j *job) bool {
	if j.scored == nil {
		return true
	}
	select {
	case <-j.scored:
		return true
	case <-e.failed:
		return false
	}
}
