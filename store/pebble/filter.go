package pebble

import (
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// filter knows of keys that were never added: nearly every event is new, and to
// learn that from the engine takes some microseconds. It is a Bloom filter whose
// bits for a key lie in one cache line (Putze, Sanders and Singler, JEA 14, 2009):
// a block of eight words, one bit in each. It grows by generations, each larger
// than the one before, up to a bound on memory; beyond it more and more keys that
// were never added pass, which costs time and nothing else.
//
// One goroutine at a time adds what is new, another what was there before, and
// any may ask meanwhile.
type filter struct {
	mutex       sync.Mutex
	generations atomic.Pointer[[]*generation]
	// room is how many blocks there may still be.
	room int
}

type generation struct {
	blocks [][blockWords]atomic.Uint64
	// left is how many keys it takes before the next generation.
	left atomic.Int64
}

const (
	blockWords = 8
	blockBytes = 8 * blockWords
	// keysPerBlock gives sixteen bits a key: 0.2 percent of unknown keys pass.
	keysPerBlock = 32
)

// newFilter makes a filter for about so many keys, of at most so many bytes.
func newFilter(keys, bytes int) *filter {
	f := &filter{room: max(bytes/blockBytes, 1)}
	f.generations.Store(&[]*generation{})
	f.grow(max(keys/keysPerBlock, 1))
	return f
}

// grow adds a generation of so many blocks, as far as there is room.
func (f *filter) grow(blocks int) {
	if blocks = min(blocks, f.room); blocks == 0 {
		return
	}
	f.room -= blocks
	g := &generation{blocks: make([][blockWords]atomic.Uint64, blocks)}
	g.left.Store(int64(blocks) * keysPerBlock)
	generations := append(append([]*generation(nil), *f.generations.Load()...), g)
	f.generations.Store(&generations)
}

// add has the filter know of a key. One that passes already takes no room.
func (f *filter) add(key []byte) {
	if f.mayHave(key) {
		return
	}
	generations := *f.generations.Load()
	newest := generations[len(generations)-1]
	if newest.left.Add(-1) == 0 {
		f.mutex.Lock()
		f.grow(2 * len(newest.blocks))
		f.mutex.Unlock()
	}
	hash := xxhash.Sum64(key)
	block := newest.block(hash)
	for i := range block {
		block[i].Or(bitOf(hash, i))
	}
}

// mayHave reports whether the key may have been added; false is certain.
func (f *filter) mayHave(key []byte) bool {
	hash := xxhash.Sum64(key)
	for _, g := range *f.generations.Load() {
		if g.has(hash) {
			return true
		}
	}
	return false
}

func (g *generation) has(hash uint64) bool {
	block := g.block(hash)
	for i := range block {
		if block[i].Load()&bitOf(hash, i) == 0 {
			return false
		}
	}
	return true
}

// block gives the block of a hash by its upper half.
func (g *generation) block(hash uint64) *[blockWords]atomic.Uint64 {
	return &g.blocks[(hash>>32)*uint64(len(g.blocks))>>32]
}

// bitOf gives the bit of a hash in word i of its block: six bits of a product of
// the hash's lower half with an odd number, another for each word: those of the
// split block Bloom filter in Parquet's specification.
func bitOf(hash uint64, i int) uint64 {
	return 1 << (uint32(hash) * salts[i] >> 26)
}

var salts = [blockWords]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}
