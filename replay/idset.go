package replay

import "github.com/cespare/xxhash/v2"

// idSet remembers identities by a 64-bit hash. Two of n different identities
// collide with a probability of about n²/2⁶⁵, one in 37 million for a million.
type idSet struct {
	// slots is open-addressed, its length a power of two; 0 is empty.
	slots []uint64
	used  int
}

func newIDSet() *idSet { return &idSet{slots: make([]uint64, 1<<12)} }

// add reports whether the identity is new. kind keeps event types apart.
func (s *idSet) add(kind int, id string) bool {
	hash := xxhash.Sum64String(id) ^ (uint64(kind)+1)*0x9e3779b97f4a7c15
	if hash == 0 {
		hash = 1
	}
	if 2*s.used >= len(s.slots) {
		s.grow()
	}
	if !s.insert(hash) {
		return false
	}
	s.used++
	return true
}

func (s *idSet) insert(hash uint64) bool {
	mask := uint64(len(s.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case 0:
			s.slots[i] = hash
			return true
		case hash:
			return false
		}
	}
}

func (s *idSet) grow() {
	old := s.slots
	s.slots = make([]uint64, 4*len(old))
	for _, hash := range old {
		if hash != 0 {
			s.insert(hash)
		}
	}
}
