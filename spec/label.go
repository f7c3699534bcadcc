package spec

import (
	"slices"

	"orrery.dev"
)

// ClassOf reads an outcome of a label with classes: it gives the index of the
// class, or of several the orrery.LabelSet. known is false for one that is neither.
func (l *Label) ClassOf(outcome string) (class int64, known bool) {
	if l.Several {
		set, ok := orrery.ParseLabels(outcome, l.Classes)
		return int64(set), ok
	}
	k := slices.Index(l.Classes, outcome)
	return int64(k), k >= 0
}

// ClassText writes what ClassOf reads.
func (l *Label) ClassText(class int64) string {
	if l.Several {
		return orrery.LabelSet(class).Text(l.Classes)
	}
	return l.Classes[class]
}

// Outcomes gives the outcomes that a person chooses from: the classes, with none of
// them where several can be right at once, or true and false.
func (l *Label) Outcomes() []string {
	switch {
	case l == nil || l.Classes == nil:
		return []string{"true", "false"}
	case l.Several:
		return append(slices.Clone(l.Classes), orrery.NoLabel)
	}
	return slices.Clone(l.Classes)
}

// checkSeveral asks of a label of which several classes can be right for what goes
// with that.
func (c *checker) checkSeveral(root, n *node, l *Label) {
	several := n.find("several")
	if several == nil || several.bad || several.value != true {
		return
	}
	list := n.find("classes")
	switch {
	case list == nil:
		l.Several = false
		c.errorf(several, "several_without_classes", "several classes can be right, and the label names none").note("name them: classes: [toxic, threat, insult]")
	case len(l.Classes) > orrery.MostLabels:
		c.errorf(list, "bad_classes", "at most %d classes can be right at once, and this lists %d", orrery.MostLabels, len(l.Classes))
	}
	for _, item := range list.list() {
		if item.text == orrery.NoLabel {
			c.errorf(item, "class_none", "`none` is the outcome that no class is right, and cannot be a class").note("leave it out: it is understood")
		}
	}
}

// severalLearned asks for a model that learns several labels at once.
func (c *checker) severalLearned(n *node, m *Model) {
	if !c.several {
		return
	}
	c.severalWith(n, m)
	if train := n.get("train"); train != nil && train.shape == mapping && train.find("class_weight") != nil {
		c.errorf(train.find("class_weight"), "several_weighted", "a row can be of several classes here, so no class has rows of its own to weigh").note("leave it out; `balance` among the params makes rare classes count for more")
	}
}
