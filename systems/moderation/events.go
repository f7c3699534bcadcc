package moderation

import (
	"encoding/json"
	"iter"
	"math/rand/v2"
	"slices"

	"orrery.dev"
	"orrery.dev/systems/moderation/functional"
)

// The types of a world's events.
const (
	MessageType = "message"
	VerdictType = "verdict"
	StrikeType  = "strike"
)

// Event is a message, a moderator's verdict on one, or the strike that its author
// got for it.
type Event struct {
	Type    string
	At      orrery.Instant
	Message Message
	// Label is the class that a verdict gives.
	Label string
}

// The shares of messages that moderators look at: of those that somebody would
// report, and of the others; and how often they err.
const (
	lookedAtReported = 0.6
	lookedAtOther    = 0.1
	moderatorErrs    = 0.03
)

// verdictWithin bounds how long a verdict takes.
const verdictWithin = 12 * orrery.Hour

// Events yields the messages, verdicts and strikes from one instant up to, not
// including, another, in the order of time; at the same instant a message comes
// last. It can go beyond the history, not before it.
func (w *World) Events(from, to orrery.Instant) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		first := max(int(orrery.Duration(from-w.start)/orrery.Day)-1, 0)
		var late []Event
		for day := first; w.start.Add(orrery.Duration(day)*orrery.Day) < to; day++ {
			end := w.start.Add(orrery.Duration(day+1) * orrery.Day)
			events := late
			late = nil
			for i, m := range w.Day(day) {
				events = append(events, Event{Type: MessageType, At: m.At, Message: m})
				for _, e := range w.judged(m, uint64(day)<<32|uint64(i)) {
					if e.At < end {
						events = append(events, e)
					} else {
						late = append(late, e)
					}
				}
			}
			slices.SortStableFunc(events, func(a, b Event) int {
				if a.At != b.At {
					return int(min(max(a.At-b.At, -1), 1))
				}
				return rank(a.Type) - rank(b.Type)
			})
			for _, e := range events {
				if e.At >= from && e.At < to && !yield(e) {
					return
				}
			}
		}
	}
}

func rank(eventType string) int {
	if eventType == MessageType {
		return 1
	}
	return 0
}

// judged gives the verdict on a message, if there is one, and the strike.
func (w *World) judged(m Message, stream uint64) []Event {
	r := rand.New(rand.NewPCG(w.options.Seed, stream^0x9e3779b97f4a7c15))
	share := lookedAtOther
	if m.Class != functional.Neither {
		share = lookedAtReported
	}
	if r.Float64() >= share {
		return nil
	}
	v := Event{Type: VerdictType, At: m.At.Add(5*orrery.Minute + orrery.Duration(r.Int64N(int64(verdictWithin)))), Message: m, Label: m.Class}
	if r.Float64() < moderatorErrs {
		v.Label = pick(r, []string{functional.Hate, functional.Offensive, functional.Neither})
	}
	if v.Label != functional.Hate {
		return []Event{v}
	}
	return []Event{v, {Type: StrikeType, At: v.At, Message: m}}
}

// JSON gives the event as the system's API takes it.
func (e *Event) JSON() json.RawMessage {
	m := &e.Message
	fields := map[string]any{"at": e.At.String(), "message_id": m.ID, "author": m.Author, "channel": m.Channel}
	switch e.Type {
	case MessageType:
		fields["text"], fields["joined"] = m.Text, m.Joined.String()
	case VerdictType:
		fields["verdict_id"], fields["label"] = "v-"+m.ID, e.Label
	case StrikeType:
		fields["strike_id"] = "s-" + m.ID
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err) // there are only strings in it
	}
	return text
}
