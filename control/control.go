// Package control holds what controls have put a system in, as of a place in its
// log: which keys are on its lists, and whether it is paused. Controls act at
// once, whatever release is in force; they are records of the log, so that
// replay meets them where they were given.
package control

import (
	"encoding/json"

	"orrery.dev"
	"orrery.dev/record"
)

// The types of control that a State follows; it takes no notice of others.
const (
	// TypeList puts keys on a list or takes them off: its body is a Change.
	TypeList = "list"
	// TypePause has every decision answered by the fallback action, and
	// TypeResume ends that: the body of both is a Note.
	TypePause  = "pause"
	TypeResume = "resume"
	// TypeForget drops what is known of a subject: its body is a Forgotten.
	TypeForget = "forget"
)

// Note says who gave a control, and why.
type Note struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Forgotten says whose state is dropped.
type Forgotten struct {
	Entity string `json:"entity"`
	// Key is the key in all that is kept: a pseudonym where keys are personal.
	Key string `json:"key"`
	// Pseudonym is that of the key that was destroyed, empty where there was none.
	Pseudonym string `json:"pseudonym,omitempty"`
	Note
}

// ReadForgotten reads the body of a control of TypeForget. The error is of kind
// Damaged, with code record_damaged.
func ReadForgotten(offset orrery.Offset, c *record.Control) (f Forgotten, err error) {
	err = read(offset, c, &f)
	return f, err
}

// Pause says since when, by whom and why a system is paused.
type Pause struct {
	Since orrery.Instant
	Note
}

// State is what the controls up to a place in the log have set. It is for one
// goroutine at a time. It is a function of the controls alone; a control that
// has been applied has no effect when applied again.
type State struct {
	lists *Lists
	// pause has the entry of no key.
	pause      mark
	pauseDirty bool
	// dirty has what changed since the last Checkpoint.
	dirty []changed
	// loaded is the last offset that what was loaded has applied.
	loaded               orrery.Offset
	mergesLater, merging bool
}

// changed is a layer that was put on a list.
type changed struct {
	list  string
	layer *layer
}

// New makes the state before any control.
func New() *State { return &State{lists: &Lists{}} }

// Apply applies the control at an offset. The error is of kind Damaged, with
// code record_damaged, when its body is not what its type says.
func (s *State) Apply(offset orrery.Offset, c *record.Control) error {
	switch c.Type {
	case TypeList:
		var change Change
		if err := read(offset, c, &change); err != nil {
			return err
		}
		l := layerOf(c.At, change)
		l.base = offset
		s.push(change.List, l)
	case TypePause, TypeResume:
		var note Note
		if err := read(offset, c, &note); err != nil {
			return err
		}
		var entry *Entry
		if c.Type == TypePause {
			entry = &Entry{Since: c.At, Note: note}
		}
		if offset >= s.pause.applied {
			s.pause, s.pauseDirty = mark{offset, entry}, true
		}
	}
	return nil
}

func read(offset orrery.Offset, c *record.Control, into any) error {
	if len(c.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Body, into); err != nil {
		return orrery.Errorf(orrery.Damaged, "record_damaged", "the control %q at offset %d cannot be read", c.Type, offset).Because(err)
	}
	return nil
}

// Lists gives the lists as they are now.
func (s *State) Lists() *Lists { return s.lists }

// Paused gives what is known of the pause; ok is false while the system is not
// paused.
func (s *State) Paused() (pause Pause, ok bool) {
	if e := s.pause.entry; e != nil {
		return Pause{Since: e.Since, Note: e.Note}, true
	}
	return Pause{}, false
}
