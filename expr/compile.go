package expr

import (
	"math"
	"slices"
)

// code is a node compiled: the one function that belongs to its type.
type code struct {
	// number gives NaN for a missing value, and never an infinity.
	number func(*Input) float64
	truth  func(*Input) truth
	text   func(*Input) (string, bool)
	// micros gives a timestamp or a duration in microseconds, noMicros for a
	// missing one.
	micros func(*Input) int64
}

// truth is a bool of three values.
type truth uint8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// finite turns infinities into missing values.
func finite(x float64) float64 {
	if x-x != 0 {
		return math.NaN()
	}
	return x
}

func (n *node) compile() code {
	switch n.op {
	case literal:
		return n.constant()
	case variable:
		return n.variable.load()
	case present:
		return hasValue(n.args[0].compile())
	}
	args := make([]code, len(n.args))
	fixed := n.op == call
	for i, a := range n.args {
		args[i] = a.compile()
		fixed = fixed && a.op == literal
	}
	switch n.op {
	case both:
		return allOf(args)
	case either:
		return anyOf(args)
	case conditional:
		return choose(args[0].truth, args[1], args[2])
	case within:
		return n.member(args[0])
	case firstOf:
		return first(args)
	}
	made := n.call.make(n, args)
	if fixed && n.fold(made) {
		return n.constant()
	}
	return made
}

// fold makes the node the literal of its value, where it has one.
func (n *node) fold(c code) bool {
	in := &Input{}
	if !c.known(in) {
		return false
	}
	switch n.typ {
	case Number:
		n.number = c.number(in)
	case Timestamp, Duration:
		n.micros = c.micros(in)
	case Bool:
		n.truth = c.truth(in) == yes
	case String:
		n.text, _ = c.text(in)
	}
	n.op = literal
	return true
}

func (n *node) constant() code {
	number, text, micros, value := n.number, n.text, n.micros, truthOf(n.truth)
	switch n.typ {
	case Number:
		return code{number: func(*Input) float64 { return number }}
	case Bool:
		return code{truth: func(*Input) truth { return value }}
	case String:
		return code{text: func(*Input) (string, bool) { return text, true }}
	}
	return code{micros: func(*Input) int64 { return micros }}
}

func hasValue(a code) code {
	return code{truth: func(in *Input) truth { return truthOf(a.known(in)) }}
}

// known reports whether a value is not missing.
func (c code) known(in *Input) bool {
	switch {
	case c.number != nil:
		x := c.number(in)
		return x == x
	case c.truth != nil:
		return c.truth(in) != unknown
	case c.text != nil:
		_, known := c.text(in)
		return known
	}
	return c.micros(in) != noMicros
}

func allOf(args []code) code {
	if len(args) == 2 {
		a, b := args[0].truth, args[1].truth
		return code{truth: func(in *Input) truth {
			x := a(in)
			if x == no {
				return no
			}
			if y := b(in); y != yes {
				return y
			}
			return x
		}}
	}
	return code{truth: func(in *Input) truth {
		all := yes
		for _, a := range args {
			switch a.truth(in) {
			case no:
				return no
			case unknown:
				all = unknown
			}
		}
		return all
	}}
}

func anyOf(args []code) code {
	return code{truth: func(in *Input) truth {
		any := no
		for _, a := range args {
			switch a.truth(in) {
			case yes:
				return yes
			case unknown:
				any = unknown
			}
		}
		return any
	}}
}

func not(a code) code {
	f := a.truth
	return code{truth: func(in *Input) truth {
		switch f(in) {
		case no:
			return yes
		case yes:
			return no
		}
		return unknown
	}}
}

// sameTruth compares two bools, and gives when for equal ones.
func sameTruth(when truth, args []code) code {
	a, b := args[0].truth, args[1].truth
	return code{truth: func(in *Input) truth {
		x, y := a(in), b(in)
		switch {
		case x == unknown || y == unknown:
			return unknown
		case x == y:
			return when
		}
		return yes - when
	}}
}

// choose compiles if ? then : otherwise. A missing condition is a missing value.
func choose(cond func(*Input) truth, then, otherwise code) code {
	switch {
	case then.number != nil:
		a, b := then.number, otherwise.number
		return code{number: func(in *Input) float64 {
			switch cond(in) {
			case yes:
				return a(in)
			case no:
				return b(in)
			}
			return math.NaN()
		}}
	case then.truth != nil:
		a, b := then.truth, otherwise.truth
		return code{truth: func(in *Input) truth {
			switch cond(in) {
			case yes:
				return a(in)
			case no:
				return b(in)
			}
			return unknown
		}}
	case then.text != nil:
		a, b := then.text, otherwise.text
		return code{text: func(in *Input) (string, bool) {
			switch cond(in) {
			case yes:
				return a(in)
			case no:
				return b(in)
			}
			return "", false
		}}
	}
	a, b := then.micros, otherwise.micros
	return code{micros: func(in *Input) int64 {
		switch cond(in) {
		case yes:
			return a(in)
		case no:
			return b(in)
		}
		return noMicros
	}}
}

// first compiles coalesce.
func first(args []code) code {
	last := args[len(args)-1]
	for _, a := range slices.Backward(args[:len(args)-1]) {
		last = orElse(a, last)
	}
	return last
}

func orElse(a, b code) code {
	switch {
	case a.number != nil:
		f, g := a.number, b.number
		return code{number: func(in *Input) float64 {
			if x := f(in); x == x {
				return x
			}
			return g(in)
		}}
	case a.truth != nil:
		f, g := a.truth, b.truth
		return code{truth: func(in *Input) truth {
			if x := f(in); x != unknown {
				return x
			}
			return g(in)
		}}
	case a.text != nil:
		f, g := a.text, b.text
		return code{text: func(in *Input) (string, bool) {
			if x, known := f(in); known {
				return x, true
			}
			return g(in)
		}}
	}
	f, g := a.micros, b.micros
	return code{micros: func(in *Input) int64 {
		if x := f(in); x != noMicros {
			return x
		}
		return g(in)
	}}
}
