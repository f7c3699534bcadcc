package control

import (
	"crypto/sha256"
	"encoding/json"
	"iter"
	"strings"

	"orrery.dev"
	"orrery.dev/store"
)

// Table is where a state store keeps the state of controls.
var Table = func() store.TableID {
	digest := sha256.Sum256([]byte("controls 1"))
	return store.TableID(digest[:16])
}()

// stored is a place as the state store holds it; a place without an entry stays,
// so that an older control does not come back.
type stored struct {
	Applied orrery.Offset  `json:"applied"`
	Set     bool           `json:"set,omitempty"`
	Since   orrery.Instant `json:"since,omitempty"`
	Until   orrery.Instant `json:"until,omitempty"`
	Note
}

// Checkpoint is the places that had changed when it was taken.
type Checkpoint struct{ todo []*place }

// Checkpoint takes over the list of what has changed, without encoding it.
func (s *State) Checkpoint() *Checkpoint {
	c := &Checkpoint{todo: s.dirty}
	s.dirty = nil
	return c
}

// Next encodes the next n places, each as it is by now; it gives nil at the end.
// A place may be ahead of what the log has made durable; do not write it before
// the log has.
func (c *Checkpoint) Next(n int) []store.StateItem {
	n = min(max(n, 1), len(c.todo))
	if n == 0 {
		return nil
	}
	items := make([]store.StateItem, n)
	for i, p := range c.todo[:n] {
		p.dirty = false
		items[i] = store.StateItem{Table: Table, Key: p.list + "\x00" + p.key, Value: p.encode()}
	}
	c.todo = c.todo[n:]
	return items
}

func (p *place) encode() []byte {
	out := stored{Applied: p.applied}
	if e := p.entry; e != nil {
		out.Set, out.Since, out.Until, out.Note = true, e.Since, e.Until, e.Note
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic("control: numbers and text make JSON: " + err.Error())
	}
	return text
}

// Load reads what Checkpoints have written to Table. The error is that of the
// items, or of kind Damaged with code state_damaged.
func Load(items iter.Seq2[store.StateItem, error]) (*State, error) {
	s := New()
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
		p := &s.pause
		if list != "" {
			p = s.place(list, key)
		}
		p.applied = in.Applied
		if in.Set {
			s.put(p, &Entry{Key: key, Since: in.Since, Until: in.Until, Note: in.Note})
		}
	}
	return s, nil
}
