// Package policy turns a score and features into an action: rules are tried in
// order and the first that holds fires.
package policy

import (
	"orrery.dev"
	"orrery.dev/expr"
)

// Rule gives an action when its condition holds. A nil When always holds.
type Rule struct {
	When   *expr.Program
	Action string
}

// Policy is an ordered list of rules, the last of them unconditional.
type Policy struct{ rules []Rule }

// New makes a policy. It refuses a list whose last rule has a condition, since
// there is always an answer.
func New(rules []Rule) (*Policy, error) {
	if len(rules) == 0 || rules[len(rules)-1].When != nil {
		return nil, orrery.Errorf(orrery.Invalid, "policy_without_end", "the policy's last rule has a condition").
			WithNext("end the policy with a rule that has an action alone")
	}
	return &Policy{rules: append([]Rule(nil), rules...)}, nil
}

// Decide gives the first rule that holds, by its index, and its action. A
// condition that reads a missing value does not hold.
func (p *Policy) Decide(in *expr.Input) (rule int, action string) {
	for i, r := range p.rules {
		if r.When == nil {
			return i, r.Action
		}
		if holds, known := r.When.Bool(in); holds && known {
			return i, r.Action
		}
	}
	last := len(p.rules) - 1
	return last, p.rules[last].Action
}
