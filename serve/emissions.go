package serve

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/spec"
)

// emitPiece is how many events of decisions are recorded at once.
const emitPiece = 1024

// emissions records the events that decisions call for (emit in the spec): behind
// the decision, and once, for a repeat of an event is known by its id. What waits is
// in memory alone; a checkpoint notes the first decision whose events may not be in
// the log, and a start looks at the decisions from there on again. It is safe for
// concurrent use.
type emissions struct {
	engine *Engine
	mutex  sync.Mutex
	// waiting is in the order of the log.
	waiting []emission
	// more has a token when something waits.
	more chan struct{}
	// idle, which may be nil, is closed when nothing waits.
	idle              chan struct{}
	recorded, refused atomic.Int64
}

// emission is an event to be recorded about a decision.
type emission struct {
	plan    *plan.Plan
	decided orrery.Event
	emitted plan.Emitted
}

func newEmissions(e *Engine) *emissions { return &emissions{engine: e, more: make(chan struct{}, 1)} }

// emit finds out which events a job's decisions call for.
func (e *Engine) emit(j *job) {
	p := j.runtime.plan
	if !j.decide || len(p.Spec.Emit) == 0 {
		return
	}
	s := j.runtime.scratch.Get().(*plan.Scratch)
	for i := range j.items {
		if it := &j.items[i]; it.fresh() {
			j.emits = appendEmissions(j.emits, p, &it.event, s, &it.decision)
		}
	}
	j.runtime.scratch.Put(s)
}

func appendEmissions(to []emission, p *plan.Plan, event *orrery.Event, s *plan.Scratch, d *orrery.Decision) []emission {
	for _, emitted := range p.Emits(event, s, d) {
		kept := *event
		kept.Values = slices.Clone(event.Values) // they may be in memory that is used again
		to = append(to, emission{plan: p, decided: kept, emitted: emitted})
	}
	return to
}

// arrive takes what decisions that are durable call for.
func (m *emissions) arrive(emits []emission) {
	if len(emits) == 0 {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.waiting = append(m.waiting, emits...)
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// unsent gives the first offset whose events may not be in the log.
func (m *emissions) unsent() orrery.Offset {
	// What is committed has arrived.
	committed := m.engine.Last()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if len(m.waiting) > 0 {
		return m.waiting[0].decided.Offset
	}
	return committed + 1
}

// resume finds what the decisions from an offset on call for; some of it may be in
// the log.
func (m *emissions) resume(ctx context.Context, from orrery.Offset) error {
	log := m.engine.store.Log()
	first, err := log.First()
	if err != nil {
		return err
	}
	walk, n := decidedWalk{reader: m.engine.reader, of: func(s *spec.Spec) bool { return len(s.Emit) > 0 }}, 0
	for next, err := range log.Scan(max(from, first)) {
		if err != nil {
			return err
		}
		if n++; n%emitPiece == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		event, p, err := walk.next(next)
		if err != nil {
			return err
		}
		if p != nil {
			m.arrive(appendEmissions(nil, p, event, p.NewScratch(), &walk.decision))
		}
	}
	return nil
}

// run is the goroutine that records what waits.
func (m *emissions) run() {
	for {
		select {
		case <-m.more:
		case <-m.engine.stopping:
			return
		case <-m.engine.failed:
			return
		}
		for {
			piece := m.next()
			if len(piece) == 0 {
				break
			}
			if !m.record(piece) {
				return
			}
			m.done(len(piece))
		}
	}
}

func (m *emissions) next() []emission {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.waiting[:min(len(m.waiting), emitPiece)]
}

// done lets go of what is recorded.
func (m *emissions) done(n int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.waiting = m.waiting[n:]; len(m.waiting) > 0 {
		return
	}
	m.waiting = nil
	if m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
}

// record records a piece of what waits. It gives false where the engine has stopped.
func (m *emissions) record(piece []emission) bool {
	e, events := m.engine, make([]orrery.Event, 0, len(piece))
	for i := range piece {
		em := &piece[i]
		// The keys that the event came with, for it is made one of its own.
		decided, err := e.reader.Reveal(em.decided)
		if err != nil {
			e.fail(err)
			return false
		}
		events = append(events, em.emitted.Event(em.plan, &decided, DecisionID(decided.Offset)))
	}
	results, err := e.Ingest(context.Background(), events, false)
	if err != nil {
		return false
	}
	for i := range results {
		switch err := results[i].Err; {
		case err != nil:
			// Somebody was forgotten meanwhile, or another event has its id.
			m.refused.Add(1)
			e.options.Logger.Warn("an event about a decision was refused", "event", events[i].Type.Name, "decision", events[i].ID, "code", orrery.CodeOf(err))
		case !results[i].Repeated:
			m.recorded.Add(1)
		}
	}
	return true
}

// Settle waits until the events that decisions call for, of all that were durable
// when it was called, are durable themselves.
func (e *Engine) Settle(ctx context.Context) error {
	m := e.emissions
	m.mutex.Lock()
	if len(m.waiting) == 0 {
		m.mutex.Unlock()
		return nil
	}
	if m.idle == nil {
		m.idle = make(chan struct{})
	}
	idle := m.idle
	m.mutex.Unlock()
	select {
	case <-idle:
		return nil
	case <-e.failed:
		return e.Err()
	case <-e.stopping:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// EmissionStats says how the events do that decisions call for.
type EmissionStats struct {
	// Recorded and Refused count since the start; Waiting are not recorded yet.
	Recorded, Refused int64
	Waiting           int
}

// EmissionStats may be asked for at any time.
func (e *Engine) EmissionStats() EmissionStats {
	m := e.emissions
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return EmissionStats{Recorded: m.recorded.Load(), Refused: m.refused.Load(), Waiting: len(m.waiting)}
}
