package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// named resolves a name, or a selection such as transaction.amount.
func (c *checker) named(e ast.Expr, depth int) *node {
	path, at, rest := c.path(e)
	if rest != nil {
		inner := c.expr(rest, depth+1)
		if inner.typ == invalid {
			return inner
		}
		return c.fault(inner.at.join(at), codeType, "a %s has no field `%s`", inner.typ, path[0])
	}
	name := strings.Join(path[:min(len(path), 2)], ".")
	v := c.env.vars[name]
	switch {
	case v != nil && len(path) <= 2:
		c.used[name] = true
		return &node{op: variable, typ: v.Type, at: at, variable: v, cost: costSimple}
	case v == nil && c.env.vars[path[0]] != nil && len(path) > 1 && !slices.Contains(c.env.events, path[0]):
		v, path = c.env.vars[path[0]], path[1:]
	case v == nil || len(path) < 2:
		return c.unknownName(strings.Join(path, "."), at)
	default:
		path = path[2:]
	}
	return c.noField(v, path[0], at)
}

// noField reports a field asked of a variable, which has none.
func (c *checker) noField(v *Var, field string, at span) *node {
	for _, name := range functionNames {
		for _, o := range functionTable[name] {
			if o.method && o.params[0] == v.Type && similar(field, name) {
				return c.suggest(at, codeType, v.Name+"."+name+"()", "`%s` is a %s, which has no field `%s` but a function `%s()`", v.Name, v.Type, field, name)
			}
		}
	}
	return c.fault(at, codeType, "`%s` is a %s, which has no field `%s`", v.Name, v.Type, field)
}

// similar reports whether a field is named like a function: hour like getHours.
func similar(field, function string) bool {
	bare := strings.TrimSuffix(strings.TrimPrefix(function, "get"), "s")
	return field == function || strings.EqualFold(strings.TrimSuffix(field, "s"), bare)
}

// path takes a selection apart. The rest is what it begins with where that is no
// name.
func (c *checker) path(e ast.Expr) (path []string, at span, rest ast.Expr) {
	at = c.spot(c.token(e))
	for ; e.Kind() == ast.SelectKind; e = e.AsSelect().Operand() {
		path = append(path, e.AsSelect().FieldName())
		at = at.join(c.spot(c.token(e) + 1))
	}
	slices.Reverse(path)
	if e.Kind() != ast.IdentKind {
		return path, at, e
	}
	return append([]string{strings.TrimPrefix(e.AsIdent(), ".")}, path...), at.join(c.spot(c.token(e))), nil
}

func (c *checker) unknownName(name string, at span) *node {
	event, field, dotted := strings.Cut(name, ".")
	known := slices.Contains(c.env.events, event)
	switch {
	case event == listsName && len(c.env.lists) > 0:
		return c.fault(at, codeType, "a list can only stand on the right of `in`, as in x in %s.%s", listsName, c.env.lists[0])
	case known && !dotted:
		return c.fault(at, codeType, "`%s` is an event, not a value: name one of its fields, as in `%s`", event, c.fieldOf(event))
	case known:
		return c.suggest(at, codeName, c.nearestName(name), "the event `%s` has no field `%s`", event, field)
	}
	return c.suggest(at, codeName, c.nearestName(name), "there is no `%s` here", name)
}

// fieldOf gives the first of an event's fields.
func (c *checker) fieldOf(event string) string {
	for _, name := range c.env.names {
		if strings.HasPrefix(name, event+".") {
			return name
		}
	}
	return event
}

// nearestName gives the variable that was probably meant: one that is a few slips
// away, or a field named without its event.
func (c *checker) nearestName(name string) string {
	if found := nearest(name, c.env.names); found != "" {
		return found
	}
	var fields []string
	_, tail, _ := strings.Cut("."+name, ".")
	for _, full := range c.env.names {
		if _, field, dotted := strings.Cut(full, "."); dotted && (field == tail || strings.HasSuffix(tail, "."+field)) {
			fields = append(fields, full)
		}
	}
	if len(fields) == 1 {
		return fields[0]
	}
	return ""
}

// nearest gives the candidate that is the fewest slips away from a name, empty
// where none is near. Of equally near ones the first wins.
func nearest(name string, candidates []string) string {
	best, most := "", 1+min(len(name)/3, 3)
	for _, candidate := range candidates {
		if d := slips(strings.ToLower(name), strings.ToLower(candidate), most); d < most {
			best, most = candidate, d
		}
	}
	return best
}

// slips counts the insertions, deletions, replacements and swaps of neighbours
// between two words (the optimal string alignment distance); at least limit
// where it is no less.
func slips(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 128 {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
