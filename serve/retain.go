package serve

import (
	"context"
	"encoding/json"
	"math"
	"sort"
	"time"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/store"
)

const (
	// retainStep is how many events one cut takes off: a batch small enough that
	// no commit waits long behind it.
	retainStep = 1024
	// retainPass is how long a pass keeps others from reading the log.
	retainPass = 200 * time.Millisecond
	// retainRest keeps a server's share for it to a quarter of a processor.
	retainRest = 3
	// retainBytes bounds the memory of the base that is being moved.
	retainBytes = 64 << 20
)

// Retained says what a pass of retention did.
type Retained struct {
	// First is the first offset that is kept.
	First orrery.Offset `json:"first"`
	// Events and Records were cut off.
	Events  int64 `json:"events"`
	Records int64 `json:"records"`
	// Bytes is about how much space the records that are kept take.
	Bytes int64 `json:"bytes"`
	// Held says why less was cut off than the spec allows; empty when it was not.
	Held string `json:"held,omitempty"`
}

// Retain cuts off the log what its spec does not keep, a little at a time, and
// returns when no more can go: it may be asked for again at any time. It cuts
// only what every table's durable state has applied, and moves the base along: a
// replay, by the plans of all releases whose decisions are kept, of what goes.
// While a History is open nothing is cut.
func (e *Engine) Retain(ctx context.Context) (Retained, error) { return e.retain(ctx, 0) }

// retain is Retain with a rest after each pass, of so many times what it took.
func (e *Engine) retain(ctx context.Context, rest int) (done Retained, err error) {
	for more := true; more && err == nil; {
		begun := time.Now()
		if more, err = e.retainPass(ctx, &done); more && rest > 0 {
			select {
			case <-time.After(time.Duration(rest) * time.Since(begun)):
			case <-ctx.Done():
			}
		}
	}
	log := e.store.Log()
	if done.First, _ = log.First(); err != nil {
		return done, err
	}
	done.Bytes, err = log.Size(done.First)
	return done, err
}

// retainPass cuts for a moment; more says that there is more to cut. Who waits to
// read the log comes in between two passes.
func (e *Engine) retainPass(ctx context.Context, done *Retained) (more bool, err error) {
	r, err := e.beginRetain(ctx)
	if r == nil {
		return false, err
	}
	defer e.reader.cutting.Unlock()
	for begun := time.Now(); time.Since(begun) < retainPass; {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if more, err = r.step(); !more || err != nil {
			break
		}
	}
	done.Events, done.Records, done.Held = done.Events+r.done.Events, done.Records+r.done.Records, r.done.Held
	return more, err
}

// retention is one pass.
type retention struct {
	engine *Engine
	log    store.Log
	rule   spec.Log
	known  summary
	// oldest is the event time before which an event could not be repeated.
	oldest orrery.Instant
	// end is the first offset that some table's durable state lacks, and full the
	// first that fits in the bytes that are kept.
	end, full orrery.Offset
	plans     []*plan.Plan
	state     *plan.State
	base      foundation
	releases  []byte
	drop      []store.TableID
	// correctable has the types that others correct.
	correctable map[string]bool
	done        Retained
}

// beginRetain prepares a pass; it is nil where there is nothing to cut.
func (e *Engine) beginRetain(ctx context.Context) (*retention, error) {
	current := e.Plan()
	rule := current.Spec.Log
	if rule == (spec.Log{}) || !e.reader.cutting.TryLock() {
		return nil, nil
	}
	r := &retention{engine: e, log: e.store.Log(), rule: rule, correctable: map[string]bool{}}
	for _, t := range current.Spec.Contract.Events {
		if t.Corrects != nil {
			r.correctable[t.Corrects.Event] = true
		}
	}
	if err := r.begin(ctx, e.Plan()); err != nil {
		e.reader.cutting.Unlock()
		return nil, err
	}
	return r, nil
}

func (r *retention) begin(ctx context.Context, current *plan.Plan) error {
	var err error
	if r.known, err = r.engine.reader.checkpointed(); err != nil {
		return err
	}
	r.oldest = r.known.Watermark.Add(-current.Spec.Dedupe.Within)
	if r.end, err = r.applied(current); err != nil {
		return err
	}
	if r.full, err = r.fits(); err != nil {
		return err
	}
	if err := r.engine.releases.make(ctx, current.Release); err != nil {
		return err
	}
	if r.base, err = r.engine.reader.foundation(); err != nil {
		return err
	}
	if err := r.choose(current); err != nil {
		return err
	}
	source := replay.FromLog(r.log, r.engine.contracts.find, func() {})
	defer source.Close()
	if r.state, err = source.Root(); err != nil {
		return err
	}
	for _, p := range r.plans {
		p.Bind(r.state)
	}
	return nil
}

// applied gives the offset behind what every table's durable state has applied.
func (r *retention) applied(current *plan.Plan) (orrery.Offset, error) {
	end := r.known.Offset
	for _, table := range append(current.Tables(), control.Table) {
		marked, err := r.engine.store.State().Marked(table)
		if err != nil {
			return 0, err
		}
		end = min(end, marked)
	}
	last, err := r.log.Last()
	return min(end+1, last), err
}

// fits gives the first offset from which the records fit in the bytes kept.
func (r *retention) fits() (orrery.Offset, error) {
	first, err := r.log.First()
	if err != nil || r.rule.KeepBytes == 0 {
		return first, err
	}
	n := sort.Search(int(max(r.end, first)-first), func(i int) bool {
		size, sizeErr := r.log.Size(first + orrery.Offset(i))
		if sizeErr != nil {
			err = sizeErr
		}
		return sizeErr != nil || size <= r.rule.KeepBytes
	})
	return first + orrery.Offset(n), err
}

// choose gathers the plans whose tables the base has, and what it has no longer.
func (r *retention) choose(current *plan.Plan) error {
	first, err := r.log.First()
	if err != nil {
		return err
	}
	kept, _, text, err := r.engine.releases.split(first)
	if err != nil {
		return err
	}
	r.releases = text
	needed := map[string]bool{tableName(control.Table): true}
	for _, id := range kept {
		p := current
		if id != current.Release {
			if p, err = r.engine.reader.Plan(id); err != nil {
				return err
			}
		}
		r.plans = append(r.plans, p)
		for _, table := range p.Tables() {
			needed[tableName(table)] = true
			if _, ok := r.base.Tables[tableName(table)]; !ok {
				r.base.Tables[tableName(table)] = r.base.Watermark
			}
		}
	}
	for name := range r.base.Tables {
		if !needed[name] {
			table := parseTable(name)
			r.drop = append(r.drop, table)
			delete(r.base.Tables, name)
			// What is left of the table would not know that its base is gone.
			if err := r.engine.store.State().Drop(table); err != nil {
				return err
			}
		}
	}
	return nil
}

// goes reports whether the policy lets an event go, as far as it alone matters.
func (r *retention) goes(e *orrery.Event) bool {
	old := r.rule.Keep > 0 && e.Received < r.known.Received.Add(-r.rule.Keep)
	if !old && e.Offset >= r.full {
		return false
	}
	if e.Time >= r.oldest {
		r.done.Held = "repeats of what is left are recognised still: dedupe.within"
		return false
	}
	return true
}

// step cuts off the next few events; more says that there may be others.
func (r *retention) step() (more bool, err error) {
	first, err := r.log.First()
	if err != nil {
		return false, err
	}
	cut := store.Cut{Before: r.end, Drop: r.drop}
	events, records := 0, 0
	var event orrery.Event
	for record, err := range r.log.Scan(first) {
		if err != nil {
			return false, err
		}
		if record.Offset >= r.end {
			break
		}
		if record.Kind == store.EventRecord {
			if err := r.decode(&event, record); err != nil {
				return false, err
			}
			if more = events == retainStep; more || !r.goes(&event) {
				cut.Before = record.Offset
				break
			}
			events++
			key := identity(&event)
			cut.Forget = append(cut.Forget, key)
			if r.correctable[event.Type.Name] {
				cut.Forget = append(cut.Forget, correctionKey(key))
			}
		}
		records++
		if err := r.apply(&event, record); err != nil {
			return false, err
		}
	}
	if cut.Before <= first {
		return false, nil
	}
	return more, r.cut(&cut, events, records)
}

func (r *retention) decode(event *orrery.Event, in store.Record) error {
	if err := record.DecodeEventInto(event, in.Data, r.engine.contracts.find); err != nil {
		return err
	}
	event.Offset = in.Offset
	return nil
}

// apply moves the base over one record.
func (r *retention) apply(event *orrery.Event, in store.Record) error {
	switch in.Kind {
	case store.EventRecord:
		r.base.Watermark = max(r.base.Watermark, event.Time)
		for _, p := range r.plans {
			if err := p.Apply(r.state, event); err != nil {
				return err
			}
		}
	case store.ControlRecord:
		c, err := record.DecodeControl(in.Data)
		if err != nil {
			return err
		}
		return r.state.Control(in.Offset, &c)
	}
	return nil
}

func (r *retention) cut(c *store.Cut, events, records int) error {
	features, controls := r.state.Features.Checkpoint(), r.state.Controls.Checkpoint()
	for items := features.Next(retainStep); items != nil; items = features.Next(retainStep) {
		c.Base = append(c.Base, items...)
	}
	for items := controls.Next(retainStep); items != nil; items = controls.Next(retainStep) {
		c.Base = append(c.Base, items...)
	}
	text, err := json.Marshal(r.base)
	if err != nil {
		return err
	}
	c.Values = map[string][]byte{baseName: text, releasesName: r.releases}
	// Before it is forgotten: what comes meanwhile is refused, not taken for new.
	r.engine.forgotten.Store(int64(r.base.Watermark + 1))
	if err := r.log.Cut(c); err != nil {
		return err
	}
	r.state.Features.Evict(retainBytes, math.MaxInt)
	r.drop = nil
	r.done.Events += int64(events)
	r.done.Records += int64(records)
	return nil
}

// retainLoop cuts now and then, in the background.
func (e *Engine) retainLoop() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-e.stopping:
		case <-e.failed:
		case <-ctx.Done():
		}
		cancel()
	}()
	ticker := time.NewTicker(e.options.RetainEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		done, err := e.retain(ctx, retainRest)
		switch {
		case err != nil && ctx.Err() == nil:
			e.options.Logger.Error("could not cut the log", "cause", err)
		case done.Events > 0:
			e.options.Logger.Info("cut the log", "events", done.Events, "first", done.First, "bytes", done.Bytes)
		}
	}
}
