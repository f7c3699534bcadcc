package replay

import "orrery.dev"

// tally adds up decisions.
type tally struct {
	decided                         *orrery.EventType
	amounts, entities               []int
	decisions, positives, negatives int
	positiveSums, otherSums         []int64
	// keys has the keys of the decisions that are not positive, for each entity.
	keys []map[string]bool
}

type change struct {
	*tally
	examples []Changed
}

func (r *backtester) newTally() *tally {
	t := &tally{decided: r.after.plan.Spec.DecideOn, amounts: r.amounts, entities: r.entities,
		positiveSums: make([]int64, len(r.amounts)), otherSums: make([]int64, len(r.amounts))}
	for range r.entities {
		t.keys = append(t.keys, map[string]bool{})
	}
	return t
}

func (r *backtester) tallyOf(by map[string]*tally, action string) *tally {
	if by[action] == nil {
		by[action] = r.newTally()
	}
	return by[action]
}

func (t *tally) add(j *judged, positive, known bool) {
	t.decisions++
	sums := t.otherSums
	if known && positive {
		t.positives++
		sums = t.positiveSums
	} else {
		for i, key := range j.keys {
			t.keys[i][key] = true
		}
	}
	if known && !positive {
		t.negatives++
	}
	for i, units := range j.amounts {
		sums[i] += units
	}
}

func (t *tally) total() Tally {
	out := Tally{Decisions: t.decisions, Positives: t.positives, Negatives: t.negatives}
	for i, field := range t.amounts {
		f := &t.decided.Fields[field]
		out.Sums = append(out.Sums, Sum{Field: f.Name, Unit: f.Unit,
			Positives: orrery.DecimalValue(t.positiveSums[i]).Format(f.Scale), Others: orrery.DecimalValue(t.otherSums[i]).Format(f.Scale)})
	}
	for i, field := range t.entities {
		out.Entities = append(out.Entities, EntityCount{Field: t.decided.Fields[field].Name, Keys: len(t.keys[i])})
	}
	return out
}
