package metric

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// KeptThreshold is the threshold on new scores that does what one on old scores of
// the same rows did: as many rows are at or above it.
type KeptThreshold struct {
	Old float64 `json:"old"`
	// New is found where the counts of rows at or above are as near to each other
	// as ties let them be, with as few digits as tell the rows apart. It is null
	// where no row is at or above Old: how much higher it would have to be, nothing
	// says.
	New *float64 `json:"new"`
	// Low and High bound it with a confidence of 95 %: between them lie all
	// thresholds for which the rows do not contradict that both policies take the
	// same share (McNemar's test, with Edwards' correction, of the rows that one of
	// the two takes). Null is unbounded.
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
	Rows int      `json:"rows"`
	// OldAbove and NewAbove count the rows at or above; shares are of Rows.
	OldAbove int     `json:"old_above"`
	NewAbove int     `json:"new_above"`
	OldShare float64 `json:"old_share"`
	NewShare float64 `json:"new_share"`
	// OldOnly counts the rows that are above Old and not above New, NewOnly the
	// reverse; Agreement is the share of all others.
	OldOnly   int     `json:"old_only"`
	NewOnly   int     `json:"new_only"`
	Agreement float64 `json:"agreement"`
}

// KeepShare finds the threshold on next for one on old scores. Both are [rows] and
// finite.
//
// An error of kind Invalid with the code metric_input says when they are not well
// formed.
func KeepShare(old, next []float64, threshold float64) (KeptThreshold, error) {
	out := KeptThreshold{Old: threshold, Rows: len(old)}
	if err := checkPairs(old, next); err != nil {
		return out, err
	}
	order := make([]int, len(next)) // the highest first
	for i := range order {
		order[i] = i
		if old[i] >= threshold {
			out.OldAbove++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(next[b], next[a]) })
	out.OldShare = float64(out.OldAbove) / float64(out.Rows)
	if out.OldAbove == 0 {
		out.Agreement = 1
		return out, nil
	}
	var cuts []cut
	both := 0
	for m, i := range order {
		if m > 0 && next[i] < next[order[m-1]] {
			cuts = append(cuts, cut{m, both, next[i], next[order[m-1]]})
		}
		if old[i] >= threshold {
			both++
		}
	}
	cuts = append(cuts, cut{out.Rows, both, math.Inf(-1), next[order[out.Rows-1]]})
	best := 0
	for c := range cuts {
		// Of two that are equally near, the higher threshold.
		if distance(cuts[c].above, out.OldAbove) < distance(cuts[best].above, out.OldAbove) {
			best = c
		}
	}
	x := shortest(cuts[best].under, cuts[best].lowest)
	out.New, out.NewAbove = &x, cuts[best].above
	out.NewShare = float64(out.NewAbove) / float64(out.Rows)
	out.OldOnly, out.NewOnly = out.OldAbove-cuts[best].both, out.NewAbove-cuts[best].both
	out.Agreement = float64(out.Rows-out.OldOnly-out.NewOnly) / float64(out.Rows)
	out.bound(cuts, best)
	return out, nil
}

// cut is a place between two rows of different scores.
type cut struct {
	// above counts the rows above it, both those of them that are above the old
	// threshold too.
	above, both int
	// lowest is the least score above, under the greatest one below.
	under, lowest float64
}

// bound takes in the cuts beside the best one, as far as they are not contradicted.
func (k *KeptThreshold) bound(cuts []cut, best int) {
	low, high := best, best
	for low+1 < len(cuts) && k.same(cuts[low+1]) {
		low++
	}
	for high > 0 && k.same(cuts[high-1]) {
		high--
	}
	if x := cuts[low].under; !math.IsInf(x, -1) {
		k.Low = &x
	}
	// Above all rows there is a last cut, which takes none of them.
	if x := cuts[high].lowest; high > 0 || !k.same(cut{}) {
		k.High = &x
	}
}

// same reports whether the rows do not contradict that a cut takes the share that
// the old threshold does.
func (k *KeptThreshold) same(c cut) bool {
	const z = 1.959963984540054
	apart := float64(max(distance(c.above, k.OldAbove)-1, 0))
	return apart*apart <= z*z*float64(c.above+k.OldAbove-2*c.both)
}

func distance(a, b int) int { return max(a-b, b-a) }

// shortest gives the number of fewest decimals that is greater than under and at
// most x, or x.
func shortest(under, x float64) float64 {
	scale := 1.0
	for range 15 {
		text := strconv.FormatFloat(math.Floor(x*scale)/scale, 'g', 15, 64)
		if y, err := strconv.ParseFloat(text, 64); err == nil && y > under && y <= x {
			return y
		}
		scale *= 10
	}
	return x
}

func checkPairs(a, b []float64) error {
	switch {
	case len(a) == 0:
		return badInput("there are no rows")
	case len(a) != len(b):
		return badInput("there are %d scores and %d others of the same rows", len(a), len(b))
	}
	for i := range a {
		for _, x := range []float64{a[i], b[i]} {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return badInput("row %d has the score %v", i, x)
			}
		}
	}
	return nil
}

// RankCorrelation gives Spearman's: Pearson's correlation of the ranks, equal
// scores sharing the mean of theirs. It is nil where all scores of one kind are
// equal. Errors are those of KeepShare.
func RankCorrelation(a, b []float64) (*float64, error) {
	if err := checkPairs(a, b); err != nil {
		return nil, err
	}
	x, y := centredRanks(a), centredRanks(b)
	var xy, xx, yy float64
	for i := range x {
		xy += float64(x[i] * y[i])
		xx += float64(x[i] * x[i])
		yy += float64(y[i] * y[i])
	}
	if xx == 0 || yy == 0 {
		return nil, nil
	}
	r := min(max(xy/math.Sqrt(xx)/math.Sqrt(yy), -1), 1)
	return &r, nil
}

// centredRanks gives the ranks of scores, less their mean.
func centredRanks(scores []float64) []float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	out := make([]float64, len(scores))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = (float64(from+to-1) - float64(len(order)-1)) / 2
		}
		from = to
	}
	return out
}
