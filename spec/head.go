package spec

import (
	"path/filepath"
	"slices"
	"strings"

	"orrery.dev/declare"
)

// file checks the path of a file that stands beside the spec, or below it. A spec
// can come from elsewhere than the machine that reads the file, so no path leads
// out of there.
func (c *checker) file(n *node) bool {
	if strings.Contains(n.text, `\`) || !filepath.IsLocal(filepath.FromSlash(n.text)) {
		c.errorf(n, "path_outside", "`%s` is not the path of a file beside this one, or below it", shorten(n.text)).
			note("copy the file there, and write its path from here with /: models/model.onnx")
		return false
	}
	return true
}

// kindOf gives the declaration of a kind of model, nil where there is none.
func (c *checker) kindOf(name string) *declare.Kind {
	if i := slices.IndexFunc(c.reg.Models, func(k declare.Kind) bool { return k.Name == name }); i >= 0 {
		return &c.reg.Models[i]
	}
	return nil
}

// resolveHead resolves the head of a network, or what goes with having none.
func (c *checker) resolveHead(n *node, m *Model) {
	kind := c.kindOf(m.Kind)
	if kind == nil || !kind.Heads {
		return
	}
	if head := n.find("head"); head != nil {
		if head.shape == mapping {
			m.Head = &Head{Kind: textOf(head, "kind"), Params: map[string]any{}}
			c.params(m.Head.Params, c.kindOf(m.Head.Kind), head.find("params"), true)
		}
		if c.kindOf(textOf(head, "kind")) == nil {
			m.Head = &Head{Params: map[string]any{}} // told already
		}
		if outputs := n.find("outputs"); outputs != nil {
			c.at(n.key("outputs").at, outputs.path, "outputs_with_head", "`outputs` says what the outputs of a network stand for, and here the head has the outputs").
				note("leave it out, or the head")
		}
		if n.find("train") == nil && !n.partial && !c.misspelt(n, "train") && !c.lost["train"] {
			c.errorf(n, "missing_key", "`model` has no `train`, which says what its head is fitted on").note("for example: train: {range: 30d}")
		}
		return
	}
	if n.partial || c.misspelt(n, "head") || c.lost["head"] {
		m.Head = &Head{Params: map[string]any{}}
		return
	}
	for key, why := range map[string]string{
		"features": "a network without a head reads the text alone",
		"train":    "a network without a head is complete, and nothing of it is fitted here",
	} {
		if v := n.find(key); v != nil && !v.filled {
			c.at(n.key(key).at, v.path, "no_head", "`%s` is for a head, and the model has none: %s", key, why).note("add a head, such as head: {kind: logistic}, or leave it out")
		}
	}
	m.Whole = true
	c.resolveOutputs(n.find("outputs"), m)
}

// The outcomes of a label of true and false, as outputs of a network.
var outcomes = []string{"negative", "positive"}

// resolveOutputs asks that the outputs of a network stand for each class once.
func (c *checker) resolveOutputs(n *node, m *Model) {
	if n == nil || n.bad {
		return
	}
	known := names{list: c.classes, open: c.lost["label"] || c.lost["classes"]}
	if len(c.classes) == 0 {
		known.list = outcomes
	}
	named, _ := m.Params["outputs"].([]string)
	for _, item := range n.list() {
		if !item.bad && !slices.Contains(known.list, item.text) {
			c.unresolved(item, "unknown_class", "class", item.text, &known)
		}
	}
	var missing []string
	for _, class := range known.list {
		if !slices.Contains(named, class) && !(len(c.classes) == 0 && class == outcomes[0]) {
			missing = append(missing, class)
		}
	}
	if len(missing) > 0 && !known.open && !n.partial {
		c.errorf(n, "output_missing", "no output of the network stands for %s", quoted(missing)).
			note("name every class of the label once, in the order of the network's outputs")
	}
}

// severalWith asks of a model of labels of which several classes can be right that
// its kind, or that of its head, learns them.
func (c *checker) severalWith(n *node, m *Model) {
	kind, at := c.kindOf(m.Kind), n.key("kind")
	if m.Head != nil && m.Head.Kind != "" {
		kind, at = c.kindOf(m.Head.Kind), n.find("head").key("kind")
	}
	if kind == nil || kind.Several {
		return
	}
	c.errorf(at, "several_not_learned", "several classes of the label can be right at once, which a model of kind `%s` does not learn", kind.Name)
	for i := range c.reg.Models {
		if other := &c.reg.Models[i]; other.Several && (m.Head == nil || other.Head) {
			c.last().note("use a model of kind `%s`, or a label of which one class is right", other.Name)
			break
		}
	}
}
