package feature

import (
	"strings"
	"unsafe"

	"orrery.dev"
	"orrery.dev/store"
)

// State holds the series of all keys that Sets have counted events for. Sets
// whose tables are equal share them. It is for one goroutine at a time.
type State struct {
	load     func(table store.TableID, key string) ([]byte, bool, error)
	shelves  []*shelf
	bindings []*binding
	dirty    []seriesRef
	work     scratch
	open     *Checkpoint
	bytes    int64
	// all has every entity in no particular order; hand is where the search for
	// entities to evict stopped. By the same index, used says which were touched
	// since it came by, and held counts what keeps each here: series that are not
	// written yet, and reads that are under way. They lie apart from the entities, so
	// that the search brings near only those that it finds.
	all  []*entity
	used []bool
	held []int32
	hand int
}

// shelf has the tables by one entity, and the keys of the entity.
type shelf struct {
	entity string
	tables []*boundTable
	keys   keyTable
}

// boundTable is a table with the bounds that the sets bound to it ask for.
type boundTable struct {
	*table
	bounds []orrery.Duration
}

// entity is one key and its series, by the number of the table on the shelf.
type entity struct {
	shelf  *shelf
	key    string
	series []series
	place  int // in State.all
}

type seriesRef struct {
	entity *entity
	table  int
}

const (
	seriesBytes = int64(unsafe.Sizeof(series{}))
	entityBytes = int64(unsafe.Sizeof(entity{})) + 64 // and its share of the lists
)

// NewState makes an empty state that gets what it does not hold from load: the
// encoded series of a key, as a Checkpoint gave it. With a nil load all there is
// is in memory.
func NewState(load func(table store.TableID, key string) ([]byte, bool, error)) *State {
	return &State{load: load}
}

// Bytes gives roughly the memory that the state takes.
func (st *State) Bytes() int64 { return st.bytes }

// Changed gives how many series have changed since the last Checkpoint.
func (st *State) Changed() int { return len(st.dirty) }

func (st *State) shelf(name string) *shelf {
	for _, sh := range st.shelves {
		if sh.entity == name {
			return sh
		}
	}
	sh := &shelf{entity: name}
	st.shelves = append(st.shelves, sh)
	return sh
}

// tableFor gives the number of the table on its shelf.
func (sh *shelf) tableFor(t *table) int {
	for i, b := range sh.tables {
		if b.id == t.id {
			return i
		}
	}
	sh.tables = append(sh.tables, &boundTable{table: t})
	return len(sh.tables) - 1
}

// entity gives the entity of a key, nil where there is none and create is false.
func (st *State) entity(sh *shelf, key string, create bool) *entity {
	hash := hashKey(key)
	en := sh.keys.get(hash, key)
	if en == nil {
		if !create {
			return nil
		}
		en = newEntity(len(sh.tables))
		en.shelf, en.place = sh, len(st.all)
		en.key = strings.Clone(key) // an event's text may be part of a large buffer
		sh.keys.put(hash, en)
		st.all, st.used, st.held = append(st.all, en), append(st.used, true), append(st.held, 0)
		st.bytes += entityBytes + int64(len(key)) + int64(len(en.series))*seriesBytes
	}
	st.used[en.place] = true
	return en
}

// newEntity makes an entity, in one piece with its series where they are few.
func newEntity(tables int) *entity {
	switch tables {
	case 1:
		one := new(struct {
			entity
			own [1]series
		})
		one.entity.series = one.own[:]
		return &one.entity
	case 2:
		two := new(struct {
			entity
			own [2]series
		})
		two.entity.series = two.own[:]
		return &two.entity
	}
	return &entity{series: make([]series, tables)}
}

// series gives an entity's series in a table, from load when it is not here.
func (st *State) series(en *entity, table int) (*series, error) {
	if table >= len(en.series) {
		st.widen(en)
	}
	s := &en.series[table]
	if s.loaded {
		return s, nil
	}
	if st.load != nil {
		if err := st.fetch(en, table, s); err != nil {
			return nil, err
		}
	}
	s.loaded = true
	return s, nil
}

// widen makes places for the tables that came to the shelf after the entity did.
func (st *State) widen(en *entity) {
	more := make([]series, len(en.shelf.tables))
	copy(more, en.series)
	st.bytes += int64(len(more)-len(en.series)) * seriesBytes
	en.series = more
}

func (st *State) fetch(en *entity, table int, s *series) error {
	t := en.shelf.tables[table]
	data, ok, err := st.load(t.id, en.key)
	if err != nil || !ok {
		return err
	}
	got, err := decode(t.table, data)
	if err != nil {
		return err
	}
	*s = *got
	st.bytes += s.size()
	return nil
}

// size gives roughly the memory behind a series.
func (s *series) size() int64 {
	return 8*int64(cap(s.buf)) + 4*int64(len(s.more)) + s.extra.bytes()
}

func (st *State) markDirty(en *entity, table int) {
	if s := &en.series[table]; !s.dirty {
		if !s.flushing {
			st.held[en.place]++
		}
		s.dirty = true
		st.dirty = append(st.dirty, seriesRef{en, table})
	}
}
