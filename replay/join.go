package replay

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"orrery.dev"
	"orrery.dev/spec"
)

// outcome is what was said about one event decided on.
type outcome struct {
	// id is what it names: the value of the label's field of that event.
	id string
	// class is what it says: 1 for positive and 0 for negative, or an index in the
	// label's classes, -1 for a text that is none of them.
	class    int32
	received orrery.Instant
	// decided is when the event that it names was received, Forever when it never
	// was.
	decided orrery.Instant
}

// joiner gathers the outcomes of a history and joins each with the event that
// it names, whichever came first.
type joiner struct {
	label *spec.Label
	on    *orrery.EventType
	// last is the latest instant at which an event was received.
	last     orrery.Instant
	outcomes []outcome
	// keys has for each outcome the key of what it names.
	keys    []uint64
	decided []arrival
}

// arrival is an event decided on.
type arrival struct {
	key      uint64
	received orrery.Instant
}

func newJoiner(s *spec.Spec) *joiner { return &joiner{label: s.Label, on: s.DecideOn} }

// add takes the next event of the history.
func (j *joiner) add(e *orrery.Event) {
	j.last = max(j.last, e.Received)
	switch {
	case j.label == nil:
	case e.Type.Is(j.on):
		j.decided = append(j.decided, arrival{key: key(&e.Values[j.label.Against]), received: e.Received})
	case e.Type.Is(j.label.Event) && !e.Values[j.label.Field].IsMissing() && !e.Values[j.label.Match].IsMissing():
		j.outcomes = append(j.outcomes, outcome{id: text(e, j.label.Match), class: j.class(e),
			received: e.Received, decided: Forever})
		j.keys = append(j.keys, key(&e.Values[j.label.Match]))
	}
}

// class gives what an outcome says.
func (j *joiner) class(e *orrery.Event) int32 {
	v := &e.Values[j.label.Field]
	if j.label.Classes != nil {
		return int32(slices.Index(j.label.Classes, v.Text()))
	}
	if v.Bool() {
		return 1
	}
	return 0
}

// join gives the outcomes in the order received, each with when the event that
// it names was received.
func (j *joiner) join() []outcome {
	named := make(map[uint64][]int, len(j.keys))
	for i, k := range j.keys {
		named[k] = append(named[k], i)
	}
	for _, a := range j.decided {
		for _, i := range named[a.key] {
			j.outcomes[i].decided = min(j.outcomes[i].decided, a.received)
		}
	}
	// A log is in this order; a source of another making may not be.
	slices.SortStableFunc(j.outcomes, func(a, b outcome) int { return cmp.Compare(a.received, b.received) })
	return j.outcomes
}

// key is a 64-bit hash of an id, which is a string or an int: see idSet for how
// seldom two ids have the same. Only counts depend on it.
func key(id *orrery.Value) uint64 {
	if id.Type() == orrery.Int {
		return uint64(id.Units()) * 0x9e3779b97f4a7c15
	}
	return xxhash.Sum64String(id.Text())
}
