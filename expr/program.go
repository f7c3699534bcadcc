package expr

import (
	"math"
	"slices"
)

// Program is a compiled expression. It is safe for concurrent use, and
// evaluating it allocates nothing, save for lower() of a string with capitals.
type Program struct {
	source    string
	canonical string
	typ       Type
	cost      uint64
	vars      []string
	code      code
	root      *node
}

func newProgram(source string, root *node, used map[string]bool) *Program {
	p := &Program{source: source, canonical: root.canonical(), typ: root.typ, cost: root.totalCost()}
	for name := range used {
		p.vars = append(p.vars, name)
	}
	slices.Sort(p.vars)
	p.code, p.root = root.compile(), root
	return p
}

// Type gives the type of the value.
func (p *Program) Type() Type { return p.typ }

// Vars lists the variables that the expression names, sorted.
func (p *Program) Vars() []string { return slices.Clone(p.vars) }

// Reads reports whether the expression reads the value of a variable, and does not
// merely ask whether it is on a list.
func (p *Program) Reads(name string) bool { return p.root.reads(name) }

func (n *node) reads(name string) bool {
	return n.op == variable && n.variable.Name == name || slices.ContainsFunc(n.args, func(a *node) bool { return a.reads(name) })
}

// Source gives the expression as it was written.
func (p *Program) Source() string { return p.source }

// Canonical gives the expression in a normal form that does not depend on
// spaces, comments, brackets without effect, or how a literal is spelled. It is
// an expression itself, with the same meaning. Its text is part of definitions
// that are hashed, and does not change.
func (p *Program) Canonical() string { return p.canonical }

// Cost bounds what one evaluation takes: a simple operator or a variable is 1.
func (p *Program) Cost() uint64 { return p.cost }

// Number evaluates a number; a bool is 0 or 1. NaN is a missing value, and every
// value of another type is.
func (p *Program) Number(in *Input) float64 {
	if p.code.number != nil {
		if x := p.code.number(in); x == x {
			return x
		}
		return math.NaN() // the same bits for every missing value
	}
	switch value, known := p.Bool(in); {
	case !known:
		return math.NaN()
	case value:
		return 1
	}
	return 0
}

// Bool evaluates a bool. It is not known where it depends on a missing value, or
// where the program is of another type.
func (p *Program) Bool(in *Input) (value, known bool) {
	if p.code.truth == nil {
		return false, false
	}
	t := p.code.truth(in)
	return t == yes, t != unknown
}

// Text evaluates a string. It is not known where it is missing, or where the
// program is of another type.
func (p *Program) Text(in *Input) (value string, known bool) {
	if p.code.text == nil {
		return "", false
	}
	if value, known = p.code.text(in); !known {
		return "", false
	}
	return value, true
}
