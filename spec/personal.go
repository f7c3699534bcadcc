package spec

import (
	"orrery.dev"
	"orrery.dev/expr"
)

// resolveSubject resolves whose the personal fields of an event are, and refuses
// fields that cannot be personal.
func (c *checker) resolveSubject(t *orrery.EventType, event *node) {
	var personal *node
	for i := range t.Fields {
		f := &t.Fields[i]
		if !f.Personal {
			continue
		}
		n := event.find("fields").find(f.Name).written("personal")
		if personal == nil {
			personal = n
		}
		if i == t.IDField || i == t.TimeField {
			c.errorf(n, "personal_id", "`%s` is what an event is known by for good, so it cannot be personal", f.Name).
				note("give events an id that says nothing of a person")
		}
	}
	n := event.written("subject")
	switch {
	case n == nil && personal != nil:
		c.errorf(personal, "no_subject", "the event `%s` has personal fields and does not say whose they are", t.Name).
			note("name the entity field that they are about: `subject: %s`", firstOr(entityFields(t), "FIELD"))
		return
	case n == nil || n.bad:
		return
	}
	i := c.own(t, n)
	if i < 0 {
		return
	}
	f := &t.Fields[i]
	switch {
	case f.Type != orrery.Entity:
		c.errorf(n, "bad_subject", "a subject is an entity, and `%s` is %s", f.Name, article(f.Type.String()))
	case f.Optional:
		c.errorf(n, "optional_subject", "what is personal is kept under the key of its subject, and `%s` is optional", f.Name)
	case personal == nil && !c.openEvents[t.Name]:
		c.errorf(n, "subject_of_nothing", "the event `%s` has no personal field that could be of `%s`", t.Name, f.Name).
			note("mark the fields that are: {type: string, personal: true}")
	default:
		t.Subject = f.Name
	}
}

func entityFields(t *orrery.EventType) []string {
	var out []string
	for i := range t.Fields {
		if t.Fields[i].Type == orrery.Entity && !t.Fields[i].Optional {
			out = append(out, t.Fields[i].Name)
		}
	}
	return out
}

// personalKeys refuses an entity whose keys are personal in one place and not in
// another: one key would be two.
func (c *checker) personalKeys(events *node) {
	for _, t := range c.spec.Contract.Events {
		for i := range t.Fields {
			f := &t.Fields[i]
			if f.Type != orrery.Entity || f.Personal || !c.spec.Contract.PersonalKeys(f.Entity) {
				continue
			}
			if n := events.find(t.Name).find("fields").find(f.Name); n != nil {
				c.errorf(n, "personal_mixed", "the keys of `%s` are personal in another field, so they are in `%s.%s` too", f.Entity, t.Name, f.Name).
					note("write it as {type: entity, entity: %s, personal: true}", f.Entity)
			}
		}
	}
}

// keeps refuses that a personal field is read by what is kept beyond the event:
// it would be there in the clear, and be missing when replay counts again what
// has been forgotten.
func (c *checker) keeps(n *node, t *orrery.EventType, field int) bool {
	f := &t.Fields[field]
	if f.Kept() {
		return true
	}
	c.errorf(n, "personal_kept", "`%s.%s` is personal, and this keeps what it reads", t.Name, f.Name).
		note("only an expression about the event itself can read it, as in `%s: %s.%s`", f.Name, t.Name, f.Name)
	return false
}

// keepsNone is keeps for each field that a condition on an event reads.
func (c *checker) keepsNone(n *node, t *orrery.EventType, p *expr.Program) {
	for _, name := range p.Vars() {
		for i := range t.Fields {
			if t.Name+"."+t.Fields[i].Name == name {
				c.keeps(n, t, i)
			}
		}
	}
}

// readsNoKey refuses an expression that reads a personal key, in whose place a
// pseudonym stands.
func (c *checker) readsNoKey(n *node, p *expr.Program) bool {
	for _, name := range p.Vars() {
		for _, t := range c.spec.Contract.Events {
			for i := range t.Fields {
				if f := &t.Fields[i]; t.Name+"."+f.Name == name && f.Personal && f.Type == orrery.Entity && p.Reads(name) {
					c.errorf(n, "personal_key", "`%s` is a personal key: a random pseudonym stands in its place", name).
						note("it can be counted by, and asked whether it is on a list: `%s in lists.NAME`", name)
					return false
				}
			}
		}
	}
	return true
}
