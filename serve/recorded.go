package serve

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/release"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// DecisionID is the public name of the decision on the event at an offset.
func DecisionID(offset orrery.Offset) string { return "d" + strconv.FormatUint(uint64(offset), 10) }

// ParseDecisionID gives the offset in a decision's public name.
func ParseDecisionID(id string) (orrery.Offset, error) {
	digits, ok := strings.CutPrefix(id, "d")
	offset, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || offset == 0 {
		return 0, orrery.Errorf(orrery.Invalid, "decision_id_invalid", "%q is not a decision id", id).
			WithNext("a decision id is the decision_id of an answer, such as d42")
	}
	return orrery.Offset(offset), nil
}

// Reader reads what a store has recorded: decisions, and the releases that made
// them. It is safe for concurrent use.
type Reader struct {
	store     store.Store
	contracts *contracts
	registry  *spec.Registry
	// cutting is held for reading by whoever needs the log, or the base, to stay as
	// it is.
	cutting sync.RWMutex
	// plans keeps what was compiled, by orrery.ReleaseID: releases do not change.
	plans sync.Map
}

// NewReader makes a reader of a store.
func NewReader(st store.Store, registry *spec.Registry) *Reader {
	return &Reader{store: st, contracts: newContracts(st), registry: registry}
}

// Contract says how to read records written under the contract of a fingerprint,
// nil when the store has none: as events of the contract in force.
func (r *Reader) Contract(f orrery.Fingerprint) *orrery.View { return r.contracts.find(f) }

// Recorded gives the event at an offset and the decision on it, nil if it was
// recorded without one. The error is of kind NotFound when there is no event, of
// kind Gone with code decision_not_kept when it has been cut off.
func (r *Reader) Recorded(offset orrery.Offset) (orrery.Event, *orrery.Decision, error) {
	log := r.store.Log()
	data, ok, err := log.Get(offset, store.EventRecord)
	if err != nil {
		return orrery.Event{}, nil, err
	}
	if !ok {
		if first, err := log.First(); err == nil && offset < first {
			return orrery.Event{}, nil, notKept(offset, first)
		}
		return orrery.Event{}, nil, orrery.Errorf(orrery.NotFound, "decision_not_found", "there is no decision %s", DecisionID(offset)).
			WithNext("look for the decision_id of an answer")
	}
	event, err := record.DecodeEvent(data, r.contracts.find)
	if err != nil {
		return orrery.Event{}, nil, err
	}
	event.Offset = offset
	if data, ok, err = log.Get(offset, store.DecisionRecord); err != nil || !ok {
		if first, firstErr := log.First(); err == nil && firstErr == nil && offset < first {
			err = notKept(offset, first) // It went between the two looks.
		}
		return event, nil, err
	}
	decision, err := record.DecodeDecision(data, offset, r.contracts.find)
	return event, &decision, err
}

// Plan gives a release of the store, compiled.
func (r *Reader) Plan(id orrery.ReleaseID) (*plan.Plan, error) {
	if p, ok := r.plans.Load(id); ok {
		return p.(*plan.Plan), nil
	}
	p, err := r.compile(id)
	if err == nil {
		r.plans.Store(id, p)
	}
	return p, err
}

// parse checks the spec of a release, as it works on the store's data.
func (r *Reader) parse(loaded *release.Release) (*spec.Spec, error) {
	s, err := ParseRelease(loaded, r.registry)
	if err != nil {
		return nil, err
	}
	return r.Fit(s, false)
}

func (r *Reader) compile(id orrery.ReleaseID) (*plan.Plan, error) {
	loaded, err := release.Load(r.store.Blob(), id)
	if err != nil {
		return nil, err
	}
	s, err := r.parse(loaded)
	if err != nil {
		return nil, err
	}
	return Compile(loaded, s)
}

// Verify recomputes every decision of the store's log.
func (r *Reader) Verify(ctx context.Context, tick func(events int64)) (*replay.Verification, error) {
	r.cutting.RLock()
	defer r.cutting.RUnlock()
	releases, err := replay.Releases(ctx, r.store.Log(), r.contracts.find)
	if err != nil {
		return nil, err
	}
	plans := make([]*plan.Plan, len(releases))
	for i, id := range releases {
		if plans[i], err = r.Plan(id); err != nil {
			return nil, err
		}
	}
	source := replay.FromLog(r.store.Log(), r.contracts.find, func() {})
	defer source.Close()
	return replay.Verify(ctx, source, plans, tick)
}

// Reader reads what the engine's store has recorded.
func (e *Engine) Reader() *Reader { return e.reader }

// Latest gives the latest event time in the log, 0 when it is empty.
func (e *Engine) Latest(ctx context.Context) (latest orrery.Instant, err error) {
	err = e.between(ctx, func() error {
		latest = e.watermark
		return nil
	})
	return latest, err
}

// Known gives what the release in force knows of entities (name to key) at an
// instant: one value for each of the plan's features. A zero instant is that of
// the latest event.
func (e *Engine) Known(ctx context.Context, keys map[string]string, at orrery.Instant) (*plan.Plan, orrery.Instant, []float64, error) {
	var p *plan.Plan
	var vector []float64
	known := map[string]string{}
	for entity, key := range keys {
		// A personal key that never came is one of which nothing is known.
		inState, ok, err := e.keyOf(entity, key)
		if err != nil {
			return nil, 0, nil, err
		}
		if !ok {
			inState = orrery.PersonalMask
		}
		known[entity] = inState
	}
	err := e.between(ctx, func() error {
		p = e.Plan()
		if at == 0 {
			at = e.watermark
		}
		vector = make([]float64, p.Width())
		return p.Known(e.state, at, known, p.NewScratch(), vector)
	})
	return p, at, vector, err
}

// Find looks up the event of a type and an id; ok is false where the log does not
// know it, or no longer.
func (r *Reader) Find(event, id string) (offset orrery.Offset, ok bool, err error) {
	return r.store.Log().Lookup(identityOf(event, id))
}
