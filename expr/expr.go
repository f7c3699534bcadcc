// Package expr compiles the expressions of a spec. The language is CEL
// (cel.dev), read by cel-go's parser, with rules of its own:
//
//   - There are five types: number, bool, string, timestamp, duration. Every
//     number is a double; an integer literal is one too, and is refused where no
//     double equals it.
//   - 7d, 12h, 30m, 90s and 2w are durations, a day being 24 hours. Timestamp -
//     timestamp is a duration, timestamp ± duration a timestamp. A duration
//     becomes a number by getHours(), getMinutes(), getSeconds() or
//     getMilliseconds(), which cut towards zero, as in CEL.
//   - A missing value propagates: an operation on one is missing. && and || have
//     three values: false && missing is false, true || missing is true.
//     has(x) asks whether x is there, coalesce(x, y) takes the first that is.
//   - A result that is not finite is missing: x/0, log(0), an overflow. So is a
//     timestamp outside the years 1 to 9999 and a duration over 10,000 years.
//   - Parts of a timestamp (getHours and its like) are read in the system's time
//     zone, or in one given as text: at.getHours("Europe/Paris"). As in CEL,
//     getDayOfWeek counts from Sunday = 0; getMonth, getDayOfMonth and
//     getDayOfYear from 0, getDate from 1.
//   - Functions of numbers are abs, ceil, exp, floor, log, log1p, max, min, round
//     (halves away from zero) and sqrt; of strings contains, endsWith, lower (A
//     to Z only), matches (an RE2 pattern, constant), size (in code points) and
//     startsWith. The right side of "in" is a list of literals, or one that is kept
//     outside of the expression: order.buyer in lists.blocked. Of such a list,
//     order.buyer.value(lists.limits) is the number that goes with a key, and
//     order.note.count(lists.words) how often its terms occur in a text. There are
//     no loops, so the cost of an expression is known when it is compiled.
//
// A Program is a tree of typed closures and gives the same bits everywhere. In
// tests, cel-go's own checker and evaluator are the oracle for all of it.
package expr

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"orrery.dev"
)

// Type is the type of an expression's value.
type Type uint8

// The types. The zero Type is none of them.
const (
	invalid Type = iota
	Number
	Bool
	String
	Timestamp
	Duration
)

var typeNames = [...]string{"invalid", "number", "bool", "string", "timestamp", "duration"}

func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return typeNames[invalid]
}

// Input is what a program reads. A slice that is too short, and a nil Event, are
// missing values.
type Input struct {
	Event  *orrery.Event
	Vector []float64
	Text   []string
}

// DefaultMaxCost bounds a program's cost where Options does not.
const DefaultMaxCost = 10_000

// maxSource is the most bytes an expression can have, maxDepth the most levels of
// nesting.
const (
	maxSource = 4096
	maxDepth  = 100
)

// Options are what all expressions of an Env share.
type Options struct {
	// Location is the time zone in which days and hours are read; nil is UTC.
	Location *time.Location
	// MaxCost bounds Program.Cost; 0 stands for DefaultMaxCost.
	MaxCost uint64
}

// Env is the variables that expressions can read. It is safe for concurrent use.
type Env struct {
	maxCost uint64
	zone    func() *zone
	vars    map[string]*Var
	// names are the variables', events the events' and lists the lists', sorted.
	names, events, lists []string
}

var varName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)

// NewEnv makes an environment of variables. It refuses a name that is given
// twice, or that no expression could spell.
func NewEnv(o Options, vars []Var) (*Env, error) {
	e := &Env{maxCost: o.MaxCost, vars: make(map[string]*Var, len(vars))}
	if e.maxCost == 0 {
		e.maxCost = DefaultMaxCost
	}
	e.zone = sync.OnceValue(func() *zone { return newZone(o.Location) })
	for i := range vars {
		v := vars[i]
		if v.Type == invalid || v.list == "" && !varName.MatchString(v.Name) || v.list != "" && !varName.MatchString(v.list) {
			return nil, orrery.Errorf(orrery.Invalid, "expression_variable_invalid", "%q cannot be a variable of an expression", v.Name).
				WithNext("use letters, digits and underscores")
		}
		if e.vars[v.Name] != nil {
			return nil, orrery.Errorf(orrery.Invalid, "expression_variable_twice", "the variable %q is declared twice", v.Name).
				WithNext("rename one of the two")
		}
		e.vars[v.Name] = &v
		if v.list != "" {
			if !slices.Contains(e.lists, v.list) {
				e.lists = append(e.lists, v.list)
			}
			continue
		}
		e.names = append(e.names, v.Name)
		if event, _, dotted := strings.Cut(v.Name, "."); dotted && !slices.Contains(e.events, event) {
			e.events = append(e.events, event)
		}
	}
	slices.Sort(e.names)
	slices.Sort(e.events)
	slices.Sort(e.lists)
	return e, nil
}

// Compile compiles an expression. Where it has faults, the program is nil and
// the issues, in the order of the source, are all that could be told at once.
func (e *Env) Compile(text string) (*Program, []Issue) {
	s, tree, issues := parse(text)
	if len(issues) > 0 {
		return nil, ordered(issues)
	}
	c := &checker{env: e, src: s, info: tree.SourceInfo(), used: map[string]bool{}}
	root := c.expr(tree.Expr(), 0)
	if cost := root.totalCost(); len(c.issues) == 0 && cost > e.maxCost {
		c.fault(root.at, codeCost, "the expression costs %d, more than the limit of %d: split it, or shorten its patterns", cost, e.maxCost)
	}
	if len(c.issues) > 0 {
		return nil, ordered(c.issues)
	}
	return newProgram(text, root, c.used), nil
}
