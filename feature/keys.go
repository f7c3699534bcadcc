package feature

import "hash/maphash"

// keyTable finds entities by key: open addressing, linear probing, at most half
// full. Unlike a map it can be probed in steps, which is what Prefetch lives by.
type keyTable struct {
	slots []keySlot // a power of two
	n     int
}

type keySlot struct {
	hash   uint64
	entity *entity // nil in a free slot
}

// seed is of this process. No answer depends on it, since the table is never
// walked in its order.
var seed = maphash.MakeSeed()

func hashKey(key string) uint64 { return maphash.String(seed, key) }

// get gives the entity of a key with its hash, nil where there is none.
func (t *keyTable) get(hash uint64, key string) *entity {
	if t.n == 0 {
		return nil
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.entity == nil {
			return nil
		}
		if s.hash == hash && s.entity.key == key {
			return s.entity
		}
	}
}

// put adds an entity whose key is not there.
func (t *keyTable) put(hash uint64, en *entity) {
	if 2*(t.n+1) > len(t.slots) {
		old := t.slots
		t.slots = make([]keySlot, max(16, 2*len(old)))
		for _, s := range old {
			if s.entity != nil {
				t.place(s)
			}
		}
	}
	t.place(keySlot{hash, en})
	t.n++
}

func (t *keyTable) place(s keySlot) {
	mask := uint64(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].entity != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

// remove takes out an entity that is there, and moves up those behind it that
// its slot kept from their own (Knuth, The Art of Computer Programming 3, 6.4,
// algorithm R).
func (t *keyTable) remove(hash uint64, en *entity) {
	mask := uint64(len(t.slots) - 1)
	gap := hash & mask
	for t.slots[gap].entity != en {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; t.slots[i].entity != nil; i = (i + 1) & mask {
		home := t.slots[i].hash & mask
		if (i-home)&mask >= (i-gap)&mask {
			t.slots[gap] = t.slots[i]
			gap = i
		}
	}
	t.slots[gap] = keySlot{}
	t.n--
}
