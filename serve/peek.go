package serve

import (
	"context"
	"time"

	"orrery.dev"
	"orrery.dev/plan"
)

// Score decides on an event as Decide would if it came next, and records
// nothing: no event, no decision, no state, and nobody becomes known by it. It
// gives the plan that decided, and the decision, which has no offset. The event is
// not looked up, so one that was recorded before is scored anew. The error is that
// of a refused event, or of kind Unavailable when the engine takes no requests.
func (e *Engine) Score(ctx context.Context, event orrery.Event) (*plan.Plan, *orrery.Decision, error) {
	j := newJob(1)
	j.decide, j.arrived = true, time.Now()
	it := &j.items[0]
	it.event = event
	if on := e.Plan().Spec.DecideOn; !event.Type.Is(on) {
		return nil, nil, orrery.Errorf(orrery.Invalid, "not_decided_on", "the system decides on %s, not on %s", on.Name, event.Type.Name)
	}
	contract := e.Plan().Spec.Contract
	if err := contract.Adopt(&it.event); err != nil {
		return nil, nil, err
	}
	if err := e.hide(&it.event); err != nil {
		return nil, nil, err
	}
	if err := e.peek(ctx, j); err != nil {
		return nil, nil, err
	}
	e.decide(j)
	it.decision.Offset = 0
	return j.runtime.plan, &it.decision, nil
}

// hide puts pseudonyms in the place of personal keys, without making anybody
// known: a key that never came is that of nobody.
func (e *Engine) hide(event *orrery.Event) error {
	if !event.Type.HasPersonal() {
		return nil
	}
	values := append([]orrery.Value(nil), event.Values...)
	for i := range event.Type.Fields {
		f := &event.Type.Fields[i]
		if f.Type != orrery.Entity || !f.Personal || values[i].IsMissing() {
			continue
		}
		key, ok, err := e.keyOf(f.Entity, values[i].Text())
		if err != nil {
			return err
		}
		if !ok {
			key = orrery.PersonalMask
		}
		values[i] = orrery.EntityValue(key)
	}
	event.Values = values
	return nil
}

// peek takes a job's one event to its vector, between two requests. State that is
// not in memory is read by the caller, and then it is tried again.
func (e *Engine) peek(ctx context.Context, j *job) error {
	it := &j.items[0]
	for {
		var waits bool
		err := e.between(ctx, func() (err error) {
			j.runtime = e.current.Load()
			p := j.runtime.plan
			if err = p.Spec.Contract.Adopt(&it.event); err != nil {
				return err
			}
			if err = e.admitTime(j, &it.event); err != nil {
				return err
			}
			if waits, err = e.putAside(j); waits || err != nil {
				return err
			}
			s := j.runtime.scratch.Get().(*plan.Scratch)
			defer j.runtime.scratch.Put(s)
			it.event.Received, it.event.Offset = max(e.options.Clock(), e.received), e.last+1
			it.decision = orrery.Decision{Vector: make([]float64, p.Width())}
			return p.Peek(e.state, &it.event, s, &it.decision)
		})
		if err != nil || !waits {
			return err
		}
		<-j.steps
		if err := j.aside.read(); err != nil {
			e.fail(err)
			return e.Err()
		}
		// What was read is put in place, whether the caller waits for it or not.
		ctx = context.WithoutCancel(ctx)
	}
}
