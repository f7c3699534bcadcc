package spec

import (
	"math"
	"slices"
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
			c.resolveEntries(of, &l)
			l.About, of = textOf(of, "about"), of.get("of")
		}
		known := false
		if of != nil && !of.bad && c.spec.DecideOn != nil {
			l.Of = of.text
			l.Fields, known = c.listedFields(of, c.spec.DecideOn, l.Terms)
		}
		c.lists.add(l.Name, !known || e.key.bad)
		c.spec.Lists = append(c.spec.Lists, l)
	}
}

// listedFields gives the fields of an event that hold what a list is of; ok is
// false where that is not known. What terms are looked for in may be personal,
// since the list does not keep it.
func (c *checker) listedFields(of *node, t *orrery.EventType, terms bool) (fields []int, ok bool) {
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
		if !terms {
			return []int{i}, c.keeps(of, t, i)
		}
		if t.Fields[i].Type != orrery.String {
			c.errorf(of, "wrong_field_type", "terms are looked for in a string, and `%s` is %s", of.text, article(t.Fields[i].Type.String()))
		}
		return []int{i}, t.Fields[i].Type == orrery.String
	}
	if terms {
		if c.knownEntity(of) {
			c.errorf(of, "wrong_field_type", "terms are looked for in a string of the event decided on, and `%s` is an entity", of.text).note("as in: of: %s", c.someString())
		}
		return nil, false
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

// resolveEntries resolves what a list's entries are and have.
func (c *checker) resolveEntries(n *node, l *List) {
	l.Terms = textOf(n, "match") == matchTerms
	if of := n.find("categories"); of != nil && !of.bad {
		for _, item := range of.list() {
			if slices.Contains(l.Categories, item.text) {
				c.errorf(item, "duplicate_item", "`%s` is listed twice", item.text)
				continue
			}
			l.Categories = append(l.Categories, item.text)
		}
		if match := n.find("match"); !l.Terms && (match == nil || !match.bad) {
			c.at(n.key("categories").at, of.path, "misplaced_key", "`categories` are those of terms").note("say that it is a list of them: match: terms")
		}
	}
	value := n.written("value")
	if value == nil || value.shape != mapping {
		return
	}
	v := &ListValue{Min: math.Inf(-1), Max: math.Inf(1)}
	v.Default, _ = valueOf[float64](value, "default")
	if x, ok := valueOf[float64](value, "min"); ok {
		v.Min = x
	}
	if x, ok := valueOf[float64](value, "max"); ok {
		v.Max = x
	}
	l.Value = v
	switch at := value.find("default"); {
	case v.Min > v.Max:
		c.errorf(value.find("min"), "min_above_max", "`min` is above `max`")
	case at != nil && !at.bad && (v.Default < v.Min || v.Default > v.Max):
		c.errorf(at, "out_of_bounds", "`default` is %s, and is not between `min` and `max`", at.text)
	}
}

// matchTerms is the word for a list of terms.
const matchTerms = "terms"

// listed gives the features that lists make, in their order.
func (c *checker) listed() []Feature {
	var out []Feature
	for i := range c.spec.Lists {
		l := &c.spec.Lists[i]
		for _, field := range l.Fields {
			for _, ask := range l.questions() {
				ask.List, ask.Field = i, field
				v := c.listVar(ask, 0)
				out = append(out, Feature{Name: v.Name, Declared: v.Name, About: l.About, Listed: &ask})
			}
		}
	}
	return out
}

// questions lists what can be asked of a list about a field.
func (l *List) questions() []Listed {
	out := []Listed{{Question: expr.Member}}
	for _, category := range l.Categories {
		out = append(out, Listed{Question: expr.Member, Category: category})
	}
	if l.Value != nil {
		out = append(out, Listed{Question: expr.EntryValue})
	}
	if l.Terms {
		out = append(out, Listed{Question: expr.MatchCount})
	}
	return out
}

// listVar gives the variable of what is asked of a list, at an index of vectors.
func (c *checker) listVar(ask Listed, index int) expr.Var {
	name := c.spec.Lists[ask.List].Name
	if ask.Category != "" {
		name += "." + ask.Category
	}
	return expr.ListVar(ask.Question, c.spec.DecideOn, ask.Field, name, index)
}
