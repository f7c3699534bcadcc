package train

import (
	"context"
	"slices"

	"orrery.dev/model"
	"orrery.dev/numeric"
)

// GBDT is gradient-boosted decision trees with logistic loss, after Friedman
// ("Greedy Function Approximation", Annals of Statistics 29(5), 2001) with the
// second-order gain and the regularisation of Chen and Guestrin ("XGBoost", KDD
// 2016), on histograms.
type GBDT struct {
	// Trees is how many there are at most; Depth is how many splits a row can
	// meet in one.
	Trees, Depth int
	LearningRate float64
	// Bins is how many a column is cut into, up to MaxBins.
	Bins           int
	L1, L2         float64
	MinChildWeight float64
	MinGain        float64
	// RowSample and ColumnSample are the shares drawn for each tree.
	RowSample, ColumnSample float64
	// EarlyStopping is after how many trees without a lower log loss on the
	// last ValidationShare of the rows the fit ends; 0 for never.
	EarlyStopping   int
	ValidationShare float64
	Seed            int
	// Categories says which categories of a column are told apart; Smoothing is
	// also added to L2 when the gain of a split on categories is counted.
	Categories
}

// Fit fits trees to rows, one more in each round, or where the rows have Classes
// one for each class, by the softmax of their margins. It stops with the
// context's error when ctx is done, and refuses rows and settings that give no
// model with an error of kind Invalid.
//
// The model is *model.Trees, or *model.Multiclass for rows with Classes.
func (o GBDT) Fit(ctx context.Context, rows *Rows, progress Progress) (model.Model, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	rows, held, err := o.parts(rows)
	if err != nil {
		return nil, err
	}
	categories := o.categories(rows)
	rows, held = numbered(rows, categories), numbered(held, categories)
	b := newBoosting(o, rows, categories)
	watch := newWatch(held, b.base, o.EarlyStopping)
	for i := range o.Trees {
		if progress != nil {
			progress(i, o.Trees)
		}
		if err := b.addTrees(ctx); err != nil {
			return nil, err
		}
		if watch.enough(b.trees) {
			break
		}
	}
	if progress != nil {
		progress(o.Trees, o.Trees)
	}
	parts := make([]model.Part, len(b.trees))
	for k, trees := range b.trees {
		if o.EarlyStopping > 0 {
			trees = trees[:watch.best]
		}
		m, err := model.NewCategoryTrees(model.GBDT, rows.Names, categories, b.base[k], trees)
		if err != nil {
			return nil, err
		}
		parts[k] = m
	}
	return oneOrClasses(rows, parts)
}

// oneOrClasses gives the one part, or a model of several classes.
func oneOrClasses(rows *Rows, parts []model.Part) (model.Model, error) {
	if rows.Classes == nil {
		return parts[0], nil
	}
	m, err := model.NewMulticlass(rows.Classes, parts)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// boosting is a fit on its way.
type boosting struct {
	GBDT
	rows   *Rows
	data   *binned
	team   *team
	grower *grower
	// base and trees have one entry, or one for each class, and so has margins,
	// whose entries are [rows].
	base    []float64
	trees   [][]model.Tree
	margins [][]float64
	// class is the one that a tree is fitted for.
	class int
	// shares is [rows × classes], the probabilities at the beginning of the round;
	// nil for one tree a round.
	shares []float64
	// gradient and hessian are [rows].
	gradient, hessian []float64
	bag               *bag
}

const boostingBlock = 4096

// leastHessian keeps the value of a leaf whose rows the model is sure of finite.
const leastHessian = 1e-16

func newBoosting(o GBDT, rows *Rows, categories [][]float64) *boosting {
	n := rows.Len()
	b := &boosting{GBDT: o, rows: rows, team: newTeam(), base: baseMargins(rows), gradient: make([]float64, n), hessian: make([]float64, n)}
	b.data = newBinned(rows, categories, o.Bins, b.team)
	b.grower = newGrower(b.data, b.team)
	b.grower.depth = o.Depth
	if slices.ContainsFunc(rows.Monotone, func(m int8) bool { return m != 0 }) {
		b.grower.monotone = rows.Monotone
	}
	b.bag = newBag(n)
	b.trees = make([][]model.Tree, len(b.base))
	for _, base := range b.base {
		margin := make([]float64, n)
		for i := range margin {
			margin[i] = base
		}
		b.margins = append(b.margins, margin)
	}
	if rows.Classes != nil {
		b.shares = make([]float64, n*len(rows.Classes))
	}
	return b
}

// baseMargins gives what no trees at all say: the log-odds of a positive, or the
// logarithm of the share of each class.
func baseMargins(rows *Rows) []float64 {
	weight := make([]float64, max(2, len(rows.Classes)))
	all := 0.0
	for i, y := range rows.Y {
		weight[int(y)] += rows.weight(i)
		all += rows.weight(i)
	}
	if rows.Classes == nil {
		return []float64{numeric.Log(weight[1] / weight[0])}
	}
	for k := range weight {
		weight[k] = numeric.Log(weight[k] / all)
	}
	return weight
}

// addTrees fits one more tree to the gradients of the loss, or one for each
// class.
func (b *boosting) addTrees(ctx context.Context) error {
	round := len(b.trees[0])
	if b.shares != nil {
		b.share()
	}
	for b.class = range b.trees {
		random := numeric.NewRandom(uint64(b.Seed), uint64(round*len(b.trees)+b.class))
		if err := b.grow(ctx, random, b.gradients()); err != nil {
			return err
		}
	}
	return nil
}

// share writes the probability of each class for each row.
func (b *boosting) share() {
	k := len(b.margins)
	b.team.blocks(b.rows.Len(), boostingBlock, func(_, from, to int) {
		for i := from; i < to; i++ {
			out := b.shares[i*k : (i+1)*k]
			for class, margin := range b.margins {
				out[class] = margin[i]
			}
			model.Softmax(out)
		}
	})
}

func (b *boosting) grow(ctx context.Context, random *numeric.Random, q quanta) error {
	b.bag.fill(b, q)
	rows := b.bag.draw(b, random)
	b.grower.columns = drawColumns(random, len(b.data.columns), b.ColumnSample)
	b.grower.rule = rule{l1: b.L1 * q.gradient, l2: b.L2 * q.hessian,
		minHessian: b.MinChildWeight * q.hessian, minGain: b.MinGain * q.gradient * q.gradient / q.hessian,
		smoothing: b.Smoothing * q.hessian, categoryL2: b.Smoothing * q.hessian}
	if err := b.grower.grow(ctx, rows, b.bag.values); err != nil {
		return err
	}
	b.finish(q)
	return nil
}

// gradients writes the gradient and hessian of each row's loss, and says how
// they are to be made whole.
func (b *boosting) gradients() quanta {
	n := b.rows.Len()
	limits := make([]quantaLimits, (n+boostingBlock-1)/boostingBlock)
	b.team.blocks(n, boostingBlock, func(block, from, to int) {
		if b.shares != nil {
			b.classGradients(from, to)
		} else {
			b.binaryGradients(from, to)
		}
		l := &limits[block]
		for i := from; i < to; i++ {
			if b.rows.Weight != nil {
				w := b.rows.Weight[i]
				b.gradient[i], b.hessian[i] = b.gradient[i]*w, b.hessian[i]*w
			}
			l.add(b.gradient[i], b.hessian[i])
		}
	})
	return newQuanta(limits, n)
}

func (b *boosting) binaryGradients(from, to int) {
	margin := b.margins[0]
	for i := from; i < to; i++ {
		p := numeric.Sigmoid(margin[i])
		b.gradient[i], b.hessian[i] = p-b.rows.Y[i], max(float64(p*(1-p)), leastHessian)
	}
}

// classGradients are those of the softmax. The hessian is its diagonal times
// k/(k−1) for k classes, since a margin moves against the others (Friedman, 2001,
// algorithm 6).
func (b *boosting) classGradients(from, to int) {
	k := len(b.margins)
	factor := float64(k) / float64(k-1)
	for i := from; i < to; i++ {
		p := b.shares[i*k+b.class]
		against := 1 - p
		b.gradient[i], b.hessian[i] = p, max(float64(factor*p*against), leastHessian)
		if int(b.rows.Y[i]) == b.class {
			b.gradient[i] = -against
		}
	}
}

// finish gives the leaves their values, from the gradients as they were before
// they were made whole, and moves the margins on.
func (b *boosting) finish(q quanta) {
	g, margin := b.grower, b.margins[b.class]
	t := g.tree
	t.Value, t.Cover = make([]float64, len(g.leaves)), make([]float64, len(g.leaves))
	hessians := make([]float64, len(g.leaves))
	pieces := b.pieces()
	b.team.each(len(pieces), func(_, i int) { pieces[i].sum(b) })
	for _, p := range pieces {
		// Value is the gradient until all of a leaf is summed.
		t.Value[p.leaf] += p.gradient
		t.Cover[p.leaf] += p.weight
		hessians[p.leaf] += p.hessian
	}
	for i, gradient := range t.Value {
		t.Value[i] = -b.LearningRate * shrink(gradient, b.L1) / (hessians[i] + b.L2)
		if g.monotone != nil {
			t.Value[i] = b.held(t.Value[i], g.leaves[i].bounds, q)
		}
	}
	b.team.each(len(pieces), func(_, i int) {
		for _, r := range pieces[i].rows {
			margin[r] += t.Value[pieces[i].leaf]
		}
	})
	rest := b.bag.rest
	b.team.blocks(len(rest), boostingBlock, func(_, from, to int) {
		for _, r := range rest[from:to] {
			margin[r] += t.Value[t.Leaf(b.rows.Row(int(r)))]
		}
	})
	b.trees[b.class] = append(b.trees[b.class], t)
}

// held keeps a leaf's value within the bounds of its node. Both factors are powers
// of two, so that equal bounds stay equal.
func (b *boosting) held(value float64, within bounds, q quanta) float64 {
	unit := b.LearningRate * (q.hessian / q.gradient)
	return bounds{within.low * unit, within.high * unit}.hold(value)
}

// piece is rows of one leaf and what they sum to.
type piece struct {
	leaf                      int
	rows                      []uint32
	gradient, hessian, weight float64
}

// pieces cuts the leaves' rows, in order, into as many as a core should take at
// a time; the cuts are the same on any number of cores.
func (b *boosting) pieces() []piece {
	var out []piece
	for i, n := range b.grower.leaves {
		for from := n.from; from < n.to; from += boostingBlock {
			out = append(out, piece{leaf: i, rows: b.grower.all.rows[from:min(from+boostingBlock, n.to)]})
		}
	}
	return out
}

func (p *piece) sum(b *boosting) {
	var gradient, hessian float64
	for _, r := range p.rows {
		gradient += b.gradient[r]
		hessian += b.hessian[r]
	}
	p.gradient, p.hessian, p.weight = gradient, hessian, float64(len(p.rows))
	if b.rows.Weight != nil {
		p.weight = 0
		for _, r := range p.rows {
			p.weight += b.rows.Weight[r]
		}
	}
}

// shrink moves x towards 0 by l1.
func shrink(x, l1 float64) float64 {
	switch {
	case x > l1:
		return x - l1
	case x < -l1:
		return x + l1
	}
	return 0
}

// share gives a share of n, rounded; at least one.
func share(n int, of float64) int { return max(1, int(float64(float64(n)*of)+0.5)) }

// drawColumns gives a share of the columns, in order; at least one.
func drawColumns(random *numeric.Random, columns int, sample float64) []int {
	want := share(columns, sample)
	out := make([]int, 0, want)
	for f := range columns {
		if random.IntN(columns-f) < want-len(out) {
			out = append(out, f)
		}
	}
	return out
}
