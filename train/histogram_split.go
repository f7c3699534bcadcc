package train

import "math"

// rule is what a split must meet and how its gain is counted, in the units of
// the whole numbers that are summed.
type rule struct {
	l1, l2 float64
	// minHessian is the least sum of hessians on either side.
	minHessian float64
	// minGain is what the gain must exceed.
	minGain float64
	// smoothing is the weight of a node's mean in that of each category, and
	// categoryL2 what is added to l2 where a split is on categories.
	smoothing, categoryL2 float64
}

// split sends a lot's rows left or right by a column.
type split struct {
	gain    float64 // 0 where there is no split
	column  int
	code    int // the greatest that goes left
	next    int // the least that goes right, 0 for none
	missing bool
	left    sums
	// set has the codes that go left by a split on categories, nil for others.
	set codeSet
}

// score is twice what the best leaf for the sums lowers the loss by.
func (r *rule) score(s sums) float64 {
	g := s.g
	if r.l1 > 0 {
		g = max(math.Abs(g)-r.l1, 0)
	}
	return g * g / (s.h + r.l2)
}

// search finds the best split of a column, the first of equals. The entries come
// by code, that of missing values first.
func (r *rule) search(entries []entry, total sums, best split) (split, bool) {
	var missing sums
	if entries[0].code == 0 {
		missing, entries = entries[0].sums, entries[1:]
	}
	found := false
	try := func(left sums, i int, missingLeft bool) {
		right := sums{total.g - left.g, total.h - left.h}
		if left.h < r.minHessian || right.h < r.minHessian {
			return
		}
		gain := r.score(left) + r.score(right)
		if gain > best.gain {
			best, found = split{gain: gain, code: entries[i].code, missing: missingLeft, left: left}, true
			if i+1 < len(entries) {
				best.next = entries[i+1].code
			}
		}
	}
	if missing.h == 0 {
		return r.searchPresent(entries, total, best)
	}
	var left sums
	for i := range entries {
		left.g += entries[i].g
		left.h += entries[i].h
		try(left, i, false)
		if i+1 < len(entries) {
			try(sums{left.g + missing.g, left.h + missing.h}, i, true)
		}
	}
	return best, found
}

// searchPresent is search without missing values, which go with the greater
// side should they come later.
func (r *rule) searchPresent(entries []entry, total sums, best split) (split, bool) {
	var left, at sums
	where, most := -1, best.gain
	for i := range entries[:len(entries)-1] {
		left.g += entries[i].g
		left.h += entries[i].h
		right := sums{total.g - left.g, total.h - left.h}
		if left.h < r.minHessian {
			continue
		}
		if right.h < r.minHessian {
			break
		}
		if gain := r.score(left) + r.score(right); gain > most {
			most, where, at = gain, i, left
		}
	}
	if where < 0 {
		return best, false
	}
	return split{gain: most, code: entries[where].code, next: entries[where+1].code,
		missing: 2*at.h >= total.h, left: at}, true
}

// least gives the score that the two sides of a split must exceed together. The
// margin keeps rounding from passing for gain.
func (r *rule) least(total sums) float64 {
	parent := r.score(total)
	return parent + max(r.minGain, 1e-10*parent)
}

// goesLeft says what a split does with a code: in terms of unsigned numbers it
// is code-shift <= limit, where a shift of 1 makes the missing code the greatest.
func (s *split) goesLeft() (shift, limit uint16) {
	if s.missing {
		return 0, uint16(s.code)
	}
	return 1, uint16(s.code - 1)
}

// partition moves the rows that a split sends left to the front, keeping the
// order on both sides, and gives their number. spare is as long as rows. The
// copying both ways saves a branch that a processor could not foresee.
func partition(rows []uint32, codes []uint16, s *split, spare []uint32) int {
	if s.set != nil {
		return partitionBySet(rows, codes, s.set, spare)
	}
	shift, limit := s.goesLeft()
	spare = spare[:len(rows)]
	left, right := 0, 0
	for i, r := range rows {
		rows[left], spare[right] = r, r
		goes := 0
		if codes[r]-shift <= limit {
			goes = 1
		}
		left += goes
		right = i + 1 - left
	}
	copy(rows[left:], spare[:right])
	return left
}

func partitionBySet(rows []uint32, codes []uint16, set codeSet, spare []uint32) int {
	left, right := 0, 0
	for i, r := range rows {
		rows[left], spare[right] = r, r
		left += int(set[codes[r]>>6] >> (codes[r] & 63) & 1)
		right = i + 1 - left
	}
	copy(rows[left:], spare[:right])
	return left
}

// partitionBlock is how many rows one core sorts at a time.
const partitionBlock = 8192

// partition is the function of that name on all cores: the blocks are sorted on
// their own, and then put together in order.
func (t *team) partition(rows []uint32, codes []uint16, s *split, spare []uint32) int {
	if t.size == 1 || len(rows) < 2*partitionBlock {
		return partition(rows, codes, s, spare)
	}
	lefts := make([]int, (len(rows)+partitionBlock-1)/partitionBlock)
	t.blocks(len(rows), partitionBlock, func(block, from, to int) {
		lefts[block] = partition(rows[from:to], codes, s, spare[from:to])
	})
	middle := 0
	for _, n := range lefts {
		middle += n
	}
	left, right := 0, middle
	starts := make([][2]int, len(lefts))
	for block, n := range lefts {
		starts[block] = [2]int{left, right}
		left += n
		right += min(partitionBlock, len(rows)-block*partitionBlock) - n
	}
	t.blocks(len(rows), partitionBlock, func(block, from, to int) {
		cut := from + lefts[block]
		copy(spare[starts[block][0]:], rows[from:cut])
		copy(spare[starts[block][1]:], rows[cut:to])
	})
	t.blocks(len(rows), partitionBlock, func(_, from, to int) { copy(rows[from:to], spare[from:to]) })
	return middle
}
