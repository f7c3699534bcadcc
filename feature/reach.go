package feature

import (
	"orrery.dev"
	"orrery.dev/store"
)

// Reach is how far behind the asking event a table is asked.
type Reach struct {
	Table store.TableID
	// Back is the longest lag and window of an aggregate with a window, Ever that
	// one is over all time.
	Back orrery.Duration
	Ever bool
}

// Reaches gives the reach of every table, in the order of Tables.
func (s *Set) Reaches() []Reach {
	out := make([]Reach, len(s.tables))
	for i, t := range s.tables {
		out[i].Table = t.id
	}
	for _, r := range s.readers {
		for _, it := range r.items {
			a := &s.aggregates[it.out]
			out[r.table].Back = max(out[r.table].Back, a.Lag+a.Window)
			out[r.table].Ever = out[r.table].Ever || a.Window == 0
		}
	}
	return out
}

// TableOf gives the table that aggregate i reads.
func (s *Set) TableOf(i int) store.TableID {
	for _, r := range s.readers {
		for _, it := range r.items {
			if it.out == i {
				return s.tables[r.table].id
			}
		}
	}
	return store.TableID{}
}
