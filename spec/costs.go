package spec

import (
	"fmt"

	"orrery.dev/expr"
)

// resolveCosts makes a rule's condition of its costs.
func (c *checker) resolveCosts(root, n *node, r *Rule) {
	if root.find("model") == nil && !root.partial && !c.lost["model"] {
		c.errorf(n, "no_model", "`costs` weigh a score, and the file has no model to give one")
	}
	env := c.decisionEnv(decisionScope{})
	if len(c.classes) > 0 {
		c.errorf(n, "positives_only", "`costs` weigh the score of a positive, and the label has classes").note("write a condition on the scores of classes: when: scores.%s >= 0.5", c.classes[0])
		return
	}
	costs := &Costs{Missed: c.cost(n.get("missed"), env), FalseAlarm: c.cost(n.get("false_alarm"), env), Unit: textOf(n, "unit")}
	if costs.Missed == nil || costs.FalseAlarm == nil {
		return
	}
	r.Costs = costs
	scored := c.decisionEnv(decisionScope{score: true})
	if scored == nil {
		return
	}
	text := fmt.Sprintf("score * %s > (1 - score) * %s", costs.Missed.Canonical(), costs.FalseAlarm.Canonical())
	program, issues := scored.env.Compile(text)
	for _, issue := range issues {
		c.errorf(n, issue.Code, "the costs make the condition `%s`: %s", text, issue.Message)
	}
	r.When = program
	if m := c.spec.Model; m != nil && !m.Train.Calibrate && !m.Whole {
		c.at(n.at, n.path, "costs_uncalibrated", "costs weigh the score as a probability, and the model's scores are not calibrated").
			warn().note("calibrate them: train: {calibrate: true}")
	}
}

// cost compiles a cost, nil where it has a fault.
func (c *checker) cost(n *node, env *scope) *expr.Program {
	if n == nil || n.bad {
		return nil
	}
	p := c.compile(n, env)
	if p != nil && p.Type() != expr.Number {
		c.errorf(n, "not_a_number", "a cost is a number, and `%s` is %s", leaf(n.path), article(p.Type().String()))
		return nil
	}
	return p
}
