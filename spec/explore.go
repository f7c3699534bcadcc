package spec

import (
	"slices"
	"strconv"

	"orrery.dev/declare"
)

// Explore says that a share of the decisions for one action get another, so
// that their outcomes are learned.
type Explore struct {
	Action, Instead string
	// Share is the probability of Instead, in (0, 0.5].
	Share float64
}

func exploreField() declare.Field {
	return declare.Field{Name: "explore", Type: declare.Mapping, List: true,
		Doc: "Lets a small share of the decisions for an action through, drawn by chance, so that training and measurement go on knowing what would have come of them. The record of a decision says what the policy chose, what was done, and with which probability (its propensity). Where `label.unknown_when` holds for the action, each decision that was let through weighs 1/share in training and in metrics: it stands for those of its kind whose outcome is hidden, which are left out. At most one for each action; a system that is paused explores nothing.",
		Fields: []declare.Field{
			{Name: "action", Type: declare.Name, Required: true, Example: "block", Doc: "The action of the policy that is explored."},
			{Name: "instead", Type: declare.Name, Required: true, Example: "review", Doc: "The action of the policy that the share gets."},
			{Name: "share", Type: declare.Number, Required: true, Above: declare.Bound(0), Max: declare.Bound(0.5), Example: "0.01",
				Doc: "The probability with which a decision for the action gets the other. At 0.01, one that is let through stands for a hundred."},
		}}
}

// resolveExplore resolves which actions are left to chance.
func (c *checker) resolveExplore(root *node) {
	n := root.get("explore")
	if n == nil {
		return
	}
	known, explored := c.actions(root), map[string]bool{}
	for _, item := range n.list() {
		if item.shape != mapping {
			continue
		}
		x := Explore{Action: c.exploredAction(item, "action", &known), Instead: c.exploredAction(item, "instead", &known)}
		x.Share, _ = valueOf[float64](item, "share")
		switch {
		case x.Action == "":
		case x.Action == x.Instead:
			c.errorf(item.find("instead"), "explores_nothing", "`%s` instead of `%s` explores nothing", x.Instead, x.Action).
				note("name an action that lets the outcome be learned")
		case explored[x.Action]:
			c.errorf(item.find("action"), "duplicate_item", "`%s` is explored twice", x.Action)
		}
		explored[x.Action] = true
		c.spec.Explore = append(c.spec.Explore, x)
	}
	c.needsLabel(root, n)
	if l := c.spec.Label; l != nil && root.get("label").written("unknown_when") == nil {
		c.errorf(root.key("explore"), "explore_without_unknown", "the label hides no outcome, so what is let through teaches nothing more").
			note("say which outcomes are never learned: label: {unknown_when: 'action == %q'}", firstAction(c.spec.Explore)).warn()
	}
}

// exploredAction gives an action named by a key, which a decision must be able
// to have; empty where there is a fault.
func (c *checker) exploredAction(n *node, key string, known *names) string {
	v := n.get(key)
	if v == nil {
		return ""
	}
	if !slices.Contains(known.list, v.text) {
		c.unresolved(v, "unknown_action", "action", v.text, known)
		return ""
	}
	return v.text
}

func firstAction(explored []Explore) string {
	for _, x := range explored {
		if x.Action != "" {
			return x.Action
		}
	}
	return "block"
}

// stopping are names of actions that keep a thing from happening.
var stopping = []string{"block", "decline", "deny", "refuse", "reject"}

// hiddenOutcomes warns of the trap that a label falls into when the policy
// stops things: nothing bad comes of what was stopped, so it is learned as good.
func (c *checker) hiddenOutcomes(root *node) {
	label := root.get("label")
	if label == nil || c.spec.Label == nil || label.partial || label.written("unknown_when") != nil || c.misspelt(label, "unknown_when") ||
		root.find("model") == nil || root.find("explore") != nil {
		return
	}
	as := strconv.FormatBool(c.spec.Label.Absent)
	if l := c.spec.Label; len(l.Classes) > 0 {
		if l.AbsentClass < 0 {
			return // silence is not learned at all
		}
		as = "`" + l.ClassText(l.AbsentClass) + "`"
	}
	for _, r := range c.spec.Policy {
		if slices.Contains(stopping, r.Action) {
			c.errorf(root.key("label"), "hidden_outcomes", "nothing says that the outcome of `%s` is unknown, so silence about it is learned as %s", r.Action, as).
				note("add unknown_when: 'action == %q', or unknown_when: 'false' where its outcome is learned all the same", r.Action).warn()
			return
		}
	}
}
