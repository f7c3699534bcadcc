package expr

import (
	"fmt"
	"strings"
)

// overload is one signature of a function or an operator.
type overload struct {
	name string
	// method says that the first parameter stands before the name: x.name(…).
	method bool
	params []Type
	// repeats says that the last parameter can be given again and again.
	repeats bool
	// zoned says that a time zone can follow, pattern that the last argument is
	// one, both constant.
	zoned, pattern bool
	result         Type
	cost           uint64
	make           func(n *node, args []code) code
}

// The costs of calls, in evaluations of a simple operator.
const (
	costSimple    = 1
	costTranscend = 5
	costCalendar  = 3
	costText      = 8
)

var (
	operatorTable = signOverloads()
	functionTable = functionOverloads()
)

func functionOverloads() map[string][]*overload {
	all := map[string][]*overload{}
	add := func(o overload) { all[o.name] = append(all[o.name], &o) }
	for _, f := range numberFunctions {
		f := f.function
		add(overload{name: f.name, params: []Type{Number}, result: Number, cost: f.cost, make: func(_ *node, args []code) code {
			return applyNumber(f.apply, args[0])
		}})
	}
	for _, f := range extremes {
		less := f.replaces
		add(overload{name: f.name, params: []Type{Number, Number}, repeats: true, result: Number, cost: costSimple,
			make: func(_ *node, args []code) code { return extreme(less, args) }})
	}
	for _, p := range timestampParts {
		part := p.part
		add(overload{name: p.name, method: true, params: []Type{Timestamp}, zoned: true, result: Number, cost: costCalendar,
			make: func(n *node, args []code) code { return readPart(n.zone, n.call.name, part, args[0]) }})
	}
	for _, p := range durationParts {
		unit := p.unit
		add(overload{name: p.name, method: true, params: []Type{Duration}, result: Number, cost: costSimple,
			make: func(_ *node, args []code) code { return countUnits(unit, args[0]) }})
	}
	for _, o := range textOverloads() {
		add(o)
	}
	return all
}

func signOverloads() map[string][]*overload {
	all := map[string][]*overload{}
	add := func(name string, result Type, make func(n *node, args []code) code, params ...Type) {
		all[name] = append(all[name], &overload{name: name, params: params, result: result, cost: costSimple, make: make})
	}
	for _, name := range []string{"+", "-", "*", "/"} {
		add(name, Number, func(n *node, args []code) code { return arithmetic(name, n, args) }, Number, Number)
	}
	for _, name := range []string{"<", "<=", ">", ">=", "==", "!="} {
		for _, t := range []Type{Number, String, Timestamp, Duration} {
			add(name, Bool, func(n *node, args []code) code { return compare(name, n, args) }, t, t)
		}
	}
	add("==", Bool, func(_ *node, args []code) code { return sameTruth(yes, args) }, Bool, Bool)
	add("!=", Bool, func(_ *node, args []code) code { return sameTruth(no, args) }, Bool, Bool)
	add("+", Timestamp, func(_ *node, args []code) code { return shift(+1, inYears, args) }, Timestamp, Duration)
	add("+", Timestamp, func(_ *node, args []code) code { return shift(+1, inYears, args) }, Duration, Timestamp)
	add("+", Duration, func(_ *node, args []code) code { return shift(+1, inSpan, args) }, Duration, Duration)
	add("-", Timestamp, func(_ *node, args []code) code { return shift(-1, inYears, args) }, Timestamp, Duration)
	add("-", Duration, func(_ *node, args []code) code { return shift(-1, inSpan, args) }, Timestamp, Timestamp)
	add("-", Duration, func(_ *node, args []code) code { return shift(-1, inSpan, args) }, Duration, Duration)
	add("neg", Number, func(_ *node, args []code) code { return negateNumber(args[0]) }, Number)
	add("neg", Duration, func(_ *node, args []code) code { return negateMicros(args[0]) }, Duration)
	add("!", Bool, func(_ *node, args []code) code { return not(args[0]) }, Bool)
	return all
}

// takes reports whether the overload fits arguments of these types, the receiver
// first.
func (o *overload) takes(args []*node) bool {
	if len(args) < len(o.params) || len(args) > len(o.params) && !o.repeats {
		return false
	}
	for i, a := range args {
		if a.typ != o.params[min(i, len(o.params)-1)] {
			return false
		}
	}
	return true
}

// String writes the overload as a call shows it: text.startsWith(string).
func (o *overload) String() string {
	names := make([]string, len(o.params))
	for i, p := range o.params {
		names[i] = p.String()
	}
	head := ""
	if o.method {
		head, names = names[0]+".", names[1:]
	}
	if o.repeats {
		names = append(names, "…")
	}
	return fmt.Sprintf("%s%s(%s)", head, o.name, strings.Join(names, ", "))
}
