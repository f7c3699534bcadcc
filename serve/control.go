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

// maxKey bounds the key of a list's entry, in bytes.
const maxKey = 1024

// ListChanged says what a change of a list came to.
type ListChanged struct {
	// Offset is the place of the change in the log.
	Offset orrery.Offset
	// Added keys were not on the list before, Removed were.
	Added, Removed int
}

// ChangeList puts keys on a list of the spec in force and takes others off. It
// acts on every event sequenced after it, and returns when it is durable. A key
// that is put on a list again gets the new note and the new end.
func (e *Engine) ChangeList(ctx context.Context, change control.Change) (ListChanged, error) {
	if err := checkChange(e.Plan().Spec, &change); err != nil {
		return ListChanged{}, err
	}
	if err := e.disguiseChange(e.Plan().Spec, &change); err != nil {
		return ListChanged{}, err
	}
	var out ListChanged
	count := func() {
		for _, key := range change.Add {
			if !e.state.Controls.Has(change.List, key) {
				out.Added++
			}
		}
		for _, key := range change.Remove {
			if e.state.Controls.Has(change.List, key) {
				out.Removed++
			}
		}
	}
	var err error
	out.Offset, err = e.control(ctx, control.TypeList, change, count)
	return out, err
}

func checkChange(s *spec.Spec, change *control.Change) error {
	if _, err := findList(s, change.List); err != nil {
		return err
	}
	if n := len(change.Add) + len(change.Remove); n == 0 || n > control.MaxKeys {
		return orrery.Errorf(orrery.Invalid, "list_change_size", "the change has %d keys; it takes 1 to %d", n, control.MaxKeys).
			WithNext("name keys to add or remove, in several changes where they are many")
	}
	named, shown := map[string]bool{}, func(key string) string { return key }
	if personalList(s, change.List) != "" {
		shown = func(string) string { return orrery.PersonalMask }
	}
	for _, keys := range [][]string{change.Add, change.Remove} {
		for _, key := range keys {
			if key == "" || len(key) > maxKey || strings.ContainsRune(key, 0) {
				return orrery.Errorf(orrery.Invalid, "list_key_invalid", "%.40q cannot be on a list", shown(key)).
					WithNext("a key is text of 1 to %d bytes", maxKey)
			}
			if named[key] {
				return orrery.Errorf(orrery.Invalid, "list_key_twice", "the change names %q twice", shown(key)).WithNext("name each key once")
			}
			named[key] = true
		}
	}
	return nil
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
	return e.control(ctx, control.TypePause, note, nil)
}

// Resume ends a pause.
func (e *Engine) Resume(ctx context.Context, note control.Note) (orrery.Offset, error) {
	return e.control(ctx, control.TypeResume, note, nil)
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
	var entries []*control.Entry
	err := e.between(ctx, func() error {
		entries = e.state.Controls.Entries(list, after)
		return nil
	})
	control.Sort(entries)
	return entries[:min(len(entries), limit)], err
}

// ListSize gives how many entries a list has.
func (e *Engine) ListSize(ctx context.Context, list string) (n int, err error) {
	err = e.between(ctx, func() error {
		n = e.state.Controls.Len(list)
		return nil
	})
	return n, err
}

// control records a control as the log's next offset and applies it, between two
// requests; before, which may be nil, looks at the state without it.
func (e *Engine) control(ctx context.Context, kind string, body any, before func()) (orrery.Offset, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	var given *job
	err = e.between(ctx, func() error {
		if before != nil {
			before()
		}
		c := &record.Control{Type: kind, At: e.options.Clock(), Body: text}
		given = e.record(e.Plan(), c)
		return e.state.Control(given.last, c)
	})
	if err != nil {
		return 0, err
	}
	return given.last, e.awaitDone(given)
}

// record sends the committer a control, as the log's next offset, under the
// contract of a plan.
func (e *Engine) record(p *plan.Plan, c *record.Control) *job {
	return e.recordAct(p, c, nil)
}

// recordAct is record for a control that may be an act about a review.
func (e *Engine) recordAct(p *plan.Plan, c *record.Control, act *review.Act) *job {
	e.last++
	j := internalJob(e.last)
	j.records, j.act, j.actedAt = controlRecord(p, e.last, c), act, e.last
	e.queue <- j
	return j
}

func controlRecord(p *plan.Plan, offset orrery.Offset, c *record.Control) []store.Record {
	return []store.Record{{Offset: offset, Kind: store.ControlRecord, Data: record.AppendControl(nil, p.Spec.Contract.Fingerprint(), c.At, c)}}
}
