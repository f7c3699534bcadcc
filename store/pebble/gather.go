package pebble

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"

	"orrery.dev/store"
)

// gathered holds the items that were written last, until there are so many that they
// are worth a run. There are no pointers in it, so it costs the collector nothing.
//
// One goroutine at a time changes it, and any may look meanwhile.
type gathered struct {
	mutex sync.RWMutex
	// slots has 1 + the number of an item beside the upper half of its key's hash, so
	// that what is not there is found out without a look at items. They stand by the
	// lower half: open addressing, at most half full. Its length is a power of two.
	slots []slot
	items []place
	// data has keys, each a table and a key, and values; also what was overwritten.
	data []byte
}

type slot struct{ tag, number uint32 }

func tagOf(hash uint64) uint32 { return uint32(hash >> 32) }

// place says where an item is in data: its key, and its value from value on.
type place struct {
	hash        uint64
	from, value int
	key, size   int32
}

// removed is the size of an item that is to be removed.
const removed = -1

// bytes gives the memory that is in use.
func (g *gathered) bytes() int { return len(g.data) + 56*len(g.items) }

// put adds items, of which it keeps copies.
func (g *gathered) put(items []store.StateItem) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for i := range items {
		it := &items[i]
		from := len(g.data)
		g.data = append(append(g.data, it.Table[:]...), it.Key...)
		full := g.data[from:]
		hash := xxhash.Sum64(full)
		at := g.find(hash, full)
		if at < 0 {
			at = g.add(place{hash: hash, from: from, key: int32(len(full))})
		} else {
			g.data = g.data[:from]
		}
		p := &g.items[at]
		p.value, p.size = len(g.data), int32(len(it.Value))
		if it.Value == nil {
			p.size = removed
		}
		g.data = append(g.data, it.Value...)
	}
}

// find gives the number of the item with a key, -1 where there is none.
func (g *gathered) find(hash uint64, full []byte) int {
	if len(g.items) == 0 {
		return -1
	}
	mask := uint64(len(g.slots) - 1)
	tag := tagOf(hash)
	for i := hash & mask; g.slots[i].number != 0; i = (i + 1) & mask {
		if g.slots[i].tag != tag {
			continue
		}
		at := g.slots[i].number - 1
		if g.items[at].hash == hash && bytes.Equal(g.key(at), full) {
			return int(at)
		}
	}
	return -1
}

// add adds an item that is not there, and gives its number.
func (g *gathered) add(p place) int {
	g.items = append(g.items, p)
	if 2*len(g.items) > len(g.slots) {
		g.slots = make([]slot, max(1024, 2*len(g.slots)))
		for at := range g.items {
			g.slot(at)
		}
	} else {
		g.slot(len(g.items) - 1)
	}
	return len(g.items) - 1
}

func (g *gathered) slot(at int) {
	mask := uint64(len(g.slots) - 1)
	hash := g.items[at].hash
	i := hash & mask
	for g.slots[i].number != 0 {
		i = (i + 1) & mask
	}
	g.slots[i] = slot{tagOf(hash), uint32(at) + 1}
}

// get copies the value of a key, a table and a key with their hash: nil where it is to be
// removed. ok is false where nothing is gathered of it.
func (g *gathered) get(hash uint64, full []byte) ([]byte, bool) {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	at := g.find(hash, full)
	if at < 0 {
		return nil, false
	}
	p := &g.items[at]
	if p.size == removed {
		return nil, true
	}
	return append(make([]byte, 0, p.size), g.data[p.value:p.value+int(p.size)]...), true
}

// head is an item's number with its table's place among the tables, and its hash.
type head struct {
	hash      uint64
	table, at uint32
}

// writeTo writes the items to a run, in its order.
func (g *gathered) writeTo(w *runWriter) error {
	tables, heads := g.sorted()
	for i := 0; i < len(heads); {
		end := i
		for end < len(heads) && heads[end].table == heads[i].table {
			end++
		}
		if err := w.begin(tables[heads[i].table], end-i); err != nil {
			return err
		}
		for ; i < end; i++ {
			p := &g.items[heads[i].at]
			var value []byte
			if p.size != removed {
				value = g.data[p.value : p.value+int(p.size)]
			}
			if err := w.add(p.hash, g.key(heads[i].at)[tableSize:], value, p.size == removed); err != nil {
				return err
			}
		}
	}
	return nil
}

// sorted gives the tables, and the items in the order of a run.
func (g *gathered) sorted() ([]store.TableID, []head) {
	tables := g.tables()
	ranks := map[store.TableID]uint32{}
	for i, table := range tables {
		ranks[table] = uint32(i)
	}
	heads := make([]head, len(g.items))
	for at := range g.items {
		heads[at] = head{g.items[at].hash, ranks[store.TableID(g.key(uint32(at)))], uint32(at)}
	}
	slices.SortFunc(heads, func(a, b head) int {
		switch {
		case a.table != b.table:
			return cmp.Compare(a.table, b.table)
		case a.hash != b.hash:
			return cmp.Compare(a.hash, b.hash)
		}
		return bytes.Compare(g.key(a.at), g.key(b.at))
	})
	return tables, heads
}

const tableSize = len(store.TableID{})

// tables gives the tables that there are items of, in order.
func (g *gathered) tables() []store.TableID {
	found := map[store.TableID]bool{}
	last := store.TableID{}
	for at := range g.items {
		if table := store.TableID(g.key(uint32(at))); at == 0 || table != last {
			found[table], last = true, table
		}
	}
	return slices.SortedFunc(maps.Keys(found), compareTables)
}

// key gives an item's key, which is a table and a key.
func (g *gathered) key(at uint32) []byte {
	p := &g.items[at]
	return g.data[p.from : p.from+int(p.key)]
}

// each calls f with the items of a table, removed ones with a nil value, of which it
// gives no copy.
func (g *gathered) each(table store.TableID, f func(key, value []byte)) {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	for at := range g.items {
		full := g.key(uint32(at))
		if store.TableID(full) != table {
			continue
		}
		var value []byte
		if p := &g.items[at]; p.size != removed {
			value = g.data[p.value : p.value+int(p.size) : p.value+int(p.size)]
		}
		f(full[tableSize:], value)
	}
}

// clear forgets the items, which are to be found in a run by now, and keeps their
// memory for the next.
func (g *gathered) clear() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	clear(g.slots)
	g.items, g.data = g.items[:0], g.data[:0]
}
