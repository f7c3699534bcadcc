package expr

import (
	"testing"

	"cel.dev/cel-go/cel"
)

// sink keeps the compiler from dropping what is measured.
var sink float64

// measured are expressions, and the same in plain CEL; its getHours in a zone is
// given the zone.
var measured = []struct{ name, location, text, cel string }{
	{"amount", "UTC", "order.amount > 5", "order.amount > 5.0"},
	{"night", "UTC", "order.at.getHours() <= 6", "order.at.getHours() <= 6"},
	{"weekend", "UTC", "order.at.getDayOfWeek() in [0, 6]", "order.at.getDayOfWeek() in [0, 6]"},
	{"night-paris", "Europe/Paris", "order.at.getHours() <= 6", "order.at.getHours('Europe/Paris') <= 6"},
	{"policy", "UTC", "score >= 0.9 && order.amount > 100 || risk > 0.5 && action != 'block'",
		"score >= 0.9 && order.amount > 100.0 || risk > 0.5 && action != 'block'"},
	{"arithmetic", "UTC", "order.amount * (score - risk) / (1 + order.items)", "order.amount * (score - risk) / (1.0 + order.items)"},
	{"age", "UTC", "order.shipped - order.at > 2d", "order.shipped - order.at > duration('172800s')"},
}

// BenchmarkEval measures a program beside cel-go's evaluation of the same
// expression with its own library, constants folded, and its variables ready in
// a map.
func BenchmarkEval(b *testing.B) {
	for _, m := range measured {
		in := full()
		p := mustCompile(b, testEnv(b, m.location), m.text)
		b.Run(m.name+"/program", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = p.Number(in)
			}
		})
		program, activation := plainCEL(b, m.cel), (&oracle{vars: testVars()}).activation(in)
		b.Run(m.name+"/cel-go", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := program.Eval(activation); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func plainCEL(b *testing.B, text string) cel.Program {
	b.Helper()
	var options []cel.EnvOption
	for _, v := range testVars() {
		options = append(options, cel.Variable(v.Name, celTypes[v.Type]))
	}
	e, err := cel.NewEnv(options...)
	if err != nil {
		b.Fatal(err)
	}
	tree, issues := e.Compile(text)
	if issues.Err() != nil {
		b.Fatal(issues.Err())
	}
	program, err := e.Program(tree, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		b.Fatal(err)
	}
	return program
}

func BenchmarkCompile(b *testing.B) {
	env := testEnv(b, "Europe/Paris")
	for b.Loop() {
		if p, _ := env.Compile("order.at.getDayOfWeek() in [0, 6] && order.amount > 5"); p == nil {
			b.Fatal("refused")
		}
	}
}

func TestEvaluationAllocatesNothing(t *testing.T) {
	in := full()
	for _, m := range measured {
		p := mustCompile(t, testEnv(t, m.location), m.text)
		if n := testing.AllocsPerRun(100, func() { sink = p.Number(in) }); n != 0 {
			t.Errorf("%s allocates %v times", m.text, n)
		}
	}
	p := mustCompile(t, testEnv(t, "UTC"), "order.id.matches('^[A-Z][a-z]+-[0-9]$') && order.id.size() == 7 && action.lower() == 'block'")
	if n := testing.AllocsPerRun(100, func() { sink = p.Number(in) }); n != 0 {
		t.Errorf("functions of text allocate %v times", n)
	}
}
