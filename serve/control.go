package serve

import (
	"context"
	"encoding/json"
	"strings"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/plan"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/spec"
	"orrery.dev/store"
)

// ListChanged says what a change of a list came to.
type ListChanged struct {
	// Offset is the place of the change in the log: of its last control, where it
	// has several.
	Offset orrery.Offset
	// Added keys were not on the list before, Removed were.
	Added, Removed int
}

// ChangeList puts keys on a list of the spec in force and takes others off. It
// acts on every event sequenced after it, all of it at once however many keys it
// names, and returns when it is durable. A key that is put on a list again gets
// the new note, the new end and whatever else goes with it.
func (e *Engine) ChangeList(ctx context.Context, change control.Change) (ListChanged, error) {
	s := e.Plan().Spec
	list, err := findList(s, change.List)
	if err != nil {
		return ListChanged{}, err
	}
	if err := checkChange(s, list, &change); err != nil {
		return ListChanged{}, err
	}
	if err := e.disguiseChange(s, &change); err != nil {
		return ListChanged{}, err
	}
	prepared, err := control.Prepare(change, e.options.Clock(), list.Terms)
	if err != nil {
		return ListChanged{}, err
	}
	var given *job
	var before *control.List
	err = e.between(ctx, func() error {
		before = e.state.Controls.Lists().List(change.List)
		e.state.Controls.ApplyPrepared(e.last+1, prepared)
		given = e.record(e.Plan(), prepared.Controls...)
		return nil
	})
	if err != nil {
		return ListChanged{}, err
	}
	out := ListChanged{Offset: given.last}
	for i := range change.Add {
		if before.Entry(change.Add[i].Key) == nil {
			out.Added++
		}
	}
	for _, key := range change.Remove {
		if before.Entry(key) != nil {
			out.Removed++
		}
	}
	if err := e.awaitDone(given); err != nil {
		return out, err
	}
	e.mergeLists(ctx)
	if list.Terms {
		if now, err := e.listNow(ctx, list.Name); err == nil {
			now.Compile()
		}
	}
	return out, nil
}

// mergeLists makes the merges of lists that are due, beside the sequencer. Nothing
// is wrong where that is cut short: the next change goes on.
func (e *Engine) mergeLists(ctx context.Context) {
	for {
		var due *control.Merge
		if err := e.between(ctx, func() error { due = e.state.Controls.Due(); return nil }); err != nil || due == nil {
			return
		}
		due.Run()
		// Whoever asked for the change may have gone; the merge is not to be lost.
		if err := e.between(context.WithoutCancel(ctx), func() error { e.state.Controls.Install(due); return nil }); err != nil {
			return
		}
	}
}

// readyLists compiles the terms of a spec's lists, so that no request has to.
func readyLists(s *spec.Spec, lists *control.Lists) {
	for i := range s.Lists {
		if s.Lists[i].Terms {
			lists.List(s.Lists[i].Name).Compile()
		}
	}
}

func findList(s *spec.Spec, name string) (*spec.List, error) {
	var names []string
	for i := range s.Lists {
		if s.Lists[i].Name == name {
			return &s.Lists[i], nil
		}
		names = append(names, s.Lists[i].Name)
	}
	err := orrery.Errorf(orrery.NotFound, "list_not_found", "the system has no list %q", name)
	if len(names) == 0 {
		return nil, err.WithNext("declare it in the spec: lists: {%s: ENTITY}", name)
	}
	return nil, err.WithNext("it has %s", strings.Join(names, ", "))
}

// Pause has every decision from now on answered by the fallback action, until
// Resume. Both return when they are durable, with their place in the log.
func (e *Engine) Pause(ctx context.Context, note control.Note) (orrery.Offset, error) {
	return e.control(ctx, control.TypePause, note)
}

// Resume ends a pause.
func (e *Engine) Resume(ctx context.Context, note control.Note) (orrery.Offset, error) {
	return e.control(ctx, control.TypeResume, note)
}

// Paused gives what is known of the pause; ok is false while there is none.
func (e *Engine) Paused(ctx context.Context) (pause control.Pause, ok bool, err error) {
	err = e.between(ctx, func() error {
		pause, ok = e.state.Controls.Paused()
		return nil
	})
	return pause, ok, err
}

// Listed gives the entries of a list of the spec in force, in the order of their
// keys, at most limit from the first after a key on.
func (e *Engine) Listed(ctx context.Context, list, after string, limit int) ([]*control.Entry, error) {
	if _, err := findList(e.Plan().Spec, list); err != nil {
		return nil, err
	}
	now, err := e.listNow(ctx, list)
	if err != nil {
		return nil, err
	}
	return now.Entries(after, limit), nil
}

// listNow gives a list as it is now.
func (e *Engine) listNow(ctx context.Context, name string) (list *control.List, err error) {
	err = e.between(ctx, func() error {
		list = e.state.Controls.Lists().List(name)
		return nil
	})
	return list, err
}

// Lists gives all lists as they are now.
func (e *Engine) Lists(ctx context.Context) (lists *control.Lists, err error) {
	err = e.between(ctx, func() error {
		lists = e.state.Controls.Lists()
		return nil
	})
	return lists, err
}

// ListSize gives how many entries a list has.
func (e *Engine) ListSize(ctx context.Context, list string) (int, error) {
	now, err := e.listNow(ctx, list)
	if err != nil {
		return 0, err
	}
	return now.Len(), nil
}

// control records a control as the log's next offset and applies it, between two
// requests.
func (e *Engine) control(ctx context.Context, kind string, body any) (orrery.Offset, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	var given *job
	err = e.between(ctx, func() error {
		c := record.Control{Type: kind, At: e.options.Clock(), Body: text}
		given = e.record(e.Plan(), c)
		return e.state.Control(given.last, &c)
	})
	if err != nil {
		return 0, err
	}
	return given.last, e.awaitDone(given)
}

// record sends the committer controls, as the log's next offsets, under the
// contract of a plan. They become durable together.
func (e *Engine) record(p *plan.Plan, controls ...record.Control) *job {
	return e.recordAct(p, nil, controls...)
}

// recordAct is record for controls of which the last may be an act about a review.
func (e *Engine) recordAct(p *plan.Plan, act *review.Act, controls ...record.Control) *job {
	j := internalJob(e.last + orrery.Offset(len(controls)))
	for i := range controls {
		e.last++
		j.records = append(j.records, controlRecord(p, e.last, &controls[i])...)
	}
	j.act, j.actedAt = act, e.last
	e.queue <- j
	return j
}

func controlRecord(p *plan.Plan, offset orrery.Offset, c *record.Control) []store.Record {
	return []store.Record{{Offset: offset, Kind: store.ControlRecord, Data: record.AppendControl(nil, p.Spec.Contract.Fingerprint(), c.At, c)}}
}
