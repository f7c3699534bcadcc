package plan

import (
	"slices"

	"github.com/cespare/xxhash/v2"

	"orrery.dev"
	"orrery.dev/expr"
	"orrery.dev/numeric"
	"orrery.dev/review"
)

// Asked finds out whether people are asked about a decision that this plan made,
// and describes it for their queue. It is a function of the recorded decision and
// its event: what chance picks is a function of the system's name and of the
// decision's offset.
func (p *Plan) Asked(e *orrery.Event, s *Scratch, d *orrery.Decision) (review.Item, bool) {
	r := p.Spec.Review
	if r == nil {
		return review.Item{}, false
	}
	item := p.Reviewed(e, d)
	switch {
	case slices.Contains(r.Of, d.Action):
		item.Why, item.Propensity = review.ByAction, 1
	case r.Margin > 0 && r.UncertainShare > 0 && r.UncertainShare >= r.Random && p.uncertain(e, s, d, r.Margin):
		item.Why, item.Propensity = review.Uncertain, r.UncertainShare
	case r.Random > 0:
		item.Why, item.Propensity = review.Random, r.Random
	default:
		return item, false
	}
	if drawn(p.asks.first, d.Offset) >= item.Propensity {
		return p.Reviewed(e, d), false
	}
	item.Second = r.Second > 0 && drawn(p.asks.second, d.Offset) < r.Second
	return item, true
}

// Reviewed describes a decision for the queue, but for why it is in there.
func (p *Plan) Reviewed(e *orrery.Event, d *orrery.Decision) review.Item {
	return review.Item{Offset: d.Offset, Received: e.Received, Score: d.Score, Doubt: review.Doubt(d.Score, d.Scores),
		Action: d.Action, Private: e.Type.HasPersonal()}
}

// asks seeds what chance picks for review; the words keep that apart from others
// that are drawn for the same decision.
type asks struct{ first, second uint64 }

func newAsks(system string) asks {
	return asks{first: xxhash.Sum64String("review\x00" + system), second: xxhash.Sum64String("second\x00" + system)}
}

// drawn gives the number in [0, 1) that chance has for a decision.
func drawn(seed uint64, offset orrery.Offset) float64 {
	return numeric.NewRandom(seed, uint64(offset)).Float64()
}

// uncertain reports whether the policy would give another action if the score of
// the decision, or that of one of its classes, were margin higher or lower.
// Without a score it is not.
func (p *Plan) uncertain(e *orrery.Event, s *Scratch, d *orrery.Decision, margin float64) bool {
	if d.Score != d.Score {
		return false
	}
	other := *d
	answer := func() string {
		p.spread(s, &other)
		s.input = expr.Input{Event: e, Vector: s.vector, Text: s.text[:]}
		_, action := p.policy.Decide(&s.input)
		return action
	}
	given := answer()
	if len(d.Scores) == 0 {
		for _, score := range [...]float64{max(0, d.Score-margin), min(1, d.Score+margin)} {
			if other.Score = score; answer() != given {
				return true
			}
		}
		return false
	}
	other.Scores = slices.Clone(d.Scores)
	for class, score := range d.Scores {
		for _, moved := range [...]float64{max(0, score-margin), min(1, score+margin)} {
			other.Scores[class] = moved
			if other.Score = slices.Max(other.Scores); answer() != given {
				return true
			}
		}
		other.Scores[class] = score
	}
	return false
}
