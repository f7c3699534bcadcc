package model

// Tree is a binary decision tree in arrays. Its splits are numbered from 0,
// the root first; a tree without splits has one leaf, number 0.
//
// Split i sends a row to Left[i] when row[Feature[i]] <= Threshold[i], to
// Right[i] when it is greater, and to Left[i] or Right[i] by MissingLeft[i]
// when it is NaN. A child c >= 0 is a split; c < 0 is leaf ^c.
type Tree struct {
	Feature     []int32
	Threshold   []float64
	Left, Right []int32
	MissingLeft []bool
	// Value is what each leaf gives; Cover is the weight of the training rows
	// that reached it.
	Value, Cover []float64
}

// Leaf gives the number of the leaf that a row reaches. It walks the splits as
// they are written, one at a time; an ensemble's Score is several times faster.
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
		}
		if left {
			c = t.Left[c]
		} else {
			c = t.Right[c]
		}
	}
	return int(^c)
}
