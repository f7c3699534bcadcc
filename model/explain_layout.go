package model

// branch is a node of a tree and the way to it from the split above, laid out
// for explaining. Number 0 is the root, a node comes after the one above it and
// beside its sibling.
type branch struct {
	// feature is what the split above asks about; above is that split, and
	// earlier the nearest branch on the way here from the root that follows
	// from the same feature, the root if there is none.
	feature, above, earlier int32
	// left is the branch on the left, right is left+1; 0 marks a leaf.
	left int32
	// share is the part of the training rows at the split above that came
	// here, and chance the product of share over all branches of the same
	// feature on the way here: of the rows that could not be told apart by the
	// other features, the part that this feature lets through.
	share, chance float64
	// number is the threshold of a split on feature on, or the value of leaf on.
	number      float64
	on          int32
	missingLeft bool
	// bySet marks a split on categories, whose set is number number of the
	// layout.
	bySet bool
}

// goesLeft is the choice that Tree.Leaf makes, 1 for left.
func (l *layout) goesLeft(b *branch, row []float64) uint8 {
	x := row[b.on]
	if b.bySet {
		return one(x == x && inSet(l.sets[int(b.number)], x)) | one(x != x)&one(b.missingLeft)
	}
	return one(x <= b.number) | one(x != x)&one(b.missingLeft)
}

func one(is bool) uint8 {
	var n uint8
	if is {
		n = 1
	}
	return n
}

// layout is a tree laid out for explaining.
type layout struct {
	branches []branch
	distinct int     // the most different features on the way to a leaf
	expected float64 // what the tree gives when nothing is known of the row
	rule     []block // of (distinct+1)/2 points
	sets     [][]uint64
}

// newLayout lays out a tree. latest has a 0 for each feature, and again after.
func newLayout(t *Tree, latest []int32) layout {
	l := layout{sets: t.Sets}
	l.branches, l.distinct = branches(t, latest)
	l.weigh(t)
	return l
}

// branches lays out the tree and counts the most different features on the way
// to a leaf. latest holds the branch of each feature that the walk is below.
// Trees may be too deep for a function that calls itself.
func branches(t *Tree, latest []int32) (out []branch, distinct int) {
	type visit struct {
		at, child int32 // the branch, and its split or leaf in t
		leave     bool
	}
	first := visit{}
	if len(t.Feature) == 0 {
		first.child = ^0
	}
	out = make([]branch, 1, 2*len(t.Feature)+1)
	here := 0
	for stack := []visit{first}; len(stack) > 0; {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		b := &out[v.at]
		if v.leave {
			latest[b.feature] = b.earlier
			if b.earlier == 0 {
				here--
			}
			continue
		}
		if v.at > 0 {
			b.earlier = latest[b.feature]
			latest[b.feature] = v.at
			if b.earlier == 0 {
				here++
			}
			distinct = max(distinct, here)
			stack = append(stack, visit{at: v.at, leave: true})
		}
		if v.child < 0 {
			b.number = t.Value[^v.child]
			b.on = ^v.child
			continue
		}
		s, left := v.child, int32(len(out))
		b.left, b.on, b.number, b.missingLeft = left, t.Feature[s], t.Threshold[s], t.MissingLeft[s]
		if t.set(int(s)) != nil {
			b.bySet, b.number = true, float64(s)
		}
		below := branch{feature: t.Feature[s], above: v.at}
		out = append(out, below, below)
		stack = append(stack, visit{at: left + 1, child: t.Right[s]}, visit{at: left, child: t.Left[s]})
	}
	return out, distinct
}

// weigh fills in share, chance and expected. Of a split that no training row
// reached, each side gets one half.
func (l *layout) weigh(t *Tree) {
	b := l.branches
	cover := make([]float64, len(b))
	for i := len(b) - 1; i >= 0; i-- {
		if b[i].left == 0 {
			cover[i] = t.Cover[b[i].on] * 0x1p-32 // so that no sum overflows
		} else {
			cover[i] = cover[b[i].left] + cover[b[i].left+1]
		}
	}
	b[0].share, b[0].chance = 1, 1
	for i := range b[1:] {
		n := &b[i+1]
		n.share = 0.5
		if all := cover[n.above]; all > 0 {
			n.share = cover[i+1] / all
		}
		n.chance = b[n.earlier].chance * n.share
	}
	expected := make([]float64, len(b))
	for i := len(b) - 1; i >= 0; i-- {
		expected[i] = b[i].number
		if j := b[i].left; j > 0 {
			expected[i] = float64(b[j].share*expected[j]) + float64(b[j+1].share*expected[j+1])
		}
	}
	l.expected = expected[0]
}
