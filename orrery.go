// Package orrery is the vocabulary that every other package speaks: the
// contract (entities, event types, fields), events and their values,
// decisions, and the few kinds of error. It holds no behaviour beyond what a
// word means, and imports the standard library only.
package orrery

import (
	"time"
)

// Instant is a moment in time: microseconds since 1970-01-01T00:00:00Z.
// Finer digits of a timestamp are dropped, towards the past.
type Instant int64

// Duration is a span of time in microseconds, so that an Instant and a
// Duration add as plain integers.
type Duration int64

// The spans that a spec can name. A day is always 24 hours.
const (
	Microsecond Duration = 1
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
	Day                  = 24 * Hour
	Week                 = 7 * Day
)

// InstantOf gives the instant of t, dropping digits below the microsecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time gives the instant as a time.Time in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// String writes the instant in RFC 3339, in UTC, with as many digits as it has.
func (i Instant) String() string { return i.Time().Format(time.RFC3339Nano) }

// Add gives the instant d later.
func (i Instant) Add(d Duration) Instant { return i + Instant(d) }

// Std gives the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) * time.Microsecond }

// Offset is the place of an event in its partition's log. The first event has
// offset 1; 0 means "not in a log".
type Offset uint64

// ReleaseID names a release by the digest of its content.
type ReleaseID string

// Short gives the first twelve characters, enough for a person to tell
// releases apart.
func (r ReleaseID) Short() string { return string(r[:min(len(r), 12)]) }

// Event is one thing that happened. Events are immutable once decoded.
type Event struct {
	Type *EventType
	// ID is the value of the type's id field: unique among events of the type.
	ID string
	// Time says when it happened, Received when this system learned of it.
	Time, Received Instant
	// Offset is its place in the log, 0 before it has one.
	Offset Offset
	// Values has one entry for each of Type.Fields, in that order.
	Values []Value
	// Subject is whom the personal fields are of, once the event has been taken
	// in or read; Erased says that they are missing since its key was destroyed.
	Subject Pseudonym
	Erased  bool
	// Corrected is set for a correction that has its place in the log.
	Corrected *Corrected
}

// Decision is the recorded answer to one event.
type Decision struct {
	// Offset is that of the event decided on, and with the system's name the
	// decision's identity.
	Offset  Offset
	Release ReleaseID
	// Vector has the value of every feature of the release, in its order: the
	// model's inputs and the intermediates. NaN is a missing value.
	Vector []float64
	// Score is the model's output, a probability. NaN when there was none.
	Score float64
	// Scores has a probability for each class of a model of several, in the
	// order of the model's classes; empty otherwise.
	Scores []float64
	// Action is what was answered, and Intended what the policy chose where
	// chance answered otherwise; empty when it is the action taken.
	Action, Intended string
	// Propensity is the probability with which Action was taken, given the
	// policy, in (0, 1]: 1 when nothing was left to chance.
	Propensity float64
	// Rule is the index in the policy of the rule that fired.
	Rule int
	// Fallback says why the ordinary path could not answer; empty when it did.
	Fallback string
	// Reasons are the inputs that moved the score most, by size, for an action
	// whose reasons the spec asks for; empty otherwise.
	Reasons []Reason
	// With has the numbers that the rule says go with its action, in its order; NaN
	// is a missing one.
	With []float64
	// Spans are the parts of the event's text that the rule masks, in order, apart
	// from each other.
	Spans []Span
	// Begun is what plan.Ask leaves for plan.Decide of the state at the decision's
	// place in the log. It is part of no record, so nil for a decision from one.
	Begun any
	// Micros is how long each stage took, in microseconds, up to the commit
	// that made this record. It is measured, so replay does not compare it.
	Micros StageMicros
	// Erased says that the decision was of a subject whose key was destroyed:
	// nothing else of it than the offset is known.
	Erased bool
}

// Span is a part of a text: the bytes [Start, End).
type Span struct {
	Start, End int
}

// Reason says how much one of the model's inputs moved a score.
type Reason struct {
	// Slot is the input's place in the vector.
	Slot int `json:"slot"`
	// Contribution is on the scale of the model's margin.
	Contribution float64 `json:"contribution"`
}

// StageMicros is the time that a decision spent in each stage, microseconds.
type StageMicros struct {
	Decode, Sequence, Score int64
}
