package spec

import (
	"slices"

	"orrery.dev"
	"orrery.dev/declare"
)

// scoresOf comes before the name of a class where an expression reads its score,
// chosenOf where it asks whether the model chooses it, of several that can be right.
const (
	scoresOf = "scores."
	chosenOf = "chosen."
)

// maxClasses bounds the classes of a label.
const maxClasses = 1000

// labelClasses gives the classes of the label, as far as they are well formed;
// nil where it has none.
func labelClasses(root *node) []string {
	n := root.find("label")
	if n == nil || n.shape != mapping {
		return nil
	}
	list := n.find("classes")
	if list == nil || list.bad {
		return nil
	}
	var out []string
	for _, item := range list.list() {
		if !item.bad && !slices.Contains(out, item.text) {
			out = append(out, item.text)
		}
	}
	return out
}

// outcomeType reports an outcome whose type does not go with its classes.
func (c *checker) outcomeType(n, from *node, l *Label) {
	f, list := l.Event.Fields[l.Field], n.find("classes")
	switch {
	case list == nil && f.Type == orrery.String:
		c.errorf(from, "label_not_bool", "an outcome is a bool, and `%s` is a string", from.text).
			note("if it has one of a few values, name them: classes: [spam, abuse, fine]")
	case list == nil && f.Type != orrery.Bool:
		c.errorf(from, "label_not_bool", "an outcome is a bool, or a string of classes, and `%s` is %s", from.text, article(f.Type.String()))
	case list == nil || list.bad:
	case f.Type != orrery.String:
		c.errorf(list, "classes_of_no_string", "`classes` are values of a string, and `%s` is %s", from.text, article(f.Type.String()))
	default:
		c.checkClasses(list)
	}
}

func (c *checker) checkClasses(list *node) {
	items := list.list()
	if len(items) < 2 && !list.partial && (list.shape != sequence || len(items) == len(list.items)) || len(items) > maxClasses {
		c.errorf(list, "bad_classes", "a label has 2 to %d classes, and this lists %d", maxClasses, len(items))
		return
	}
	seen := map[string]bool{}
	for _, item := range items {
		if seen[item.text] {
			c.errorf(item, "duplicate_item", "`%s` is listed twice", item.text)
		}
		seen[item.text] = true
	}
}

// resolveAbsent resolves what silence means.
func (c *checker) resolveAbsent(l *Label, n *node) {
	switch {
	case n == nil || n.bad:
	case len(l.Classes) > 0:
		var known bool
		if l.AbsentClass, known = l.ClassOf(n.text); !known {
			l.AbsentClass = -1
			known := names{list: l.Outcomes()}
			c.unresolved(n, "unknown_class", "class", n.text, &known)
		}
	case n.shape != scalar:
		c.wrong(n, declare.Field{Type: declare.Bool})
	case c.boolean(n):
		l.Absent = n.value.(bool)
	}
}

// resolveMonotone resolves the constraints on inputs.
func (c *checker) resolveMonotone(m *Model, n *node) {
	if n == nil || n.shape != mapping {
		return
	}
	if len(c.classes) > 0 {
		c.errorf(n, "monotone_classes", "`monotone` is for a label of true and false, and this one has several classes")
		return
	}
	names := c.features.scalarNames()
	m.Monotone = make([]int8, len(m.Features))
	for _, way := range []int8{1, -1} {
		list := n.find(map[int8]string{1: "increasing", -1: "decreasing"}[way])
		if list == nil || list.bad {
			continue
		}
		for _, item := range list.list() {
			for _, name := range c.matching(item, names) {
				c.constrain(m, item, name, way)
			}
		}
	}
}

// constrain enters a constraint on an input.
func (c *checker) constrain(m *Model, item *node, name string, way int8) {
	at := slices.IndexFunc(m.Features, func(i int) bool { return i == c.indexOf(name) })
	switch {
	case at < 0:
		c.errorf(item, "monotone_input", "`%s` is no input of the model", name).note("list it under the model's features")
	case c.isCategory(name):
		c.errorf(item, "monotone_category", "`%s` is a text, which has no order to be monotone in", name)
	case m.Monotone[at] == -way:
		c.errorf(item, "monotone_twice", "`%s` cannot be both increasing and decreasing", name)
	default:
		m.Monotone[at] = way
	}
}

// indexOf gives the index in Spec.Features of a scalar.
func (c *checker) indexOf(name string) int {
	d := c.features.owner[name]
	return d.first + slices.IndexFunc(d.scalars, func(f Feature) bool { return f.Name == name })
}

// resolveClassWeight resolves the weights of the classes.
func (c *checker) resolveClassWeight(m *Model, n *node) {
	if n == nil || n.bad {
		return
	}
	if n.shape == scalar {
		m.Train.Balanced = true
		return
	}
	classes := c.classes
	if len(classes) == 0 {
		classes = []string{"negative", "positive"}
	}
	m.Train.ClassWeights = make([]float64, len(classes))
	for k := range classes {
		m.Train.ClassWeights[k] = 1
	}
	known := names{list: classes}
	for _, e := range n.entries {
		if e.ignored {
			continue
		}
		k := slices.Index(classes, e.key.text)
		if k < 0 {
			c.unresolved(e.key, "unknown_class", "class", e.key.text, &known)
			continue
		}
		if x, ok := e.value.value.(float64); ok {
			m.Train.ClassWeights[k] = x
		}
	}
}
