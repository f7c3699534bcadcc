package serve

import (
	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// decidedWalk is a reading of the log for the decisions of some releases.
type decidedWalk struct {
	reader *Reader
	// of says of a release's spec whether its decisions are looked for.
	of func(*spec.Spec) bool
	// event is the record that the next decision is on, decision the one found.
	event    []byte
	decision orrery.Decision
	// plans has nil for a release whose decisions are not looked for.
	plans map[orrery.ReleaseID]*plan.Plan
}

// next takes the log's next record. Of a decision that is looked for and not erased
// it gives the event and the release's plan, and w.decision is that decision until
// the next; of anything else the plan is nil.
func (w *decidedWalk) next(in store.Record) (*orrery.Event, *plan.Plan, error) {
	if in.Kind == store.EventRecord {
		w.event = append(w.event[:0], in.Data...)
	}
	if in.Kind != store.DecisionRecord {
		return nil, nil, nil
	}
	contracts := w.reader.contracts.find
	if err := record.DecodeDecisionInto(&w.decision, in.Data, in.Offset, contracts); err != nil || w.decision.Erased {
		return nil, nil, err
	}
	p, err := w.plan(w.decision.Release)
	if err != nil || p == nil {
		return nil, nil, err
	}
	event, err := record.DecodeEvent(w.event, contracts)
	if err != nil || event.Erased {
		return nil, nil, err
	}
	event.Offset = in.Offset
	return &event, p, nil
}

// plan gives the plan of a release whose decisions are looked for, nil of any other:
// one whose spec this program refuses is no longer looked for either.
func (w *decidedWalk) plan(id orrery.ReleaseID) (*plan.Plan, error) {
	if p, known := w.plans[id]; known {
		return p, nil
	}
	p, err := w.reader.Plan(id)
	if err != nil && orrery.KindOf(err) != orrery.Invalid {
		return nil, err
	}
	if err != nil || !w.of(p.Spec) {
		p = nil
	}
	if w.plans == nil {
		w.plans = map[orrery.ReleaseID]*plan.Plan{}
	}
	w.plans[id] = p
	return p, nil
}
