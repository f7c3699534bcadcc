package expr

import (
	"regexp"
)

// node is one part of a checked expression.
type node struct {
	op   op
	typ  Type
	at   span
	args []*node
	// call is the function or operator of a call.
	call *overload
	// variable is that of a variable or of has.
	variable *Var

	// The value of a literal: of a duration or timestamp, micros.
	number float64
	text   string
	micros int64
	truth  bool

	// zone is the one a part of a timestamp is read in, zoneName its name as
	// written; pattern that of matches.
	zone     *zone
	zoneName string
	pattern  *regexp.Regexp
	// cost is that of this part alone.
	cost uint64
}

// op says what a node is.
type op uint8

const (
	broken op = iota
	literal
	variable
	list
	call
	both        // a && b && …
	either      // a || b || …
	conditional // a ? b : c
	within      // a in [b, …]
	present     // has(a)
	firstOf     // coalesce(a, b, …)
)

// totalCost bounds what evaluating the node takes: there are no loops, so it is a
// sum.
func (n *node) totalCost() uint64 {
	total := n.cost
	for _, a := range n.args {
		total += a.totalCost()
	}
	return total
}
