package expr

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"

	"orrery.dev"
)

// loops are CEL's macros over lists.
var loops = []string{"all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap"}

// function checks a call of a name: has and coalesce, which look at missing
// values, constant timestamps, and the functions of the table. i is the token of
// its opening bracket.
func (c *checker) function(e ast.CallExpr, i, depth int) *node {
	name := strings.TrimPrefix(e.FunctionName(), ".")
	at := c.spot(i - 1).join(span{c.spot(i).from, c.src.closing(i)})
	if q, ok := listMethods[name]; ok {
		return c.listMethod(q, e, at, depth)
	}
	if !e.IsMemberFunction() {
		switch name {
		case "has":
			return c.present(e.Args(), at, depth)
		case "coalesce":
			return c.coalesce(c.all(e.Args(), depth), at)
		case "timestamp":
			return c.timestamp(c.all(e.Args(), depth), at)
		}
	} else if slices.Contains(loops, name) {
		return c.fault(c.spot(i-1), codeFunction, "there are no loops over lists, so no `%s`", name)
	}
	var args []*node
	prefix := ""
	if e.IsMemberFunction() {
		if prefix = c.namespace(e.Target()); prefix == "" {
			args = append(args, c.expr(e.Target(), depth+1))
			at = at.join(args[0].at)
		}
	}
	args = append(args, c.all(e.Args(), depth)...)
	if prefix != "" || functionTable[name] == nil {
		return c.unknownFunction(prefix, name, i)
	}
	return c.choose(name, e.IsMemberFunction(), args, at, c.spot(i-1))
}

// namespace gives the name before the dot of math.abs, which is no variable.
func (c *checker) namespace(target ast.Expr) string {
	if target.Kind() == ast.IdentKind && target.AsIdent() == "math" && c.env.vars["math"] == nil {
		return "math."
	}
	return ""
}

// elsewhere has functions that other dialects write in another way.
var elsewhere = map[string]string{
	"greatest": "max", "least": "min", "ln": "log", "lowerAscii": "lower", "toLower": "lower", "length": "size", "len": "size",
	"startswith": "startsWith", "endswith": "endsWith", "ifnull": "coalesce", "is_null": "has", "getYear": "getFullYear", "getDay": "getDate",
}

func (c *checker) unknownFunction(prefix, name string, i int) *node {
	at := c.spot(i - 1)
	if prefix != "" {
		at = at.join(c.spot(i - 3))
	}
	switch known := functionTable[name] != nil; {
	case known:
		return c.suggest(at, codeFunction, name, "there is no `%s%s`: the function is named `%s`", prefix, name, name)
	case name == "duration":
		return c.fault(at, codeFunction, "there is no function `duration`: a duration is written as in 7d, 12h, 30m or 90s")
	case name == "double" || name == "int" || name == "uint":
		return c.fault(at, codeFunction, "there is no function `%s`: every number is a double, and floor(x) is the whole number below it", name)
	}
	meant := elsewhere[name]
	if meant == "" {
		meant = nearest(name, functionNames)
	}
	return c.suggest(at, codeFunction, meant, "there is no function `%s`", prefix+name)
}

var functionNames = listFunctions()

func listFunctions() []string {
	names := []string{"has", "coalesce", "timestamp", valueName, countName}
	for name := range functionTable {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// choose finds the overload that takes the arguments.
func (c *checker) choose(name string, method bool, args []*node, at, where span) *node {
	if anyBroken(args) {
		return &node{at: at}
	}
	for _, o := range functionTable[name] {
		given := args
		if o.zoned && len(args) == 2 && args[1].typ == String {
			given = args[:1]
		}
		if o.method == method && o.takes(given) {
			n := &node{op: call, typ: o.result, at: at, args: given, call: o, cost: o.cost}
			return c.constants(n, args)
		}
	}
	return c.fault(at, codeType, "%s", c.callFault(name, method, args, where))
}

func (c *checker) callFault(name string, method bool, args []*node, where span) string {
	var forms []string
	for _, o := range functionTable[name] {
		if o.method != method && o.takes(args) {
			if method {
				return fmt.Sprintf("`%s` is called as `%s(%s)`", name, name, c.text(args[0].at))
			}
			return fmt.Sprintf("`%s` is called on a value: `%s.%s()`", name, c.text(args[0].at), name)
		}
		forms = append(forms, "`"+o.String()+"`")
	}
	types := make([]string, len(args))
	for i, a := range args {
		types[i] = a.typ.String()
	}
	head := ""
	if method {
		head, types = types[0]+".", types[1:]
	}
	return fmt.Sprintf("there is no `%s%s(%s)`: the function is %s", head, name, strings.Join(types, ", "), strings.Join(forms, " or "))
}

func (c *checker) text(at span) string { return c.src.text[at.from:at.to] }

// constants reads what must be known now: the zone of a timestamp's part and the
// pattern of matches.
func (c *checker) constants(n *node, args []*node) *node {
	switch {
	case n.call.pattern:
		return c.patternOf(n)
	case !n.call.zoned:
		return n
	case len(args) == 1:
		n.zone = c.env.zone()
		return n
	case args[1].op != literal:
		return c.fault(args[1].at, codeType, "a time zone must be constant")
	}
	location, err := location(args[1].text)
	if err != nil {
		return c.fault(args[1].at, codeType, "there is no time zone `%s`: write one as in `Europe/Paris`, `UTC` or `+02:00`", args[1].text)
	}
	n.zone, n.zoneName = newZone(location), args[1].text
	return n
}

// patternText is how long a text a pattern's cost assumes, in bytes. RE2 takes
// time in proportion to the text and to the pattern's instructions.
const patternText = 64

func (c *checker) patternOf(n *node) *node {
	if n.args[1].op != literal {
		return c.fault(n.args[1].at, codeType, "a pattern must be constant")
	}
	tree, err := syntax.Parse(n.args[1].text, syntax.Perl)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return c.fault(n.args[1].at, codeType, "the pattern is not RE2: %s", reason)
	}
	if n.cost += patternText * instructions(tree) / 4; n.cost > c.env.maxCost {
		return n // refused for its cost, and too large to compile for nothing
	}
	if n.pattern, err = regexp.Compile(n.args[1].text); err != nil {
		return c.fault(n.args[1].at, codeType, "the pattern is too large")
	}
	return n
}

// instructions estimates the size of a pattern's program.
func instructions(tree *syntax.Regexp) uint64 {
	size := uint64(1 + len(tree.Rune)/2)
	for _, part := range tree.Sub {
		size += instructions(part)
	}
	if tree.Op == syntax.OpRepeat {
		size *= uint64(max(tree.Min, tree.Max, 1))
	}
	return size
}

func (c *checker) present(args []ast.Expr, at span, depth int) *node {
	if len(args) != 1 || args[0].Kind() != ast.IdentKind && args[0].Kind() != ast.SelectKind {
		return c.fault(at, codeType, "`has` takes the name of one value, as in has(x)")
	}
	a := c.named(args[0], depth+1)
	if a.typ == invalid {
		return a
	}
	return &node{op: present, typ: Bool, at: at, args: []*node{a}, cost: costSimple}
}

func (c *checker) coalesce(args []*node, at span) *node {
	if len(args) < 2 {
		return c.fault(at, codeType, "`coalesce` takes two values or more, and gives the first that is not missing")
	}
	if anyBroken(args) {
		return &node{at: at}
	}
	for _, a := range args[1:] {
		if a.typ != args[0].typ {
			return c.fault(a.at, codeType, "`coalesce` takes values of one type, and these are a %s and a %s", args[0].typ, a.typ)
		}
	}
	return &node{op: firstOf, typ: args[0].typ, at: at, args: args, cost: costSimple}
}

func (c *checker) timestamp(args []*node, at span) *node {
	if anyBroken(args) {
		return &node{at: at}
	}
	if len(args) != 1 || args[0].op != literal || args[0].typ != String {
		return c.fault(at, codeType, "`timestamp` takes one constant string, as in timestamp(\"2018-04-01T00:00:00Z\")")
	}
	t, err := time.Parse(time.RFC3339Nano, args[0].text)
	if micros := int64(orrery.InstantOf(t)); err == nil && inYears(micros) != noMicros {
		return &node{op: literal, typ: Timestamp, at: at, micros: micros}
	}
	return c.fault(args[0].at, codeType, "`%s` is no timestamp: write it as in 2018-04-01T00:00:00Z", args[0].text)
}
