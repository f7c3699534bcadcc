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

// NoRule stands in the place of a rule's index where the fallback action
// answers.
const NoRule = -1

// Policy is an ordered list of rules, the last of them unconditional, and the
// action that answers where the ordinary path cannot.
type Policy struct {
	rules    []Rule
	fallback Rule
	// fallbackIndex is that of the rule which the fallback is, or NoRule.
	fallbackIndex int
}

// New makes a policy. An empty fallback is the last rule. New refuses a list
// whose last rule has a condition, since there is always an answer.
func New(rules []Rule, fallback string) (*Policy, error) {
	if len(rules) == 0 || rules[len(rules)-1].When != nil {
		return nil, orrery.Errorf(orrery.Invalid, "policy_without_end", "the policy's last rule has a condition").
			WithNext("end the policy with a rule that has an action alone")
	}
	p := &Policy{rules: append([]Rule(nil), rules...), fallback: Rule{Action: fallback}, fallbackIndex: NoRule}
	if fallback == "" {
		p.fallbackIndex = len(rules) - 1
		p.fallback = rules[p.fallbackIndex]
	}
	return p, nil
}

// Decide gives the first rule that holds, by its index, and its action. A
// condition that reads a missing value does not hold.
func (p *Policy) Decide(in *expr.Input) (rule int, action string) {
	last := len(p.rules) - 1
	for i := range p.rules[:last] {
		if p.rules[i].holds(in) {
			return i, p.rules[i].Action
		}
	}
	return last, p.rules[last].Action
}

// WithoutScore is Decide where the score, missing from in, should have been
// there: the fallback action takes the place of the last rule.
func (p *Policy) WithoutScore(in *expr.Input) (rule int, action string) {
	if rule, action = p.Decide(in); rule == len(p.rules)-1 {
		return p.Fallback()
	}
	return rule, action
}

// Fallback gives the fallback action, and the index of its rule or NoRule.
func (p *Policy) Fallback() (rule int, action string) { return p.fallbackIndex, p.fallback.Action }

func (r *Rule) holds(in *expr.Input) bool {
	if r.When == nil {
		return true
	}
	holds, known := r.When.Bool(in)
	return holds && known
}
