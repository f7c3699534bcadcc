package serve

import (
	"context"
	"encoding/json"
	"fmt"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/model"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/release"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// controlRelease is the type of the control that puts a release in force.
const controlRelease = "release"

type releaseControl struct {
	Release orrery.ReleaseID `json:"release"`
}

func decodeControl(data []byte) (releaseControl, error) {
	var body releaseControl
	control, err := record.DecodeControl(data)
	if err != nil || control.Type != controlRelease {
		return body, err
	}
	if err := json.Unmarshal(control.Body, &body); err != nil {
		return body, orrery.Errorf(orrery.Damaged, "record_damaged", "a control record cannot be read").Because(err)
	}
	return body, nil
}

// ParseRelease checks the spec of a release.
func ParseRelease(r *release.Release, registry *spec.Registry) (*spec.Spec, error) {
	s, diagnostics := spec.Check("release "+r.ID.Short(), r.Spec, registry)
	if s == nil {
		return nil, orrery.Errorf(orrery.Invalid, "release_spec_invalid", "the spec of release %s does not check: %s", r.ID.Short(), diagnostics[0].Message).
			WithNext("train again with the present spec")
	}
	return s, nil
}

func decodeModel(r *release.Release) (model.Model, error) {
	m, err := model.Decode(r.Model)
	if err != nil {
		return nil, fmt.Errorf("release %s: %w", r.ID.Short(), err)
	}
	return m, nil
}

// Compile makes the plan of a release whose spec has been checked.
func Compile(r *release.Release, s *spec.Spec) (*plan.Plan, error) {
	var m model.Model
	if r.Model != nil {
		var err error
		if m, err = decodeModel(r); err != nil {
			return nil, err
		}
	}
	p, err := plan.Compile(r.ID, s, m)
	if err == nil && formOf(r, s) != formFor(s) {
		p.OtherForm = formOf(r, s)
	}
	return p, err
}

// Install puts a release in force by one switch between two requests: a
// request finishes on the release it began with, and its record names it. State
// that only the new release needs is built from the log first, while the old
// one serves. Install returns when the switch is durable.
func (e *Engine) Install(ctx context.Context, id orrery.ReleaseID) error {
	r, err := release.Load(e.store.Blob(), id)
	if err != nil {
		return err
	}
	s, err := e.reader.parse(r)
	if err != nil {
		return fmt.Errorf("release %s: %w", id.Short(), err)
	}
	p, err := Compile(r, s)
	if err != nil {
		return err
	}
	if p.OtherForm != 0 {
		return otherForm(p)
	}
	if err := p.Ready(); err != nil {
		return fmt.Errorf("release %s: %w", id.Short(), err)
	}
	e.reader.cutting.RLock()
	defer e.reader.cutting.RUnlock()
	if err := e.releases.begin(p.Release); err != nil {
		return err
	}
	if p.Spec.Review != nil {
		if err := e.reviews.load(ctx); err != nil {
			return err
		}
	}
	adopt := func() error { return nil }
	if e.needsWarming(p) {
		if adopt, err = e.warmBeside(ctx, p); err != nil {
			return err
		}
	}
	if err := e.contracts.extend(s.Contract); err != nil {
		return err
	}
	var lists *control.Lists
	if err := e.between(ctx, func() error { lists = e.state.Controls.Lists(); return nil }); err != nil {
		return err
	}
	readyLists(s, lists)
	var switched *job
	err = e.between(ctx, func() error {
		if err := adopt(); err != nil {
			return err
		}
		if corrects(p.Spec.Contract) {
			// What was sequenced so far may be corrected from now on, and is not
			// remembered: it is found in the log.
			if err := e.awaitCommitted(e.last); err != nil {
				return err
			}
			e.standings = newRecent[*standing](e.last, standingGeneration)
		}
		before := e.Plan().Release
		e.current.Store(newRuntime(p))
		switched = e.announce(p)
		if before != p.Release {
			e.releases.end(before, e.last)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.awaitDone(switched)
}

// needsWarming reports whether the plan reads state that the one in force does
// not keep.
func (e *Engine) needsWarming(p *plan.Plan) bool {
	kept := map[store.TableID]bool{}
	for _, table := range e.Plan().Tables() {
		kept[table] = true
	}
	for _, table := range p.Tables() {
		if !kept[table] {
			return true
		}
	}
	return false
}

// warmBeside builds state for a plan while the engine serves. What it returns
// catches up with the rest of the log and makes that state the engine's; it
// must run between two requests.
func (e *Engine) warmBeside(ctx context.Context, p *plan.Plan) (func() error, error) {
	through := e.Last()
	state, err := e.warm(ctx, p, nil, e.Plan().Tables(), nil)
	if err != nil {
		return nil, err
	}
	return func() error {
		if err := e.awaitCommitted(e.last); err != nil {
			return err
		}
		e.finishCheckpoint()
		if err := replay.Apply(ctx, e.store.Log(), e.contracts.into(p.Spec.Contract), p, state, through+1, nil); err != nil {
			return err
		}
		e.state = &plan.State{Features: state.Features, Controls: e.state.Controls}
		return nil
	}, nil
}

// awaitCommitted waits, in the sequencer, for the committer to come to an offset.
func (e *Engine) awaitCommitted(offset orrery.Offset) error {
	j := internalJob(offset)
	e.queue <- j
	return e.awaitDone(j)
}

// announce records that a release is in force, as the log's next offset.
func (e *Engine) announce(p *plan.Plan) *job {
	body, err := json.Marshal(releaseControl{Release: p.Release})
	if err != nil {
		panic("serve: a release id is plain text: " + err.Error())
	}
	return e.record(p, record.Control{Type: controlRelease, At: e.options.Clock(), Body: body})
}

// between runs a function in the sequencer's goroutine, between two requests.
func (e *Engine) between(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	select {
	case e.commands <- func() { result <- f() }:
	case <-e.stopping:
		return errStopped
	case <-e.failed:
		return e.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-result
}
