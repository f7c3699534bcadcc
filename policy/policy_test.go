package policy_test

import (
	"math"
	"testing"

	"orrery.dev"
	"orrery.dev/expr"
	"orrery.dev/policy"
)

func rule(t *testing.T, when, action string) policy.Rule {
	t.Helper()
	if when == "" {
		return policy.Rule{Action: action}
	}
	env, err := expr.NewEnv(expr.Options{}, []expr.Var{expr.VectorVar("score", 0)})
	if err != nil {
		t.Fatal(err)
	}
	program, issues := env.Compile(when)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	return policy.Rule{When: program, Action: action}
}

func TestTheFirstRuleThatHoldsFires(t *testing.T) {
	p, err := policy.New([]policy.Rule{rule(t, "score >= 0.9", "block"), rule(t, "score >= 0.5", "review"), rule(t, "", "approve")}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		score  float64
		rule   int
		action string
	}{
		{0.95, 0, "block"}, {0.9, 0, "block"}, {math.Nextafter(0.9, 0), 1, "review"}, {0.5, 1, "review"}, {0.49, 2, "approve"},
		{math.NaN(), 2, "approve"}, // a missing score holds no condition
	} {
		if i, action := p.Decide(&expr.Input{Vector: []float64{test.score}}); i != test.rule || action != test.action {
			t.Errorf("score %v: rule %d, %s; want rule %d, %s", test.score, i, action, test.rule, test.action)
		}
	}
}

func TestAPolicyHasAnEnd(t *testing.T) {
	for _, rules := range [][]policy.Rule{nil, {rule(t, "score > 0.5", "block")}} {
		if _, err := policy.New(rules, ""); orrery.CodeOf(err) != "policy_without_end" {
			t.Errorf("%d rules: %v", len(rules), err)
		}
	}
}

func TestTheFallbackTakesThePlaceOfTheLastRule(t *testing.T) {
	rules := []policy.Rule{rule(t, "score >= 0.9", "block"), rule(t, "!has(score)", "look"), rule(t, "", "approve")}
	for _, test := range []struct {
		fallback   string
		rules      []policy.Rule
		rule       int
		action     string
		outright   int
		atOutright string
	}{
		// A rule that needs no score answers without one.
		{"review", rules, 1, "look", policy.NoRule, "review"},
		{"review", []policy.Rule{rules[0], rules[2]}, policy.NoRule, "review", policy.NoRule, "review"},
		{"", []policy.Rule{rules[0], rules[2]}, 1, "approve", 1, "approve"},
	} {
		p, err := policy.New(test.rules, test.fallback)
		if err != nil {
			t.Fatal(err)
		}
		if i, action := p.WithoutScore(&expr.Input{Vector: []float64{math.NaN()}}); i != test.rule || action != test.action {
			t.Errorf("%q without a score: rule %d, %s; want %d, %s", test.fallback, i, action, test.rule, test.action)
		}
		if i, action := p.Fallback(); i != test.outright || action != test.atOutright {
			t.Errorf("%q: rule %d, %s; want %d, %s", test.fallback, i, action, test.outright, test.atOutright)
		}
	}
}
