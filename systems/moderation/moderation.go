// Package moderation makes the moderation system's own sample data: the messages
// of a chat community, the verdicts of its moderators, and a raid.
//
// Members have habits: most chat, some are rude at times, a few come to hurt.
// What the last two write comes from the training part of the functional suite
// (package functional), so it has no slurs in it. A raid is a crowd of new
// accounts that flood one channel with nearly the same message.
//
// A World is a pure function of its Options: the same seed gives the same
// messages on any machine, and any day can be asked for by itself.
package moderation

import (
	"math/rand/v2"
	"strconv"
	"time"

	"orrery.dev"
	"orrery.dev/systems/moderation/functional"
)

// What Options leave open.
const (
	DefaultAuthors = 2000
	DefaultPerDay  = 4000
	DefaultDays    = 21
)

// The bounds on Options.
const (
	maxAuthors = 1_000_000
	maxPerDay  = 1_000_000
	maxDays    = 10_000
)

// Options say which community to make.
type Options struct {
	// Authors is how many members it has, PerDay how many messages a day they write;
	// 0 is 2,000 and 4,000.
	Authors, PerDay int
	// Start is any moment of the first day, in UTC, and Days the length of the
	// history; 0 is 21.
	Start time.Time
	Days  int
	Seed  uint64
}

func (o Options) complete() (Options, error) {
	for _, n := range []struct {
		field       string
		value       *int
		usual, most int
	}{{"authors", &o.Authors, DefaultAuthors, maxAuthors}, {"per_day", &o.PerDay, DefaultPerDay, maxPerDay}, {"days", &o.Days, DefaultDays, maxDays}} {
		if *n.value == 0 {
			*n.value = n.usual
		}
		if *n.value < 1 || *n.value > n.most {
			return o, orrery.Errorf(orrery.Invalid, "sample_option", "the sample community cannot have %d %s", *n.value, n.field).
				WithField(n.field).WithNext("give a number from 1 to %d", n.most)
		}
	}
	return o, nil
}

// World is a community. It is safe for concurrent use.
type World struct {
	options Options
	start   orrery.Instant
	members []member
	// texts has what is written of each class.
	texts map[string][]string
}

// member is one of the community.
type member struct {
	joined orrery.Instant
	// rude and hateful are the shares of such messages among theirs.
	rude, hateful float64
}

// Channels are the rooms of the community.
var Channels = []string{"lobby", "games", "music", "kitchen", "help", "news"}

// written is how many texts of the functional suite a world draws from.
const written = 6000

// New makes a world. An error of kind Invalid with code sample_option names the
// option that is out of bounds.
func New(o Options) (*World, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	w := &World{options: o, start: orrery.InstantOf(o.Start.UTC().Truncate(24 * time.Hour)), texts: map[string][]string{}}
	r := rand.New(rand.NewPCG(o.Seed, 1))
	for range o.Authors {
		m := member{joined: w.start.Add(-orrery.Duration(r.Int64N(int64(900 * orrery.Day))))}
		switch {
		case r.Float64() < 0.02:
			m.rude, m.hateful = 0.3, 0.35
		case r.Float64() < 0.15:
			m.rude, m.hateful = 0.15, 0.01
		}
		w.members = append(w.members, m)
	}
	cases, err := functional.Builtin().Training(nil, written, o.Seed)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		w.texts[c.Class] = append(w.texts[c.Class], c.Text)
	}
	return w, nil
}

// Bounds gives the first instant of the history, and the one behind its last.
func (w *World) Bounds() (from, to orrery.Instant) {
	return w.start, w.start.Add(orrery.Duration(w.options.Days) * orrery.Day)
}

// Message is one of the community's.
type Message struct {
	ID              string
	At, Joined      orrery.Instant
	Author, Channel string
	Text            string
	// Class is what it is: hate, offensive or neither.
	Class string
	// Raid says that it is one of a raid's.
	Raid bool
}

// Day gives the messages of a day, counted from the first, in the order of time.
func (w *World) Day(day int) []Message {
	r := rand.New(rand.NewPCG(w.options.Seed, 1000+uint64(day)))
	from := w.start.Add(orrery.Duration(day) * orrery.Day)
	step := float64(orrery.Day) / float64(w.options.PerDay)
	out := make([]Message, w.options.PerDay)
	for i := range out {
		at := from.Add(orrery.Duration((float64(i) + r.Float64()) * step))
		n := int(float64(len(w.members)) * r.Float64() * r.Float64()) // few write most
		out[i] = w.message(r, "m"+strconv.Itoa(day)+"-"+strconv.Itoa(i), n, at)
	}
	return out
}

func (w *World) message(r *rand.Rand, id string, author int, at orrery.Instant) Message {
	m := &w.members[author]
	out := Message{ID: id, At: at, Joined: m.joined, Author: "u" + strconv.Itoa(author), Channel: Channels[int(float64(len(Channels))*r.Float64()*r.Float64())], Class: functional.Neither}
	switch x := r.Float64(); {
	case x < m.hateful:
		out.Class = functional.Hate
	case x < m.hateful+m.rude:
		out.Class = functional.Offensive
	case x > 0.93:
		out.Text = pick(r, w.texts[functional.Neither])
		return out
	default:
		out.Text = chat(r)
		return out
	}
	out.Text = pick(r, w.texts[out.Class])
	if r.Float64() < 0.15 {
		out.Text = functional.Tricks[r.IntN(len(functional.Tricks))].Apply(out.Text, r)
	}
	return out
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// Raid gives the messages of a raid on a channel: so many new accounts write
// nearly the same within 90 seconds of an instant.
func (w *World) Raid(channel string, at orrery.Instant, accounts int) []Message {
	r := rand.New(rand.NewPCG(w.options.Seed, uint64(at)))
	call := pick(r, raidCalls)
	var out []Message
	for i := range 3 * accounts {
		n := i % accounts
		when := at.Add(orrery.Duration(i) * 90 * orrery.Second / orrery.Duration(3*accounts))
		out = append(out, Message{ID: "raid" + strconv.FormatInt(int64(at/orrery.Instant(orrery.Second)), 36) + "-" + strconv.Itoa(i), At: when,
			Joined: at.Add(-orrery.Duration(n) * orrery.Minute), Author: "guest" + strconv.Itoa(n), Channel: channel,
			Text: vary(r, call), Class: functional.Offensive, Raid: true})
	}
	return out
}
