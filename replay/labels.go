package replay

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/spec"
)

// Forever is after every instant: what is known then is all that history holds.
const Forever = orrery.Instant(math.MaxInt64)

// Labels says what was known about examples at one instant.
type Labels struct {
	// Outcomes counts what the labels are made of.
	Outcomes Outcomes

	label *spec.Label
	known map[string]int64
	at    orrery.Instant
	// asked has, for what only reviewers said, how many decisions each stands for
	// that nobody was asked about; nil where each stands for itself.
	asked map[string]float64
}

// Outcomes counts the outcomes that had been received by an instant.
type Outcomes struct {
	Received int `json:"received"`
	// Orphans name an event decided on that had not been received. They are kept,
	// and count as soon as it comes.
	Orphans int `json:"orphans"`
	// Early ones came before the event that they name, which then came.
	Early int `json:"early"`
	// Contradicted ones said otherwise than the newest on the same event, which
	// counts in their place.
	Contradicted int `json:"contradicted"`
	// Unclassed ones say what is none of the label's classes; they do not count.
	Unclassed int `json:"unclassed,omitempty"`
}

// Notice says in a sentence what a person should know about the outcomes, and
// is empty when each is the one of an event that was there before it.
func (o Outcomes) Notice() string {
	var odd []string
	for _, c := range []struct {
		n    int
		what string
	}{{o.Orphans, "orphans that wait for the event they name"}, {o.Early, "that came before it"}, {o.Contradicted, "contradicted by a newer one"}, {o.Unclassed, "of none of the classes"}} {
		if c.n > 0 {
			odd = append(odd, fmt.Sprintf("%s: %d", c.what, c.n))
		}
	}
	if odd == nil {
		return ""
	}
	return fmt.Sprintf("of %d outcomes: %s", o.Received, strings.Join(odd, ", "))
}

// LabelsAt gives the labels known just before an instant: from outcomes
// received before it, the newest where there are several, and from silence
// about whatever had matured. An outcome counts whenever it comes: one that is
// later than the label matures takes the place of silence from then on, and
// one that is earlier than the event it names waits for it. An outcome that was
// corrected counts as it stood then, in its own place, and not once withdrawn.
func (x *Examples) LabelsAt(label *spec.Label, at orrery.Instant) *Labels {
	l := &Labels{label: label, known: make(map[string]int64), at: at}
	received := x.outcomes[:x.outcomesBefore(at)]
	if x.corrected {
		received = standing(received)
	}
	for i := range received {
		o := &received[i]
		l.Outcomes.Received++
		switch {
		case o.decided >= at:
			l.Outcomes.Orphans++
		case o.decided > o.received:
			l.Outcomes.Early++
		}
		if o.class < 0 {
			l.Outcomes.Unclassed++
			continue
		}
		l.known[o.id] = o.class
	}
	for i := range received {
		if o := &received[i]; o.class >= 0 && o.class != l.known[o.id] {
			l.Outcomes.Contradicted++
		}
	}
	l.asked = askedFor(received)
	return l
}

// askedFor gives the inverse of the probability with which reviewers were asked,
// of what nobody but they said anything about.
func askedFor(received []outcome) map[string]float64 {
	var asked map[string]float64
	for i := range received {
		if o := &received[i]; o.class >= 0 && o.asked > 0 && o.asked < 1 {
			if asked == nil {
				asked = map[string]float64{}
			}
			asked[o.id] = 1 / o.asked
		}
	}
	for i := range received {
		if o := &received[i]; asked != nil && o.class >= 0 && o.asked == 0 {
			delete(asked, o.id)
		}
	}
	return asked
}

// WeightOf gives how many decisions an example stands for, as far as was known by
// the instant of the labels. One whose outcome is known for a reviewer alone, who
// was asked about it with a known probability, stands for one over that: for those
// of its kind too that nobody was asked about, of which nothing is known. (Horvitz
// and Thompson, "A generalization of sampling without replacement from a finite
// universe", JASA 47, 1952.) Where silence means something, or somebody else said
// it too, its outcome would be known either way, and it stands for itself.
func (l *Labels) WeightOf(e *Example) float64 {
	stands, asked := l.asked[e.ID]
	if !asked {
		return e.Weight
	}
	if _, known := l.silence(e); known {
		return e.Weight
	}
	return e.Weight * stands
}

// outcomesBefore gives how many of the outcomes had been received before an
// instant.
func (x *Examples) outcomesBefore(at orrery.Instant) int {
	n, _ := slices.BinarySearchFunc(x.outcomes, at, func(o outcome, at orrery.Instant) int { return cmp.Compare(o.received, at) })
	return n
}

// Of gives an example's label; known is false when it had not been received or
// had not matured, can never be learned, or when others stand for it. Of a label
// of several classes, positive means nothing: see ClassOf.
func (l *Labels) Of(e *Example) (positive, known bool) {
	class, known := l.ClassOf(e)
	return class == 1, known
}

// ClassOf is Of, and gives the index of the class, or where several can be right the
// orrery.LabelSet: 1 for positive and 0 for negative where the label has none.
func (l *Labels) ClassOf(e *Example) (class int, known bool) {
	if e.Weight == 0 || l.at != Forever && e.Received >= l.at {
		return 0, false
	}
	if class, known := l.known[e.ID]; known {
		return int(class), true
	}
	return l.silence(e)
}

// silence gives what it means that nothing was said about an example; known is
// false where that means nothing, or not yet.
func (l *Labels) silence(e *Example) (class int, known bool) {
	if e.Unknowable || l.at != Forever && e.Time.Add(l.label.MaturesAfter) >= l.at {
		return 0, false
	}
	switch {
	case l.label.Classes != nil:
		return int(max(l.label.AbsentClass, 0)), l.label.AbsentClass >= 0
	case l.label.Absent:
		return 1, true
	}
	return 0, true
}
