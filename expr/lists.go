package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"

	"orrery.dev"
)

// Question is what can be asked of a list that is kept outside of expressions.
type Question uint8

// The questions, of a field f of an event and a list named words.
const (
	// Member is whether the field's value is on the list: f in lists.words, or
	// f in lists.words.rude for the part of a list that a category names.
	Member Question = iota
	// EntryValue is the number that goes with the field's value:
	// f.value(lists.words).
	EntryValue
	// MatchCount is how often terms of the list occur in a text:
	// f.count(lists.words).
	MatchCount
)

// listsName is the word that lists are named behind.
const listsName = "lists"

// The methods of an EntryValue and of a MatchCount.
const (
	valueName = "value"
	countName = "count"
)

// listMethods gives the questions that are methods.
var listMethods = map[string]Question{valueName: EntryValue, countName: MatchCount}

// name gives the variable that is a question about a field.
func (q Question) name(field, list string) string {
	list = listsName + "." + list
	switch q {
	case EntryValue:
		return field + "." + valueName + "(" + list + ")"
	case MatchCount:
		return field + "." + countName + "(" + list + ")"
	}
	return field + " in " + list
}

// ListVar gives a question about a field, of a string or an entity's key, to a
// list: a bool for Member, else a number. list is its name, or name.category for
// Member. The answer is the number at an index of Input.Vector: for a bool 0, 1,
// or NaN for a missing value.
func ListVar(q Question, event *orrery.EventType, field int, list string, index int) Var {
	v := EventVar(event, field)
	if v.Type != String {
		return Var{}
	}
	out := Var{Name: q.name(v.Name, list), Type: Number, from: fromVector, index: index, list: list, question: q}
	if q == Member {
		out.Type = Bool
	}
	return out
}

// listPath gives what stands behind "lists." where an expression names a list.
func (c *checker) listPath(e ast.Expr) (list string, at span, ok bool) {
	path, at, rest := c.path(e)
	if rest != nil || len(path) < 2 || path[0] != listsName {
		return "", at, false
	}
	return strings.Join(path[1:], "."), at, true
}

// listMethod checks f.value(lists.name) and f.count(lists.name), whose place but for f
// is at.
func (c *checker) listMethod(q Question, e ast.CallExpr, at span, depth int) *node {
	if args := e.Args(); e.IsMemberFunction() && len(args) == 1 {
		if list, where, ok := c.listPath(args[0]); ok {
			a := c.expr(e.Target(), depth+1)
			return c.ask(q, a, list, where, at.join(a.at))
		}
	}
	return c.fault(at, codeType, "`%s` is asked of a field, for a list: `%s`", e.FunctionName(), q.name("message.text", "words"))
}

// ask checks a question about a to a list, whose place is at; whole is that of the
// question.
func (c *checker) ask(q Question, a *node, list string, at, whole span) *node {
	if a.typ == invalid {
		return &node{at: whole}
	}
	if a.op == variable {
		if v := c.env.vars[q.name(a.variable.Name, list)]; v != nil {
			c.used[v.Name] = true
			return &node{op: variable, typ: v.Type, at: whole, variable: v, cost: costSimple}
		}
	}
	if !slices.Contains(c.env.lists, list) {
		if near := nearest(list, c.env.lists); near != "" {
			return c.suggest(at, codeName, listsName+"."+near, "there is no list `%s`", list)
		}
		return c.fault(at, codeName, "there is no list `%s` here", list)
	}
	var asks []string
	for name, v := range c.env.vars {
		if v.list == list {
			asks = append(asks, "`"+name+"`")
		}
	}
	slices.Sort(asks)
	return c.fault(whole, codeType, "`%s.%s` can be asked for what it lists only: %s", listsName, list, strings.Join(asks, " or "))
}
