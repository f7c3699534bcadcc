package expr

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// values are a few numbers that literals are drawn from, what lies between and
// beyond them, and a missing one.
var values = []float64{math.NaN(), -1, 0, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2}

func drawCondition(t *rapid.T, depth int) string {
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "shape") > 0 {
		sign := rapid.SampledFrom([]string{"&&", "||"}).Draw(t, "sign")
		return fmt.Sprintf("(%s %s %s)", drawCondition(t, depth-1), sign, drawCondition(t, depth-1))
	}
	name := rapid.SampledFrom([]string{"score", "risk"}).Draw(t, "name")
	number := rapid.SampledFrom([]string{"0", "0.3", "0.5", "1"})
	switch rapid.IntRange(0, 4).Draw(t, "atom") {
	case 0:
		return fmt.Sprintf("%s in [%s, %s]", name, number.Draw(t, "a"), number.Draw(t, "b"))
	case 1:
		return "!has(" + name + ")"
	case 2:
		return fmt.Sprintf("%s %s %s", number.Draw(t, "a"), rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op"), name)
	}
	return fmt.Sprintf("%s %s %s", name, rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op"), number.Draw(t, "a"))
}

// TestImpliesIsSound tries every combination of values on conditions of which
// one is said to imply the other, or to hold nowhere.
func TestImpliesIsSound(t *testing.T) {
	e := testEnv(t, "UTC")
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawCondition(t, 2), drawCondition(t, 1)
		p, _ := e.Compile(a)
		q, _ := e.Compile(b)
		if p == nil || q == nil {
			t.Fatal(a, b)
		}
		claims, no := p.Implies(q), p.Never(map[string][2]float64{"score": {0, 1}})
		for _, score := range values {
			for _, risk := range values {
				in := &Input{Vector: []float64{score, risk}}
				if holds, _ := p.Bool(in); !holds {
					continue
				}
				if other, _ := q.Bool(in); claims && !other {
					t.Fatalf("%s is said to imply %s, and does not at score %v, risk %v", a, b, score, risk)
				}
				if no && !(score < 0) && !(score > 1) {
					t.Fatalf("%s is said to hold nowhere, and does at score %v, risk %v", a, score, risk)
				}
			}
		}
	})
}

func TestImplies(t *testing.T) {
	e := testEnv(t, "UTC")
	for _, test := range []struct {
		p, q string
		want bool
	}{
		{"score >= 0.5", "score >= 0.3", true},
		{"score >= 0.3", "score >= 0.5", false},
		{"score > 0.5", "score >= 0.5", true},
		{"score >= 0.5", "score > 0.5", false},
		{"0.5 <= score", "score > 0.3", true},
		{"score == 0.5", "score >= 0.3 && score in [0.5, 0.7]", true},
		{"score >= 0.5 && order.rush", "order.rush", true},
		{"order.rush || score > 0.9", "score > 0.9", false},
		{"order.amount * 2.0 > 7", "order.amount * 2.0 > 5", true},
		{"score >= 0.5", "risk >= 0.3", false},
	} {
		if got := mustCompile(t, e, test.p).Implies(mustCompile(t, e, test.q)); got != test.want {
			t.Errorf("%s implies %s: %v", test.p, test.q, got)
		}
	}
}

func TestNever(t *testing.T) {
	e := testEnv(t, "UTC")
	bounds := map[string][2]float64{"score": {0, 1}}
	for text, want := range map[string]bool{
		"score > 1": true, "score >= 1": false, "score < 0 || score == 2": true, "risk > 1": false, "risk > 1 && risk < 1": true,
		"risk in [1, 2] && risk > 2": true, "risk in [1, 2] && risk in [2, 3]": false, "order.rush && false": true,
	} {
		if got := mustCompile(t, e, text).Never(bounds); got != want {
			t.Errorf("%s never holds: %v", text, got)
		}
	}
}
