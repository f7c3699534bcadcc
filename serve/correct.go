package serve

import (
	"slices"

	"orrery.dev"
	"orrery.dev/record"
	"orrery.dev/replay"
	"orrery.dev/store"
)

// standing is an event as it counts by now: as recorded, or as its newest
// correction left it.
type standing struct {
	event     orrery.Event
	withdrawn bool
}

// standingGeneration is how many events the sequencer remembers as they stand
// before it lets the older half go; it holds only events that can be corrected.
const standingGeneration = 1 << 12

// correctionKey is the key under which the log remembers the newest correction
// of the event of an identity, and which each correction of it replaces. It is
// no identity: those do not begin with a zero byte.
func correctionKey(identity []byte) []byte {
	return append(append(make([]byte, 0, 1+len(identity)), 0), identity...)
}

// named is the identity of the event that a correction names.
func named(e *orrery.Event) []byte { return identityOf(e.Type.Corrects.Event, e.NamedID()) }

// correctable reports whether events of the type can be corrected.
func correctable(c *orrery.Contract, t *orrery.EventType) bool {
	return slices.ContainsFunc(c.Events, func(o *orrery.EventType) bool { return o.Corrects != nil && o.Corrects.Event == t.Name })
}

// corrects reports whether any type of the contract corrects another.
func corrects(c *orrery.Contract) bool {
	return slices.ContainsFunc(c.Events, func(t *orrery.EventType) bool { return t.Corrects != nil })
}

// lookUp gives the event of an identity as the log has it by now, nil where it has
// none, as one of the contract in force.
func (e *Engine) lookUp(identity []byte) (*standing, error) {
	for {
		p := e.Plan()
		st, err := e.reader.standing(identity, e.contracts.into(p.Spec.Contract))
		// What a release has recorded that came meanwhile fits its own contract only.
		if err == nil || p == e.Plan() {
			return st, err
		}
	}
}

func (r *Reader) standing(identity []byte, contracts replay.Contracts) (*standing, error) {
	log := r.store.Log()
	at, ok, err := log.Lookup(identity)
	if err != nil || !ok {
		return nil, err
	}
	newest, corrected, err := log.Lookup(correctionKey(identity))
	if err != nil {
		return nil, err
	}
	if !corrected {
		newest = at
	}
	data, ok, err := log.Get(newest, store.EventRecord)
	if err != nil || !ok {
		return nil, err
	}
	event, err := record.DecodeEvent(data, contracts)
	if err != nil {
		return nil, err
	}
	if !corrected {
		event.Offset = at
		return &standing{event: event}, nil
	}
	if event.Corrected == nil || event.Corrected.Before.Offset != at {
		return nil, orrery.Errorf(orrery.Damaged, "record_damaged", "the record at offset %d does not correct the event at %d", newest, at).
			WithNext("restore the data directory from a copy")
	}
	return &standing{event: event.Corrected.After, withdrawn: event.Corrected.Withdraws}, nil
}

// CorrectedBy gives the newest correction of a recorded event, nil where there
// is none.
func (r *Reader) CorrectedBy(e *orrery.Event) (*orrery.Event, error) {
	at, ok, err := r.store.Log().Lookup(correctionKey(identity(e)))
	if err != nil || !ok {
		return nil, err
	}
	correction, _, err := r.Recorded(at)
	return &correction, err
}

// resolve finds what a correction corrects: what was sequenced since the look-up
// in the log, or what that found. It leaves Corrected nil where the event is not
// known.
func (e *Engine) resolve(j *job, it *item) error {
	event := &it.event
	if event.Type.Corrects == nil || it.earlier != 0 {
		return nil
	}
	event.Corrected = nil
	key := named(event)
	st, ok := e.standings.lookup(key)
	if !ok {
		if j.looked < e.standings.floor {
			// So much has come since the look-up that it proves nothing: again.
			var err error
			if it.names, err = e.lookUp(key); err != nil {
				return err
			}
		}
		if st = it.names; st == nil {
			return nil
		}
	}
	before := st.event
	before.Corrected = nil
	if err := j.runtime.plan.Spec.Contract.Adopt(&before); err != nil {
		return err
	}
	event.Corrected = orrery.Correct(event, before, st.withdrawn)
	return nil
}

// admitCorrection refuses a correction of what is not known.
func (e *Engine) admitCorrection(j *job, it *item) error {
	of := it.event.Type.Corrects
	if of == nil {
		return nil
	}
	if err := e.resolve(j, it); err != nil || it.event.Corrected != nil {
		return err
	}
	return unknownCorrected(&it.event)
}

func unknownCorrected(e *orrery.Event) error {
	of := e.Type.Corrects
	return orrery.Errorf(orrery.Invalid, "corrected_event_unknown", "the %s corrects the %s %q, which is not known",
		e.Type.Name, of.Event, e.NamedID()).WithField(e.Type.Fields[of.Names].Name).
		WithNext("send the correction after the event that it corrects, and while the log keeps that")
}

// stand remembers how an event that was sequenced counts from now on.
func (e *Engine) stand(j *job, event *orrery.Event) {
	switch c := event.Corrected; {
	case c != nil:
		e.standings.add(named(event), &standing{event: c.After, withdrawn: c.Withdraws}, event.Offset, e.Last())
	case j.runtime.correctable[event.Type.Index]:
		st := &standing{event: *event}
		// The values may be the caller's.
		st.event.Values = slices.Clone(event.Values)
		e.standings.add(identity(event), st, event.Offset, e.Last())
	}
}
