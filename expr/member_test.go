package expr

import (
	"math"
	"slices"
	"testing"

	"orrery.dev"
)

func TestMembership(t *testing.T) {
	e, err := NewEnv(Options{}, append(testVars(), MemberVar(order, 2, "blocked", 2), MemberVar(order, 0, "blocked", 3)))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text         string
		on           float64
		value, known bool
	}{
		{"order.buyer in lists.blocked", 1, true, true},
		{"order.buyer in lists.blocked", 0, false, true},
		{"order.buyer in lists.blocked", math.NaN(), false, false},
		{"!(order.buyer in lists.blocked) && score > 0.5", 0, true, true},
		{"order.buyer in lists.blocked || score > 0.5", math.NaN(), true, true},
		{"order.id in lists.blocked", 1, false, true},
	} {
		p := mustCompile(t, e, test.text)
		value, known := p.Bool(&Input{Event: &orrery.Event{}, Vector: []float64{0.75, 0, test.on, 0}})
		if value != test.value || known != test.known {
			t.Errorf("%s at %v: %v, %v", test.text, test.on, value, known)
		}
		if again := mustCompile(t, e, p.Canonical()); again.Canonical() != p.Canonical() {
			t.Errorf("%s: %s is %s", test.text, p.Canonical(), again.Canonical())
		}
	}
	if vars := mustCompile(t, e, "order.buyer in lists.blocked").Vars(); !slices.Contains(vars, "order.buyer in lists.blocked") {
		t.Errorf("it reads %v", vars)
	}
	if _, err := NewEnv(Options{}, []Var{MemberVar(order, 3, "blocked", 0)}); orrery.CodeOf(err) != "expression_variable_invalid" {
		t.Errorf("a list of amounts: %v", err)
	}
}
