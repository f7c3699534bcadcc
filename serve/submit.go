package serve

import (
	"context"
	"slices"
	"time"

	"orrery.dev"
)

// Decide records the events and a decision on each, and returns when all are
// durable. Results are in the order of the events; a refused event has its
// error in its result and disturbs no other. decode is how long the caller took
// to decode the request, for the record. The error is of kind Unavailable when
// the engine takes no requests.
func (e *Engine) Decide(ctx context.Context, events []orrery.Event, decode time.Duration) ([]Result, error) {
	j := newJob(len(events))
	j.decide, j.decode = true, decode
	return e.submit(ctx, j, events)
}

// Ingest records the events without deciding on them. With imported, each event
// keeps its own received time, which must not be before that of the log's last.
func (e *Engine) Ingest(ctx context.Context, events []orrery.Event, imported bool) ([]Result, error) {
	j := newJob(len(events))
	j.imported = imported
	return e.submit(ctx, j, events)
}

func (e *Engine) submit(ctx context.Context, j *job, events []orrery.Event) ([]Result, error) {
	j.arrived = time.Now().Add(-j.decode)
	if err := e.prefetch(j, events); err != nil {
		return nil, err
	}
	j.submitted = time.Now()
	select {
	case e.jobs <- j:
	case <-e.stopping:
		return nil, errStopped
	case <-e.failed:
		return nil, e.Err()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	// From here on the job gets a place in the log and runs to its end, even when
	// the caller has gone.
	for {
		next, err := e.next(j)
		if err != nil {
			return nil, err
		}
		switch next {
		case stepRead:
			err = e.comeBack(j)
		case stepScore:
			e.score(j)
			// Also after a fault: it has stopped the engine, and nothing is committed.
			close(j.scored)
		case stepDone:
			if j.err != nil {
				return nil, j.err
			}
			return e.results(j, time.Since(j.decided))
		}
		if err != nil {
			return nil, err
		}
	}
}

// comeBack reads the state that the sequencer found missing and gives it the job
// again.
func (e *Engine) comeBack(j *job) error {
	if err := j.aside.read(); err != nil {
		e.fail(err)
		return e.Err()
	}
	select {
	case e.jobs <- j:
		return nil
	case <-e.stopping:
		return errStopped
	case <-e.failed:
		return e.Err()
	}
}

// awaitDone waits until a job of the engine's own is durable, or is known not to
// be.
func (e *Engine) awaitDone(j *job) error {
	if _, err := e.next(j); err != nil {
		return err
	}
	return j.err
}

// next waits for the next step of a job that was accepted. The error says that
// the engine ended before it came.
func (e *Engine) next(j *job) (step, error) {
	select {
	case next := <-j.steps:
		return next, nil
	case <-e.over:
	}
	// The step may have been taken just before.
	select {
	case next := <-j.steps:
		return next, nil
	default:
	}
	if err := e.Err(); err != nil {
		return 0, err
	}
	return 0, errStopped
}

// prefetch makes the events those of the contract in force and looks for repeats
// in the log, so that the sequencer need not.
func (e *Engine) prefetch(j *job, events []orrery.Event) error {
	j.looked = e.Last()
	sync := false
	log, contract := e.store.Log(), e.Plan().Spec.Contract
	for i := range events {
		it := &j.items[i]
		it.event = events[i]
		if err := contract.Adopt(&it.event); err != nil {
			return err
		}
		it.key = identity(&it.event)
		earlier, ok, err := log.Lookup(it.key)
		if err != nil {
			return err
		}
		if ok {
			it.earlier = earlier
		} else if it.event.Type.Corrects != nil {
			if it.names, err = e.lookUp(named(&it.event)); err != nil {
				return err
			}
		}
		if it.event.Type.HasPersonal() {
			// A repeat makes nobody known; one of somebody forgotten is told from
			// what is recorded.
			if _, err := e.disguise(it, !ok); err != nil && orrery.KindOf(err) != orrery.Invalid {
				return err
			} else if err != nil {
				it.refused = err
			}
			sync = true
		}
	}
	if sync {
		v, err := e.store.Vault()
		if err != nil {
			return err
		}
		return v.Sync()
	}
	return nil
}

// results reports on a job that is durable. A repeat is answered with what was
// recorded; every offset below the job's is durable by now.
func (e *Engine) results(j *job, commit time.Duration) ([]Result, error) {
	out := make([]Result, len(j.items))
	for i := range j.items {
		it, r := &j.items[i], &out[i]
		switch {
		case it.refused != nil:
			r.Err = it.refused
		case it.earlier != 0:
			*r = e.repeated(it, j.decide)
		default:
			r.Event, r.CommitMicros = it.event, commit.Microseconds()
			if j.decide {
				r.Decision = &it.decision
			}
		}
	}
	return out, nil
}

// repeated answers an event that had been recorded before, if it is the same.
func (e *Engine) repeated(it *item, decide bool) Result {
	event, decision, err := e.Reader().Recorded(it.earlier)
	if orrery.CodeOf(err) == "decision_not_kept" {
		err = tooOld(&it.event, orrery.Instant(e.forgotten.Load()))
	}
	if err != nil {
		return Result{Err: err}
	}
	if event.Erased || decision != nil && decision.Erased {
		return Result{Err: Erased(it.earlier)}
	}
	// The contract may have been extended since the event was sequenced.
	sent := it.event
	if len(sent.Values) < len(event.Values) {
		sent.Values = event.Type.WithDefaults(slices.Clone(sent.Values))
	}
	if field := difference(&event, &sent); field != "" {
		return Result{Err: orrery.Errorf(orrery.Conflict, "event_conflict", "%s %q was recorded before with another %s",
			it.event.Type.Name, it.event.ID, field).WithField(field).
			WithNext("send a new id for a new event; a recorded event does not change")}
	}
	if decide && decision == nil {
		return Result{Err: orrery.Errorf(orrery.Conflict, "event_without_decision", "%s %q was recorded before without a decision",
			it.event.Type.Name, it.event.ID).WithNext("send events that need a decision to the decisions endpoint only")}
	}
	return Result{Event: event, Decision: decision, Repeated: true}
}

// difference names the first field in which two events of a type differ.
func difference(a, b *orrery.Event) string {
	for i := range a.Values {
		if a.Values[i] != b.Values[i] {
			return a.Type.Fields[i].Name
		}
	}
	// An envelope can carry the time, and the fields then say nothing of it.
	if a.Time != b.Time {
		return timeField(a)
	}
	return ""
}
