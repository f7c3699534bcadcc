package expr

import (
	"math"
	"slices"
	"testing"

	"orrery.dev"
)

func TestMembership(t *testing.T) {
	e, err := NewEnv(Options{}, append(testVars(), ListVar(Member, order, 2, "blocked", 2), ListVar(Member, order, 0, "blocked", 3)))
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
	if _, err := NewEnv(Options{}, []Var{ListVar(Member, order, 3, "blocked", 0)}); orrery.CodeOf(err) != "expression_variable_invalid" {
		t.Errorf("a list of amounts: %v", err)
	}
}

func TestQuestionsToLists(t *testing.T) {
	e, err := NewEnv(Options{}, append(testVars(), ListVar(Member, order, 0, "words", 2), ListVar(Member, order, 0, "words.rude", 3),
		ListVar(EntryValue, order, 2, "limits", 4), ListVar(MatchCount, order, 0, "words", 5)))
	if err != nil {
		t.Fatal(err)
	}
	in := &Input{Event: &orrery.Event{}, Vector: []float64{0.75, 0, 1, 0, 0.5, 3}}
	for text, want := range map[string]float64{
		"order.id in lists.words":                                    1,
		"order.id in lists.words.rude":                               0,
		"order.buyer.value(lists.limits)":                            0.5,
		"order.id.count(lists.words)":                                3,
		"score >= order.buyer.value(lists.limits)":                   1,
		"order.id.count(lists.words) * 2":                            6,
		"coalesce(order.buyer.value(lists.limits), 1) > 0.4 && true": 1,
	} {
		p := mustCompile(t, e, text)
		if got := p.Number(in); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		if again := mustCompile(t, e, p.Canonical()); again.Canonical() != p.Canonical() {
			t.Errorf("%s: %s is %s", text, p.Canonical(), again.Canonical())
		}
	}
	in.Vector[4] = math.NaN()
	if got := mustCompile(t, e, "order.buyer.value(lists.limits)").Number(in); got == got {
		t.Errorf("a missing value is %v", got)
	}
	for text, code := range map[string]string{
		"order.id.value(lists.limits) > 1":      "expression_type",
		"order.buyer.value(lists.limit) > 1":    "expression_unknown_name",
		"order.id.value(lists.words) > 1":       "expression_type",
		"order.id in lists.words.ruude":         "expression_unknown_name",
		"order.id.count() > 1":                  "expression_type",
		"order.id.count(lists.wrods) > 1":       "expression_unknown_name",
		"count(order.id, order.id) > 1":         "expression_type",
		"order.nothing.value(lists.limits) > 1": "expression_unknown_name",
	} {
		if _, issues := e.Compile(text); len(issues) != 1 || issues[0].Code != code {
			t.Errorf("%s: %v", text, issues)
		}
	}
}
