package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/plan"
	"orrery.dev/release"
	"orrery.dev/spec"
)

// Effect is what a spec would mean for data that is there.
type Effect struct {
	// Compatible says that the spec can be put in force on the data. If not, Faults
	// has every reason.
	Compatible bool                  `json:"compatible"`
	Faults     orrery.ContractFaults `json:"faults"`
	// Added are the entities, events and fields that the data has not had yet.
	Added []string `json:"added"`
	// Kept are the features whose state is there, Rebuilt those whose state must be
	// built by replay; the others need none.
	Kept    []string `json:"kept"`
	Rebuilt []string `json:"rebuilt"`
	// Model says what becomes of the model in force: "kept", "does_not_fit" or "none".
	Model string `json:"model"`
	// Events are to be replayed before the spec serves. EventsPerSecond was measured
	// just now on a part of the log, and Seconds is estimated from it: 0 where
	// nothing is to be replayed.
	Events          int64   `json:"events"`
	EventsPerSecond float64 `json:"events_per_second"`
	Seconds         float64 `json:"estimated_seconds"`
	// CompleteFrom is the event time from which features that are rebuilt know all
	// that they look back on; nil where the log has never been cut of what they need.
	CompleteFrom *time.Time `json:"complete_from,omitempty"`
}

// sampleTime is how long the rate of replay is measured.
const sampleTime = 500 * time.Millisecond

// Against says what a spec would mean for the store's data, and changes nothing.
func (r *Reader) Against(ctx context.Context, s *spec.Spec) (*Effect, error) {
	out := &Effect{Faults: orrery.ContractFaults{}, Added: []string{}, Kept: []string{}, Rebuilt: []string{}, Model: "none"}
	base, err := r.contracts.inForce()
	if err != nil {
		return nil, err
	}
	if base == nil {
		out.Compatible = true
		return out, nil
	}
	merged, faults := base.Merge(s.Contract)
	if out.Compatible = len(faults) == 0; !out.Compatible {
		out.Faults = faults
		return out, nil
	}
	out.Added = added(base, merged)
	if s, err = r.Fit(s, true); err != nil {
		return nil, err
	}
	p, err := plan.Compile("", s, nil)
	if err != nil {
		return nil, err
	}
	if err := r.modelUnder(s, out); err != nil {
		return nil, err
	}
	from, err := r.sortFeatures(p, out)
	if err != nil {
		return nil, err
	}
	return out, r.estimate(ctx, p, from, out)
}

// Against is Reader.Against for the text of a spec.
func (e *Engine) Against(ctx context.Context, text []byte) (*Effect, error) {
	s, diagnostics := spec.Check("system.yaml", text, e.options.Registry)
	if s == nil {
		return nil, orrery.Errorf(orrery.Invalid, "spec_invalid", "the spec has faults, the first on line %d: %s", diagnostics[0].Line, diagnostics[0].Message).
			WithNext("see all of them: orrery check")
	}
	return e.reader.Against(ctx, s)
}

// added lists what a contract has and the one it extends has not.
func added(base, merged *orrery.Contract) []string {
	out := []string{}
	for _, name := range merged.Entities {
		if !base.HasEntity(name) {
			out = append(out, "entities."+name)
		}
	}
	for _, t := range merged.Events {
		was := base.Event(t.Name)
		if was == nil {
			out = append(out, "events."+t.Name)
			continue
		}
		for _, f := range t.Fields {
			if was.Field(f.Name) < 0 {
				out = append(out, "events."+t.Name+".fields."+f.Name)
			}
		}
	}
	return out
}

// checkpointed gives what the last checkpoint noted.
func (r *Reader) checkpointed() (known summary, err error) {
	text, ok, err := r.store.Meta().Get(summaryName)
	if err != nil || !ok {
		return known, err
	}
	if err := json.Unmarshal(text, &known); err != nil {
		return known, orrery.Errorf(orrery.Damaged, "summary_damaged", "the record of the last checkpoint cannot be read").Because(err)
	}
	return known, nil
}

// modelUnder says whether the model in force would score under a spec.
func (r *Reader) modelUnder(s *spec.Spec, out *Effect) error {
	known, err := r.checkpointed()
	if err != nil || known.Release == "" {
		return err
	}
	loaded, err := release.Load(r.store.Blob(), known.Release)
	if err != nil || loaded.Model == nil || s.Model == nil {
		return err
	}
	old, err := r.parse(loaded)
	if err != nil {
		return err
	}
	m, err := decodeModel(loaded)
	if err != nil {
		return err
	}
	if out.Model = "does_not_fit"; plan.SameFeatures(old, s, m.Features()) {
		out.Model = "kept"
	}
	return nil
}

// sortFeatures says which features have their state, and gives the offset from
// which the log must be replayed for all to have it.
func (r *Reader) sortFeatures(p *plan.Plan, out *Effect) (orrery.Offset, error) {
	log := r.store.Log()
	first, err := log.First()
	if err != nil {
		return 0, err
	}
	from, err := log.Last()
	if err != nil {
		return 0, err
	}
	from++
	rebuilt := map[string]bool{}
	var order []string
	for slot, f := range p.Spec.Features {
		if f.Aggregate == nil {
			continue
		}
		marked, err := r.store.State().Marked(p.TableOf(slot))
		if err != nil {
			return 0, err
		}
		if _, seen := rebuilt[f.Declared]; !seen {
			order = append(order, f.Declared)
		}
		stale := marked == 0 || marked < first-1
		rebuilt[f.Declared] = rebuilt[f.Declared] || stale
		if stale {
			marked = first - 1
		}
		from = min(from, marked+1)
	}
	for _, name := range order {
		if rebuilt[name] {
			out.Rebuilt = append(out.Rebuilt, name)
		} else {
			out.Kept = append(out.Kept, name)
		}
	}
	complete, err := r.CompleteFrom(p)
	if err == nil && complete > 0 {
		at := complete.Time()
		out.CompleteFrom = &at
	}
	return from, err
}

// estimate counts what is to be replayed, and replays a part of the log to tell
// how long that takes.
func (r *Reader) estimate(ctx context.Context, p *plan.Plan, from orrery.Offset, out *Effect) error {
	source := r.History(p.Spec.Contract)
	defer source.Close()
	last, err := r.store.Log().Last()
	if err != nil || from > last {
		return err
	}
	// Controls are so few beside events that every offset counts as one.
	out.Events = int64(last - from + 1)
	state, err := source.Root()
	if err != nil {
		return err
	}
	begun, events := time.Now(), 0
	for time.Since(begun) < sampleTime {
		batch, err := source.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i := range batch.Events {
			if err := p.Apply(state, &batch.Events[i]); err != nil {
				return err
			}
		}
		if events += len(batch.Events); ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if took := time.Since(begun).Seconds(); events > 0 && took > 0 {
		out.EventsPerSecond = float64(events) / took
		out.Seconds = float64(out.Events) / out.EventsPerSecond
	}
	return nil
}

// Words says the effect in sentences.
func (f *Effect) Words() []string {
	if !f.Compatible {
		out := []string{"refused: the data was recorded under entities and events that the spec changes"}
		for _, fault := range f.Faults {
			out = append(out, "  "+fault.String())
		}
		return append(out, "mend each, or start a new data directory")
	}
	out := []string{"compatible with the data"}
	list := func(what string, names []string) {
		if len(names) > 0 {
			out = append(out, fmt.Sprintf("%s: %s", what, strings.Join(names, ", ")))
		}
	}
	list("new in the contract", f.Added)
	list("state is kept for", f.Kept)
	list("state is built anew for", f.Rebuilt)
	switch f.Model {
	case "kept":
		out = append(out, "the model in force goes on")
	case "does_not_fit":
		out = append(out, "the model in force does not fit the features that it takes; the fallback answers until orrery train")
	}
	if f.CompleteFrom != nil {
		out = append(out, "the log has been cut: what is built anew knows all of its windows from "+f.CompleteFrom.Format(time.RFC3339)+" on")
	}
	if f.Events == 0 {
		return append(out, "nothing is to be replayed")
	}
	return append(out, fmt.Sprintf("%d events are to be replayed, at an estimated %.0f a second: about %s", f.Events, f.EventsPerSecond, duration(f.Seconds)))
}

func duration(seconds float64) string {
	if seconds < 1 {
		return "a second or less"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}
