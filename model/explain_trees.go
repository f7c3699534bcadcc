package model

import "sync"

// Contributions gives the exact SHAP values of the inputs: for GBDT of the
// margin, in log-odds, for Forest of the score, a probability. They are the
// Shapley values of the game in which a tree follows the row at a split on a
// known feature, by MissingLeft when its value is missing, and goes both ways at
// any other, in proportion to Cover: the path-dependent values of Lundberg et
// al. (arXiv:1802.03888). Where no training row came, both ways count the same.
// The base is what the trees give on average over the rows that they learned
// from. See Explainer.
//
// It takes time in proportion to the leaves times half the number of different
// features on the longest path, and memory for the trees once more from the
// first call on.
func (m *Trees) Contributions(row, out []float64) (base float64) {
	m.explainOnce.Do(func() { m.explain = newTreeExplainer(m) })
	row, out = row[:len(m.features)], out[:len(m.features)]
	clear(out)
	numbered := m.numbered(&row)
	e := m.explain
	s := explainScratch.Get().(*treeScratch)
	s.grow(e.most)
	for i := range e.trees {
		l := &e.trees[i]
		l.route(row, s.passages)
		for j := range l.rule {
			l.spread(&l.rule[j], s.passages)
			l.gather(&l.rule[j], s.passages, out)
		}
	}
	explainScratch.Put(s)
	numbered.free()
	if m.kind == Forest {
		for i := range out {
			out[i] /= float64(len(m.trees))
		}
	}
	return e.base
}

// treeExplainer computes Shapley values as integrals (Owen, Multilinear
// extensions of games, 1972). Let each feature be known with probability t. For
// a leaf and a feature j on its path, let the row fit every split on j (o = 1)
// or not (o = 0), and let z be the chance that a row of the training set does.
// Then the tree is expected to give Σ value · Π p_j over the leaves, with
// p_j = t·o_j + (1−t)·z_j, and the Shapley value of feature i is
//
//	∫₀¹ Σ value · (o_i − z_i) · Π_{j≠i} p_j dt,
//
// a polynomial of a degree below the number of features on the path, which
// Gauss-Legendre quadrature integrates exactly. At each of its points, one pass
// down the tree makes the products and one pass up sums them, so that every
// branch takes the same time (as in Yu et al., arXiv:2209.08192). All factors
// are in [0, 1] and nothing is unwound, so deep trees lose no digits.
type treeExplainer struct {
	trees []layout
	base  float64
	most  int // branches of the largest tree
}

func newTreeExplainer(m *Trees) *treeExplainer {
	e := &treeExplainer{base: m.base, trees: make([]layout, len(m.trees))}
	rules, latest := map[int][]block{}, make([]int32, len(m.features))
	for i := range m.trees {
		l := newLayout(&m.trees[i], latest)
		points := min((l.distinct+1)/2, maxPoints)
		if rules[points] == nil {
			rules[points] = gaussLegendre(points)
		}
		l.rule = rules[points]
		e.base += l.expected
		e.most = max(e.most, len(l.branches))
		e.trees[i] = l
	}
	if m.kind == Forest {
		e.base /= float64(len(m.trees))
	}
	return e
}

// way says how a row stands to a branch.
type way uint8

const (
	fits   way = iota // it fits all splits on the branch's feature so far
	misses            // this is the first that it does not fit
	missed            // an earlier one was
)

// passage is what a row makes of a branch, at four points of a rule.
type passage struct {
	// product is the point's weight times Π p_j of the way down, and after
	// gather the sum of value · product over the leaves below.
	product quad
	inverse quad // 1/p of the branch's own feature, where the row fits
	way     way
}

type treeScratch struct{ passages []passage }

var explainScratch = sync.Pool{New: func() any { return new(treeScratch) }}

func (s *treeScratch) grow(n int) {
	if len(s.passages) < n {
		s.passages = make([]passage, n)
	}
}

// route finds how the row stands to each branch. It has no branch of its own on
// the data, which the processor could not foresee.
func (l *layout) route(row []float64, passages []passage) {
	passages[0].way = fits
	for i := range l.branches {
		b := &l.branches[i]
		if b.left == 0 {
			continue
		}
		// Both children follow from the same feature, and so have one earlier branch.
		early := one(passages[l.branches[b.left].earlier].way != fits)
		left := l.goesLeft(b, row)
		passages[b.left].way = way(early<<1 | (1-early)&(1-left))
		passages[b.left+1].way = way(early<<1 | (1-early)&left)
	}
}

// spread makes the products at four points, from the root down.
func (l *layout) spread(at *block, passages []passage) {
	passages = passages[:len(l.branches)]
	passages[0].product, passages[0].inverse = at.weight, quad{1, 1, 1, 1}
	for i := 1; i < len(l.branches); i++ {
		b, p := &l.branches[i], &passages[i]
		above, earlier := &passages[b.above], &passages[b.earlier]
		switch p.way {
		case fits:
			factor := at.t.plus(at.rest.by(b.chance).rounded())
			p.inverse = factor.under(1)
			p.product = above.product.times(earlier.inverse).times(factor)
		case misses:
			p.product = above.product.times(earlier.inverse).times(at.rest).by(b.chance)
		default:
			p.product = above.product.by(b.share)
		}
	}
}

// gather sums the products from the leaves up and adds (o − z)/p of each branch,
// instead of what was added for the earlier branch of its feature, to out.
func (l *layout) gather(at *block, passages []passage, out []float64) {
	passages = passages[:len(l.branches)]
	never := at.rest.under(-1) // (0 − z) / ((1−t)·z)
	for i := len(l.branches) - 1; i > 0; i-- {
		b, p := &l.branches[i], &passages[i]
		if b.left == 0 {
			p.product = p.product.by(b.number).rounded()
		} else {
			p.product = passages[b.left].product.plus(passages[b.left+1].product)
		}
		if p.way == missed {
			continue // (0 − z)/p is the same for both branches
		}
		factor := never
		if p.way == fits {
			factor = p.inverse.by(1 - b.chance).rounded()
		}
		if b.earlier > 0 {
			before := passages[b.earlier].inverse.by(1 - l.branches[b.earlier].chance)
			factor = factor.minus(before.rounded())
		}
		out[b.feature] += p.product.times(factor).rounded().sum()
	}
}
