package train

import "math"

// bounds are the least and the greatest value that the leaves below a node may
// have, in the units of the whole numbers that are summed. A split on a
// constrained column parts them between its two sides, which keeps every tree,
// and so their sum, monotone in that column: the leaves on one side lie all
// below a value, those on the other all above.
type bounds struct{ low, high float64 }

var unbounded = bounds{math.Inf(-1), math.Inf(1)}

func (b bounds) hold(x float64) float64 { return min(max(x, b.low), b.high) }

// value gives the best leaf for the sums, within bounds.
func (r *rule) value(s sums, b bounds) float64 { return b.hold(-shrink(s.g, r.l1) / (s.h + r.l2)) }

// scoreOf is score where the leaf has a value other than the best.
func (r *rule) scoreOf(s sums, value float64) float64 {
	return -(float64(2*s.g*value) + float64((s.h+r.l2)*float64(value*value)) + float64(2*r.l1*math.Abs(value)))
}

// least gives what the best leaf of a node scores within bounds, and what a split
// must gain on it.
func (b bounds) least(r *rule, total sums) (parent, gain float64) {
	parent = r.scoreOf(total, r.value(total, b))
	return parent, max(r.minGain, 1e-10*math.Abs(parent))
}

// gain gives the score of two sides within bounds; ok is false where their values
// break the constraint on the column.
func (b bounds) gain(r *rule, left, right sums, monotone int8) (gain float64, ok bool) {
	below, above := r.value(left, b), r.value(right, b)
	if monotone > 0 && below > above || monotone < 0 && below < above {
		return 0, false
	}
	return r.scoreOf(left, below) + r.scoreOf(right, above), true
}

// sides gives the bounds of the two sides of a split.
func (b bounds) sides(r *rule, left, right sums, monotone int8) (of, other bounds) {
	if monotone == 0 {
		return b, b
	}
	of, other = b, b
	middle := r.value(left, b)/2 + r.value(right, b)/2
	if monotone > 0 {
		of.high, other.low = middle, middle
	} else {
		of.low, other.high = middle, middle
	}
	return of, other
}

// searchWithin finds the best split of a column of a node with bounds. Its gain
// is over what the node scores as a leaf.
func (g *grower) searchWithin(entries []entry, n *node, column int) (split, bool) {
	parent, least := n.bounds.least(&g.rule, n.total)
	best := split{gain: least}
	c, monotone := &g.data.columns[column], g.monotone[column]
	if c.categories {
		order := g.rule.ordered(entries, n.total)
		where, left := g.rule.cutCategories(order, n.total, &best, func(r *rule, left, right sums) float64 {
			gain, _ := n.bounds.gain(r, left, right, 0)
			return gain - parent
		})
		if where < 0 {
			return best, false
		}
		best.left, best.set = left, newCodeSet(order, where, c.values(), 2*left.h >= n.total.h)
		return best, true
	}
	found := false
	var missing, left sums
	if entries[0].code == 0 {
		missing, entries = entries[0].sums, entries[1:]
	}
	try := func(left sums, i int, missingLeft bool) {
		right := sums{n.total.g - left.g, n.total.h - left.h}
		if left.h < max(g.rule.minHessian, 1) || right.h < max(g.rule.minHessian, 1) {
			return // a row has a hessian of 1 at least, so less is no row
		}
		gain, ok := n.bounds.gain(&g.rule, left, right, monotone)
		if gain -= parent; !ok || gain <= best.gain {
			return
		}
		best, found = split{gain: gain, code: entries[i].code, missing: missingLeft, left: left}, true
		if i+1 < len(entries) {
			best.next = entries[i+1].code
		}
	}
	for i := range entries {
		left.g += entries[i].g
		left.h += entries[i].h
		switch {
		case missing.h == 0:
			try(left, i, 2*left.h >= n.total.h)
		case i+1 < len(entries):
			try(left, i, false)
			try(sums{left.g + missing.g, left.h + missing.h}, i, true)
		default:
			try(left, i, false)
		}
	}
	return best, found
}
