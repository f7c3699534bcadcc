// Package review is the queue of decisions that people are asked about: who has
// claimed which, what they said, and what stands. It is a function of the log: of
// the decisions that a spec's review block asks about, and of the acts of people,
// which are controls. It reads no clock and does no I/O; whoever drives it says
// what time it is, and makes an act durable before it is applied.
package review

import (
	"fmt"
	"math"
	"slices"

	"orrery.dev"
)

// Why says why a decision is asked about.
type Why uint8

// The reasons, in the order in which one takes the place of another: a decision
// is asked about with the greatest share of those that hold.
const (
	// ByAction is that its action is one of those that are all asked about.
	ByAction Why = 1 + iota
	// Uncertain is that another score, not far from its own, would have had
	// another answer.
	Uncertain
	// Random is that chance picked it.
	Random
	// Appealed is that somebody whom it concerns asked for it.
	Appealed
)

var whys = [...]string{ByAction: "action", Uncertain: "uncertain", Random: "random", Appealed: "appeal"}

// Whys lists the names of all reasons.
func Whys() []string { return whys[1:] }

func (w Why) String() string {
	if int(w) < len(whys) {
		return whys[w]
	}
	return ""
}

// MarshalText gives the reason's name.
func (w Why) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads a reason's name.
func (w *Why) UnmarshalText(text []byte) error {
	if i := slices.Index(whys[1:], string(text)); i >= 0 {
		*w = Why(i + 1)
		return nil
	}
	return fmt.Errorf("there is no reason %q to review; there are %v", text, whys[1:])
}

// Item is a decision that is asked about.
type Item struct {
	Offset orrery.Offset `json:"decision"`
	// Received is when the event decided on was.
	Received orrery.Instant `json:"received"`
	// Score is NaN for a decision without one.
	Score float64 `json:"-"`
	// Doubt says how unsure the score is, from 0 for sure to 1: of a positive class,
	// how near to a half; of several, how near the two likeliest are to each other.
	Doubt  float64 `json:"-"`
	Action string  `json:"-"`
	Why    Why     `json:"why"`
	// Propensity is the probability with which it is asked about.
	Propensity float64 `json:"propensity"`
	// Second asks for a second opinion, which chance picked it for.
	Second bool `json:"second,omitempty"`
	// Private says that score and action are of somebody whose record is sealed, and
	// are not written anywhere else.
	Private bool `json:"private,omitempty"`
}

// Doubt gives the Item.Doubt of a score, or of the scores of several classes.
func Doubt(score float64, scores []float64) float64 {
	if len(scores) < 2 {
		if score != score {
			return 1
		}
		return 1 - math.Abs(float64(2*score)-1)
	}
	first, second := math.Inf(-1), math.Inf(-1)
	for _, s := range scores {
		switch {
		case s > first:
			first, second = s, first
		case s > second:
			second = s
		}
	}
	return 1 - (first - second)
}

// Round says which opinion of an item a verdict is.
type Round string

// The rounds.
const (
	First  Round = "first"
	Second Round = "second"
	// Third is asked for where the first two contradict each other, and decides.
	Third Round = "third"
	// Appeal answers an appeal.
	Appeal Round = "appeal"
	// Change is of the reviewer whose verdict stood, and takes its place.
	Change Round = "change"
)

// independent reports whether a round's verdict was given without regard to
// another.
func (r Round) independent() bool { return r == First || r == Second || r == Third }

// Opinion is one verdict of one reviewer.
type Opinion struct {
	Reviewer string         `json:"reviewer"`
	Verdict  string         `json:"verdict"`
	Round    Round          `json:"round"`
	At       orrery.Instant `json:"at"`
	Note     string         `json:"note,omitempty"`
	// Outcome is the offset of the event that it became, 0 for a verdict that left
	// standing what stood.
	Outcome orrery.Offset `json:"outcome,omitempty"`
	// Upheld and Overturned say what an appeal came to.
	Upheld     bool `json:"upheld,omitempty"`
	Overturned bool `json:"overturned,omitempty"`
}

// Plea is an appeal.
type Plea struct {
	By       string         `json:"by,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	At       orrery.Instant `json:"at"`
	Answered bool           `json:"answered,omitempty"`
}

// Lease is a claim: the item is the reviewer's until an instant.
type Lease struct {
	Reviewer string         `json:"reviewer"`
	Until    orrery.Instant `json:"until"`
}

// Case is an item with all that was done about it. What a Queue gives is for
// reading.
type Case struct {
	Item
	// Since is when it was asked about again, 0 for never.
	Since orrery.Instant `json:"since,omitempty"`
	// Applied is the offset of the last act that counted.
	Applied  orrery.Offset `json:"applied,omitempty"`
	Lease    Lease         `json:"lease,omitzero"`
	Skipped  []string      `json:"skipped,omitempty"`
	Opinions []Opinion     `json:"opinions,omitempty"`
	Pleas    []Plea        `json:"appeals,omitempty"`
	// Asked says that somebody asked for a second opinion.
	Asked bool `json:"asked,omitempty"`
}

// Stage gives the round that the case waits for, empty once it has ended.
func (c *Case) Stage() Round {
	if n := len(c.Pleas); n > 0 {
		if !c.Pleas[n-1].Answered {
			return Appeal
		}
		return ""
	}
	given := c.Independent()
	switch {
	case len(given) == 0:
		return First
	case len(given) == 1 && (c.Second || c.Asked):
		return Second
	case len(given) == 2 && given[0].Verdict != given[1].Verdict:
		return Third
	}
	return ""
}

// Independent gives the opinions that were given without regard to another.
func (c *Case) Independent() []Opinion {
	var out []Opinion
	for _, o := range c.Opinions {
		if o.Round.independent() {
			out = append(out, o)
		}
	}
	return out
}

// Stands gives the opinion that counts, nil where there is none: the last that
// became an outcome.
func (c *Case) Stands() *Opinion {
	for i := range slices.Backward(c.Opinions) {
		if c.Opinions[i].Outcome != 0 {
			return &c.Opinions[i]
		}
	}
	return nil
}

// of gives the last opinion of a reviewer, nil where there is none.
func (c *Case) of(reviewer string) *Opinion {
	for i := range slices.Backward(c.Opinions) {
		if c.Opinions[i].Reviewer == reviewer {
			return &c.Opinions[i]
		}
	}
	return nil
}

// suits reports whether the case may be offered to a reviewer.
func (c *Case) suits(reviewer string) bool {
	return c.of(reviewer) == nil && !slices.Contains(c.Skipped, reviewer)
}

// copy gives a case that shares nothing with c.
func (c *Case) copy() *Case {
	out := *c
	out.Skipped, out.Opinions, out.Pleas = slices.Clone(c.Skipped), slices.Clone(c.Opinions), slices.Clone(c.Pleas)
	return &out
}
