package orrery

import (
	"fmt"
	"slices"
	"strings"
)

// View says how a record is read: it was written under one contract, and is
// wanted as an event of another that extends it.
type View struct {
	Written, Current *Contract
	// Opener decrypts what is personal; with nil it is read as erased.
	Opener Opener
}

// ContractFault is one way in which a contract is not an extension of another.
type ContractFault struct {
	// Code is stable: field_removed.
	Code string `json:"code"`
	// Path is the place in a spec: events.order.fields.amount.
	Path    string `json:"path"`
	Message string `json:"message"`
	// Next says what to do.
	Next string `json:"next"`
}

func (f ContractFault) String() string { return f.Path + ": " + f.Message + "; " + f.Next }

// ContractFaults is every fault of a changed contract, as one error.
type ContractFaults []ContractFault

func (f ContractFaults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = "\n  " + f[i].String()
	}
	return strings.Join(lines, "")
}

// Contradictions leaves out what next merely lacks: a release made before the
// contract was extended lacks the rest and can still be put in force.
func (f ContractFaults) Contradictions() ContractFaults {
	return slices.DeleteFunc(slices.Clone(f), func(f ContractFault) bool { return strings.HasSuffix(f.Code, "_removed") })
}

// Merge gives the contract that has all of c, each thing in its place, and
// behind it what only next has: so an event recorded under c has the first
// fields of the merged type. Words for people are next's. The faults are
// everything by which next is not c with something added; an addition to an
// event type must be optional or have a default.
func (c *Contract) Merge(next *Contract) (*Contract, ContractFaults) {
	m := merge{out: &Contract{Entities: slices.Clone(c.Entities)}}
	for _, name := range c.Entities {
		if !next.HasEntity(name) {
			m.fault("entity_removed", "entities", "the entity `"+name+"` is gone", "add it to `entities` again")
		}
	}
	for _, name := range next.Entities {
		if !c.HasEntity(name) {
			m.out.Entities = append(m.out.Entities, name)
		}
	}
	for _, was := range c.Events {
		is := next.Event(was.Name)
		if is == nil {
			m.fault("event_removed", "events."+was.Name, "the event `"+was.Name+"` is gone", "declare it again; nothing needs to send it")
			m.add(was)
			continue
		}
		m.event(was, is)
	}
	for _, is := range next.Events {
		if c.Event(is.Name) == nil {
			m.add(is)
		}
	}
	return m.out, m.faults
}

type merge struct {
	out    *Contract
	faults ContractFaults
}

func (m *merge) fault(code, path, message, next string) {
	m.faults = append(m.faults, ContractFault{code, path, message, next})
}

func (m *merge) add(t *EventType) {
	added := *t
	added.Index, added.Fields = len(m.out.Events), slices.Clone(t.Fields)
	m.out.Events = append(m.out.Events, &added)
}

func (m *merge) event(was, is *EventType) {
	path := "events." + was.Name
	for _, key := range []struct {
		name    string
		was, is string
	}{{"id", was.Fields[was.IDField].Name, is.Fields[is.IDField].Name}, {"time", was.Fields[was.TimeField].Name, is.Fields[is.TimeField].Name}} {
		if key.was != key.is {
			m.fault("event_"+key.name+"_changed", path+"."+key.name, fmt.Sprintf("the %s was the field `%s` and is now `%s`", key.name, key.was, key.is),
				fmt.Sprintf("write `%s: %s`, or declare a new event", key.name, key.was))
		}
	}
	if a, b := was.correctionWords(), is.correctionWords(); a != b {
		m.fault("event_corrects_changed", path, fmt.Sprintf("the event %s, and now %s", a, b), "restore it, or declare a new event")
	}
	m.add(was)
	out := m.out.Events[len(m.out.Events)-1]
	out.About = is.About
	m.subject(path, out, is)
	for i := range out.Fields {
		f := &out.Fields[i]
		j := is.Field(f.Name)
		if j < 0 {
			m.removed(path+".fields."+f.Name, f, was, is)
			continue
		}
		m.field(path+".fields."+f.Name, f, &is.Fields[j])
		f.Unit, f.About = is.Fields[j].Unit, is.Fields[j].About
	}
	for _, f := range is.Fields {
		if was.Field(f.Name) >= 0 {
			continue
		}
		if !f.Optional && f.Default.IsMissing() {
			m.fault("field_without_default", path+".fields."+f.Name, fmt.Sprintf("the field `%s` is new, and what is recorded has no value for it", f.Name),
				"give it a `default`, or make it `optional: true`")
		}
		out.Fields = append(out.Fields, f)
	}
}

// subject merges whose the personal fields are: a type without such fields can
// get some, all of one subject.
func (m *merge) subject(path string, out, is *EventType) {
	switch {
	case out.Subject == is.Subject:
	case out.Subject == "":
		out.Subject = is.Subject
	case is.Subject == "":
		m.fault("event_subject_removed", path+".subject", "the subject `"+out.Subject+"` is gone", "write `subject: "+out.Subject+"` again")
	default:
		m.fault("event_subject_changed", path+".subject", fmt.Sprintf("the subject was the field `%s` and is now `%s`", out.Subject, is.Subject),
			"what is recorded is under the key of the one it was; restore it, or declare a new event")
	}
}

func (t *EventType) correctionWords() string {
	switch {
	case t.Corrects == nil:
		return "corrected nothing"
	case t.Corrects.Withdraws < 0:
		return "corrected `" + t.Corrects.Event + "`"
	}
	return "corrected `" + t.Corrects.Event + "` and withdrew it by `" + t.Fields[t.Corrects.Withdraws].Name + "`"
}

// removed words a field that is gone: as renamed, where just one new field of
// its type could be it.
func (m *merge) removed(path string, f *Field, was, is *EventType) {
	next := "declare it again"
	var like []string
	for i := range is.Fields {
		if g := &is.Fields[i]; was.Field(g.Name) < 0 && g.Type == f.Type && g.Entity == f.Entity && g.Scale == f.Scale {
			like = append(like, g.Name)
		}
	}
	if len(like) == 1 {
		next = fmt.Sprintf("if `%s` is its new name, call it `%s` again: a recorded field keeps its name", like[0], f.Name)
	}
	m.fault("field_removed", path, "the field `"+f.Name+"` is gone", next)
}

func (m *merge) field(path string, was, is *Field) {
	changed := func(differs bool, what, a, b string) {
		if differs {
			m.fault("field_"+what+"_changed", path, fmt.Sprintf("the %s was %s and is now %s", what, a, b),
				fmt.Sprintf("restore it, or add a field of another name with the new %s", what))
		}
	}
	if was.Type != is.Type {
		changed(true, "type", "`"+was.Type.String()+"`", "`"+is.Type.String()+"`")
		return
	}
	changed(was.Entity != is.Entity, "entity", "`"+was.Entity+"`", "`"+is.Entity+"`")
	changed(was.Scale != is.Scale, "scale", fmt.Sprint(was.Scale), fmt.Sprint(is.Scale))
	changed(was.Optional != is.Optional, "optional", fmt.Sprint(was.Optional), fmt.Sprint(is.Optional))
	if was.Personal != is.Personal {
		m.fault("field_personal_changed", path, fmt.Sprintf("personal was %v and is now %v", was.Personal, is.Personal),
			"what is recorded stays as it was written: restore it, or start a new data directory")
	}
	if was.Scale != is.Scale {
		return // The rest is in units of the scale.
	}
	changed(was.Default != is.Default, "default", valueWords(was.Default, was.Scale), valueWords(is.Default, is.Scale))
	changed(was.Min != is.Min, "min", valueWords(was.Min, was.Scale), valueWords(is.Min, is.Scale))
	changed(was.Max != is.Max, "max", valueWords(was.Max, was.Scale), valueWords(is.Max, is.Scale))
}

func valueWords(v Value, scale int) string {
	if v.IsMissing() {
		return "none"
	}
	return "`" + v.Format(scale) + "`"
}

// Adopt makes e an event of c, which declares e's type with the same fields and
// perhaps more: what e lacks gets its default. Events that have c's own type
// stay as they are. It fails where c has no such type, or e a field that c
// lacks, with an Error of kind Internal.
func (c *Contract) Adopt(e *Event) error {
	if i := e.Type.Index; i < len(c.Events) && c.Events[i] == e.Type {
		return nil
	}
	t := c.Event(e.Type.Name)
	if t == nil {
		return Errorf(Internal, "contract_mismatch", "there is no event type %q in the contract in force", e.Type.Name)
	}
	if e.Type.startsLike(t) {
		// The capacity is cut, since the values may be part of a larger slice.
		e.Values = t.WithDefaults(e.Values[:len(e.Values):len(e.Values)])
		e.Type = t
		return nil
	}
	values := make([]Value, len(t.Fields))
	for i := range t.Fields {
		values[i] = t.Fields[i].Default
	}
	for i, v := range e.Values {
		j := t.Field(e.Type.Fields[i].Name)
		if j < 0 || t.Fields[j].Type != e.Type.Fields[i].Type {
			return Errorf(Internal, "contract_mismatch", "the event type %q of the contract in force has no such field %q", t.Name, e.Type.Fields[i].Name)
		}
		if !v.IsMissing() {
			values[j] = v
		}
	}
	e.Type, e.Values = t, values
	return nil
}

// startsLike reports whether t's fields are the first of other's.
func (t *EventType) startsLike(other *EventType) bool {
	if len(t.Fields) > len(other.Fields) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != other.Fields[i].Name || t.Fields[i].Type != other.Fields[i].Type {
			return false
		}
	}
	return true
}

// WithDefaults appends to the values of the type's first fields those that the
// others have by default.
func (t *EventType) WithDefaults(values []Value) []Value {
	for i := len(values); i < len(t.Fields); i++ {
		values = append(values, t.Fields[i].Default)
	}
	return values
}
