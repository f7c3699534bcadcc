package control

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"orrery.dev"
)

// Entry is a key or a term on a list.
type Entry struct {
	Key string
	// Since is when it was put there, as the system learned of it.
	Since orrery.Instant
	// Until is the first event time at which it is not listed any more, 0 for none.
	Until orrery.Instant
	Details
	Note
}

// Details are what an entry says beside its key.
type Details struct {
	// Value is the number that goes with the entry, nil where none does.
	Value *float64 `json:"value,omitempty"`
	// Category is that of a term, where it has one. Allow says that it cancels the
	// terms that it overlaps.
	Category string `json:"category,omitempty"`
	Allow    bool   `json:"allow,omitempty"`
}

// holds reports whether the entry is listed for an event that happens at an
// instant.
func (e *Entry) holds(at orrery.Instant) bool { return e.Until == 0 || at < e.Until }

// Lists are all lists at a place in the log. They do not change, and are safe for
// concurrent use.
type Lists struct{ named map[string]*List }

// List gives the list of a name, an empty one where nothing was ever on it.
func (l *Lists) List(name string) *List {
	if l != nil {
		if list := l.named[name]; list != nil {
			return list
		}
	}
	return &emptyList
}

var emptyList List

// with gives the lists with one of them replaced.
func (l *Lists) with(name string, list *List) *Lists {
	out := &Lists{named: make(map[string]*List, len(l.named)+1)}
	for n, other := range l.named {
		out.named[n] = other
	}
	out.named[name] = list
	return out
}

// List is one list at a place in the log: layers of changes, the oldest first.
// What a layer says of a key hides what those before it say. A change adds a
// layer, and layers are merged so that there are few: each is at least spread
// times as large as the one behind it, but for merges that are still to be made.
// No answer depends on how the entries lie in layers.
type List struct {
	layers []*layer
	count  sync.Once
	length int
}

// spread is the least ratio of the sizes of two layers, so 100,000 entries lie in
// four layers at most, and a change of one entry copies about 16 for each.
const spread = 32

// layer is what some changes have made of their keys. It does not change once it
// is part of a List.
type layer struct {
	marks map[string]mark
	// base is what the marks' offsets count from.
	base    orrery.Offset
	build   sync.Once
	matcher atomic.Pointer[matcher]
}

// mark is what became of a key.
type mark struct {
	// applied is the offset of the last control that named the key, less the base.
	applied orrery.Offset
	// entry is nil for a key that was taken off. It never changes.
	entry *Entry
}

// find gives what the list's changes have made of a key.
func (l *List) find(key string) (m mark, ok bool) {
	for i := len(l.layers) - 1; i >= 0; i-- {
		if m, ok = l.layers[i].marks[key]; ok {
			m.applied += l.layers[i].base
			return m, true
		}
	}
	return mark{}, false
}

// Entry gives the entry of a key, whenever it ends; nil where there is none.
func (l *List) Entry(key string) *Entry {
	m, _ := l.find(key)
	return m.entry
}

// Listed gives the entry of a key for an event that happens at an instant, nil
// where it is not listed then.
func (l *List) Listed(key string, at orrery.Instant) *Entry {
	if e := l.Entry(key); e != nil && e.holds(at) {
		return e
	}
	return nil
}

// Len gives the number of entries.
func (l *List) Len() int {
	l.count.Do(func() { l.each(func(*Entry) { l.length++ }) })
	return l.length
}

// Entries gives the entries whose keys come after one, in the order of their
// keys, at most limit.
func (l *List) Entries(after string, limit int) []*Entry {
	var out []*Entry
	l.each(func(e *Entry) {
		if e.Key > after {
			out = append(out, e)
		}
	})
	slices.SortFunc(out, func(a, b *Entry) int { return strings.Compare(a.Key, b.Key) })
	return out[:min(len(out), limit)]
}

// each calls f for each entry, in no order.
func (l *List) each(f func(*Entry)) {
	for i, layer := range l.layers {
		for key, m := range layer.marks {
			if m.entry != nil && !l.hidden(i, key) {
				f(m.entry)
			}
		}
	}
}

// hidden reports whether a layer behind number i says something of a key.
func (l *List) hidden(i int, key string) bool {
	for _, later := range l.layers[i+1:] {
		if _, ok := later.marks[key]; ok {
			return true
		}
	}
	return false
}

// push gives the list with a layer behind the others.
func (l *List) push(top *layer) *List {
	return &List{layers: append(slices.Clip(l.layers), top)}
}

// due gives the number of the first layer that is to be merged with all behind
// it, and how many marks those have; ok is false where none is.
func (l *List) due() (from, size int, ok bool) {
	from = len(l.layers) - 1
	if from < 1 {
		return 0, 0, false
	}
	size = len(l.layers[from].marks)
	for ; from > 0 && len(l.layers[from-1].marks) < spread*size; from-- {
		size += len(l.layers[from-1].marks)
	}
	return from, size, from < len(l.layers)-1
}

// merged gives one layer that says what some layers say, oldest first.
func merged(layers []*layer) *layer {
	out := &layer{marks: make(map[string]mark, len(layers[0].marks))}
	for _, l := range layers {
		for key, m := range l.marks {
			m.applied += l.base
			out.marks[key] = m
		}
	}
	return out
}

// replace gives the list with one layer in place of some that it has.
func (l *List) replace(old []*layer, by *layer) *List {
	at := slices.Index(l.layers, old[0])
	layers := slices.Clone(l.layers)
	return &List{layers: slices.Replace(layers, at, at+len(old), by)}
}
