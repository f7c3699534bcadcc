package metric

import (
	"cmp"
	"slices"
)

// Stakes are what errors cost, [rows] each, in one unit: Missed that of not
// acting on a positive, FalseAlarm that of acting on a negative. A row with a
// missing cost (NaN) is left out.
type Stakes struct{ Missed, FalseAlarm []float64 }

// Costs are the total costs of the rows, with their weights.
type Costs struct {
	// Realised is what acting came to where Acts says so, and Expected what it
	// would come to on average if the scores are probabilities that hold.
	Realised, Expected float64
	// Never is what never acting came to.
	Never float64
	// BestCut is the least that acting from any one score on could have come to,
	// in hindsight.
	BestCut float64
}

// Acts reports whether acting is expected to cost less than not acting, given
// the probability of the positive: the score is above the cut
// falseAlarm / (missed + falseAlarm), by which expected cost is least (C. Elkan,
// The Foundations of Cost-Sensitive Learning, IJCAI 2001).
func Acts(score, missed, falseAlarm float64) bool {
	return float64(score*missed) > float64((1-score)*falseAlarm)
}

// CostOf adds up what errors cost. The error is of kind Invalid with code
// metric_input when the set is not well formed or the stakes have other rows.
func CostOf(s Set, k Stakes) (Costs, error) {
	if len(k.Missed) != len(s.Score) || len(k.FalseAlarm) != len(s.Score) {
		return Costs{}, badInput("%d rows have %d and %d costs", len(s.Score), len(k.Missed), len(k.FalseAlarm))
	}
	if err := s.check(); err != nil {
		return Costs{}, err
	}
	var out Costs
	var rows []int
	for i, score := range s.Score {
		missed, falseAlarm := k.Missed[i], k.FalseAlarm[i]
		if missed != missed || falseAlarm != falseAlarm {
			continue
		}
		rows = append(rows, i)
		w := s.weight(i)
		if Acts(score, missed, falseAlarm) {
			out.Realised += float64(w * float64((1-s.Label[i])*falseAlarm))
			out.Expected += float64(w * float64((1-score)*falseAlarm))
		} else {
			out.Realised += float64(w * float64(s.Label[i]*missed))
			out.Expected += float64(w * float64(score*missed))
		}
		out.Never += float64(w * float64(s.Label[i]*missed))
	}
	out.BestCut = bestCut(s, k, rows, out.Never)
	return out, nil
}

// bestCut lowers the cut over one distinct score after another.
func bestCut(s Set, k Stakes, rows []int, never float64) float64 {
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(s.Score[b], s.Score[a]) })
	least, total := never, never
	for i, row := range rows {
		w := s.weight(row)
		total -= float64(w * float64(s.Label[row]*k.Missed[row]))
		total += float64(w * float64((1-s.Label[row])*k.FalseAlarm[row]))
		if last := i == len(rows)-1; last || s.Score[rows[i+1]] != s.Score[row] {
			least = min(least, total)
		}
	}
	return least
}
