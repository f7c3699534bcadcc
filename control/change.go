package control

import (
	"encoding/json"
	"slices"

	"orrery.dev"
	"orrery.dev/record"
)

// MaxKeys is how many keys one control names: a larger Change becomes several,
// which follow each other in the log.
const MaxKeys = 10_000

// Change is a change of one list.
type Change struct {
	List   string   `json:"list"`
	Add    []Item   `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
	// Until is when what is added is no longer listed, for events that happen from
	// then on; 0 is never.
	Until orrery.Instant `json:"until,omitempty"`
	Note
}

// Item is a key that is put on a list, with what goes with it. In JSON it is the
// key alone where nothing does.
type Item struct {
	Key string
	Details
	// Until takes the place of the change's where it is not 0.
	Until orrery.Instant
	// Line is where it stands in a file, 0 where it is of none. It is not recorded.
	Line int
}

type itemJSON struct {
	Key string `json:"key"`
	Details
	Until orrery.Instant `json:"until,omitempty"`
	Line  int            `json:"-"`
}

// MarshalJSON writes a string or an object.
func (i Item) MarshalJSON() ([]byte, error) {
	if i.Value == nil && i.Category == "" && !i.Allow && i.Until == 0 {
		return json.Marshal(i.Key)
	}
	return json.Marshal(itemJSON(i))
}

// UnmarshalJSON reads either.
func (i *Item) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '{' {
		var in itemJSON
		err := json.Unmarshal(text, &in)
		*i = Item(in)
		return err
	}
	*i = Item{}
	return json.Unmarshal(text, &i.Key)
}

// Keys names the keys alone as items.
func Keys(keys ...string) []Item {
	items := make([]Item, len(keys))
	for i, key := range keys {
		items[i].Key = key
	}
	return items
}

// Len gives how many keys the change names.
func (c *Change) Len() int { return len(c.Add) + len(c.Remove) }

// parts splits the change into those of one control each.
func (c *Change) parts() []Change {
	var out []Change
	for add, remove := c.Add, c.Remove; len(out) == 0 || len(add)+len(remove) > 0; {
		part := *c
		n := min(len(add), MaxKeys)
		m := min(len(remove), MaxKeys-n)
		part.Add, add = add[:n], add[n:]
		part.Remove, remove = remove[:m], remove[m:]
		out = append(out, part)
	}
	return out
}

// layerOf gives what changes make of their keys, received at an instant, their
// controls one after the other. Without a base, the first is at 0.
func layerOf(at orrery.Instant, parts ...Change) *layer {
	n := 0
	for i := range parts {
		n += parts[i].Len()
	}
	out := &layer{marks: make(map[string]mark, n)}
	for i := range parts {
		c := &parts[i]
		entries := make([]Entry, len(c.Add))
		for j := range c.Add {
			e := &entries[j]
			*e = Entry{Key: c.Add[j].Key, Since: at, Until: c.Add[j].Until, Details: c.Add[j].Details, Note: c.Note}
			if e.Until == 0 {
				e.Until = c.Until
			}
			out.marks[e.Key] = mark{orrery.Offset(i), e}
		}
		for _, key := range c.Remove {
			out.marks[key] = mark{applied: orrery.Offset(i)}
		}
	}
	return out
}

// Prepared is a change that is ready to be applied. What takes time where it
// names many keys has been done, so that applying it takes none.
type Prepared struct {
	// Controls are the change's, to be recorded one after the other with nothing
	// between them.
	Controls []record.Control
	list     string
	layer    *layer
}

// Prepare prepares a change that is received at an instant, of a list of keys or
// of terms.
func Prepare(c Change, at orrery.Instant, terms bool) (*Prepared, error) {
	parts := c.parts()
	out := &Prepared{list: c.List, layer: layerOf(at, parts...)}
	for i := range parts {
		body, err := json.Marshal(parts[i])
		if err != nil {
			return nil, err
		}
		out.Controls = append(out.Controls, record.Control{Type: TypeList, At: at, Body: body})
	}
	if terms {
		out.layer.terms()
	}
	return out, nil
}

// ApplyPrepared applies a prepared change, the first of whose controls has an
// offset: what Apply does with each of them.
func (s *State) ApplyPrepared(first orrery.Offset, p *Prepared) {
	p.layer.base = first
	s.push(p.list, p.layer)
}

// push puts a layer on a list, and merges layers where that takes no time or
// nobody else does.
func (s *State) push(name string, l *layer) {
	list := s.lists.List(name)
	if l.base <= s.loaded {
		for key, m := range l.marks {
			if known, ok := list.find(key); ok && known.applied > m.applied+l.base {
				delete(l.marks, key)
			}
		}
	}
	if len(l.marks) == 0 {
		return
	}
	s.dirty = append(s.dirty, changed{name, l})
	list = list.push(l)
	if from, size, ok := list.due(); ok && (!s.mergesLater || size <= mergedAtOnce) {
		list = list.replace(list.layers[from:], merged(list.layers[from:]))
	}
	s.lists = s.lists.with(name, list)
}

// mergedAtOnce is how many marks are merged while a change is applied.
const mergedAtOnce = 256

// MergeLater leaves the merging of large layers to whoever calls Due, so that
// applying a change never takes long.
func (s *State) MergeLater() { s.mergesLater = true }

// Merge is the merging of some layers of a list.
type Merge struct {
	list string
	from []*layer
	to   *layer
}

// Due gives a merge that is to be made, nil where there is none or one is being
// made. Run may run in another goroutine; Install ends it.
func (s *State) Due() *Merge {
	if s.merging {
		return nil
	}
	for name, list := range s.lists.named {
		if from, _, ok := list.due(); ok {
			s.merging = true
			return &Merge{list: name, from: slices.Clone(list.layers[from:])}
		}
	}
	return nil
}

// Run merges, and compiles the terms where those of the layers have been.
func (m *Merge) Run() {
	m.to = merged(m.from)
	if slices.ContainsFunc(m.from, func(l *layer) bool { return l.matcher.Load() != nil }) {
		m.to.terms()
	}
}

// Install takes a merge over that has been run.
func (s *State) Install(m *Merge) {
	s.merging = false
	s.lists = s.lists.with(m.list, s.lists.List(m.list).replace(m.from, m.to))
}
