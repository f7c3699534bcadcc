package policy

import (
	"github.com/cespare/xxhash/v2"

	"orrery.dev"
	"orrery.dev/numeric"
)

// Explore lets a share of the decisions for one action through, so that what
// would have come of them is learned. Share is in (0, 1).
type Explore struct {
	Action, Instead string
	Share           float64
}

// Exploration leaves actions to chance: the chance of a decision's identity, so
// that a replay finds the same.
type Exploration struct {
	seed  uint64
	kinds []Explore
}

// NewExploration makes the exploration of a system, at most one of an action.
func NewExploration(system string, kinds []Explore) *Exploration {
	// The word keeps these numbers apart from others that are drawn for the same
	// decision.
	return &Exploration{seed: xxhash.Sum64String("explore\x00" + system), kinds: kinds}
}

// Take gives the action taken, at an offset, where the policy chose one, and
// the probability with which it is taken.
func (x *Exploration) Take(offset orrery.Offset, chosen string) (action string, propensity float64) {
	for i := range x.kinds {
		if k := &x.kinds[i]; k.Action == chosen {
			if numeric.NewRandom(x.seed, uint64(offset)).Float64() < k.Share {
				return k.Instead, k.Share
			}
			return chosen, 1 - k.Share
		}
	}
	return chosen, 1
}
