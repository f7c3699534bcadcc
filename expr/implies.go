package expr

import (
	"math"
	"slices"
)

// Implies reports whether q certainly holds wherever p does. It knows conjunction,
// disjunction, equal conditions, and comparisons of one value with literals; false
// says nothing.
func (p *Program) Implies(q *Program) bool { return implies(p.root, q.root) }

// Never reports whether p certainly holds nowhere, given the bounds, inclusive,
// of some variables; false says nothing.
func (p *Program) Never(bounds map[string][2]float64) bool { return never(p.root, bounds) }

func implies(p, q *node) bool {
	holds := func(n *node) bool { return implies(p, n) }
	switch {
	case p.op == literal && !p.truth, q.op == literal && q.truth:
		return true
	case p.op == either:
		return !slices.ContainsFunc(p.args, func(a *node) bool { return !implies(a, q) })
	case q.op == both:
		return !slices.ContainsFunc(q.args, func(a *node) bool { return !holds(a) })
	case q.op == either && slices.ContainsFunc(q.args, holds):
		return true
	case p.op == both:
		return slices.ContainsFunc(p.args, func(a *node) bool { return implies(a, q) })
	case p.canonical() == q.canonical():
		return true
	}
	a, okA := comparisonOf(p)
	b, okB := comparisonOf(q)
	return okA && okB && a.value == b.value && a.within(b)
}

// comparison says that a number, by its canonical text, lies between two bounds,
// or is one of a few values: those bounds then span them.
type comparison struct {
	value        string
	low, high    float64
	below, above bool // whether low and high themselves are left out
	among        []float64
}

func comparisonOf(n *node) (comparison, bool) {
	if n.op == within && n.args[0].typ == Number {
		c := comparison{value: n.args[0].canonical()}
		for _, a := range n.args[1:] {
			c.among = append(c.among, a.number)
		}
		c.low, c.high = slices.Min(c.among), slices.Max(c.among)
		return c, true
	}
	if n.op != call || len(n.args) != 2 || n.args[0].typ != Number {
		return comparison{}, false
	}
	sign, x, y := n.call.name, n.args[0], n.args[1]
	if x.op == literal {
		x, y = y, x
		sign = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}[sign]
	}
	if y.op != literal || x.op == literal {
		return comparison{}, false
	}
	c := comparison{value: x.canonical(), low: math.Inf(-1), high: math.Inf(1)}
	switch sign {
	case "<", "<=":
		c.high, c.above = y.number, sign == "<"
	case ">", ">=":
		c.low, c.below = y.number, sign == ">"
	case "==":
		c.low, c.high, c.among = y.number, y.number, []float64{y.number}
	default:
		return comparison{}, false
	}
	return c, true
}

func (c *comparison) has(x float64) bool {
	switch {
	case x < c.low || x == c.low && c.below, x > c.high || x == c.high && c.above:
		return false
	}
	return c.among == nil || slices.Contains(c.among, x)
}

// within reports whether every number that c allows d allows too.
func (c *comparison) within(d comparison) bool {
	if c.among != nil {
		return !slices.ContainsFunc(c.among, func(x float64) bool { return !d.has(x) })
	}
	low := c.low > d.low || c.low == d.low && (c.below || !d.below)
	high := c.high < d.high || c.high == d.high && (c.above || !d.above)
	return d.among == nil && low && high
}

// and narrows c to what d allows too.
func (c *comparison) and(d comparison) {
	if d.low > c.low || d.low == c.low && d.below {
		c.low, c.below = d.low, d.below
	}
	if d.high < c.high || d.high == c.high && d.above {
		c.high, c.above = d.high, d.above
	}
	switch {
	case c.among == nil:
		c.among = d.among
	case d.among != nil:
		c.among = slices.DeleteFunc(slices.Clone(c.among), func(x float64) bool { return !slices.Contains(d.among, x) })
	}
}

// empty reports whether c allows no number.
func (c *comparison) empty() bool {
	if c.among != nil {
		return !slices.ContainsFunc(c.among, c.has)
	}
	return c.low > c.high || c.low == c.high && (c.below || c.above)
}

func never(n *node, bounds map[string][2]float64) bool {
	parts := []*node{n}
	switch n.op {
	case literal:
		return !n.truth
	case either:
		return !slices.ContainsFunc(n.args, func(a *node) bool { return !never(a, bounds) })
	case both:
		if slices.ContainsFunc(n.args, func(a *node) bool { return never(a, bounds) }) {
			return true
		}
		parts = n.args
	}
	known := map[string]*comparison{}
	for _, part := range parts {
		c, ok := comparisonOf(part)
		if !ok {
			continue
		}
		if known[c.value] == nil {
			known[c.value] = &comparison{value: c.value, low: math.Inf(-1), high: math.Inf(1)}
			if b, ok := bounds[c.value]; ok {
				known[c.value].low, known[c.value].high = b[0], b[1]
			}
		}
		if known[c.value].and(c); known[c.value].empty() {
			return true
		}
	}
	return false
}
