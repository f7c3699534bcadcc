package control

import (
	"crypto/sha256"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/store"
)

// Table is where a state store keeps the state of controls.
var Table = func() store.TableID {
	digest := sha256.Sum256([]byte("controls 1"))
	return store.TableID(digest[:16])
}()

// stored is what became of a key as the state store holds it; a key without an
// entry stays, so that an older control does not come back.
type stored struct {
	Applied orrery.Offset  `json:"applied"`
	Set     bool           `json:"set,omitempty"`
	Since   orrery.Instant `json:"since,omitempty"`
	Until   orrery.Instant `json:"until,omitempty"`
	Details
	Note
}

// Checkpoint is what had changed when it was taken.
type Checkpoint struct {
	todo  []changed
	keys  []string // of the first, that are left
	begun bool
	pause *mark
}

// Checkpoint takes over the list of what has changed, without encoding it.
func (s *State) Checkpoint() *Checkpoint {
	c := &Checkpoint{todo: s.dirty}
	if s.pauseDirty {
		pause := s.pause
		c.pause = &pause
	}
	s.dirty, s.pauseDirty = nil, false
	return c
}

// Next encodes the next n keys, those changed first before those changed later; it
// gives nil at the end. They may be ahead of what the log has made durable; do not
// write them before the log has.
func (c *Checkpoint) Next(n int) []store.StateItem {
	var items []store.StateItem
	if c.pause != nil {
		items = append(items, store.StateItem{Table: Table, Key: "\x00", Value: c.pause.encode(0)})
		c.pause = nil
	}
	for len(c.todo) > 0 && len(items) < max(n, 1) {
		now := &c.todo[0]
		if !c.begun {
			c.keys, c.begun = slices.Collect(maps.Keys(now.layer.marks)), true
		}
		for len(c.keys) > 0 && len(items) < max(n, 1) {
			key := c.keys[0]
			c.keys = c.keys[1:]
			m := now.layer.marks[key]
			items = append(items, store.StateItem{Table: Table, Key: now.list + "\x00" + key, Value: m.encode(now.layer.base)})
		}
		if len(c.keys) == 0 {
			c.todo, c.begun = c.todo[1:], false
		}
	}
	return items
}

func (m mark) encode(base orrery.Offset) []byte {
	out := stored{Applied: m.applied + base}
	if e := m.entry; e != nil {
		out.Set, out.Since, out.Until, out.Details, out.Note = true, e.Since, e.Until, e.Details, e.Note
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic("control: finite numbers and text make JSON: " + err.Error())
	}
	return text
}

// Load reads what Checkpoints have written to Table. The error is that of the
// items, or of kind Damaged with code state_damaged.
func Load(items iter.Seq2[store.StateItem, error]) (*State, error) {
	s := New()
	layers := map[string]*layer{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		list, key, _ := strings.Cut(item.Key, "\x00")
		var in stored
		if err := json.Unmarshal(item.Value, &in); err != nil {
			return nil, orrery.Errorf(orrery.Damaged, "state_damaged", "the state of controls cannot be read").Because(err).
				WithNext("restore the data directory from a copy")
		}
		m := mark{applied: in.Applied}
		if in.Set {
			m.entry = &Entry{Key: key, Since: in.Since, Until: in.Until, Details: in.Details, Note: in.Note}
		}
		if list == "" {
			s.pause = m
			continue
		}
		if layers[list] == nil {
			layers[list] = &layer{marks: map[string]mark{}}
		}
		layers[list].marks[key] = m
		s.loaded = max(s.loaded, m.applied)
	}
	for name, l := range layers {
		s.lists = s.lists.with(name, &List{layers: []*layer{l}})
	}
	return s, nil
}
