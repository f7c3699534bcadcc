package serve

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/feature"
	"orrery.dev/model"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/release"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// recover brings the engine to the end of the log: the release in force, then
// feature state from the last checkpoint and the log's tail.
func (e *Engine) recover(ctx context.Context, s *spec.Spec) error {
	known, err := e.reader.checkpointed()
	if err != nil {
		return err
	}
	if e.last, err = e.store.Log().Last(); err != nil {
		return err
	}
	if known.Offset > e.last {
		return orrery.Errorf(orrery.Damaged, "log_behind_state", "the log ends at offset %d and the state was written at offset %d", e.last, known.Offset).
			WithNext("restore the log from a backup, or start a new data directory")
	}
	if err := e.releases.load(e.last); err != nil {
		return err
	}
	gone, err := e.reader.foundation()
	if err != nil {
		return err
	}
	e.forgotten.Store(math.MinInt64)
	if len(gone.Tables) > 0 {
		e.forgotten.Store(int64(gone.Watermark) + 1)
	}
	e.committed.Store(uint64(e.last))
	e.repeats = newRecent[orrery.Offset](e.last, generation)
	e.standings = newRecent[*standing](e.last, standingGeneration)
	e.received, e.watermark = known.Received, known.Watermark
	tail, err := e.readTail(known)
	if err != nil {
		return err
	}
	p, err := e.adopt(ctx, s, tail)
	if err != nil {
		return err
	}
	if err := p.Ready(); err != nil {
		return fmt.Errorf("release %s: %w", p.Release.Short(), err)
	}
	if err := e.releases.begin(p.Release); err != nil {
		return err
	}
	e.current.Store(newRuntime(p))
	controls, err := e.loadControls()
	if err != nil {
		return err
	}
	if e.state, err = e.warm(ctx, p, controls, nil, e.spill); err != nil {
		return err
	}
	e.state.Controls.MergeLater()
	readyLists(p.Spec, e.state.Controls.Lists())
	if p.Spec.Review != nil {
		if err := e.reviews.load(ctx); err != nil {
			return err
		}
	}
	if err := e.emissions.resume(ctx, cmp.Or(known.Unsent, known.Offset+1)); err != nil {
		return err
	}
	durable, err := e.through(append(p.Tables(), control.Table), nil)
	if err != nil {
		return err
	}
	e.marks.set(durable)
	if p.Release != tail {
		e.announce(p)
	}
	return nil
}

// readTail reads what came after the last checkpoint: the times of events, and
// the release put in force last, which it gives.
func (e *Engine) readTail(known summary) (orrery.ReleaseID, error) {
	current := known.Release
	for r, err := range e.store.Log().Scan(known.Offset + 1) {
		if err != nil {
			return "", err
		}
		switch r.Kind {
		case store.EventRecord:
			event, err := record.DecodeEvent(r.Data, e.contracts.find)
			if err != nil {
				return "", err
			}
			e.received, e.watermark = max(e.received, event.Received), max(e.watermark, event.Time)
		case store.ControlRecord:
			control, err := decodeControl(r.Data)
			if err != nil {
				return "", err
			}
			if control.Release != "" {
				current = control.Release
			}
		}
	}
	return current, nil
}

// adopt gives the plan to start with: the release in force when the spec is
// still its spec and texts have the normal form that it decides on, otherwise a new
// release of the spec, which keeps the model when every feature that the model takes
// is defined as before. A model that is complete in its files is made of them.
func (e *Engine) adopt(ctx context.Context, s *spec.Spec, current orrery.ReleaseID) (*plan.Plan, error) {
	next := &release.Release{Spec: s.Source, Form: formFor(s)}
	if current != "" {
		r, err := release.Load(e.store.Blob(), current)
		if err != nil {
			return nil, err
		}
		if string(r.Spec) == string(s.Source) && formOf(r, s) == next.Form {
			e.warnOfForm(r, s)
			return Compile(r, s)
		}
		if err := e.carryOver(r, s, next); err != nil {
			return nil, err
		}
	}
	if s.Model != nil && s.Model.Whole && e.options.Whole != nil {
		if err := complete(ctx, next, s.Model.Kind, e.options.Whole); err != nil {
			return nil, err
		}
	}
	id, err := release.Save(e.store.Blob(), s.System, next)
	if err != nil {
		return nil, err
	}
	next.ID = id
	return Compile(next, s)
}

func (e *Engine) carryOver(from *release.Release, s *spec.Spec, to *release.Release) error {
	if from.Model == nil || s.Model == nil {
		return nil
	}
	old, err := e.reader.parse(from)
	if err != nil {
		return err
	}
	m, err := decodeModel(from)
	if err != nil {
		return err
	}
	if s.Model.Whole {
		return nil
	}
	if !plan.SameFeatures(old, s, m.Features()) {
		e.options.Logger.Warn("the spec's features have changed; the model in force does not fit them", "next", "orrery train")
		return nil
	}
	if encoded, ok := m.(model.Encoded); ok && encoded.Ready() != nil {
		e.options.Logger.Warn("the model in force cannot run here, and is left behind with its spec", "because", encoded.Ready(), "next", "orrery train")
		return nil
	}
	to.Model, to.Lineage = from.Model, from.Lineage
	to.Lineage.Parent = from.ID
	e.warnOfForm(to, s)
	return nil
}

// loadControls gives what controls have set, as of the last checkpoint or later.
func (e *Engine) loadControls() (*control.State, error) {
	marked, gone, err := e.marked(control.Table, true)
	if err != nil {
		return nil, err
	}
	if marked < gone {
		return control.Load(e.store.Log().ScanBase(control.Table))
	}
	return control.Load(e.store.State().Scan(control.Table))
}

// marked gives the offset that a table's state has applied, and the last that was
// cut off the log. State that was written before that and not since is of no use,
// and the base stands for it; stale says that the table may have such, which is
// then dropped.
func (e *Engine) marked(table store.TableID, stale bool) (marked, gone orrery.Offset, err error) {
	if marked, err = e.store.State().Marked(table); err != nil {
		return 0, 0, err
	}
	first, err := e.store.Log().First()
	if gone = first - 1; err == nil && stale && marked < gone {
		err = e.store.State().Drop(table)
	}
	return marked, gone, err
}

// load gives an entity's state in a table: as the state store has it, or as it
// was when the log was cut.
func (e *Engine) load(table store.TableID, key string) ([]byte, bool, error) {
	value, ok, err := e.store.State().Get(table, key)
	if ok || err != nil {
		return value, ok, err
	}
	if first, err := e.store.Log().First(); err != nil || first == 1 {
		return nil, false, err
	}
	return e.store.Log().Base(table, key)
}

// warm gives feature state for a plan that has applied the log up to its end,
// from what the state store holds, the base and the log. Entities load when first
// asked for; each value knows the offset it has applied, so nothing is counted
// twice. So it is with controls; nil leaves them out. tick, which may be nil,
// hears how far it has come. The log must not be cut meanwhile. live are the
// tables of the plan that serves meanwhile, if one does: what is written of those
// is not stale.
func (e *Engine) warm(ctx context.Context, p *plan.Plan, controls *control.State, live []store.TableID, tick func(st *feature.State, done, total int64) error) (*plan.State, error) {
	state := &plan.State{Features: feature.NewState(e.load), Controls: controls}
	tables := p.Tables()
	if controls != nil {
		tables = append(tables, control.Table)
	}
	through, err := e.through(tables, live)
	if err != nil {
		return nil, err
	}
	return state, replay.Apply(ctx, e.store.Log(), e.contracts.into(p.Spec.Contract), p, state, through+1, func(done, total int64) error {
		if tick == nil {
			return nil
		}
		return tick(state.Features, done, total)
	})
}

// through gives the offset up to which the state of all tables is written, or
// stands in the base. Of those that are not live what is stale is dropped.
func (e *Engine) through(tables, live []store.TableID) (through orrery.Offset, err error) {
	for i, table := range tables {
		marked, gone, err := e.marked(table, !slices.Contains(live, table))
		if err != nil {
			return 0, err
		}
		if marked = max(marked, gone); i == 0 || marked < through {
			through = marked
		}
	}
	return through, nil
}

// spillStep is how many series are written at once while nobody waits.
const spillStep = 4096

// spill reports the progress of the recovery, and keeps the state that it builds
// within its share of memory. It writes to the state store, so nobody else may.
func (e *Engine) spill(state *feature.State, done, total int64) error {
	if e.options.Progress != nil {
		e.options.Progress(done, total)
	}
	if state.Bytes() <= e.options.StateBytes {
		return nil
	}
	changed := state.Checkpoint()
	for items := changed.Next(spillStep); items != nil; items = changed.Next(spillStep) {
		if err := e.store.State().Write(items); err != nil {
			return err
		}
	}
	// Evicting by the sixteenth now and then would write everything as often.
	state.Evict(e.options.StateBytes/2, math.MaxInt)
	return nil
}
