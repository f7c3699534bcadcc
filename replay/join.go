package replay

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"orrery.dev"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/spec"
)

// outcome is what was said about one event decided on.
type outcome struct {
	// id is what it names: the value of the label's field of that event.
	id string
	// class is what it says: 1 for positive and 0 for negative, or what
	// spec.Label.ClassOf gives, -1 for a text that is none of the classes.
	class    int64
	received orrery.Instant
	// source is the offset of the event that says it, since when that was received.
	// A correction of the event is an outcome of the same source, which has the
	// place of the one before; none says that it is to have no other.
	source orrery.Offset
	since  orrery.Instant
	none   bool
	// decided is when the event that it names was received, Forever when it never
	// was.
	decided orrery.Instant
	// asked is the probability with which a reviewer was asked for it, 0 for what
	// would have been said whoever was asked.
	asked float64
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
	// corrected says that some outcome corrects another.
	corrected bool
	// asked has, for each event that is a reviewer's verdict, the probability with
	// which the reviewer was asked.
	asked map[orrery.Offset]float64
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
	case e.Type.Is(j.label.Event) && j.says(e):
		j.say(e, e.Received, false)
	case e.Corrected != nil && e.Corrected.Before.Type.Is(j.label.Event):
		c := e.Corrected
		j.corrected = true
		j.say(&c.After, e.Received, c.Withdraws || !j.says(&c.After))
	}
}

// control takes the next control of the history: a verdict says which event it
// became. What answers an appeal was said because somebody appealed, and does not
// count as asked for.
func (j *joiner) control(offset orrery.Offset, c *record.Control) error {
	act, ok, err := review.ReadAct(offset, c)
	if err != nil || !ok || act.Do != review.DoVerdict || act.Outcome == 0 || act.Round == review.Appeal || act.Propensity == 0 {
		return err
	}
	if j.asked == nil {
		j.asked = map[orrery.Offset]float64{}
	}
	j.asked[act.Outcome] = act.Propensity
	return nil
}

// says reports whether an event of the label's type has an outcome.
func (j *joiner) says(e *orrery.Event) bool {
	return !e.Values[j.label.Field].IsMissing() && !e.Values[j.label.Match].IsMissing()
}

// say notes what an event says since it, or its correction, was received.
func (j *joiner) say(e *orrery.Event, received orrery.Instant, none bool) {
	o := outcome{received: received, source: e.Offset, since: e.Received, none: none, decided: Forever}
	k := uint64(0)
	if !none {
		o.id, o.class, k = text(e, j.label.Match), j.class(e), key(&e.Values[j.label.Match])
	}
	j.outcomes, j.keys = append(j.outcomes, o), append(j.keys, k)
}

// class gives what an outcome says.
func (j *joiner) class(e *orrery.Event) int64 {
	v := &e.Values[j.label.Field]
	if j.label.Classes != nil {
		if class, known := j.label.ClassOf(v.Text()); known {
			return class
		}
		return -1
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
	for i := range j.outcomes {
		j.outcomes[i].asked = j.asked[j.outcomes[i].source]
	}
	// A log is in this order; a source of another making may not be.
	slices.SortStableFunc(j.outcomes, func(a, b outcome) int { return cmp.Compare(a.received, b.received) })
	return j.outcomes
}

// standing gives, of outcomes in the order received, those that stand after all
// of them, each once, as corrected and in the order in which their events were
// received.
func standing(received []outcome) []outcome {
	newest := make(map[orrery.Offset]int, len(received))
	for i := range received {
		newest[received[i].source] = i
	}
	var out []outcome
	for i := range received {
		if o := received[i]; newest[o.source] == i && !o.none {
			o.received = o.since
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.source, b.source))
	})
	return out
}

// key is a 64-bit hash of an id, which is a string or an int: see idSet for how
// seldom two ids have the same. Only counts depend on it.
func key(id *orrery.Value) uint64 {
	if id.Type() == orrery.Int {
		return uint64(id.Units()) * 0x9e3779b97f4a7c15
	}
	return xxhash.Sum64String(id.Text())
}
