// Package control holds what controls have put a system in, as of a place in its
// log: which keys are on its lists, and whether it is paused. Controls act at
// once, whatever release is in force; they are records of the log, so that
// replay meets them where they were given.
package control

import (
	"encoding/json"
	"slices"
	"strings"

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

// MaxKeys is how many keys one Change may have.
const MaxKeys = 10_000

// Note says who gave a control, and why.
type Note struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Change is a change of one list.
type Change struct {
	List   string   `json:"list"`
	Add    []string `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
	// Until is when the keys added are no longer listed, for events that happen
	// from then on; 0 is never.
	Until orrery.Instant `json:"until,omitempty"`
	Note
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

// Entry is a key on a list.
type Entry struct {
	Key string
	// Since is when it was put there, as the system learned of it.
	Since orrery.Instant
	// Until is the first event time at which it is not listed any more, 0 for none.
	Until orrery.Instant
	Note
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
	lists map[string]map[string]*place
	pause place
	lens  map[string]int
	// dirty has the places that changed since the last Checkpoint.
	dirty []*place
}

// place is one key of one list, or the pause, which has neither.
type place struct {
	list, key string
	// entry is nil for a key that was taken off, or a system that is not paused.
	// It is replaced, never changed.
	entry *Entry
	// applied is the offset of the last control that named it.
	applied orrery.Offset
	dirty   bool
}

// New makes the state before any control.
func New() *State { return &State{lists: map[string]map[string]*place{}, lens: map[string]int{}} }

// Apply applies the control at an offset. The error is of kind Damaged, with
// code record_damaged, when its body is not what its type says.
func (s *State) Apply(offset orrery.Offset, c *record.Control) error {
	switch c.Type {
	case TypeList:
		var change Change
		if err := read(offset, c, &change); err != nil {
			return err
		}
		for _, key := range change.Add {
			s.set(s.place(change.List, key), offset, &Entry{Key: key, Since: c.At, Until: change.Until, Note: change.Note})
		}
		for _, key := range change.Remove {
			s.set(s.place(change.List, key), offset, nil)
		}
	case TypePause, TypeResume:
		var note Note
		if err := read(offset, c, &note); err != nil {
			return err
		}
		var entry *Entry
		if c.Type == TypePause {
			entry = &Entry{Since: c.At, Note: note}
		}
		s.set(&s.pause, offset, entry)
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

func (s *State) place(list, key string) *place {
	keys := s.lists[list]
	if keys == nil {
		keys = map[string]*place{}
		s.lists[list] = keys
	}
	p := keys[key]
	if p == nil {
		p = &place{list: list, key: key}
		keys[key] = p
	}
	return p
}

// set puts an entry in its place, unless a later control has been there.
func (s *State) set(p *place, offset orrery.Offset, entry *Entry) {
	if offset < p.applied {
		return
	}
	s.put(p, entry)
	p.applied = offset
	if !p.dirty {
		p.dirty = true
		s.dirty = append(s.dirty, p)
	}
}

func (s *State) put(p *place, entry *Entry) {
	switch {
	case p.entry == nil && entry != nil:
		s.lens[p.list]++
	case p.entry != nil && entry == nil:
		s.lens[p.list]--
	}
	p.entry = entry
}

// Listed reports whether a key is on a list for an event that happens at an
// instant.
func (s *State) Listed(list, key string, at orrery.Instant) bool {
	p := s.lists[list][key]
	return p != nil && p.entry != nil && (p.entry.Until == 0 || at < p.entry.Until)
}

// Has reports whether a list has an entry of a key, whenever that ends.
func (s *State) Has(list, key string) bool {
	p := s.lists[list][key]
	return p != nil && p.entry != nil
}

// Len gives the number of a list's entries.
func (s *State) Len(list string) int { return s.lens[list] }

// Paused gives what is known of the pause; ok is false while the system is not
// paused.
func (s *State) Paused() (pause Pause, ok bool) {
	if e := s.pause.entry; e != nil {
		return Pause{Since: e.Since, Note: e.Note}, true
	}
	return Pause{}, false
}

// Entries gives the entries of a list whose keys come after one, in no order.
// They do not change.
func (s *State) Entries(list, after string) []*Entry {
	var out []*Entry
	for key, p := range s.lists[list] {
		if p.entry != nil && key > after {
			out = append(out, p.entry)
		}
	}
	return out
}

// Sort puts entries in the order of their keys.
func Sort(entries []*Entry) {
	slices.SortFunc(entries, func(a, b *Entry) int { return strings.Compare(a.Key, b.Key) })
}
