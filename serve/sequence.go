package serve

import (
	"time"

	"orrery.dev"
	"orrery.dev/plan"
)

// sequence is the goroutine that gives every event its place: it drops repeats,
// assigns the offset, applies the event to every entity it names, copies the
// features out and scores what is little. Nothing here waits for the disk, except that no more is taken
// while state takes more memory than it may and none can go.
func (e *Engine) sequence() {
	defer close(e.queue)
	ticker := time.NewTicker(e.options.CheckpointEvery)
	defer ticker.Stop()
	defer e.rested.Stop()
	for {
		jobs := e.jobs
		if e.overfull() {
			jobs = nil
		}
		select {
		case j := <-jobs:
			e.take(j)
			e.trim(len(j.items))
		case command := <-e.commands:
			command()
		case <-ticker.C:
			e.beginCheckpoint(false)
		case <-e.written:
			e.pieceWritten()
			e.trim(checkpointStep)
		case <-e.rested.C:
			e.continueCheckpoint()
		case <-e.failed:
			return
		case <-e.stopping:
			e.drain()
			return
		}
	}
}

// drain takes what was submitted before the stop, then writes the state out.
func (e *Engine) drain() {
	for {
		select {
		case j := <-e.jobs:
			e.take(j)
			continue
		default:
		}
		break
	}
	e.finishCheckpoint()
	e.beginCheckpoint(true)
	e.finishCheckpoint()
}

// evictSteps is how many entities are looked at, for each event taken, to find
// one that can leave memory: an event brings in a few.
const evictSteps = 16

// trim keeps feature state within its share of memory: what was not used lately
// leaves, and where nothing can, because it is not written yet, a checkpoint
// begins.
func (e *Engine) trim(events int) {
	state := e.state.Features
	e.stateBytes.Store(state.Bytes())
	if state.Bytes() <= e.options.StateBytes {
		return
	}
	state.Evict(e.options.StateBytes, evictSteps*(events+1))
	if state.Bytes() > e.options.StateBytes && state.Changed() > 0 {
		e.beginCheckpoint(true)
	}
}

// overfull reports whether state has outgrown its share of memory by an eighth
// while a checkpoint, which lets some of it go, is on its way.
func (e *Engine) overfull() bool {
	return (e.writing || e.checkpoint != nil) && e.state.Features.Bytes() > e.options.StateBytes+e.options.StateBytes/8
}

// take sequences one job and hands it to its goroutine for scoring and to the
// committer for its turn.
func (e *Engine) take(j *job) {
	j.runtime = e.current.Load()
	width := 0
	if j.decide {
		width = j.runtime.plan.Width()
	}
	for i := range j.items {
		// A release may have extended the contract since the job was made.
		if err := j.runtime.plan.Spec.Contract.Adopt(&j.items[i].event); err != nil {
			e.fail(err)
			return
		}
		// What it corrects says which state it needs; a fault is told on admission.
		_ = e.resolve(j, &j.items[i])
	}
	if waits, err := e.putAside(j); err != nil {
		e.fail(err)
		return
	} else if waits {
		return
	}
	vectors := make([]float64, width*len(j.items))
	for i := range j.items {
		it := &j.items[i]
		if it.refused == nil {
			it.refused = e.admit(j, it)
		}
		if !it.fresh() {
			continue
		}
		it.decision.Vector = vectors[i*width : (i+1)*width : (i+1)*width]
		if err := e.apply(j, it); err != nil {
			e.fail(err)
			return
		}
		e.repeats.add(it.key, it.event.Offset, it.event.Offset, e.Last())
		e.stand(j, &it.event)
	}
	j.last = e.last
	if e.scoresAtOnce(j) {
		e.score(j)
	} else {
		j.scored = make(chan struct{})
		j.steps <- stepScore
	}
	e.queue <- j
}

// fewProcessors is up to how many there are so few that requests do not gain from
// being scored beside one another.
const fewProcessors = 4

// scoresAtOnce reports whether the sequencer scores a job: one event is scored in
// less time than it takes to hand it to another goroutine and back. A deadline
// needs a goroutine that can be left alone.
func (e *Engine) scoresAtOnce(j *job) bool {
	return len(j.items) == 1 && e.few && j.runtime.plan.Spec.Answer.Deadline == 0
}

// admit finds out whether the item is a repeat, and refuses what does not fit
// the time of the log.
func (e *Engine) admit(j *job, it *item) error {
	// Before the look for a repeat: whether the log still knows of one that is too
	// old depends on when it was last cut, and the answer may not. An import that is
	// run again is all old, and is told what the log knows.
	if !j.imported {
		if err := e.admitAge(j, &it.event); err != nil {
			return err
		}
	}
	if at, ok := e.repeats.lookup(it.key); ok {
		it.earlier = at
		return nil
	}
	if it.earlier == 0 && j.looked < e.repeats.floor {
		// So much has come since the look-up that it proves nothing: again.
		at, ok, err := e.store.Log().Lookup(it.key)
		if err != nil {
			return err
		}
		if ok {
			it.earlier = at
		}
	}
	if it.earlier != 0 {
		return nil
	}
	if err := e.admitSubjects(it); err != nil {
		return err
	}
	if err := e.admitTime(j, &it.event); err != nil {
		return err
	}
	return e.admitCorrection(j, it)
}

func timeField(event *orrery.Event) string { return event.Type.Fields[event.Type.TimeField].Name }

func (e *Engine) admitAge(j *job, event *orrery.Event) error {
	// What the log has forgotten cannot be recognised, whatever the spec now says.
	oldest := max(e.watermark.Add(-j.runtime.plan.Spec.Dedupe.Within), orrery.Instant(e.forgotten.Load()))
	if e.last > 0 && event.Time < oldest {
		return tooOld(event, oldest)
	}
	return nil
}

func (e *Engine) admitTime(j *job, event *orrery.Event) error {
	if err := e.admitAge(j, event); err != nil {
		return err
	}
	if now := e.options.Clock(); event.Time > now.Add(AheadTolerance) {
		return orrery.Errorf(orrery.Invalid, "event_in_future", "the %s says that it happened at %s, which is after the server's time %s",
			event.Type.Name, event.Time, now).WithField(timeField(event)).WithNext("correct the sender's clock")
	}
	if j.imported {
		if event.Received < e.received {
			return orrery.Errorf(orrery.Conflict, "import_out_of_order", "the %s was received at %s, before the log's last event at %s",
				event.Type.Name, event.Received, e.received).WithField(timeField(event)).
				WithNext("import history in one command, all files together, before live events; or import it as received now")
		}
	}
	return nil
}

func tooOld(event *orrery.Event, oldest orrery.Instant) error {
	return orrery.Errorf(orrery.Invalid, "event_too_old", "the %s happened at %s; repeats are recognised back to %s, so an older event could be a repeat",
		event.Type.Name, event.Time, oldest).WithField(timeField(event)).
		WithNext("raise dedupe.within in the spec, or leave the event out")
}

// apply gives the item its offset and received time and applies it.
func (e *Engine) apply(j *job, it *item) error {
	event := &it.event
	if !j.imported {
		event.Received = max(e.options.Clock(), e.received)
	}
	e.last++
	event.Offset = e.last
	e.received, e.watermark = event.Received, max(e.watermark, event.Time)
	p := j.runtime.plan
	if !j.decide {
		return p.Apply(e.state, event)
	}
	s := j.runtime.scratch.Get().(*plan.Scratch)
	defer j.runtime.scratch.Put(s)
	return p.Ask(e.state, event, s, &it.decision)
}
