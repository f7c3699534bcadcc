package model

// Tree is a binary decision tree in arrays. Its splits are numbered from 0,
// the root first; a tree without splits has one leaf, number 0.
//
// Split i sends a row to Left[i] when row[Feature[i]] <= Threshold[i], to
// Right[i] when it is greater, and to Left[i] or Right[i] by MissingLeft[i]
// when it is NaN. A split on a feature with categories asks instead whether the
// category's number is in Sets[i]. A child c >= 0 is a split; c < 0 is leaf ^c.
type Tree struct {
	Feature     []int32
	Threshold   []float64
	Left, Right []int32
	MissingLeft []bool
	// Sets is nil where no split is on a feature with categories. Otherwise it has
	// an entry for each split: nil for one on a threshold, and for one on
	// categories the set that goes left, number c being bit c%64 of word c/64. The
	// split's threshold is then 0.
	Sets [][]uint64
	// Value is what each leaf gives; Cover is the weight of the training rows
	// that reached it.
	Value, Cover []float64
}

// Leaf gives the number of the leaf that a row reaches. It walks the splits as
// they are written, one at a time; an ensemble's Score is several times faster.
// Where a feature has categories, the row holds numbers of them: see
// NumberCategories.
func (t *Tree) Leaf(row []float64) int {
	c := int32(0)
	if len(t.Feature) == 0 {
		c = ^0
	}
	for c >= 0 {
		x := row[t.Feature[c]]
		left := x <= t.Threshold[c]
		if x != x {
			left = t.MissingLeft[c]
		} else if set := t.set(int(c)); set != nil {
			left = inSet(set, x)
		}
		if left {
			c = t.Left[c]
		} else {
			c = t.Right[c]
		}
	}
	return int(^c)
}

// set gives the set of split i, nil for a split on a threshold.
func (t *Tree) set(i int) []uint64 {
	if t.Sets == nil {
		return nil
	}
	return t.Sets[i]
}

// inSet says whether the category of a number is in a set.
func inSet(set []uint64, number float64) bool {
	c := uint(number)
	return set[c>>6]>>(c&63)&1 == 1
}
