package metric

import (
	"cmp"
	"math"
	"slices"
)

// Sighting is one scored row of an entity in a period.
type Sighting struct {
	// Period numbers the period, a day for instance, from 0.
	Period   int
	Entity   string
	Score    float64
	Positive bool
}

// PrecisionAtK gives the mean over periods 0 … periods−1 of the share of the
// first k entities that were found: those with a positive row in the period,
// when entities are ranked by their highest score of the period. Equal scores
// rank by entity, in byte order. An entity that was found takes no part in later
// periods. The share is of k even where fewer entities are ranked, so an empty
// period counts 0.
//
// This is the card precision of the handbook "Reproducible Machine Learning for
// Credit Card Fraud Detection", section 4.4, with the entity in the card's place.
//
// An error of kind Invalid with the code metric_input says when k or periods is
// not positive, a period is out of range or a score is NaN.
func PrecisionAtK(rows []Sighting, periods, k int) (float64, error) {
	if k <= 0 || periods <= 0 {
		return 0, badInput("precision at %d over %d periods", k, periods)
	}
	byPeriod := make([][]Sighting, periods)
	for i, r := range rows {
		if r.Period < 0 || r.Period >= periods {
			return 0, badInput("row %d is in period %d of %d", i, r.Period, periods)
		}
		if math.IsNaN(r.Score) {
			return 0, badInput("row %d has no score", i)
		}
		byPeriod[r.Period] = append(byPeriod[r.Period], r)
	}
	found := make(map[string]bool)
	hits := 0
	for _, rows := range byPeriod {
		for _, e := range first(rank(rows, found), k) {
			if e.Positive {
				found[e.Entity] = true
				hits++
			}
		}
	}
	return float64(hits) / float64(k) / float64(periods), nil
}

// rank gives one row for each entity that is not in without: its highest score
// and whether any of its rows is positive, the best first.
func rank(rows []Sighting, without map[string]bool) []Sighting {
	at := make(map[string]int)
	var out []Sighting
	for _, r := range rows {
		i, ok := at[r.Entity]
		switch {
		case without[r.Entity]:
		case !ok:
			at[r.Entity] = len(out)
			out = append(out, r)
		default:
			out[i].Score = max(out[i].Score, r.Score)
			out[i].Positive = out[i].Positive || r.Positive
		}
	}
	slices.SortFunc(out, func(a, b Sighting) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Entity, b.Entity))
	})
	return out
}

func first(rows []Sighting, k int) []Sighting { return rows[:min(k, len(rows))] }
