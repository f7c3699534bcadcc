package expr

import (
	"fmt"
	"math"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// checker turns CEL's tree into typed nodes and collects every fault on the way.
// A part with a fault has the invalid type, about which nothing more is said.
type checker struct {
	env    *Env
	src    *source
	info   *ast.SourceInfo
	issues []Issue
	used   map[string]bool
}

func (c *checker) fault(at span, code, format string, args ...any) *node {
	return c.suggest(at, code, "", format, args...)
}

func (c *checker) suggest(at span, code, suggestion, format string, args ...any) *node {
	c.issues = append(c.issues, at.issue(code, fmt.Sprintf(format, args...), suggestion))
	return &node{at: at}
}

// token gives the index of the token that a node of CEL's tree stands for: of a
// call its bracket, of a selection its dot.
func (c *checker) token(e ast.Expr) int {
	r, _ := c.info.GetOffsetRange(e.ID())
	return c.src.find(c.src.byteAt(int(r.Start)))
}

// spot gives the place of one token.
func (c *checker) spot(i int) span {
	if i < len(c.src.tokens) {
		return c.src.tokens[i].span
	}
	return span{len(c.src.text), len(c.src.text)}
}

func (c *checker) expr(e ast.Expr, depth int) *node {
	i := c.token(e)
	if depth >= maxDepth {
		return c.fault(span{0, len(c.src.text)}, codeCost, "%s", tooDeep)
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return c.literal(e, i)
	case ast.IdentKind, ast.SelectKind:
		return c.named(e, depth)
	case ast.CallKind:
		return c.call(e.AsCall(), i, depth)
	case ast.ListKind:
		at := span{c.spot(i).from, c.src.closing(i)}
		return c.fault(at, codeType, "a list can only stand on the right of `in`")
	case ast.MapKind, ast.StructKind:
		at := span{c.spot(i).from, c.src.closing(i)}
		return c.fault(at, codeType, "`{…}` is not part of this language: its values are numbers, bools, strings, timestamps and durations")
	}
	return c.fault(c.spot(i), codeSyntax, "this is not part of the language")
}

// literal reads a number, string or bool, and the durations that the lexer found.
func (c *checker) literal(e ast.Expr, i int) *node {
	at, minus := c.spot(i), 0
	if c.src.word(i) == "-" && i+1 < len(c.src.tokens) {
		minus = 1
		at = at.join(c.spot(i + 1))
	}
	n := &node{op: literal, at: at}
	switch v := e.AsLiteral().(type) {
	case types.Int:
		if unit := c.src.tokens[i+minus].unit; unit != 0 {
			return c.durationLiteral(n, int64(v), int64(unit))
		}
		n.typ, n.number = Number, float64(v)
		if v == 0 && minus == 1 {
			n.number = math.Copysign(0, -1)
		}
		if n.number >= 1<<63 || int64(n.number) != int64(v) {
			return c.fault(at, codeType, "%d has too many digits for a double, which would round it to %s", int64(v), formatNumber(n.number))
		}
	case types.Double:
		n.typ, n.number = Number, float64(v)
	case types.Bool:
		n.typ, n.truth = Bool, bool(v)
	case types.String:
		n.typ, n.text = String, string(v)
	case types.Uint:
		return c.fault(at, codeType, "`%s` needs no `u`: every number is a double", c.src.text[at.from:at.to])
	case types.Null:
		return c.fault(at, codeType, "there is no `null`: write `has(x)` to ask for a value, `coalesce(x, y)` to replace a missing one")
	default:
		return c.fault(at, codeType, "bytes are not part of this language: write a string")
	}
	return n
}

func (c *checker) durationLiteral(n *node, count, unit int64) *node {
	n.typ, n.micros = Duration, noMicros
	if span := maxSpan / unit; count <= span && count >= -span {
		n.micros = count * unit
		return n
	}
	return c.fault(n.at, codeType, "`%s` is more than 10,000 years", c.src.text[n.at.from:n.at.to])
}

// signs maps CEL's names of operators to how they are written.
var signs = map[string]string{
	operators.Add: "+", operators.Subtract: "-", operators.Multiply: "*", operators.Divide: "/", operators.Modulo: "%",
	operators.Less: "<", operators.LessEquals: "<=", operators.Greater: ">", operators.GreaterEquals: ">=",
	operators.Equals: "==", operators.NotEquals: "!=", operators.Negate: "neg", operators.LogicalNot: "!",
	operators.LogicalAnd: "&&", operators.LogicalOr: "||", operators.Conditional: "?:", operators.In: "in", operators.Index: "[]",
}

func (c *checker) call(e ast.CallExpr, i, depth int) *node {
	sign, isSign := signs[e.FunctionName()]
	if !isSign {
		return c.function(e, i, depth)
	}
	args := e.Args()
	switch sign {
	case "&&", "||":
		return c.logic(sign, e.FunctionName(), args, depth)
	case "?:":
		return c.conditional(c.all(args, depth))
	case "in":
		return c.within(args, depth)
	case "[]":
		c.expr(args[0], depth+1)
		return c.fault(c.spot(i), codeType, "there are no lists to take an element of")
	case "%":
		c.all(args, depth)
		return c.fault(c.spot(i), codeType, "numbers are doubles, which have no `%%`: write a - b * floor(a / b)")
	}
	return c.operator(sign, c.spot(i), c.all(args, depth))
}

func (c *checker) all(args []ast.Expr, depth int) []*node {
	nodes := make([]*node, len(args))
	for i, a := range args {
		nodes[i] = c.expr(a, depth+1)
	}
	return nodes
}

// around gives the span of an operator with its operands.
func around(at span, args []*node) span {
	for _, a := range args {
		at = at.join(a.at)
	}
	return at
}

func anyBroken(args []*node) bool {
	for _, a := range args {
		if a.typ == invalid {
			return true
		}
	}
	return false
}

func (c *checker) operator(sign string, at span, args []*node) *node {
	whole := around(at, args)
	if anyBroken(args) {
		return &node{at: whole}
	}
	for _, o := range operatorTable[sign] {
		if o.takes(args) {
			return simplify(&node{op: call, typ: o.result, at: whole, args: args, call: o, cost: o.cost})
		}
	}
	return c.fault(whole, codeType, "%s", operandFault(sign, args))
}

// simplify drops what has no effect on a value: the sign of a literal becomes
// part of it, and two signs that follow each other go.
func simplify(n *node) *node {
	if n.call.name != "neg" && n.call.name != "!" {
		return n
	}
	a := n.args[0]
	switch {
	case a.op == call && a.call == n.call:
		inner := *a.args[0]
		inner.at = n.at
		return &inner
	case a.op == literal && a.typ == Number:
		return &node{op: literal, typ: Number, at: n.at, number: -a.number}
	case a.op == literal && a.typ == Duration:
		return &node{op: literal, typ: Duration, at: n.at, micros: -a.micros}
	}
	return n
}

// operandFault says why no overload of an operator takes the operands.
func operandFault(sign string, args []*node) string {
	a, b := args[0].typ, args[len(args)-1].typ
	switch {
	case sign == "neg":
		return fmt.Sprintf("`-` takes a number or a duration, not a %s", a)
	case sign == "!":
		return fmt.Sprintf("`!` takes a bool, not a %s", a)
	case strings.ContainsAny(sign, "<>=") && a == b:
		return fmt.Sprintf("`%s` cannot order values of type %s", sign, a)
	case strings.ContainsAny(sign, "<>="):
		return fmt.Sprintf("`%s` cannot compare a %s with a %s%s", sign, a, b, hint(a, b))
	case a == b:
		return fmt.Sprintf("`%s` does not take values of type %s%s", sign, a, hint(a, b))
	}
	return fmt.Sprintf("`%s` does not take a %s and a %s%s", sign, a, b, hint(a, b))
}

// hint says how two types come together.
func hint(a, b Type) string {
	pair := func(t, u Type) bool { return a == t && b == u || a == u && b == t }
	switch {
	case pair(Duration, Number), pair(Duration, Duration):
		return ": getSeconds() makes a number of a duration"
	case pair(Timestamp, Number):
		return ": a duration is written as in 7d, 12h, 30m or 90s"
	case pair(Bool, Number):
		return ": `b ? 1 : 0` makes a number of a bool"
	case pair(Timestamp, String):
		return `: a constant timestamp is written as in timestamp("2018-04-01T00:00:00Z")`
	}
	return ""
}

// logic flattens a chain of && or of ||, which CEL's parser balances.
func (c *checker) logic(sign, function string, args []ast.Expr, depth int) *node {
	n := &node{op: both, typ: Bool, cost: costSimple}
	if sign == "||" {
		n.op = either
	}
	var walk func(args []ast.Expr)
	walk = func(args []ast.Expr) {
		for _, a := range args {
			if a.Kind() == ast.CallKind && a.AsCall().FunctionName() == function {
				walk(a.AsCall().Args())
				continue
			}
			term := c.expr(a, depth+1)
			if term.typ != Bool && term.typ != invalid {
				term = c.fault(term.at, codeType, "`%s` takes bools, and this is a %s", sign, term.typ)
			}
			n.args = append(n.args, term)
		}
	}
	walk(args)
	n.at = around(n.args[0].at, n.args)
	if anyBroken(n.args) {
		return &node{at: n.at}
	}
	return n
}

func (c *checker) conditional(args []*node) *node {
	at := around(args[0].at, args)
	if t := args[0].typ; t != Bool && t != invalid {
		args[0] = c.fault(args[0].at, codeType, "the condition before `?` must be a bool, and this is a %s", t)
	}
	if a, b := args[1].typ, args[2].typ; a != b && a != invalid && b != invalid {
		return c.fault(at, codeType, "the two sides of `:` must be of one type, and are a %s and a %s", a, b)
	}
	if anyBroken(args) {
		return &node{at: at}
	}
	return &node{op: conditional, typ: args[1].typ, at: at, args: args, cost: costSimple}
}

// within checks a in [b, …] and a in lists.name.
func (c *checker) within(args []ast.Expr, depth int) *node {
	a := c.expr(args[0], depth+1)
	if list, at, ok := c.listPath(args[1]); ok {
		return c.ask(Member, a, list, at, a.at.join(at))
	}
	at := a.at.join(span{a.at.from, c.endOf(args[1])})
	if args[1].Kind() != ast.ListKind {
		other := c.expr(args[1], depth+1)
		if other.typ == invalid {
			return &node{at: at}
		}
		return c.fault(other.at, codeType, "`in` takes a list of literals, as in x in [0, 6], not a %s", other.typ)
	}
	elements := args[1].AsList().Elements()
	if len(elements) == 0 {
		return c.fault(at, codeType, "the list is empty, so nothing is in it")
	}
	n := &node{op: within, typ: Bool, at: at, args: []*node{a}, cost: costSimple + uint64(len(elements))/8}
	for _, e := range elements {
		b := c.expr(e, depth+1)
		switch {
		case b.typ == invalid:
		case b.op != literal:
			b = c.fault(b.at, codeType, "a list holds literals only")
		case a.typ != invalid && a.typ != b.typ:
			b = c.fault(b.at, codeType, "the list holds a %s where a %s is looked for%s", b.typ, a.typ, hint(a.typ, b.typ))
		}
		n.args = append(n.args, b)
	}
	if anyBroken(n.args) {
		return &node{at: at}
	}
	return n
}

// endOf gives where a list ends, or whatever else stands in its place.
func (c *checker) endOf(e ast.Expr) int {
	i := c.token(e)
	if e.Kind() == ast.ListKind {
		return c.src.closing(i)
	}
	return c.spot(i).to
}
