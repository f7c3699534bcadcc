package expr

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orrery.dev"
)

// maker draws random expressions of a type.
type maker struct{ t *rapid.T }

func (m maker) pick(choices ...string) string { return rapid.SampledFrom(choices).Draw(m.t, "pick") }

func (m maker) number(depth int) string {
	if depth == 0 {
		return m.pick("score", "risk", "order.amount", "order.items", "order.weight", "0", "1", "-1", "2.5", "1e300", "-0.0", "0x1F", "7")
	}
	x := func() string { return m.number(depth - 1) }
	switch rapid.IntRange(0, 9).Draw(m.t, "number") {
	case 0, 1, 2:
		return "(" + x() + m.pick(" + ", " - ", " * ", "/") + x() + ")"
	case 3:
		return m.pick("abs", "ceil", "floor", "round", "sqrt", "exp", "log", "log1p") + "(" + x() + ")"
	case 4:
		return m.pick("max", "min") + "(" + x() + ", " + x() + m.pick("", ", "+x()) + ")"
	case 5:
		return "coalesce(" + x() + ", " + x() + ")"
	case 6:
		return "(" + m.truth(depth-1) + " ? " + x() + " : " + x() + ")"
	case 7:
		return "-(" + x() + ")"
	case 8:
		part := m.pick("getHours", "getMinutes", "getSeconds", "getMilliseconds")
		if rapid.Bool().Draw(m.t, "of a duration") {
			return m.span(depth-1) + "." + part + "()"
		}
		part = m.pick(part, "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfYear", "getDayOfWeek")
		return m.instant(depth-1) + "." + part + m.pick("()", "()", "('Asia/Kolkata')", "('America/New_York')", "('-03:30')")
	}
	return m.word(depth-1) + ".size()"
}

func (m maker) truth(depth int) string {
	if depth == 0 {
		return m.pick("order.rush", "true", "false", "has(score)", "has(order.shipped)")
	}
	b := func() string { return m.truth(depth - 1) }
	sign := m.pick(" < ", " <= ", " > ", " >= ", " == ", " != ")
	switch rapid.IntRange(0, 9).Draw(m.t, "truth") {
	case 0, 1:
		return "(" + b() + m.pick(" && ", " || ") + b() + ")"
	case 2:
		return "(" + m.number(depth-1) + sign + m.number(depth-1) + ")"
	case 3:
		return "(" + m.instant(depth-1) + sign + m.instant(depth-1) + ")"
	case 4:
		return "(" + m.span(depth-1) + sign + m.span(depth-1) + ")"
	case 5:
		return "(" + m.word(depth-1) + sign + m.word(depth-1) + ")"
	case 6:
		return "(" + m.number(depth-1) + " in " + m.pick("[0, 6]", "[-1,2.5,7]", "[1,2,3,4,5,6,7,8,9,10]") + ")"
	case 7:
		return "!" + b()
	case 8:
		return m.word(depth-1) + m.pick(".startsWith('Or')", ".endsWith('7')", ".contains('r')", ".matches('^[a-z]+$')")
	}
	return "(" + b() + m.pick(" == ", " != ") + b() + ")"
}

func (m maker) instant(depth int) string {
	if depth == 0 {
		return m.pick("order.at", "order.shipped", `timestamp("2018-03-25T00:59:59.5Z")`)
	}
	return "(" + m.instant(depth-1) + m.pick(" + ", " - ") + m.span(depth-1) + ")"
}

func (m maker) span(depth int) string {
	if depth == 0 {
		return m.pick("7d", "12h", "30m", "90s", "2w", "-1d", "0s")
	}
	if rapid.Bool().Draw(m.t, "difference") {
		return "(" + m.instant(depth-1) + " - " + m.instant(depth-1) + ")"
	}
	return "(" + m.span(depth-1) + m.pick(" + ", " - ") + m.span(depth-1) + ")"
}

func (m maker) word(depth int) string {
	w := m.pick("order.id", "order.buyer", "action", `"Z\u00fcrich"`, "'block'")
	if depth > 0 {
		w = m.pick(w, w+".lower()", "coalesce("+w+", order.id)", "(order.rush ? "+w+" : action)")
	}
	return w
}

func (m maker) input() *Input {
	in := &Input{Event: &orrery.Event{Type: order}, Text: []string{m.pick("", "block", "Review")}}
	number := rapid.SampledFrom([]float64{math.NaN(), 0, math.Copysign(0, -1), 1, -1, 0.1, 7, 1e-300, 1e308, math.Inf(1), -31.7})
	in.Vector = []float64{number.Draw(m.t, "score"), number.Draw(m.t, "risk")}
	from, to := int64(at("1995-01-01T00:00:00Z")), int64(at("2060-01-01T00:00:00Z"))
	for _, f := range order.Fields {
		var v orrery.Value
		if rapid.IntRange(0, 4).Draw(m.t, "missing") > 0 {
			switch f.Type {
			case orrery.String:
				v = orrery.StringValue(m.pick("", "Order-7", "ÄÖ"))
			case orrery.Entity:
				v = orrery.EntityValue(m.pick("b1", "block"))
			case orrery.Timestamp:
				v = orrery.TimestampValue(orrery.Instant(rapid.Int64Range(from, to).Draw(m.t, "instant")))
			case orrery.Decimal:
				v = orrery.DecimalValue(rapid.Int64Range(-1000, 1e6).Draw(m.t, "units"))
			case orrery.Int:
				v = orrery.IntValue(rapid.Int64Range(-3, 9).Draw(m.t, "int"))
			case orrery.Float:
				v = orrery.FloatValue(number.Draw(m.t, "float"))
			case orrery.Bool:
				v = orrery.BoolValue(rapid.Bool().Draw(m.t, "bool"))
			}
		}
		in.Event.Values = append(in.Event.Values, v)
	}
	return in
}

// result gives a program's value as the oracle does: nil is missing.
func (p *Program) result(in *Input) any {
	switch p.typ {
	case Number:
		if x := p.Number(in); x == x {
			return x
		}
	case Bool:
		if b, known := p.Bool(in); known {
			return b
		}
	case String:
		if s, known := p.Text(in); known {
			return s
		}
	case Timestamp:
		if t := p.code.micros(in); t != noMicros {
			return time.UnixMicro(t).UTC()
		}
	case Duration:
		if d := p.code.micros(in); d != noMicros {
			return time.Duration(d) * time.Microsecond
		}
	}
	return nil
}

// exactly writes a value with all of its bits.
func exactly(v any) string {
	if x, ok := v.(float64); ok {
		return fmt.Sprintf("%v %016x", x, math.Float64bits(x))
	}
	return fmt.Sprintf("%T %v", v, v)
}

// TestAgreesWithCEL compares types and values with cel-go on random expressions
// and inputs, to the last bit, and checks that the canonical form means the same.
func TestAgreesWithCEL(t *testing.T) {
	for _, location := range []string{"UTC", "Europe/Paris", "America/St_Johns"} {
		env, reference := testEnv(t, location), newOracle(t, testVars(), location)
		t.Run(strings.ReplaceAll(location, "/", "_"), rapid.MakeCheck(func(t *rapid.T) {
			m := maker{t}
			depth := rapid.IntRange(0, 4).Draw(t, "depth")
			text := rapid.SampledFrom([]func(int) string{m.number, m.truth, m.truth, m.instant, m.span, m.word}).Draw(t, "type")(depth)
			p, issues := env.Compile(text)
			if p == nil {
				t.Fatalf("%s: %+v", text, issues)
			}
			typ, eval := reference.compile(&failer{t: t}, text)
			if typ != p.Type() {
				t.Fatalf("%s is a %v, by cel-go a %v", text, p.Type(), typ)
			}
			again, issues := env.Compile(p.Canonical())
			if again == nil || again.Canonical() != p.Canonical() || again.Cost() != p.Cost() {
				t.Fatalf("%s: canonical %s is not a fixed point: %+v", text, p.Canonical(), issues)
			}
			for range 8 {
				in := m.input()
				got, want, twice := exactly(p.result(in)), exactly(eval(in)), exactly(again.result(in))
				if got != want || twice != got {
					t.Fatalf("%s = %s, by cel-go %s, by the canonical form %s\ncanonical: %s\ninput: %+v %+v", text, got, want, twice, p.Canonical(), in, in.Event)
				}
			}
		}))
	}
}

// TestAcceptsNoMoreThanCEL mixes types: what this package accepts, cel-go does,
// with the same type.
func TestAcceptsNoMoreThanCEL(t *testing.T) {
	env, reference := testEnv(t, "UTC"), newOracle(t, testVars(), "UTC")
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		m := maker{t}
		part := func() string {
			return rapid.SampledFrom([]func(int) string{m.number, m.truth, m.instant, m.span, m.word}).Draw(t, "part")(rapid.IntRange(0, 1).Draw(t, "depth"))
		}
		text := m.pick(
			part()+m.pick(" + ", " - ", " * ", " / ", " < ", " == ", " != ", " && ", " || ")+part(),
			"-"+part(), "!"+part(), part()+" ? "+part()+" : "+part(), part()+" in ["+part()+"]",
			m.pick("floor", "max", "has", "coalesce", "size")+"("+part()+m.pick("", ", "+part())+")",
			part()+m.pick(".getHours", ".size", ".lower", ".startsWith", ".floor")+m.pick("()", "("+part()+")"),
		)
		p, _ := env.Compile(text)
		if p == nil {
			return
		}
		accepted++
		if typ, _ := reference.compile(&failer{t: t}, text); typ != p.Type() {
			t.Fatalf("%s is accepted as a %v, by cel-go as a %v", text, p.Type(), typ)
		}
	})
	if accepted == 0 {
		t.Error("nothing was accepted")
	}
}

// failer lets rapid's T stand for a testing.TB.
type failer struct {
	testing.TB
	t *rapid.T
}

func (f *failer) Helper()                           {}
func (f *failer) Fatal(args ...any)                 { f.t.Fatal(args...) }
func (f *failer) Fatalf(format string, args ...any) { f.t.Fatalf(format, args...) }
