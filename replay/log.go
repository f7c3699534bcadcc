package replay

import (
	"context"
	"io"
	"iter"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/feature"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/store"
)

// Contracts says how records written under the contract of a fingerprint are
// read, nil when there is no such contract.
type Contracts func(orrery.Fingerprint) *orrery.View

// tickEvery is how many records pass between two reports of progress, and
// between two looks at whether the caller still wants the result.
const tickEvery = 1 << 14

// Apply applies a log, its events and its controls, from an offset to its end,
// to the state that a plan needs. tick, which may be nil, is called now and then
// with how many records have been applied; its error ends the work.
func Apply(ctx context.Context, log store.Log, contracts Contracts, p *plan.Plan, state *plan.State, from orrery.Offset, tick func(done, total int64) error) error {
	last, err := log.Last()
	if err != nil {
		return err
	}
	p.Bind(state)
	var event orrery.Event
	for r, err := range log.Scan(from) {
		if err != nil {
			return err
		}
		if r.Offset%tickEvery == 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if tick != nil {
				if err := tick(int64(r.Offset-from), int64(last-from)+1); err != nil {
					return err
				}
			}
		}
		if r.Kind == store.ControlRecord {
			if err := applyControl(state, r); err != nil {
				return err
			}
		}
		if r.Kind != store.EventRecord {
			continue
		}
		if err := record.DecodeEventInto(&event, r.Data, contracts); err != nil {
			return err
		}
		event.Offset = r.Offset
		if err := p.Apply(state, &event); err != nil {
			return err
		}
	}
	return nil
}

func applyControl(state *plan.State, r store.Record) error {
	c, err := record.DecodeControl(r.Data)
	if err != nil {
		return err
	}
	return state.Control(r.Offset, &c)
}

// logBatch is how many events a log source gives at once.
const logBatch = 1024

// LogSource reads a log as a Source: its events with the decisions recorded on
// them, and its controls.
type LogSource struct {
	next      func() (store.Record, error, bool)
	stop      func()
	contracts Contracts
	log       store.Log
	// held is an event read beyond the last batch, to see whether a decision
	// followed the one before.
	held    *orrery.Event
	release func()
}

// FromLog reads a log from its beginning to where it ends now. The log must not
// be cut before the source is closed, which calls release.
func FromLog(log store.Log, contracts Contracts, release func()) *LogSource {
	next, stop := iter.Pull2(log.Scan(1))
	return &LogSource{next: next, stop: stop, contracts: contracts, log: log, release: release}
}

// Close ends the reading.
func (s *LogSource) Close() {
	s.stop()
	s.release()
}

// Root makes the state of what was cut off the log.
func (s *LogSource) Root() (*plan.State, error) {
	controls, err := control.Load(s.log.ScanBase(control.Table))
	if err != nil {
		return nil, err
	}
	return &plan.State{Features: feature.NewState(s.log.Base), Controls: controls}, nil
}

// Next gives about a thousand events.
func (s *LogSource) Next() (*Batch, error) {
	b := &Batch{}
	if s.held != nil {
		b.add(s.held)
		s.held = nil
	}
	for {
		r, err, ok := s.next()
		if err != nil {
			return nil, err
		}
		if !ok && len(b.Events) == 0 && len(b.Controls) == 0 {
			return nil, io.EOF
		}
		if !ok {
			return b, nil
		}
		switch r.Kind {
		case store.EventRecord:
			event, err := record.DecodeEvent(r.Data, s.contracts)
			if err != nil {
				return nil, err
			}
			event.Offset = r.Offset
			if len(b.Events) >= logBatch {
				s.held = &event
				return b, nil
			}
			b.add(&event)
		case store.DecisionRecord:
			decision, err := record.DecodeDecision(r.Data, r.Offset, s.contracts)
			if err != nil {
				return nil, err
			}
			b.Decisions[len(b.Decisions)-1] = &decision
		case store.ControlRecord:
			control, err := record.DecodeControl(r.Data)
			if err != nil {
				return nil, err
			}
			b.Controls = append(b.Controls, Control{Before: len(b.Events), Offset: r.Offset, Control: control})
		}
	}
}

func (b *Batch) add(e *orrery.Event) {
	b.Events, b.Decisions = append(b.Events, *e), append(b.Decisions, nil)
}
