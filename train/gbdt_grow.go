package train

import (
	"context"

	"orrery.dev/model"
)

// grower grows one tree after another on the same binned rows, level by level.
type grower struct {
	data  *binned
	rule  rule
	depth int
	team  *team
	// columns lists those that this tree may split on.
	columns []int
	// monotone has the constraint on each column, nil where there is none.
	monotone []int8
	all      lot        // the rows of the tree, by node; their values where they are counted
	values   lot        // the values of every row, by row
	spare    []uint32   // for sorting rows
	scratch  []*scratch // one for each worker
	free     []*histogram
	leaves   []*node
	tree     model.Tree
	splits   []split
}

// node is a part of the rows. It is a leaf until it is split.
type node struct {
	from, to int
	total    sums
	// parent is the split it is a side of, -1 for the root.
	parent int
	right  bool
	// stored is kept for nodes whose rows are not few against the bins; the
	// smaller side of a split is counted, and the other is what remains.
	stored *histogram
	best   split
	// bounds are those of the leaves below, where some column is constrained.
	bounds bounds
}

func (n *node) rows() int { return n.to - n.from }

func newGrower(data *binned, t *team) *grower {
	g := &grower{data: data, team: t, scratch: make([]*scratch, t.size)}
	return g
}

// grow grows a tree on rows, which it puts in order of the leaves. Each leaf's
// rows keep their order. values holds what the tree is fitted to, by row.
func (g *grower) grow(ctx context.Context, rows []uint32, values lot) error {
	g.values, g.all = values, g.room(rows, values)
	for i, s := range g.scratch {
		if s == nil || (s.second == nil) != (values.second == nil) {
			g.scratch[i] = newScratch(g.data, values.second == nil)
			g.free = nil
		}
	}
	g.tree = model.Tree{}
	g.splits, g.leaves = g.splits[:0], nil
	g.all.gather(values)
	root := &node{to: len(rows), total: g.all.total(), parent: -1, bounds: unbounded}
	families := []family{{large: root}}
	for depth := 0; depth < g.depth && len(families) > 0; depth++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.search(families)
		families = g.divide(families)
	}
	for _, f := range families {
		g.release(f.parent)
		for _, n := range f.both() {
			g.leaf(n)
		}
	}
	return nil
}

// room gives a lot for rows to be gathered in.
func (g *grower) room(rows []uint32, values lot) lot {
	l := lot{rows: rows, first: g.all.first}
	if len(l.first) < len(rows) {
		l.first, g.spare = make([]int64, len(values.first)), make([]uint32, len(values.first))
	}
	l.first = l.first[:len(rows)]
	if values.second != nil {
		l.second = make([]int64, len(rows))
	}
	return l
}

// family is the two sides of a split with the histogram of their parent, or the
// root as the large side of nothing.
type family struct {
	parent       *histogram
	small, large *node
}

func (f *family) both() []*node {
	if f.small == nil {
		return []*node{f.large}
	}
	if f.small.right {
		return []*node{f.large, f.small}
	}
	return []*node{f.small, f.large}
}

// worth says whether a node can have a split at all.
func (g *grower) worth(n *node) bool {
	return n.rows() > 1 && n.total.h >= 2*g.rule.minHessian
}

// dense says whether counting the rows of a node outweighs going through the
// codes of all columns, so that a histogram is worth keeping.
func (g *grower) dense(n *node) bool {
	return 2*n.rows()*len(g.data.columns) >= g.data.codes
}

// search finds the best split of every node in the families.
func (g *grower) search(families []family) {
	for i := range families {
		g.prepare(&families[i])
	}
	columns := len(g.columns)
	found := make([]split, 2*len(families)*columns)
	small := 0
	for i := range families {
		small += families[i].large.rows()
	}
	if f := families[0]; f.small == nil && f.large.stored != nil {
		g.countRoot(f.large)
	}
	task := func(worker, i int) {
		f, at := &families[i/columns], found[2*i:2*i+2]
		g.searchFamily(g.scratch[worker], f, g.columns[i%columns], at)
	}
	if small*columns < 4096 {
		for i := range columns * len(families) {
			task(0, i)
		}
	} else {
		g.team.each(columns*len(families), task)
	}
	for i := range families {
		g.choose(&families[i], found[2*i*columns:2*(i+1)*columns])
	}
}

// choose takes the best over the columns, the first of equals.
func (g *grower) choose(f *family, found []split) {
	for i, s := range found {
		n := f.large
		if i%2 == 1 {
			n = f.small
		}
		if s.gain > 0 && s.gain > n.best.gain {
			n.best = s
		}
	}
	if f.small == nil || f.large.stored != f.parent {
		g.release(f.parent)
	}
	f.parent = nil
}

// prepare hands out histograms before the columns are searched in parallel.
func (g *grower) prepare(f *family) {
	switch {
	case f.small == nil:
		if g.dense(f.large) {
			f.large.stored = g.histogram()
		}
		return
	case f.parent == nil:
		return
	case g.worth(f.large) && g.dense(f.large):
		f.large.stored = f.parent
	}
	if g.dense(f.small) && (g.worth(f.small) || f.large.stored != nil) {
		f.small.stored = g.histogram()
	}
}

// countRoot counts the columns two at a time.
func (g *grower) countRoot(n *node) {
	l := g.all.slice(n.from, n.to)
	g.team.each((len(g.columns)+1)/2, func(_, i int) {
		a := &g.data.columns[g.columns[2*i]]
		to := n.stored.of(a)
		to.clear()
		if 2*i+1 == len(g.columns) {
			to.add(a.codes, l)
			return
		}
		b := &g.data.columns[g.columns[2*i+1]]
		also := n.stored.of(b)
		also.clear()
		if len(l.rows) < g.data.rows || l.second != nil {
			to.add(a.codes, l)
			also.add(b.codes, l)
			return
		}
		addAll(to.first, also.first, a.codes, b.codes, l.first)
	})
}

// searchFamily finds the best split of each side by one column: that of the
// large side first.
func (g *grower) searchFamily(s *scratch, f *family, column int, found []split) {
	c := &g.data.columns[column]
	if f.small != nil {
		found[1] = g.searchNode(s, f.small, c, column)
	}
	if large := f.large; large.stored != nil && f.small != nil {
		of := large.stored.of(c)
		if f.small.stored != nil {
			of.subtract(f.small.stored.of(c))
		} else {
			of.remove(c.codes, g.all.slice(f.small.from, f.small.to))
		}
		found[0] = g.searchEntries(s.ofHistogram(of), large, column)
		return
	}
	found[0] = g.searchNode(s, f.large, c, column)
}

func (g *grower) searchNode(s *scratch, n *node, c *column, column int) split {
	l := g.all.slice(n.from, n.to)
	if n.stored != nil {
		of := n.stored.of(c)
		if n.parent >= 0 {
			of.clear()
			of.add(c.codes, l)
		}
		return g.searchEntries(s.ofHistogram(of), n, column)
	}
	if !g.worth(n) {
		return split{}
	}
	return g.searchEntries(s.ofLot(c, l), n, column)
}

func (g *grower) searchEntries(entries []entry, n *node, column int) split {
	if len(entries) < 2 || !g.worth(n) {
		return split{}
	}
	best, found := split{gain: g.rule.least(n.total)}, false
	if g.monotone != nil {
		best, found = g.searchWithin(entries, n, column)
	} else if c := &g.data.columns[column]; c.categories {
		best, found = g.rule.searchCategories(entries, n.total, c.values(), best)
	} else {
		best, found = g.rule.search(entries, n.total, best)
	}
	if !found {
		return split{}
	}
	best.column = column
	return best
}

// divide splits the nodes that have a split, makes leaves of the others, and
// gives the families that come of it.
func (g *grower) divide(families []family) []family {
	var divided []*node
	for i := range families {
		for _, n := range families[i].both() {
			if n.best.gain > 0 {
				g.split(n)
				divided = append(divided, n)
			} else {
				g.release(n.stored)
				g.leaf(n)
			}
		}
	}
	next := make([]family, len(divided))
	first := len(g.splits) - len(divided)
	var inner []int
	for i, n := range divided {
		if n.rows() >= 2*partitionBlock {
			next[i] = g.sides(n, first+i, g.team)
		} else {
			inner = append(inner, i)
		}
	}
	alone := &team{1}
	g.team.each(len(inner), func(_, i int) { next[inner[i]] = g.sides(divided[inner[i]], first+inner[i], alone) })
	return next
}

// sides sorts the rows of a node by its split.
func (g *grower) sides(n *node, number int, t *team) family {
	middle := n.from + t.partition(g.all.rows[n.from:n.to], g.data.columns[n.best.column].codes, &n.best, g.spare[n.from:n.to])
	left := &node{from: n.from, to: middle, total: n.best.left, parent: number}
	right := &node{from: middle, to: n.to, parent: number, right: true,
		total: sums{n.total.g - n.best.left.g, n.total.h - n.best.left.h}}
	if g.monotone != nil {
		left.bounds, right.bounds = n.bounds.sides(&g.rule, left.total, right.total, g.monotone[n.best.column])
	}
	f := family{parent: n.stored, small: left, large: right}
	if left.rows() > right.rows() {
		f.small, f.large = right, left
	}
	g.all.slice(f.small.from, f.small.to).gather(g.values)
	if f.parent == nil || !g.dense(f.large) {
		g.all.slice(f.large.from, f.large.to).gather(g.values)
	}
	return f
}

// split writes a node's split to the tree.
func (g *grower) split(n *node) {
	attach(&g.tree, n.parent, n.right, int32(len(g.splits)))
	s := &n.best
	g.splits = append(g.splits, *s)
	addSplit(&g.tree, s, &g.data.columns[s.column])
}

func (g *grower) leaf(n *node) {
	attach(&g.tree, n.parent, n.right, ^int32(len(g.leaves)))
	g.leaves = append(g.leaves, n)
}

func (g *grower) histogram() *histogram {
	if n := len(g.free); n > 0 {
		h := g.free[n-1]
		g.free = g.free[:n-1]
		return h
	}
	return g.data.newHistogram(g.all.second == nil)
}

func (g *grower) release(h *histogram) {
	if h != nil {
		g.free = append(g.free, h)
	}
}
