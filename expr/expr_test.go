package expr

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestFiles runs testdata: "check" prints an expression's faults with a caret
// under each, or else its type, cost, canonical form and variables; "eval" prints
// the value of each line with every variable there, and with none.
func TestFiles(t *testing.T) {
	env := testEnv(t, "Europe/Paris")
	datadriven.Walk(t, "testdata/cases", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out bytes.Buffer
			for _, text := range strings.Split(d.Input, "\n") {
				switch d.Cmd {
				case "check":
					check(&out, env, text)
				case "eval":
					p := mustCompile(t, env, text)
					fmt.Fprintf(&out, "%s = %s, %s\n", text, show(p, full()), show(p, empty()))
				default:
					d.Fatalf(t, "unknown command %s", d.Cmd)
				}
			}
			return out.String()
		})
	})
}

func check(out *bytes.Buffer, env *Env, text string) {
	p, issues := env.Compile(text)
	if p != nil {
		fmt.Fprintf(out, "%s\n  %v, cost %d: %s %v\n", text, p.Type(), p.Cost(), p.Canonical(), p.Vars())
		return
	}
	fmt.Fprintln(out, text)
	for _, i := range issues {
		fmt.Fprintf(out, "%s%s %s: %s", strings.Repeat(" ", i.Offset), strings.Repeat("^", max(i.Length, 1)), i.Code, i.Message)
		if i.Suggestion != "" {
			fmt.Fprintf(out, " [%s]", i.Suggestion)
		}
		fmt.Fprintln(out)
	}
}

func show(p *Program, in *Input) string {
	if v := p.result(in); v != nil {
		return fmt.Sprint(v)
	}
	return "missing"
}

func TestProgram(t *testing.T) {
	p := mustCompile(t, testEnv(t, "UTC"), " score>0.5 &&order.amount < risk ")
	if got := fmt.Sprintf("%v %v|%s", p.Type(), p.Vars(), p.Source()); got != "bool [order.amount risk score]| score>0.5 &&order.amount < risk " {
		t.Error(got)
	}
	p.Vars()[0] = "changed"
	if p.Vars()[0] != "order.amount" {
		t.Error("Vars is shared")
	}
}

// TestOtherTypes asks programs for values that they do not have.
func TestOtherTypes(t *testing.T) {
	env, in := testEnv(t, "UTC"), full()
	number, truth, text, instant := mustCompile(t, env, "score"), mustCompile(t, env, "score > 0.5"), mustCompile(t, env, "action"), mustCompile(t, env, "order.at")
	if x := truth.Number(in); x != 1 {
		t.Errorf("a bool is the number %v", x)
	}
	if x := mustCompile(t, env, "score < 0.5").Number(in); x != 0 {
		t.Errorf("a false bool is the number %v", x)
	}
	if x := truth.Number(empty()); x == x {
		t.Errorf("a missing bool is the number %v", x)
	}
	for _, p := range []*Program{text, instant} {
		if x := p.Number(in); x == x {
			t.Errorf("%s is the number %v", p.Source(), x)
		}
	}
	if _, known := number.Bool(in); known {
		t.Error("a number is a bool")
	}
	if _, known := number.Text(in); known {
		t.Error("a number is a text")
	}
	if s, known := text.Text(in); s != "block" || !known {
		t.Error(s, known)
	}
}

// TestShortInput reads what is not in the input at all.
func TestShortInput(t *testing.T) {
	env := testEnv(t, "UTC")
	for _, v := range testVars() {
		if p := mustCompile(t, env, v.Name); p.result(&Input{}) != nil {
			t.Errorf("%s is %v in an empty input", v.Name, p.result(&Input{}))
		}
	}
}

// TestMissingBits holds every missing number to one pattern of bits, whatever
// the processor made it from.
func TestMissingBits(t *testing.T) {
	env, want := testEnv(t, "UTC"), math.Float64bits(math.NaN())
	for _, text := range []string{"score", "-score", "score / 0", "0 / 0", "log(-1)", "sqrt(-1)", "max(1, score)", "order.amount * 1e300 * 1e300"} {
		if got := math.Float64bits(mustCompile(t, env, text).Number(empty())); got != want {
			t.Errorf("%s is %x", text, got)
		}
	}
}

func TestNewEnvRefuses(t *testing.T) {
	for name, vars := range map[string][]Var{
		"expression_variable_twice":   {VectorVar("a", 0), TextVar("a", 0)},
		"expression_variable_invalid": {VectorVar("a b", 0)},
	} {
		if _, err := NewEnv(Options{}, vars); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := NewEnv(Options{}, []Var{EventVar(order, 99)}); err == nil {
		t.Error("a field that is not there is accepted")
	}
}

func TestLimits(t *testing.T) {
	env := testEnv(t, "UTC")
	for name, text := range map[string]string{
		"long":    "score" + strings.Repeat(" ", maxSource),
		"nested":  strings.Repeat("-(", 150) + "score" + strings.Repeat(")", 150),
		"deep":    strings.Repeat("(", 600) + "score" + strings.Repeat(")", 600),
		"sum":     strings.Repeat("score + ", 400) + "score",
		"pattern": "order.id.matches('(a{100}){9}')",
	} {
		if p, issues := env.Compile(text); p != nil || len(issues) != 1 || issues[0].Code != codeCost {
			t.Errorf("%s: %+v", name, issues)
		}
	}
	small, err := NewEnv(Options{MaxCost: 3}, testVars())
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := small.Compile("score > 1"); p == nil || p.Cost() != 2 {
		t.Error("an expression within the limit is refused")
	}
	if p, issues := small.Compile("score > 1 && score < 2"); p != nil || issues[0].Code != codeCost {
		t.Error("an expression over the limit is accepted")
	}
	if p, _ := env.Compile(strings.Repeat("score + ", 90) + "score"); p == nil {
		t.Error("a sum of 91 is refused")
	}
	if p, _ := env.Compile(strings.Repeat("score > 1 || ", 250) + "score > 2"); p == nil {
		t.Error("a chain of 251 conditions is refused")
	}
}

// TestPositions places faults behind characters of several bytes.
func TestPositions(t *testing.T) {
	for _, text := range []string{"action == 'Zürich€𝄞' && scoer > 1", "action == '''\nZürich\n''' &&\n scoer > 1", "// Zürich\nscoer > 1"} {
		_, issues := testEnv(t, "UTC").Compile(text)
		if len(issues) != 1 || text[issues[0].Offset:issues[0].Offset+issues[0].Length] != "scoer" {
			t.Errorf("%q: %+v", text, issues)
		}
	}
	text := "action == 'Zürich€𝄞' &&\n 'é' score"
	_, issues := testEnv(t, "UTC").Compile(text)
	if len(issues) != 1 || text[issues[0].Offset:issues[0].Offset+issues[0].Length] != "score" {
		t.Errorf("%q: %+v", text, issues)
	}
}

func TestCanonicalIgnoresSpelling(t *testing.T) {
	env := testEnv(t, "UTC")
	for _, same := range [][]string{
		{"score>=0.5", " score  >= 5e-1 // half", "(score) >= (0.50)"},
		{"order.at - order.shipped > 1d", "order.at-order.shipped>24h", "((order.at - order.shipped)) > 1440m"},
		{"score == 16", "score == 0x10", "score == 1.6e1", "score == 16.0"},
		{"action == 'a\"b'", `action == "a\"b"`, `action == r'a"b'`, `action == "\x61\"b"`},
		{"score < 1 && risk < 1 && order.rush", "(score < 1 && risk < 1) && order.rush", "score < 1 && (risk < 1 && order.rush)"},
		{"-5", "-(5)", "- 5", "-(-(-5.0))"},
		{"!order.rush", "!(!(!order.rush))"},
		{`timestamp("2018-04-01T00:00:00Z")`, `timestamp("2018-04-01T02:00:00+02:00")`},
	} {
		want := mustCompile(t, env, same[0]).Canonical()
		for _, text := range same[1:] {
			if got := mustCompile(t, env, text).Canonical(); got != want {
				t.Errorf("%s is %s, but %s is %s", text, got, same[0], want)
			}
		}
	}
	for _, pair := range [][2]string{{"score + risk", "risk + score"}, {"order.at.getHours()", `order.at.getHours("UTC")`}, {"0", "-0"}} {
		if a, b := mustCompile(t, env, pair[0]), mustCompile(t, env, pair[1]); a.Canonical() == b.Canonical() {
			t.Errorf("%s and %s have one canonical form", pair[0], pair[1])
		}
	}
}

// TestConcurrentUse compiles in one environment and evaluates one program from
// several goroutines, for the race detector.
func TestConcurrentUse(t *testing.T) {
	env := testEnv(t, "Europe/Paris")
	shared := mustCompile(t, env, "order.at.getHours() <= 6 && order.id.matches('^O')")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			in := full()
			for range 100 {
				p, issues := env.Compile("order.at.getHours() == 7 || score > 0.5")
				if p == nil {
					t.Error(issues)
					return
				}
				if b, known := p.Bool(in); !b || !known {
					t.Error("not true")
				}
				if b, known := shared.Bool(in); b || !known {
					t.Error("not false")
				}
			}
		})
	}
	group.Wait()
}
