package expr

import (
	"cmp"
	"math"
	"slices"

	"orrery.dev/numeric"
)

// function is a function of one number.
type function struct {
	name  string
	cost  uint64
	apply func(float64) float64
}

var numberFunctions = []struct{ function }{
	{function{"abs", costSimple, math.Abs}},
	{function{"ceil", costSimple, math.Ceil}},
	{function{"exp", costTranscend, numeric.Exp}},
	{function{"floor", costSimple, math.Floor}},
	{function{"log", costTranscend, numeric.Log}},
	{function{"log1p", costTranscend, log1p}},
	{function{"round", costSimple, math.Round}},
	{function{"sqrt", costSimple, math.Sqrt}},
}

// log1p gives the natural logarithm of 1+x, correcting Log(1+x) for what the sum
// was rounded by (Hewlett-Packard, HP-15C Advanced Functions Handbook, 1982).
func log1p(x float64) float64 {
	sum := 1 + x
	switch {
	case sum == 1:
		return x
	case x > 0x1p53:
		return numeric.Log(x)
	}
	return numeric.Log(sum) * (x / (sum - 1))
}

func applyNumber(f func(float64) float64, a code) code {
	g := a.number
	return code{number: func(in *Input) float64 { return finite(f(g(in))) }}
}

// extremes has min and max: whether a later value replaces the one kept.
var extremes = []struct {
	name     string
	replaces func(x, kept float64) bool
}{
	{"max", func(x, kept float64) bool { return x > kept }},
	{"min", func(x, kept float64) bool { return x < kept }},
}

func extreme(replaces func(x, kept float64) bool, args []code) code {
	return code{number: func(in *Input) float64 {
		kept := args[0].number(in)
		for _, a := range args[1:] {
			x := a.number(in)
			if x != x || kept != kept {
				return math.NaN()
			}
			if replaces(x, kept) {
				kept = x
			}
		}
		return kept
	}}
}

func negateNumber(a code) code {
	f := a.number
	return code{number: func(in *Input) float64 { return -f(in) }}
}

// arithmetic compiles +, -, * and /. No product is added in the same function, so
// nothing can be fused.
func arithmetic(sign string, n *node, args []code) code {
	a, b := args[0].number, args[1].number
	if n.args[1].op == literal {
		return arithmeticWith(sign, a, n.args[1].number)
	}
	switch sign {
	case "+":
		return code{number: func(in *Input) float64 { return finite(a(in) + b(in)) }}
	case "-":
		return code{number: func(in *Input) float64 { return finite(a(in) - b(in)) }}
	case "*":
		return code{number: func(in *Input) float64 { return finite(a(in) * b(in)) }}
	}
	return code{number: func(in *Input) float64 { return finite(a(in) / b(in)) }}
}

// arithmeticWith is arithmetic with a constant on the right.
func arithmeticWith(sign string, a func(*Input) float64, b float64) code {
	switch sign {
	case "+":
		return code{number: func(in *Input) float64 { return finite(a(in) + b) }}
	case "-":
		return code{number: func(in *Input) float64 { return finite(a(in) - b) }}
	case "*":
		return code{number: func(in *Input) float64 { return finite(a(in) * b) }}
	}
	return code{number: func(in *Input) float64 { return finite(a(in) / b) }}
}

// compare compiles a comparison of two values of one type.
func compare(sign string, n *node, args []code) code {
	switch n.args[0].typ {
	case Number:
		if n.args[1].op == literal {
			return compareWith(sign, args[0].number, n.args[1].number)
		}
		return compareNumbers(sign, args[0].number, args[1].number)
	case String:
		return compareTexts(sign, args[0].text, args[1].text)
	}
	a, b, holds := args[0].micros, args[1].micros, relation[int64](sign)
	return code{truth: func(in *Input) truth {
		x, y := a(in), b(in)
		if x == noMicros || y == noMicros {
			return unknown
		}
		return truthOf(holds(x, y))
	}}
}

func compareTexts(sign string, a, b func(*Input) (string, bool)) code {
	holds := relation[string](sign)
	return code{truth: func(in *Input) truth {
		x, xKnown := a(in)
		y, yKnown := b(in)
		if !xKnown || !yKnown {
			return unknown
		}
		return truthOf(holds(x, y))
	}}
}

func compareNumbers(sign string, a, b func(*Input) float64) code {
	holds := relation[float64](sign)
	return code{truth: func(in *Input) truth {
		x, y := a(in), b(in)
		if x != x || y != y {
			return unknown
		}
		return truthOf(holds(x, y))
	}}
}

// relation gives the comparison of a sign.
func relation[T cmp.Ordered](sign string) func(a, b T) bool {
	switch sign {
	case "<":
		return func(a, b T) bool { return a < b }
	case "<=":
		return func(a, b T) bool { return a <= b }
	case ">":
		return func(a, b T) bool { return a > b }
	case ">=":
		return func(a, b T) bool { return a >= b }
	case "==":
		return func(a, b T) bool { return a == b }
	}
	return func(a, b T) bool { return a != b }
}

// compareWith is the comparison with a constant, the commonest of all, written
// out for its speed.
func compareWith(sign string, a func(*Input) float64, b float64) code {
	known := func(x float64, holds bool) truth {
		if x != x {
			return unknown
		}
		return truthOf(holds)
	}
	switch sign {
	case "<":
		return code{truth: func(in *Input) truth { x := a(in); return known(x, x < b) }}
	case "<=":
		return code{truth: func(in *Input) truth { x := a(in); return known(x, x <= b) }}
	case ">":
		return code{truth: func(in *Input) truth { x := a(in); return known(x, x > b) }}
	case ">=":
		return code{truth: func(in *Input) truth { x := a(in); return known(x, x >= b) }}
	case "==":
		return code{truth: func(in *Input) truth { x := a(in); return known(x, x == b) }}
	}
	return code{truth: func(in *Input) truth { x := a(in); return known(x, x != b) }}
}

// scanned is the most elements of a list that are compared one by one; longer
// lists are sorted and searched.
const scanned = 8

// member compiles a in [b, …], whose elements are literals.
func (n *node) member(a code) code {
	switch n.args[0].typ {
	case Number:
		return numberIn(a.number, elements(n, func(e *node) float64 { return e.number }))
	case String:
		return textIn(a.text, elements(n, func(e *node) string { return e.text }))
	case Bool:
		return truthIn(a.truth, elements(n, func(e *node) truth { return truthOf(e.truth) }))
	}
	list := elements(n, func(e *node) int64 { return e.micros })
	return code{truth: func(in *Input) truth {
		x := a.micros(in)
		if x == noMicros {
			return unknown
		}
		return truthOf(contains(list, x))
	}}
}

// elements gives the list of a membership, sorted.
func elements[T cmp.Ordered](n *node, of func(*node) T) []T {
	list := make([]T, 0, len(n.args)-1)
	for _, e := range n.args[1:] {
		list = append(list, of(e))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func contains[T cmp.Ordered](list []T, x T) bool {
	if len(list) > scanned {
		_, found := slices.BinarySearch(list, x)
		return found
	}
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

func numberIn(a func(*Input) float64, list []float64) code {
	if len(list) == 2 {
		b, c := list[0], list[1]
		return code{truth: func(in *Input) truth {
			x := a(in)
			if x != x {
				return unknown
			}
			return truthOf(x == b || x == c)
		}}
	}
	return code{truth: func(in *Input) truth {
		x := a(in)
		if x != x {
			return unknown
		}
		return truthOf(contains(list, x))
	}}
}

func textIn(a func(*Input) (string, bool), list []string) code {
	return code{truth: func(in *Input) truth {
		x, known := a(in)
		if !known {
			return unknown
		}
		return truthOf(contains(list, x))
	}}
}

func truthIn(a func(*Input) truth, list []truth) code {
	return code{truth: func(in *Input) truth {
		x := a(in)
		if x == unknown {
			return unknown
		}
		return truthOf(contains(list, x))
	}}
}
