package train

import (
	"context"
	"math"
	"sync/atomic"

	"orrery.dev/model"
	"orrery.dev/numeric"
)

// Forest is a random forest (Breiman, "Random Forests", Machine Learning 45,
// 2001): trees grown each on rows drawn with replacement, each split chosen by
// Gini impurity among a few columns drawn anew, their leaves' shares of
// positives averaged.
type Forest struct {
	Trees int
	// Depth is how many splits a row can meet in a tree, at most.
	Depth int
	// Bins is how many a column is cut into, up to MaxBins.
	Bins int
	// ColumnSample is the share of the columns that is drawn for each split,
	// among those that differ within the node.
	ColumnSample float64
	// MinLeaf is the least weight of the rows of a leaf.
	MinLeaf float64
	Seed    int
	// Categories says which categories of a column are told apart.
	Categories
}

// Fit fits trees to rows. It stops with the context's error when ctx is done,
// and refuses rows and settings that give no model with an error of kind
// Invalid.
//
// The model is *model.Trees, or *model.Multiclass for rows with Classes, whose
// parts have the same splits.
func (o Forest) Fit(ctx context.Context, rows *Rows, progress Progress) (model.Model, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := checkTrees(rows); err != nil {
		return nil, err
	}
	if err := rows.unconstrained("a forest cannot be held to it"); err != nil {
		return nil, err
	}
	rows = weighted(rows)
	categories := o.categories(rows)
	rows = numbered(rows, categories)
	t := newTeam()
	f := &forest{Forest: o, rows: rows, data: newBinned(rows, categories, o.Bins, t), quanta: forestQuanta(rows),
		tries: share(len(rows.Names), o.ColumnSample)}
	grown := make([][]model.Tree, o.Trees)
	growers := make([]func(ctx context.Context, i int) []model.Tree, t.size)
	var done atomic.Int64
	t.each(o.Trees, func(worker, i int) {
		if ctx.Err() != nil {
			return
		}
		if growers[worker] == nil {
			growers[worker] = f.newGrower()
		}
		grown[i] = growers[worker](ctx, i)
		if n := int(done.Add(1)); progress != nil && worker == 0 && n < o.Trees {
			progress(n, o.Trees)
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if progress != nil {
		progress(o.Trees, o.Trees)
	}
	parts := make([]model.Part, max(1, len(rows.Classes)))
	for k := range parts {
		trees := make([]model.Tree, o.Trees)
		for i := range trees {
			trees[i] = grown[i][k]
		}
		m, err := model.NewCategoryTrees(model.Forest, rows.Names, categories, 0, trees)
		if err != nil {
			return nil, err
		}
		parts[k] = m
	}
	return oneOrClasses(rows, parts)
}

// newGrower gives a function that grows tree number i, once for each class.
func (f *forest) newGrower() func(ctx context.Context, i int) []model.Tree {
	if f.rows.Classes != nil {
		return newClassGrower(f).grow
	}
	g := newForestGrower(f)
	return func(ctx context.Context, i int) []model.Tree { return []model.Tree{g.grow(ctx, i)} }
}

func (o Forest) check() error {
	return firstError(
		within("trees", float64(o.Trees), 1, maxTrees),
		within("depth", float64(o.Depth), 1, maxDepth),
		within("bins", float64(o.Bins), 2, MaxBins),
		within("column_sample", o.ColumnSample, math.SmallestNonzeroFloat64, 1),
		within("min_leaf", o.MinLeaf, 0, math.MaxFloat64),
		o.Categories.check(),
	)
}

// forest is a fit on its way; the growers share it and change nothing.
type forest struct {
	Forest
	rows   *Rows
	data   *binned
	quanta quanta
	tries  int // columns for each split
}

// forestQuanta makes weights whole. Weights of 1 stay as they are.
func forestQuanta(rows *Rows) quanta {
	if rows.Weight == nil {
		return quanta{gradient: 1, hessian: 1, packed: true}
	}
	var l quantaLimits
	for _, w := range rows.Weight {
		l.add(w, w)
	}
	q := quanta{gradient: factor(unpackedLimit/drawLimit, l.gradients), packed: false}
	q.hessian = q.gradient
	return q
}

// drawLimit is how many times a row can be drawn without a loss of exactness, if
// every row were drawn so often.
const drawLimit = 1 << 8

// forestGrower grows trees one after another on one core.
type forestGrower struct {
	*forest
	rule    rule
	random  *numeric.Random
	all     lot      // the rows of the tree, by node
	words   lot      // the values of every row, by row
	spare   []uint32 // for sorting rows
	counts  []uint32 // [rows], how often each was drawn
	order   []int    // the columns
	scratch *scratch
	tree    model.Tree
}

func newForestGrower(f *forest) *forestGrower {
	n := f.rows.Len()
	g := &forestGrower{forest: f, counts: make([]uint32, n), order: make([]int, len(f.rows.Names)),
		scratch: newScratch(f.data, f.quanta.packed), all: newLot(n, f.quanta.packed),
		words: newLot(n, f.quanta.packed), spare: make([]uint32, n)}
	g.rule.minHessian = f.MinLeaf * f.quanta.hessian
	g.rule.smoothing = f.Smoothing * f.quanta.hessian
	return g
}

// part is a node that is still to be split or made a leaf.
type part struct {
	from, to, depth int
	total           sums
	parent          int
	right           bool
}

// grow grows tree number i, the left side of each split first.
func (g *forestGrower) grow(ctx context.Context, i int) model.Tree {
	g.random = numeric.NewRandom(uint64(g.Seed), uint64(i))
	for f := range g.order {
		g.order[f] = f
	}
	g.tree = model.Tree{}
	n := g.draw()
	stack := []part{{to: n, total: g.all.slice(0, n).total(), parent: -1}}
	for len(stack) > 0 && ctx.Err() == nil {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		best := g.search(p)
		if best.gain == 0 {
			g.leaf(p)
			continue
		}
		left, right := g.divide(p, best)
		stack = append(stack, right, left)
	}
	return g.tree
}

// draw draws as many rows as there are, with replacement, and gives the number
// of different ones.
func (g *forestGrower) draw() int {
	draw(g.random, g.counts)
	n := 0
	for i, count := range g.counts {
		if count == 0 {
			continue
		}
		word := g.word(i, count)
		positive := int64(g.rows.Y[i]) * word
		g.all.rows[n] = uint32(i)
		if g.quanta.packed {
			g.words.first[i] = pack(positive, word)
		} else {
			g.words.first[i], g.words.second[i] = positive, word
		}
		n++
	}
	g.all.slice(0, n).gather(g.words)
	return n
}

// draw counts how often each is drawn, of as many with replacement as there are.
func draw(random *numeric.Random, counts []uint32) {
	clear(counts)
	for range counts {
		counts[random.IntN(len(counts))]++
	}
}

// word gives the whole weight of a row drawn a number of times.
func (f *forest) word(i int, count uint32) int64 {
	if f.quanta.packed {
		return int64(count)
	}
	return max(int64(math.RoundToEven(f.rows.Weight[i]*f.quanta.hessian)), 1) * int64(count)
}

// search tries columns in random order until enough have been tried that differ
// within the node. The gain of the score is that of Gini impurity: the sum of
// squared positives over weight is what the two share.
func (g *forestGrower) search(p part) split {
	best := split{}
	if p.depth == g.Depth || p.total.g == 0 || p.total.g == p.total.h || p.total.h < 2*g.rule.minHessian {
		return best
	}
	l := g.all.slice(p.from, p.to)
	best.gain = g.rule.least(p.total)
	any := false
	for tried, i := 0, 0; tried < g.tries && i < len(g.order); i++ {
		j := i + g.random.IntN(len(g.order)-i)
		g.order[i], g.order[j] = g.order[j], g.order[i]
		f := g.order[i]
		entries := g.scratch.ofLot(&g.data.columns[f], l)
		if len(entries) < 2 {
			continue
		}
		tried++
		s, found := split{}, false
		if c := &g.data.columns[f]; c.categories {
			s, found = g.rule.searchCategories(entries, p.total, c.values(), best)
		} else {
			s, found = g.rule.search(entries, p.total, best)
		}
		if found {
			best, any = s, true
			best.column = f
		}
	}
	if !any {
		return split{}
	}
	return best
}

// divide writes a split to the tree and gives its two sides.
func (g *forestGrower) divide(p part, s split) (left, right part) {
	t := &g.tree
	number := len(t.Feature)
	attach(t, p.parent, p.right, int32(number))
	c := &g.data.columns[s.column]
	addSplit(t, &s, c)
	l := g.all.slice(p.from, p.to)
	middle := p.from + partition(l.rows, c.codes, &s, g.spare)
	l.gather(g.words)
	left = part{from: p.from, to: middle, depth: p.depth + 1, total: s.left, parent: number}
	right = part{from: middle, to: p.to, depth: p.depth + 1, parent: number, right: true,
		total: sums{p.total.g - s.left.g, p.total.h - s.left.h}}
	return left, right
}

// leaf gives a part the share of its weight that is positive.
func (g *forestGrower) leaf(p part) {
	attach(&g.tree, p.parent, p.right, ^int32(len(g.tree.Value)))
	var positive, weight float64
	for _, r := range g.all.rows[p.from:p.to] {
		w := g.rows.weight(int(r)) * float64(g.counts[r])
		weight += w
		positive += float64(w * g.rows.Y[r])
	}
	g.tree.Value, g.tree.Cover = append(g.tree.Value, positive/weight), append(g.tree.Cover, weight)
}

// attach makes child, a split or the complement of a leaf, a side of its parent.
func attach(t *model.Tree, parent int, right bool, child int32) {
	switch {
	case parent < 0:
	case right:
		t.Right[parent] = child
	default:
		t.Left[parent] = child
	}
}
