package spec

// shape is what a node of the file is.
type shape uint8

const (
	// unknown nodes are what the file has but the reader cannot follow: an alias,
	// or text lost to a syntax error. They silence what depends on them.
	unknown shape = iota
	empty
	scalar
	mapping
	sequence
)

func (s shape) String() string {
	return [...]string{"something unreadable", "nothing", "a single value", "a mapping", "a list"}[s]
}

// span is a place on one line of the file: line and columns from 1, in
// characters, the end exclusive.
type span struct{ line, column, end int }

// node is a value in the file.
type node struct {
	shape shape
	at    span
	// text is a scalar's content. A plain scalar is written without quotes; a
	// block scalar begins with | or >.
	text         string
	plain, block bool
	entries      []entry
	items        []*node
	// partial says that entries are missing which the file may have meant.
	partial bool

	// Set by the walk along the declaration:

	// path is the place in the spec.
	path string
	// value is a scalar's typed value: string, bool, int, float64,
	// orrery.Duration or *time.Location.
	value any
	// bad says that a fault has been reported and the value cannot be used.
	bad bool
	// filled marks a default that the file does not have.
	filled bool
}

// entry is a key and its value.
type entry struct {
	key, value *node
	// ignored says that the key is none that the declaration has, or a repeat.
	ignored bool
}

// get gives the usable value of a key, nil where it is missing or faulty.
func (n *node) get(key string) *node {
	v := n.find(key)
	if v == nil || v.bad {
		return nil
	}
	return v
}

// written gives the value of a key that stands in the file, faulty or not.
func (n *node) written(key string) *node {
	if v := n.find(key); v != nil && !v.filled {
		return v
	}
	return nil
}

func (n *node) find(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key.text == key && !n.entries[i].ignored {
			return n.entries[i].value
		}
	}
	return nil
}

// key gives the node of a key itself, the mapping where it has no such key.
func (n *node) key(key string) *node {
	for i := range n.entries {
		if n.entries[i].key.text == key {
			return n.entries[i].key
		}
	}
	return n
}

// list gives the usable items of a node that takes a list; one value is a list
// of one.
func (n *node) list() []*node {
	if n == nil {
		return nil
	}
	if n.shape != sequence {
		return []*node{n}
	}
	var items []*node
	for _, item := range n.items {
		if !item.bad {
			items = append(items, item)
		}
	}
	return items
}

// valueOf gives the typed value of a key; ok is false where there is none.
func valueOf[T any](n *node, key string) (value T, ok bool) {
	if v := n.get(key); v != nil {
		value, ok = v.value.(T)
	}
	return value, ok
}

// textOf gives the text of a key, empty where there is none.
func textOf(n *node, key string) string {
	text, _ := valueOf[string](n, key)
	return text
}
