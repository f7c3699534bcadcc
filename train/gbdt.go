package train

import (
	"context"

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
}

// Fit fits trees to rows. It stops with the context's error when ctx is done,
// and refuses rows and settings that give no model with an error of kind
// Invalid.
func (o GBDT) Fit(ctx context.Context, rows *Rows, progress Progress) (*model.Trees, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	rows, held, err := o.parts(rows)
	if err != nil {
		return nil, err
	}
	b := newBoosting(o, rows)
	watch := newWatch(held, b.base, o.EarlyStopping)
	for i := range o.Trees {
		if progress != nil {
			progress(i, o.Trees)
		}
		if err := b.addTree(ctx); err != nil {
			return nil, err
		}
		if watch.enough(b.trees) {
			break
		}
	}
	if o.EarlyStopping > 0 {
		b.trees = b.trees[:watch.best]
	}
	if progress != nil {
		progress(o.Trees, o.Trees)
	}
	return model.NewTrees(model.GBDT, rows.Names, b.base, b.trees)
}

// boosting is a fit on its way.
type boosting struct {
	GBDT
	rows   *Rows
	data   *binned
	team   *team
	grower *grower
	base   float64
	trees  []model.Tree
	// margin, gradient and hessian are [rows].
	margin, gradient, hessian []float64
	bag                       *bag
}

const boostingBlock = 4096

func newBoosting(o GBDT, rows *Rows) *boosting {
	n := rows.Len()
	b := &boosting{GBDT: o, rows: rows, team: newTeam(),
		margin: make([]float64, n), gradient: make([]float64, n), hessian: make([]float64, n)}
	b.data = newBinned(rows, o.Bins, b.team)
	b.grower = newGrower(b.data, b.team)
	b.grower.depth = o.Depth
	b.bag = newBag(n)
	var weight [2]float64
	for i, y := range rows.Y {
		weight[int(y)] += rows.weight(i)
	}
	b.base = numeric.Log(weight[1] / weight[0])
	for i := range b.margin {
		b.margin[i] = b.base
	}
	return b
}

// addTree fits one more tree to the gradients of the loss.
func (b *boosting) addTree(ctx context.Context) error {
	random := numeric.NewRandom(uint64(b.Seed), uint64(len(b.trees)))
	return b.grow(ctx, random, b.gradients())
}

func (b *boosting) grow(ctx context.Context, random *numeric.Random, q quanta) error {
	b.bag.fill(b, q)
	rows := b.bag.draw(b, random)
	b.grower.columns = drawColumns(random, len(b.data.columns), b.ColumnSample)
	b.grower.rule = rule{l1: b.L1 * q.gradient, l2: b.L2 * q.hessian,
		minHessian: b.MinChildWeight * q.hessian, minGain: b.MinGain * q.gradient * q.gradient / q.hessian}
	if err := b.grower.grow(ctx, rows, b.bag.values); err != nil {
		return err
	}
	b.finish()
	return nil
}

// gradients writes the gradient and hessian of each row's loss, and says how
// they are to be made whole.
func (b *boosting) gradients() quanta {
	n := b.rows.Len()
	limits := make([]quantaLimits, (n+boostingBlock-1)/boostingBlock)
	b.team.blocks(n, boostingBlock, func(block, from, to int) {
		l := &limits[block]
		for i := from; i < to; i++ {
			p := numeric.Sigmoid(b.margin[i])
			g, h := p-b.rows.Y[i], float64(p*(1-p))
			if b.rows.Weight != nil {
				g, h = g*b.rows.Weight[i], h*b.rows.Weight[i]
			}
			b.gradient[i], b.hessian[i] = g, h
			l.add(g, h)
		}
	})
	return newQuanta(limits, n)
}

// finish gives the leaves their values, from the gradients as they were before
// they were made whole, and moves the margins on.
func (b *boosting) finish() {
	g := b.grower
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
	}
	b.team.each(len(pieces), func(_, i int) {
		for _, r := range pieces[i].rows {
			b.margin[r] += t.Value[pieces[i].leaf]
		}
	})
	rest := b.bag.rest
	b.team.blocks(len(rest), boostingBlock, func(_, from, to int) {
		for _, r := range rest[from:to] {
			b.margin[r] += t.Value[t.Leaf(b.rows.Row(int(r)))]
		}
	})
	b.trees = append(b.trees, t)
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
