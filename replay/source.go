// Package replay is the driver that runs a plan over history: the events of
// files or the records of a log, as fast as the cores go, for training rows,
// evaluation, verification and warming a new release.
package replay

import (
	"context"
	"errors"
	"io"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
)

// Batch is a run of events in log order.
type Batch struct {
	Events []orrery.Event
	// Decisions is empty, or has for each event the decision recorded on it, nil
	// where there is none.
	Decisions []*orrery.Decision
	// Controls are those given between the events, in log order.
	Controls []Control
}

// Control is a control of the log, given before event number Before of its batch.
type Control struct {
	Before int
	Offset orrery.Offset
	record.Control
}

// Decision gives the decision recorded on event i, nil where there is none.
func (b *Batch) Decision(i int) *orrery.Decision {
	if len(b.Decisions) == 0 {
		return nil
	}
	return b.Decisions[i]
}

// Source yields history in log order. Every event has an offset, greater than
// the one before it.
type Source interface {
	// Next gives the next batch, valid until the next call, or io.EOF at the end.
	Next() (*Batch, error)
}

// Rooted is a Source whose first event may not be the first there ever was.
type Rooted interface {
	Source
	// Root makes the state that the first event is applied to.
	Root() (*plan.State, error)
}

// rootOf makes the state that a source's first event is applied to: that of an
// empty log, unless the source says otherwise.
func rootOf(source Source) (*plan.State, error) {
	if r, ok := source.(Rooted); ok {
		return r.Root()
	}
	return plan.NewState(), nil
}

// walk gives each batch of a source to visit and counts the events. It ends at
// the source's end, at an error, or when the context does. tick, which may be
// nil, hears the count after each batch.
func walk(ctx context.Context, source Source, tick func(events int64), visit func(*Batch) error) (events int64, err error) {
	for {
		if ctx.Err() != nil {
			return events, context.Cause(ctx)
		}
		batch, err := source.Next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		if err := visit(batch); err != nil {
			return events, err
		}
		if events += int64(len(batch.Events)); tick != nil {
			tick(events)
		}
	}
}

// each makes a visit of a batch from one of its events and one of its controls.
func each(step func(*orrery.Event, *orrery.Decision) error, control func(orrery.Offset, *record.Control) error) func(*Batch) error {
	return func(b *Batch) error {
		next := 0
		for i := 0; i <= len(b.Events); i++ {
			for ; next < len(b.Controls) && b.Controls[next].Before <= i; next++ {
				if err := control(b.Controls[next].Offset, &b.Controls[next].Control); err != nil {
					return err
				}
			}
			if i == len(b.Events) {
				break
			}
			if err := step(&b.Events[i], b.Decision(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// Range is a span of event time, half-open: From <= t < To.
type Range struct{ From, To orrery.Instant }

// Contains reports whether t lies in the range.
func (r Range) Contains(t orrery.Instant) bool { return r.From <= t && t < r.To }

// Empty reports whether the range holds no instant.
func (r Range) Empty() bool { return r.To <= r.From }

func (r Range) String() string { return r.From.String() + ".." + r.To.String() }

// days gives how many days, the last perhaps not whole, the range spans.
func (r Range) days() int {
	return int((orrery.Duration(r.To-r.From) + orrery.Day - 1) / orrery.Day)
}
