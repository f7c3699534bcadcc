package spec

import (
	"maps"
	"slices"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/expr"
)

// resolveText resolves the field that is read as text.
func (c *checker) resolveText(root *node) {
	of := root.find("text")
	if of == nil || of.bad {
		return
	}
	var languages []string
	if of.shape == mapping {
		if list := of.find("languages"); list != nil && !list.bad {
			languages = c.texts(list)
		}
		of = of.get("of")
	}
	if of == nil || of.bad || c.spec.DecideOn == nil {
		return
	}
	t, i := c.fieldOf(of)
	switch {
	case i < 0:
	case t != c.spec.DecideOn:
		c.errorf(of, "wrong_event", "the text is one of the event decided on, `%s`", c.spec.DecideOn.Name)
	case t.Fields[i].Type != orrery.String:
		c.errorf(of, "wrong_field_type", "a text is a string, and `%s` is %s", of.text, article(t.Fields[i].Type.String()))
	default:
		c.spec.Text = &Text{Field: i, Languages: languages}
	}
}

// modelText asks for a text where the model reads one.
func (c *checker) modelText(root, n *node, m *Model) {
	i := slices.IndexFunc(c.reg.Models, func(k declare.Kind) bool { return k.Name == m.Kind })
	if i < 0 {
		return
	}
	m.ReadsWords = c.speaks(m)
	if m.ReadsText = c.reg.Models[i].ReadsText; m.ReadsText {
		c.needsText(root, n.key("kind"), "a model of kind `"+m.Kind+"` reads a text")
	}
}

// needsText reports what makes no sense without a text.
func (c *checker) needsText(root, n *node, why string) {
	if c.spec.Text != nil || n == nil || root.find("text") != nil || root.partial || c.lost["text"] {
		return
	}
	c.errorf(n, "no_text", "%s, and the file does not say which", why).note("name a string of the event decided on: text: %s", c.someString())
}

// someString names a string of the event decided on that could be meant.
func (c *checker) someString() string {
	if t := c.spec.DecideOn; t != nil {
		for i := range t.Fields {
			if t.Fields[i].Type == orrery.String && i != t.IDField {
				return t.Name + "." + t.Fields[i].Name
			}
		}
	}
	return "EVENT.FIELD"
}

// resolveWith resolves the numbers that go with an action.
func (c *checker) resolveWith(root, n *node, env *scope, r *Rule) {
	if n == nil || n.shape != mapping {
		return
	}
	for _, e := range n.entries {
		if e.ignored || e.value.bad {
			continue
		}
		p := c.compile(e.value, env)
		if p == nil {
			continue
		}
		if p.Type() != expr.Number {
			c.errorf(e.value, "not_a_number_with", "what goes with an action is a number, and this is %s", article(p.Type().String()))
			continue
		}
		c.needsModel(root, e.value, p)
		r.With = append(r.With, Param{Name: e.key.text, Value: p})
	}
}

// maskModel is the word for what the model's score came of.
const maskModel = "model"

// resolveMask resolves what of the text a rule masks.
//
// Masks are `model` and the lists of terms of the text, lists.NAME or, of terms of
// one category, lists.NAME.CATEGORY.
func (c *checker) resolveMask(root, item *node, r *Rule) {
	n := item.find("mask")
	if n == nil || n.bad {
		return
	}
	c.needsText(root, item.key("mask"), "`mask` is of a text")
	seen := map[string]bool{}
	masks := c.listMasks()
	known := names{list: append([]string{maskModel}, slices.Sorted(maps.Keys(masks))...), open: c.lists.open}
	for _, m := range n.list() {
		mask, isList := masks[m.text]
		switch {
		case seen[m.text]:
			c.errorf(m, "duplicate_item", "`%s` is listed twice", m.text)
		case isList:
			r.Mask = append(r.Mask, mask)
		case m.text != maskModel:
			c.unresolved(m, "unknown_mask", "mask", m.text, &known)
		case c.spec.Model != nil && !c.spec.Model.ReadsText:
			c.errorf(m, "mask_without_text_model", "the model reads no text, so nothing of the text speaks for its score")
		case c.spec.Model != nil && !c.spec.Model.ReadsWords:
			c.errorf(m, "mask_without_text_model", "the model is a network, which does not say what of the text speaks for its score").
				note("mask what a list finds, or put a head on the network that reads the words too")
		default:
			r.Mask = append(r.Mask, Mask{Model: true})
		}
		seen[m.text] = true
	}
}

// speaks reports whether a model reads the words of a text, and so can say what of it
// spoke for a score: a network does not, unless its head does.
func (c *checker) speaks(m *Model) bool {
	kind := c.kindOf(m.Kind)
	if kind != nil && kind.Heads {
		if m.Head == nil {
			return false
		}
		kind = c.kindOf(m.Head.Kind)
	}
	return kind == nil || kind.ReadsText
}

// listMasks gives what lists of terms of the text can mask, by its name.
func (c *checker) listMasks() map[string]Mask {
	out := map[string]Mask{}
	for i := range c.spec.Lists {
		l := &c.spec.Lists[i]
		if !l.Terms || c.spec.Text == nil || !slices.Contains(l.Fields, c.spec.Text.Field) {
			continue
		}
		out["lists."+l.Name] = Mask{List: i}
		for _, category := range l.Categories {
			out["lists."+l.Name+"."+category] = Mask{List: i, Category: category}
		}
	}
	return out
}
