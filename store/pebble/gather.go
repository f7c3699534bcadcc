package pebble

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"orrery.dev/store"
)

// gathered holds the items that were written last, until there are so many that
// Pebble can take them sorted, as one batch that goes to a file as it is. Through
// a memtable each would cost a search in a skip list, and every look-up another.
// There are no pointers in it, so it costs the collector nothing.
//
// One goroutine at a time changes it, and any may look meanwhile.
type gathered struct {
	mutex sync.RWMutex
	// slots has 1 + the number of an item, by the hash of its key: open addressing,
	// at most half full. Its length is a power of two.
	slots []uint32
	items []place
	// data has keys, each a table and a key, and values; also what was overwritten.
	data []byte
}

// place says where an item is in data: its key, and its value from value on.
type place struct {
	hash              uint64
	from, value, size int
	key               int
}

// removed is the size of an item that is to be removed.
const removed = -1

// bytes gives the memory that is in use.
func (g *gathered) bytes() int { return len(g.data) + 48*len(g.items) }

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
			at = g.add(place{hash: hash, from: from, key: len(full)})
		} else {
			g.data = g.data[:from]
		}
		p := &g.items[at]
		p.value, p.size = len(g.data), len(it.Value)
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
	for i := hash & mask; g.slots[i] != 0; i = (i + 1) & mask {
		at := int(g.slots[i]) - 1
		if g.items[at].hash == hash && bytes.Equal(g.key(g.slots[i]-1), full) {
			return at
		}
	}
	return -1
}

// add adds an item that is not there, and gives its number.
func (g *gathered) add(p place) int {
	g.items = append(g.items, p)
	if 2*len(g.items) > len(g.slots) {
		g.slots = make([]uint32, max(1024, 2*len(g.slots)))
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
	i := g.items[at].hash & mask
	for g.slots[i] != 0 {
		i = (i + 1) & mask
	}
	g.slots[i] = uint32(at) + 1
}

// get copies the value of a key, which is a table and a key: nil where it is to be
// removed. ok is false where nothing is gathered of it.
func (g *gathered) get(full []byte) ([]byte, bool) {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	at := g.find(xxhash.Sum64(full), full)
	if at < 0 {
		return nil, false
	}
	p := &g.items[at]
	if p.size == removed {
		return nil, true
	}
	return append(make([]byte, 0, p.size), g.data[p.value:p.value+p.size]...), true
}

// head is an item's number with its table's place among the tables and the first
// bytes of its key, which tell most items apart without a look at them.
type head struct {
	first     uint64
	table, at uint32
}

// sorted puts the items into a batch, in the order of their keys.
func (g *gathered) sorted(batch *pebble.Batch) error {
	heads, ranks := make([]head, len(g.items)), g.ranks()
	for at := range g.items {
		full := g.key(uint32(at))
		var first [8]byte
		copy(first[:], full[tableSize:])
		heads[at] = head{binary.BigEndian.Uint64(first[:]), ranks[store.TableID(full)], uint32(at)}
	}
	slices.SortFunc(heads, func(a, b head) int {
		switch {
		case a.table != b.table:
			return cmp.Compare(a.table, b.table)
		case a.first != b.first:
			return cmp.Compare(a.first, b.first)
		}
		return bytes.Compare(g.key(a.at), g.key(b.at))
	})
	var key []byte
	for i := range heads {
		p := &g.items[heads[i].at]
		key = append(append(key[:0], itemPrefix), g.key(heads[i].at)...)
		var err error
		if p.size == removed {
			err = batch.Delete(key, nil)
		} else {
			err = batch.Set(key, g.data[p.value:p.value+p.size], nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const tableSize = len(store.TableID{})

// ranks gives each table's place in the order of the tables.
func (g *gathered) ranks() map[store.TableID]uint32 {
	ranks := map[store.TableID]uint32{}
	for at := range g.items {
		ranks[store.TableID(g.key(uint32(at)))] = 0
	}
	tables := slices.SortedFunc(maps.Keys(ranks), func(a, b store.TableID) int { return bytes.Compare(a[:], b[:]) })
	for i, table := range tables {
		ranks[table] = uint32(i)
	}
	return ranks
}

// key gives an item's key, which is a table and a key.
func (g *gathered) key(at uint32) []byte {
	p := &g.items[at]
	return g.data[p.from : p.from+p.key]
}

// clear forgets the items, which are to be found in Pebble by now, and keeps
// their memory for the next.
func (g *gathered) clear() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	clear(g.slots)
	g.items, g.data = g.items[:0], g.data[:0]
}
