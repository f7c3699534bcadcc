package serve

import (
	"context"
	"slices"

	"orrery.dev"
	"orrery.dev/control"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/vault"
)

// opener opens what is sealed with the vault of a store, which it asks for when
// there is something.
type opener struct{ store store.Store }

func (o opener) Unseal(p orrery.Pseudonym, sealed, bound []byte) ([]byte, bool, error) {
	v, err := o.store.Vault()
	if err != nil {
		return nil, false, err
	}
	return v.Unseal(p, sealed, bound)
}

// disguise puts pseudonyms in the place of the item's personal keys, new ones
// where create says so, and notes whom its personal fields are of. It gives false
// where a key has no pseudonym and is to get none.
func (e *Engine) disguise(it *item, create bool) (bool, error) {
	v, err := e.store.Vault()
	if err != nil {
		return false, err
	}
	event := &it.event
	event.Values = slices.Clone(event.Values)
	for i := range event.Type.Fields {
		f, key := &event.Type.Fields[i], event.Values[i].Text()
		isSubject := f.Name == event.Type.Subject
		if f.Type != orrery.Entity || !f.Personal && !isSubject || event.Values[i].IsMissing() {
			continue
		}
		s, err := subjectOf(v, f, key, create)
		if err != nil || s == nil {
			return false, err
		}
		if isSubject {
			it.subject, event.Subject = s, s.Pseudonym()
		}
		if f.Personal {
			event.Values[i] = orrery.EntityValue(s.Pseudonym().String())
		}
		it.pseudonyms = append(it.pseudonyms, s.Pseudonym())
	}
	return true, nil
}

func subjectOf(v *vault.Vault, f *orrery.Field, key string, create bool) (*vault.Subject, error) {
	if !create {
		if _, ok, err := v.Find(f.Entity, key); err != nil || !ok {
			return nil, err
		}
	}
	return v.Subject(f.Entity, key, f.Personal)
}

var errForgotten = orrery.Errorf(orrery.Unavailable, "subject_changed", "whom the event is about was forgotten, or made personal, while it was on its way").
	WithNext("send it again")

// admitSubjects refuses an event that names somebody forgotten since it was
// disguised.
func (e *Engine) admitSubjects(it *item) error {
	if it.subject == nil {
		if it.event.Type.HasPersonal() {
			// A release that came meanwhile has made fields of the type personal.
			return errForgotten
		}
		return nil
	}
	v, err := e.store.Vault()
	if err != nil {
		return err
	}
	for _, p := range it.pseudonyms {
		if !v.Has(p) {
			return errForgotten
		}
	}
	return nil
}

// Erased is what is answered for an event or a decision of somebody who has
// been forgotten.
func Erased(offset orrery.Offset) error {
	return orrery.Errorf(orrery.Gone, "erased", "%s was about somebody who has been forgotten: it is erased", DecisionID(offset))
}

// disguiseChange puts pseudonyms in the place of a list's personal keys. A key to
// be removed that has none stays: it is on no list. A pseudonym can be removed as
// it is.
func (e *Engine) disguiseChange(s *spec.Spec, change *control.Change) error {
	entity := personalList(s, change.List)
	if entity == "" {
		return nil
	}
	v, err := e.store.Vault()
	if err != nil {
		return err
	}
	add := slices.Clone(change.Add)
	for i := range add {
		subject, err := v.Subject(entity, add[i].Key, true)
		if err != nil {
			return err
		}
		add[i].Key = subject.Pseudonym().String()
	}
	change.Add, change.Remove = add, slices.Clone(change.Remove)
	for i, key := range change.Remove {
		p, ok, err := v.Find(entity, key)
		if err != nil {
			return err
		}
		if _, is := orrery.PseudonymOf(key); ok || !is {
			// The pseudonym of nobody, where the key has none.
			change.Remove[i] = p.String()
		}
	}
	change.Remove = slices.Compact(slices.Sorted(slices.Values(change.Remove)))
	return v.Sync()
}

// personalList gives the entity of a list of personal keys, empty for any other.
func personalList(s *spec.Spec, name string) string {
	for i := range s.Lists {
		if l := &s.Lists[i]; l.Name == name {
			for _, field := range l.Fields {
				if f := &s.DecideOn.Fields[field]; f.Personal {
					return f.Entity
				}
			}
		}
	}
	return ""
}

// PersonalList reports whether pseudonyms are on a list.
func (e *Engine) PersonalList(list string) bool { return personalList(e.Plan().Spec, list) != "" }

// keyOf gives the key by which the state knows an entity; ok is false for a
// personal key that has never come.
func (e *Engine) keyOf(entity, key string) (string, bool, error) {
	if !e.Plan().Spec.Contract.PersonalKeys(entity) {
		return key, true, nil
	}
	v, err := e.store.Vault()
	if err != nil {
		return "", false, err
	}
	p, ok, err := v.Find(entity, key)
	return p.String(), ok, err
}

// Forgetting says what came of forgetting somebody.
type Forgetting struct {
	// Pseudonym is that of the key that was destroyed; empty where there was none.
	Pseudonym string `json:"pseudonym,omitempty"`
	// Offset is the place in the log from which on the state knows nothing of the
	// entity; 0 where nothing was known of it.
	Offset orrery.Offset `json:"offset,omitempty"`
}

// Forget destroys the key under which the personal fields of an entity's events
// and the decisions on them are kept, and then drops the entity's state. It
// returns when both are durable. An event of the same key that comes later is of
// somebody new. Forgetting again does no harm. The error is of kind Invalid with
// code not_a_subject where nothing personal is of the entity.
func (e *Engine) Forget(ctx context.Context, entity, key string, note control.Note) (Forgetting, error) {
	contract := e.Plan().Spec.Contract
	if !contract.HasSubject(entity) {
		return Forgetting{}, orrery.Errorf(orrery.Invalid, "not_a_subject", "no personal field is of the entity %q", entity).
			WithNext("mark fields personal in the spec, and say whose they are: subject: %s", entity)
	}
	v, err := e.store.Vault()
	if err != nil {
		return Forgetting{}, err
	}
	personal := contract.PersonalKeys(entity)
	f, ok, err := v.Forget(entity, key, personal)
	switch {
	case err != nil:
		return Forgetting{}, err
	case ok:
		offset, err := e.finishForgetting(ctx, v, f, note)
		return Forgetting{Pseudonym: f.Pseudonym.String(), Offset: offset}, err
	case personal:
		return Forgetting{}, nil
	}
	offset, err := e.control(ctx, control.TypeForget, control.Forgotten{Entity: entity, Key: key, Note: note})
	return Forgetting{Offset: offset}, err
}

func (e *Engine) finishForgetting(ctx context.Context, v *vault.Vault, f vault.Forgotten, note control.Note) (orrery.Offset, error) {
	offset, err := e.control(ctx, control.TypeForget, control.Forgotten{Entity: f.Entity, Key: f.Key, Pseudonym: f.Pseudonym.String(), Note: note})
	if err != nil {
		return 0, err
	}
	return offset, v.Finish(f.Pseudonym)
}

// resumeForgetting finishes what a crash cut short between a key's destruction
// and the rest.
func (e *Engine) resumeForgetting(ctx context.Context) error {
	if !e.Plan().Spec.Contract.HasPersonal() {
		return nil
	}
	v, err := e.store.Vault()
	if err != nil {
		return err
	}
	for _, f := range v.Unfinished() {
		if _, err := e.finishForgetting(ctx, v, f, control.Note{Reason: "begun before the last start"}); err != nil {
			return err
		}
	}
	return nil
}

// Mask gives the event as it is shown to whom personal fields are not: with the
// mask for each.
func Mask(e orrery.Event) orrery.Event {
	return replacePersonal(e, func(*orrery.Field, orrery.Value) orrery.Value { return orrery.StringValue(orrery.PersonalMask) })
}

// Reveal gives the event as it was sent, with the keys that pseudonyms stand for.
func (r *Reader) Reveal(e orrery.Event) (orrery.Event, error) {
	var failed error
	out := replacePersonal(e, func(f *orrery.Field, v orrery.Value) orrery.Value {
		if f.Kept() {
			name, err := r.Name(v.Text())
			if err != nil {
				failed = err
			}
			return orrery.EntityValue(name)
		}
		return v
	})
	return out, failed
}

// Name gives the key that a pseudonym stands for, and the pseudonym itself where
// it stands for none any more.
func (r *Reader) Name(pseudonym string) (string, error) {
	p, ok := orrery.PseudonymOf(pseudonym)
	if !ok {
		return pseudonym, nil
	}
	v, err := r.store.Vault()
	if err != nil {
		return "", err
	}
	name, ok, err := v.Name(p)
	if err != nil || !ok {
		return pseudonym, err
	}
	return name, nil
}

func replacePersonal(e orrery.Event, with func(*orrery.Field, orrery.Value) orrery.Value) orrery.Event {
	if !e.Type.HasPersonal() {
		return e
	}
	e.Values = slices.Clone(e.Values)
	for i := range e.Values {
		if f := &e.Type.Fields[i]; f.Personal && !e.Values[i].IsMissing() {
			e.Values[i] = with(f, e.Values[i])
		}
	}
	return e
}
