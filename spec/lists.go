package spec

import (
	"strings"

	"orrery.dev"
	"orrery.dev/expr"
)

// resolveLists resolves the lists and the fields of the event decided on that
// each is of.
func (c *checker) resolveLists(root *node) {
	n := root.find("lists")
	c.lists.open = n == nil && (root.partial || c.lost["lists"]) || n != nil && (n.shape != mapping || n.partial)
	if n == nil || n.shape != mapping {
		return
	}
	for _, e := range n.entries {
		if e.ignored {
			continue
		}
		l := List{Name: e.key.text}
		c.reserved(e.key, celKeywords, "list")
		of := e.value
		if of.shape == mapping {
			l.About, of = textOf(of, "about"), of.get("of")
		}
		known := false
		if of != nil && !of.bad && c.spec.DecideOn != nil {
			l.Of = of.text
			l.Fields, known = c.listedFields(of, c.spec.DecideOn)
		}
		c.lists.add(l.Name, !known || e.key.bad)
		c.spec.Lists = append(c.spec.Lists, l)
	}
}

// listedFields gives the fields of an event that hold what a list is of; ok is
// false where that is not known.
func (c *checker) listedFields(of *node, t *orrery.EventType) (fields []int, ok bool) {
	if strings.Contains(of.text, ".") {
		_, i := c.fieldOf(of)
		if i < 0 {
			return nil, false
		}
		event, _, _ := strings.Cut(of.text, ".")
		if event != t.Name {
			c.errorf(of, "wrong_event", "a list is of a field of the event decided on, `%s`", t.Name)
			return nil, false
		}
		if f := &t.Fields[i]; f.Type != orrery.String && f.Type != orrery.Entity {
			c.errorf(of, "wrong_field_type", "a list holds keys or strings, and `%s` is %s", of.text, article(f.Type.String()))
			return nil, false
		}
		return []int{i}, c.keeps(of, t, i)
	}
	if !c.knownEntity(of) {
		return nil, false
	}
	for i := range t.Fields {
		if t.Fields[i].Type == orrery.Entity && t.Fields[i].Entity == of.text {
			fields = append(fields, i)
		}
	}
	if len(fields) == 0 && !c.openEvents[t.Name] {
		c.errorf(of, "entity_not_in_event", "the event `%s` has no field of `%s`, so nothing could be asked of the list", t.Name, of.text)
	}
	return fields, len(fields) > 0
}

// listed gives the features that lists make, in their order.
func (c *checker) listed() []Feature {
	var out []Feature
	for i, l := range c.spec.Lists {
		for _, field := range l.Fields {
			v := expr.MemberVar(c.spec.DecideOn, field, l.Name, 0)
			out = append(out, Feature{Name: v.Name, Declared: v.Name, About: l.About, Listed: &Listed{List: i, Field: field}})
		}
	}
	return out
}
