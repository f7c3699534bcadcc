package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"orrery.dev"
	"orrery.dev/numeric"
)

// oracle evaluates expressions by cel-go's own parser (the ANTLR one), checker
// and evaluator. A missing value is an error there: errors propagate as missing
// values do, and CEL's && and || absorb them in the same way.
type oracle struct {
	env  *cel.Env
	vars []Var
}

var celTypes = map[Type]*cel.Type{Number: cel.DoubleType, Bool: cel.BoolType, String: cel.StringType, Timestamp: cel.TimestampType, Duration: cel.DurationType}

func newOracle(t testing.TB, vars []Var, location string) *oracle {
	t.Helper()
	var replaced []*env.Function
	options := []cel.EnvOption{}
	for name, f := range oracleFunctions(location) {
		replaced = append(replaced, env.NewFunction(name))
		options = append(options, cel.Function(name, f...))
	}
	options = append(options, cel.ClearMacros(), cel.StdLib(cel.StdLibSubset(env.NewLibrarySubset().SetDisableMacros(true).AddExcludedFunctions(replaced...))))
	for _, v := range vars {
		options = append(options, cel.Variable(v.Name, celTypes[v.Type]))
	}
	e, err := cel.NewCustomEnv(options...)
	if err != nil {
		t.Fatal(err)
	}
	return &oracle{env: e, vars: vars}
}

// rewrite spells an expression for CEL: whole numbers as doubles, 7d as
// duration("604800s"), has as a function.
func rewrite(text string) string {
	s, _ := newSource(text)
	var b strings.Builder
	at := 0
	for _, token := range s.tokens {
		b.WriteString(text[at:token.from])
		at = token.to
		word := text[token.from:token.to]
		n, err := strconv.ParseInt(strings.TrimRight(word, "smhdw"), 0, 64)
		switch {
		case token.unit != 0:
			fmt.Fprintf(&b, `duration("%ds")`, n*int64(token.unit/orrery.Second))
		case err == nil && digit(word[0]):
			fmt.Fprintf(&b, "%d.0", n)
		case word == "has":
			b.WriteString("is_there") // to CEL has is a macro, of messages' fields
		default:
			b.WriteString(word)
		}
	}
	return b.String()
}

// compile gives a function that evaluates by cel-go: nil is a missing value.
func (o *oracle) compile(t testing.TB, text string) (Type, func(in *Input) any) {
	t.Helper()
	tree, issues := o.env.Compile(rewrite(text))
	if issues.Err() != nil {
		t.Fatalf("%s: cel-go refuses it: %v", text, issues.Err())
	}
	program, err := o.env.Program(tree)
	if err != nil {
		t.Fatal(err)
	}
	for typ, celType := range celTypes {
		if tree.OutputType().IsExactType(celType) {
			return typ, func(in *Input) any {
				out, _, err := program.Eval(o.activation(in))
				if err != nil {
					return nil
				}
				return out.Value()
			}
		}
	}
	t.Fatalf("%s is of type %v", text, tree.OutputType())
	return invalid, nil
}

// activation has the variables that are not missing.
func (o *oracle) activation(in *Input) map[string]any {
	out := map[string]any{}
	for _, v := range o.vars {
		switch c := v.load(); {
		case !c.known(in):
		case v.Type == Number:
			out[v.Name] = c.number(in)
		case v.Type == Bool:
			out[v.Name] = c.truth(in) == yes
		case v.Type == String:
			out[v.Name], _ = c.text(in)
		default:
			out[v.Name] = time.UnixMicro(c.micros(in)).UTC()
		}
	}
	return out
}

// definite makes an error of a double that is not finite.
func definite(v ref.Val) ref.Val {
	if x, ok := v.(types.Double); ok && finite(float64(x)) != float64(x) {
		return types.NewErr("not finite")
	}
	return v
}

// declarations are CEL's functions by their names.
type declarations map[string][]cel.FunctionOpt

func (d declarations) add(name string, o cel.FunctionOpt) { d[name] = append(d[name], o) }

var celDouble, celString, celBool, celInstant, celSpan = cel.DoubleType, cel.StringType, cel.BoolType, cel.TimestampType, cel.DurationType

func signature(t ...*cel.Type) []*cel.Type { return t }

func oracleFunctions(location string) declarations {
	d := declarations{}
	d.arithmetic()
	d.numbers()
	d.missing()
	d.texts()
	d.timestamps(location)
	d.durations()
	return d
}

// arithmetic is CEL's, without results that are not finite.
func (d declarations) arithmetic() {
	number := signature(celDouble, celDouble, celDouble)
	binary := func(name string, of func(x, y ref.Val) ref.Val, signatures ...[]*cel.Type) {
		for i, s := range signatures {
			d.add(name, cel.Overload(fmt.Sprintf("%s_%d", name, i), s[:2], s[2],
				cel.BinaryBinding(func(x, y ref.Val) ref.Val { return definite(of(x, y)) })))
		}
	}
	binary("_+_", func(x, y ref.Val) ref.Val { return x.(traits.Adder).Add(y) }, number,
		signature(celInstant, celSpan, celInstant), signature(celSpan, celInstant, celInstant), signature(celSpan, celSpan, celSpan))
	binary("_-_", func(x, y ref.Val) ref.Val { return x.(traits.Subtractor).Subtract(y) }, number,
		signature(celInstant, celSpan, celInstant), signature(celInstant, celInstant, celSpan), signature(celSpan, celSpan, celSpan))
	binary("_*_", func(x, y ref.Val) ref.Val { return x.(traits.Multiplier).Multiply(y) }, number)
	binary("_/_", func(x, y ref.Val) ref.Val { return x.(traits.Divider).Divide(y) }, number)
	negate := cel.UnaryBinding(func(x ref.Val) ref.Val { return x.(traits.Negater).Negate() })
	d.add("-_", cel.Overload("negate_number", signature(celDouble), celDouble, negate))
	d.add("-_", cel.Overload("negate_duration", signature(celSpan), celSpan, negate))
}

func (d declarations) numbers() {
	for name, f := range map[string]func(float64) float64{"abs": math.Abs, "ceil": math.Ceil, "floor": math.Floor, "round": math.Round,
		"sqrt": math.Sqrt, "exp": numeric.Exp, "log": numeric.Log, "log1p": log1p} {
		d.add(name, cel.Overload(name+"_number", signature(celDouble), celDouble, cel.UnaryBinding(func(x ref.Val) ref.Val {
			return definite(types.Double(f(float64(x.(types.Double)))))
		})))
	}
	for name, want := range map[string]types.Int{"max": types.IntOne, "min": types.IntNegOne} {
		extreme := cel.FunctionBinding(func(args ...ref.Val) ref.Val {
			kept := args[0]
			for _, a := range args[1:] {
				if a.(traits.Comparer).Compare(kept) == want {
					kept = a
				}
			}
			return kept
		})
		d.add(name, cel.Overload(name+"_2", signature(celDouble, celDouble), celDouble, extreme))
		d.add(name, cel.Overload(name+"_3", signature(celDouble, celDouble, celDouble), celDouble, extreme))
	}
}

func (d declarations) missing() {
	there := cel.UnaryBinding(func(x ref.Val) ref.Val { return types.Bool(!types.IsUnknownOrError(x)) })
	first := cel.FunctionBinding(func(args ...ref.Val) ref.Val {
		for _, a := range args {
			if !types.IsUnknownOrError(a) {
				return a
			}
		}
		return args[0]
	})
	for typ, t := range celTypes {
		d.add("is_there", cel.Overload("is_there_"+typ.String(), signature(t), celBool, cel.OverloadIsNonStrict(), there))
		d.add("coalesce", cel.Overload("coalesce_2_"+typ.String(), signature(t, t), t, cel.OverloadIsNonStrict(), first))
		d.add("coalesce", cel.Overload("coalesce_3_"+typ.String(), signature(t, t, t), t, cel.OverloadIsNonStrict(), first))
	}
}

func (d declarations) texts() {
	d.add("lower", cel.MemberOverload("lower_string", signature(celString), celString, cel.UnaryBinding(func(x ref.Val) ref.Val {
		return types.String(strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r + 32
			}
			return r
		}, string(x.(types.String))))
	})))
	d.add("size", cel.MemberOverload("size_string", signature(celString), celDouble, cel.UnaryBinding(func(x ref.Val) ref.Val {
		return types.Double(len([]rune(string(x.(types.String)))))
	})))
}

// double makes a double of an int, and leaves errors.
func double(v ref.Val) ref.Val {
	if n, ok := v.(types.Int); ok {
		return types.Double(n)
	}
	return v
}

// timestamps are the library's, which reads parts in UTC unless told otherwise:
// it is told.
func (d declarations) timestamps(location string) {
	for name, id := range map[string]string{"getFullYear": "year", "getMonth": "month", "getDate": "day_of_month_1_based", "getDayOfMonth": "day_of_month",
		"getDayOfWeek": "day_of_week", "getDayOfYear": "day_of_year", "getHours": "hours", "getMinutes": "minutes", "getSeconds": "seconds",
		"getMilliseconds": "milliseconds"} {
		read := func(x, zone ref.Val) ref.Val {
			return double(x.(traits.Receiver).Receive(name, "timestamp_to_"+id+"_with_tz", []ref.Val{zone}))
		}
		d.add(name, cel.MemberOverload(id+"_here", signature(celInstant), celDouble,
			cel.UnaryBinding(func(x ref.Val) ref.Val { return read(x, types.String(location)) })))
		d.add(name, cel.MemberOverload(id+"_there", signature(celInstant, celString), celDouble, cel.BinaryBinding(read)))
	}
}

func (d declarations) durations() {
	for name, id := range map[string]string{"getHours": "hours", "getMinutes": "minutes", "getSeconds": "seconds", "getMilliseconds": "milliseconds"} {
		d.add(name, cel.MemberOverload("duration_"+id, signature(celSpan), celDouble, cel.UnaryBinding(func(x ref.Val) ref.Val {
			return double(x.(traits.Receiver).Receive(name, "duration_to_"+id, nil))
		})))
	}
}
