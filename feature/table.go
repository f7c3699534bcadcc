package feature

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"
	"strings"

	"orrery.dev"
	"orrery.dev/store"
)

// columnKind says how a table keeps a field. The numbers are part of the
// definition.
type columnKind uint8

const (
	// sumColumn is the running sum of an int or decimal, modulo 2^64, and where
	// squares are wanted that of the squares, modulo 2^128, low word first. A
	// value is the difference of two neighbours.
	sumColumn columnKind = 1
	// rawColumn is the bits of a float, bool or timestamp.
	rawColumn columnKind = 2
	// idColumn is the number of a value in the series's dictionary.
	idColumn columnKind = 3
	// hashColumn is the similarity hash of a text.
	hashColumn columnKind = 4
)

func (k columnKind) String() string { return [...]string{1: "sum", 2: "raw", 3: "id", 4: "hash"}[k] }

type column struct {
	kind  columnKind
	field int
	typ   orrery.FieldType
	scale int
	// word is the column's place in a row, after the time at 0.
	word    int
	squares bool
	// ever says that what is dropped must still count for answers over all time:
	// it is folded into bases[base], for ids into the dictionary. parts says what
	// the base keeps.
	ever  bool
	parts parts
	base  int
}

func (c *column) words() int {
	if c.squares {
		return 3
	}
	return 1
}

// table is the definition of one kind of series: which events count, for which
// key, and what is kept of them. It does not change once its id is made.
type table struct {
	id      store.TableID
	event   *orrery.EventType
	by      int
	where   *Predicate
	present int // the optional field that an event must have to count, -1 for none
	columns []column
	// stride is the number of words in a row, dicts and bases how many columns
	// have a dictionary or a base.
	stride, dicts, bases int
	// exact is how many of the newest events are told apart, tail how many are kept
	// however old they are.
	exact, tail int
	retain      int64
	entity      string
	levels      []level
	halving     bool // some level is
}

// most is the number of rows at which all but the newest are dropped, less one.
func (t *table) most() int { return t.exact + t.exact/8 }

// isFor reports whether the aggregate reads the events that the table counts.
func (t *table) isFor(a *Aggregate) bool {
	return t.event == a.Event && t.by == a.By && t.present == a.present() &&
		(t.where == nil) == (a.Where == nil) && (t.where == nil || t.where.Source == a.Where.Source)
}

// present gives the optional field that an event must have to count, or -1.
func (a *Aggregate) present() int {
	if a.Field >= 0 && a.Event.Fields[a.Field].Optional {
		return a.Field
	}
	return -1
}

// need adds what an aggregate of kind k reads. A count or a time since last
// reads no column.
func (t *table) need(k kind, a *Aggregate, keep orrery.Duration) {
	if k == lastKind && a.Window == 0 {
		t.tail = max(t.tail, a.Rank+1)
	}
	if a.Field >= 0 {
		f := &a.Event.Fields[a.Field]
		c := column{kind: columnKindFor(k, f.Type), field: a.Field, typ: f.Type, scale: f.Scale}
		at := t.find(c.kind, c.field)
		if at < 0 {
			at = len(t.columns)
			t.columns = append(t.columns, c)
		}
		col := &t.columns[at]
		col.squares = col.squares || c.kind == sumColumn && partsOf(k)&squarePart != 0
		if a.Window == 0 && k != lastKind && k < decayedCountKind {
			col.ever = true
			col.parts |= partsOf(k)
		}
	}
	t.needTiles(k, a, keep)
}

// needTiles adds the cell that an aggregate of kind k is answered from where the
// series is dense.
func (t *table) needTiles(k kind, a *Aggregate, keep orrery.Duration) {
	l, ok := a.level(k, keep)
	if !ok {
		return
	}
	i := slices.IndexFunc(t.levels, l.same)
	if i < 0 {
		i = len(t.levels)
		t.levels = append(t.levels, l)
	}
	at := &t.levels[i]
	span := int64(a.Lag+a.Window+keep) + l.width
	if l.halving {
		span += halvings * l.width
	}
	at.span = max(at.span, min(span, maxTiles*l.width))
	if p := partsOf(k); p != 0 {
		if j := at.cellOf(a.Field, columnKindOf(k, a)); j >= 0 {
			at.cells[j].parts |= p
		} else {
			at.cells = append(at.cells, cellOf{field: a.Field, kind: columnKindOf(k, a), column: -1, parts: p})
		}
	}
}

// level gives the level of an aggregate of kind k, false where it has none.
func (a *Aggregate) level(k kind, keep orrery.Duration) (level, bool) {
	switch k {
	case lastKind, timeSinceLastKind, topKind, repeatsKind:
		return level{}, false
	}
	return level{width: int64(a.tileWidth(keep)), ever: a.Window == 0 && a.HalfLife == 0, halving: a.HalfLife > 0}, true
}

func (l level) same(o level) bool {
	return l.width == o.width && l.ever == o.ever && l.halving == o.halving
}

func (l *level) cellOf(field int, kind columnKind) int {
	return slices.IndexFunc(l.cells, func(c cellOf) bool { return c.field == field && c.kind == kind })
}

// columnKindOf gives the kind of the aggregate's column, 0 where it has none.
func columnKindOf(k kind, a *Aggregate) columnKind {
	if a.Field < 0 {
		return 0
	}
	return columnKindFor(k, a.Event.Fields[a.Field].Type)
}

func columnKindFor(k kind, typ orrery.FieldType) columnKind {
	switch {
	case k == distinctKind || k == topKind:
		return idColumn
	case k == repeatsKind:
		return hashColumn
	case typ.Exact():
		return sumColumn
	}
	return rawColumn
}

// columnOf gives the index of the column that an aggregate of kind k reads.
func (t *table) columnOf(k kind, field int) int {
	return t.find(columnKindFor(k, t.event.Fields[field].Type), field)
}

func (t *table) find(k columnKind, field int) int {
	for i := range t.columns {
		if t.columns[i].kind == k && t.columns[i].field == field {
			return i
		}
	}
	return -1
}

// finish lays out the columns in their canonical order and names the table.
func (t *table) finish(keep orrery.Duration) {
	t.entity = t.event.Fields[t.by].Entity
	t.retain += int64(keep)
	sort.Slice(t.columns, func(i, j int) bool {
		a, b := &t.columns[i], &t.columns[j]
		if a.field != b.field {
			return t.event.Fields[a.field].Name < t.event.Fields[b.field].Name
		}
		return a.kind < b.kind
	})
	t.stride = 1
	for i := range t.columns {
		c := &t.columns[i]
		c.word = t.stride
		t.stride += c.words()
		switch {
		case c.kind == idColumn:
			c.base, t.dicts = t.dicts, t.dicts+1
		case c.ever:
			c.base, t.bases = t.bases, t.bases+1
		}
	}
	t.finishLevels()
	digest := sha256.Sum256([]byte(t.definition()))
	t.id = store.TableID(digest[:16])
}

// finishLevels brings the levels and their cells into canonical order.
func (t *table) finishLevels() {
	slices.SortFunc(t.levels, func(a, b level) int {
		return cmp.Or(cmp.Compare(a.width, b.width), compareBool(a.ever, b.ever), compareBool(a.halving, b.halving))
	})
	for i := range t.levels {
		l := &t.levels[i]
		t.halving = t.halving || l.halving
		for j := range l.cells {
			if c := &l.cells[j]; c.field >= 0 {
				c.column = t.find(c.kind, c.field)
			}
		}
		slices.SortFunc(l.cells, func(a, b cellOf) int { return cmp.Compare(a.column, b.column) })
	}
}

func compareBool(a, b bool) int { return int(boolByte(a)) - int(boolByte(b)) }

// definition is the table's canonical text. Tables of equal text have equal
// state for equal logs, in the same bytes.
func (t *table) definition() string {
	var b strings.Builder
	fmt.Fprintf(&b, "series %d\nevent %s\nby %s %s\n", formatVersion, t.event.Name, t.event.Fields[t.by].Name, t.event.Fields[t.by].Entity)
	if t.where != nil {
		fmt.Fprintf(&b, "where %q\n", t.where.Source)
	}
	if t.present >= 0 {
		fmt.Fprintf(&b, "present %s\n", t.event.Fields[t.present].Name)
	}
	for _, c := range t.columns {
		fmt.Fprintf(&b, "column %s %s %s %d squares=%t ever=%t parts=%d\n", c.kind, t.event.Fields[c.field].Name, c.typ, c.scale, c.squares, c.ever, c.parts)
	}
	fmt.Fprintf(&b, "retain %d tail %d exact %d\n", t.retain, t.tail, t.exact)
	for i := range t.levels {
		l := &t.levels[i]
		fmt.Fprintf(&b, "level %d span %d ever=%t halving=%t", l.width, l.span, l.ever, l.halving)
		for _, c := range l.cells {
			fmt.Fprintf(&b, " %d:%d", c.column, c.parts)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// counts reports whether the event counts in the table. An event whose values
// are not what its type declares is an error.
func (t *table) counts(e *orrery.Event) (bool, error) {
	if t.present >= 0 && e.Values[t.present].IsMissing() {
		return false, nil
	}
	for i := range t.columns {
		if c := &t.columns[i]; e.Values[c.field].Type() != c.typ {
			f := &t.event.Fields[c.field]
			return false, orrery.Errorf(orrery.Internal, "event_unchecked", "%s %q has a %s where its field %s is of type %s",
				t.event.Name, e.ID, e.Values[c.field].Type(), f.Name, f.Type).WithField(f.Name)
		}
	}
	return t.where == nil || t.where.Match(e), nil
}
