package model

import (
	"slices"
	"sync"

	"orrery.dev"
	"orrery.dev/numeric"
)

// The kinds of tree ensemble.
const (
	// GBDT sums its trees on the log-odds scale: sigmoid(base + Σ leaf values).
	GBDT = "gbdt"
	// Forest averages its trees, whose leaves hold probabilities.
	Forest = "forest"
)

// Trees is an ensemble of decision trees. It is immutable and safe for
// concurrent use.
type Trees struct {
	kind       string
	features   []string
	categories [][]float64 // [features], nil when all are numbers
	base       float64
	trees      []Tree
	walk       *walk // nil when there are too many features for one

	explainOnce sync.Once // made when first asked for: most models explain nothing
	explain     *treeExplainer
}

// NewTrees makes an ensemble of a kind, GBDT or Forest, whose trees split on
// features by index. base is the score of no trees at all, in log-odds; a
// forest has none, so there it must be 0. The trees are kept, not copied, and
// must not be changed afterwards.
//
// An error of kind Invalid says which tree is not one: an index out of range, a
// split or leaf reached never or twice, a number that is not finite, or a leaf
// of a forest outside [0, 1].
func NewTrees(kind string, features []string, base float64, trees []Tree) (*Trees, error) {
	return NewCategoryTrees(kind, features, nil, base, trees)
}

// NewCategoryTrees is NewTrees for features of which some have categories:
// categories has the list of each feature, of values as orrery.CategoryOf gives
// them, rising; an empty list is that of a feature that is a number. Every split
// on a feature with a list has a set. The lists are copied.
func NewCategoryTrees(kind string, features []string, categories [][]float64, base float64, trees []Tree) (*Trees, error) {
	if err := checkTrees(kind, features, categories, base, trees); err != nil {
		return nil, err
	}
	m := &Trees{kind: kind, features: slices.Clone(features), categories: cloneCategories(categories), base: base, trees: trees}
	if len(features) <= maxFeatures {
		m.walk = newWalk(len(features), m.categories, trees)
	}
	return m, nil
}

// Kind gives GBDT or Forest.
func (m *Trees) Kind() string { return m.kind }

// Features names the inputs, in order. The caller must not change it.
func (m *Trees) Features() []string { return m.features }

// Base gives the score of no trees at all, in log-odds.
func (m *Trees) Base() float64 { return m.base }

// Categories gives the list of categories of each feature, empty for one that
// is a number; nil when all are. The caller must not change it.
func (m *Trees) Categories() [][]float64 { return m.categories }

// Trees gives the trees, in the order they are summed. The caller must not
// change them.
func (m *Trees) Trees() []Tree { return m.trees }

// Margin gives base + Σ leaf values for one row, summed in tree order from the
// base on: log-odds for GBDT, the sum of the trees' probabilities for Forest.
func (m *Trees) Margin(row []float64) float64 {
	if m.walk != nil {
		return m.walk.sum(m.base, row)
	}
	sum := m.base
	numbered := m.numbered(&row)
	for i := range m.trees {
		sum += m.trees[i].Value[m.trees[i].Leaf(row)]
	}
	numbered.free()
	return sum
}

// numberedRow is memory for a row with numbers for categories.
type numberedRow struct{ values []float64 }

var rowPool = sync.Pool{New: func() any { return new(numberedRow) }}

// numbered puts numbers in the place of a row's categories, in memory that is to
// be freed.
func (m *Trees) numbered(row *[]float64) *numberedRow {
	if m.categories == nil {
		return nil
	}
	n := rowPool.Get().(*numberedRow)
	n.values = append(n.values[:0], *row...)
	NumberCategories(m.categories, *row, n.values)
	*row = n.values
	return n
}

func (n *numberedRow) free() {
	if n != nil {
		rowPool.Put(n)
	}
}

// Score gives the probability of the positive class for one row: the sigmoid of
// the margin for GBDT, the margin over the number of trees for Forest. NaN in
// row is a missing value; an infinity is greater, or less, than any threshold.
func (m *Trees) Score(row []float64) float64 {
	sum := m.Margin(row)
	if m.kind == Forest {
		return sum / float64(len(m.trees))
	}
	return numeric.Sigmoid(sum)
}

var _ Model = (*Trees)(nil)

func invalid(code, format string, args ...any) *orrery.Error {
	return orrery.Errorf(orrery.Invalid, code, format, args...)
}
