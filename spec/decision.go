package spec

import (
	"cmp"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/expr"
)

// resolveModel resolves the model's inputs and parameters.
func (c *checker) resolveModel(root *node) {
	n := root.get("model")
	if n == nil {
		return
	}
	m := &Model{Kind: textOf(n, "kind"), Params: make(map[string]any)}
	if list := n.find("features"); list != nil && !list.bad {
		m.Features = c.modelFeatures(list)
	}
	c.modelParams(m, n)
	c.resolveHead(n, m)
	c.modelText(root, n, m)
	m.Train.Range, _ = valueOf[orrery.Duration](n.get("train"), "range")
	m.Train.Calibrate, _ = valueOf[bool](n.get("train"), "calibrate")
	c.spec.Model = m
	c.severalLearned(n, m)
	c.resolveMonotone(m, n.get("monotone"))
	if train := n.get("train"); train != nil && train.shape == mapping && !c.several {
		c.resolveClassWeight(m, train.find("class_weight"))
	}
	c.needsLabel(root, n)
}

// needsLabel reports a block that makes no sense without a label.
func (c *checker) needsLabel(root, n *node) {
	if root.find("label") == nil && !root.partial && !c.lost["label"] && !slices.ContainsFunc(c.diags, func(d *Diagnostic) bool { return d.Suggestion == "label" }) {
		c.errorf(n, "no_label", "`%s` needs a label, and the file has none", leaf(n.path)).
			note("say what the outcome is: label: {from: EVENT.FIELD, match: FIELD, matures_after: 7d}")
	}
}

// modelParams fills every parameter that the kind declares, and every key of its
// own.
func (c *checker) modelParams(m *Model, n *node) {
	kind := c.kindOf(m.Kind)
	if kind == nil {
		return
	}
	c.params(m.Params, kind, n.find("params"), false)
	c.setParams(m.Params, kind.Keys, n)
}

// params fills every parameter that a kind declares, those that a head has not left
// out where it is one.
func (c *checker) params(to map[string]any, kind *declare.Kind, n *node, head bool) {
	if kind == nil {
		return
	}
	fields := kind.Fields
	if head {
		fields = slices.DeleteFunc(slices.Clone(fields), func(f declare.Field) bool { return f.Alone })
	}
	if n == nil || n.shape != mapping {
		n = &node{shape: mapping}
		c.walkMapping(n, declare.Field{Type: declare.Mapping, Fields: fields})
	}
	c.setParams(to, fields, n)
}

func (c *checker) setParams(to map[string]any, fields []declare.Field, n *node) {
	for _, f := range fields {
		switch v := n.get(f.Name); {
		case v == nil:
		case f.List:
			to[f.Name] = c.texts(v)
		default:
			to[f.Name] = v.value
		}
	}
}

// texts gives the items of a list of texts, each once.
func (c *checker) texts(list *node) []string {
	var out []string
	for _, item := range list.list() {
		if slices.Contains(out, item.text) {
			c.errorf(item, "duplicate_item", "`%s` is listed twice", item.text)
			continue
		}
		out = append(out, item.text)
	}
	return out
}

// modelFeatures resolves the list of inputs, its patterns expanded.
func (c *checker) modelFeatures(list *node) []int {
	names := c.features.scalarNames()
	var out []int
	written, taken := make(map[string]bool), make(map[int]bool)
	for _, item := range list.list() {
		if written[item.text] {
			c.errorf(item, "duplicate_item", "`%s` is listed twice", item.text)
			continue
		}
		written[item.text] = true
		matches := c.matching(item, names)
		for _, name := range matches {
			i := c.indexOf(name)
			if !taken[i] {
				out, taken[i] = append(out, i), true
			}
		}
	}
	return out
}

// matching gives the scalars that an item of the model's list names.
func (c *checker) matching(item *node, names []string) []string {
	if !strings.Contains(item.text, "*") {
		if d := c.features.owner[item.text]; d != nil && !d.vague {
			return []string{item.text}
		}
		if d := c.features.byName[item.text]; d != nil && !d.vague && len(d.scalars) > 0 {
			c.errorf(item, "unknown_feature", "`%s` has one value for each window", item.text).suggest(item.text + "_*")
			return nil
		}
		c.unknownFeature(item, names)
		return nil
	}
	parts := strings.Split(item.text, "*")
	var out []string
	for _, name := range names {
		if fits(parts, name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 && !c.mayMatch(item.text) {
		c.errorf(item, "empty_pattern", "no feature matches `%s`", item.text)
		prefix := strings.TrimRight(strings.TrimSuffix(item.text, "*"), "_")
		if near := nearest(prefix, c.features.names.list); near != "" {
			c.last().suggest(near + "_*")
		}
	}
	return out
}

// fits reports whether a name is the parts of a pattern with anything between.
func fits(parts []string, name string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = after
	}
	return true
}

// mayMatch reports whether a pattern may match features that a fault hides.
func (c *checker) mayMatch(pattern string) bool {
	if c.features.names.open || len(c.lost) > 0 {
		return true
	}
	prefix, _, _ := strings.Cut(pattern, "*")
	for _, d := range c.features.list {
		if d.vague && (strings.HasPrefix(d.name, prefix) || strings.HasPrefix(prefix, d.name)) {
			return true
		}
	}
	return false
}

// resolveLabel resolves the outcome and how it is matched.
func (c *checker) resolveLabel(root *node) {
	n := root.get("label")
	if n == nil || n.shape != mapping {
		return
	}
	l := &Label{Field: -1, Match: -1, Against: -1, AbsentClass: -1}
	if from := n.get("from"); from != nil {
		l.Event, l.Field = c.fieldOf(from)
		l.Classes, l.Several = c.classes, c.several
		if l.Field >= 0 {
			c.outcomeType(n, from, l)
		}
		if l.Event != nil && l.Event == c.spec.DecideOn {
			c.errorf(from, "label_of_decision", "the outcome comes from another event than the one decided on")
		}
	}
	c.checkSeveral(root, n, l)
	if match := n.get("match"); match != nil && l.Event != nil {
		c.resolveMatch(l, match)
	}
	l.MaturesAfter, _ = valueOf[orrery.Duration](n, "matures_after")
	c.resolveAbsent(l, n.get("absent"))
	if when := n.get("unknown_when"); when != nil {
		l.UnknownWhen = c.condition(when, c.decisionEnv(decisionScope{score: true, action: true}))
		c.needsModel(root, when, l.UnknownWhen)
	}
	c.spec.Label = l
}

func (c *checker) resolveMatch(l *Label, n *node) {
	l.Match = c.own(l.Event, n)
	decided := c.spec.DecideOn
	if l.Match < 0 || decided == nil || decided.IDField < 0 {
		return
	}
	l.Against = decided.IDField
	f, id := l.Event.Fields[l.Match], decided.Fields[decided.IDField]
	if f.Type != id.Type {
		c.errorf(n, "match_type", "`%s.%s` is %s, and the id it must equal, `%s.%s`, is %s",
			l.Event.Name, f.Name, article(f.Type.String()), decided.Name, id.Name, article(id.Type.String()))
	}
}

// needsModel reports an expression that reads a score where there is no model.
func (c *checker) needsModel(root, n *node, p *expr.Program) {
	if p != nil && slices.ContainsFunc(p.Vars(), isScore) && root.find("model") == nil && !root.partial && !c.lost["model"] {
		c.errorf(n, "no_model", "`%s` reads the score, and the file has no model to give one", leaf(n.path))
	}
}

// isScore reports whether a variable is a score of the model.
func isScore(name string) bool {
	return name == "score" || name == "class" || strings.HasPrefix(name, scoresOf) || strings.HasPrefix(name, chosenOf)
}

// resolvePolicy resolves the rules. The last, and no other, has no condition.
func (c *checker) resolvePolicy(root *node) {
	n := root.find("policy")
	if n == nil || n.bad || n.shape == empty || n.shape == unknown || n.shape == sequence && len(n.items) == 0 {
		return
	}
	items := []*node{n}
	if n.shape == sequence {
		items = n.items
	}
	env := c.decisionEnv(decisionScope{score: true})
	var end *node
	for _, item := range items {
		if item.shape != mapping {
			continue
		}
		if end != nil {
			c.errorf(item, "unreachable_rule", "this rule is never reached").
				note("the rule on line %d has no condition, so it always fires", end.at.line)
		}
		r := Rule{Action: textOf(item, "action"), Line: item.at.line}
		when, costs := item.find("when"), item.find("costs")
		if when != nil && costs != nil {
			c.at(item.key("costs").at, costs.path, "two_conditions", "a rule has a condition or costs, not both").
				note("put the condition into a cost: missed: CONDITION ? COST : 0")
		}
		switch {
		case costs != nil:
			if when == nil && costs.shape == mapping {
				c.resolveCosts(root, costs, &r)
			}
		case when == nil && !item.partial && !c.misspelt(item, "when") && !c.misspelt(item, "costs"):
			if end == nil {
				end = item
			}
		case when != nil && !when.bad:
			r.When = c.condition(when, env)
			c.needsModel(root, when, r.When)
			c.reachable(when, &r)
		}
		c.resolveWith(root, item.get("with"), env, &r)
		c.resolveMask(root, item, &r)
		c.spec.Policy = append(c.spec.Policy, r)
	}
	if last := items[len(items)-1]; end == nil && last.shape == mapping && (last.find("when") != nil || last.find("costs") != nil) {
		c.errorf(last, "policy_without_end", "the last rule has a condition, so there may be no answer").
			note("end with a rule that has an action alone: {action: %s}", cmp.Or(textOf(last, "action"), "approve"))
	}
}

// resolveAnswer resolves how decisions are answered.
func (c *checker) resolveAnswer(root *node) {
	n := root.get("answer")
	if n == nil || n.shape != mapping {
		return
	}
	a := &c.spec.Answer
	known := c.actions(root)
	a.Deadline, _ = valueOf[orrery.Duration](n, "deadline")
	if f := n.get("fallback"); f != nil && !f.bad {
		a.Fallback = f.text
		if near := nearest(f.text, known.list); near != "" && !slices.Contains(known.list, f.text) && !known.open {
			c.errorf(f, "unknown_action", "no rule gives the action `%s`", f.text).suggest(near).warn()
		}
		known = c.actions(root)
	}
	reasons := n.get("reasons")
	if reasons == nil || reasons.shape != mapping {
		return
	}
	a.ReasonsTop, _ = valueOf[int](reasons, "top")
	list := reasons.find("for")
	if list == nil || list.bad {
		return
	}
	a.ReasonsFor = c.namedActions(list, &known)
	if root.find("model") == nil && !root.partial && !c.lost["model"] {
		c.errorf(reasons, "no_model", "`reasons` are those of a score, and the file has no model to give one")
	}
}

// actions gives the actions that a decision can have, as far as resolved.
func (c *checker) actions(root *node) names {
	list := c.spec.Actions()
	return names{list: list, open: root.find("policy") == nil || slices.Contains(list, "")}
}

// scoreBounds are what a score lies between: it is a probability.
var scoreBounds = map[string][2]float64{"score": {0, 1}}

// reachable warns of a rule that cannot fire: its condition holds nowhere, or
// only where that of a rule before it does.
func (c *checker) reachable(n *node, r *Rule) {
	if r.When == nil {
		return
	}
	if r.When.Never(scoreBounds) {
		c.errorf(n, "unreachable_rule", "this rule never fires: its condition cannot hold").warn()
		if slices.Contains(r.When.Vars(), "score") {
			c.last().note("a score lies between 0 and 1")
		}
		return
	}
	for _, earlier := range c.spec.Policy {
		if earlier.When != nil && r.When.Implies(earlier.When) {
			c.errorf(n, "unreachable_rule", "this rule never fires: whenever its condition holds, so does that of the rule on line %d", earlier.Line).
				warn().note("put the stricter rule first, or leave this one out")
			return
		}
	}
}

// misspelt reports whether a key that is none was likely meant to be the one
// named.
func (c *checker) misspelt(n *node, key string) bool {
	return slices.ContainsFunc(n.entries, func(e entry) bool {
		return e.ignored && nearest(e.key.text, []string{key}) == key
	})
}

// resolveEvaluate resolves the entities that a measurement needs.
func (c *checker) resolveEvaluate(root *node) {
	n := root.get("evaluate")
	if n == nil || n.shape != mapping {
		return
	}
	e := &Evaluate{LeaveOutKnown: -1, By: -1}
	for _, key := range []struct {
		name string
		to   *int
	}{{"leave_out_known", &e.LeaveOutKnown}, {"by", &e.By}} {
		if v := n.get(key.name); v != nil && c.spec.DecideOn != nil {
			*key.to = c.entityField(v, c.spec.DecideOn)
		} else if v != nil {
			c.knownEntity(v)
		}
	}
	e.K, _ = valueOf[int](n, "precision_at")
	at, by := n.written("precision_at"), n.written("by")
	switch {
	case at != nil && by == nil && !c.misspelt(n, "by"):
		c.at(n.key("precision_at").at, at.path, "missing_key", "`precision_at` needs `by`").note("say which entities are ranked: by: %s", firstOr(c.entities.list, "ENTITY"))
	case by != nil && at == nil && !c.misspelt(n, "precision_at"):
		c.at(n.key("by").at, by.path, "missing_key", "`by` needs `precision_at`").note("say how many entities of a day are looked at: precision_at: 100")
	}
	c.needsLabel(root, n)
	if len(c.classes) > 0 {
		c.errorf(n, "positives_only", "`evaluate` asks about positives, and the label has classes").note("leave it out; a label of classes has metrics of its own")
	}
	c.spec.Evaluate = e
}
