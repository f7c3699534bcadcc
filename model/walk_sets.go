package model

import (
	"math"
	"sync"
)

// sets is what a walk needs beside its nodes where features have categories. A
// split on categories has the greatest key, so that no row is past it, and goes
// right by a bit of its set instead; a split on a number has the set at 0, whose
// one bit in use is 0. Both steps are taken at every node, without a branch.
//
// Of a set, bit 0 says that a missing value goes right, and bit n+1 that category
// number n does.
type sets struct {
	words []uint64
	// at has for each node where its set begins in words; it is nil once nodes
	// are made.
	at    []uint32
	nodes []setNode
}

// setNode is a node with the place of its set in the words.
type setNode struct {
	key              int64
	slot, child, set uint32
}

// finish puts the nodes of a walk and their sets together.
func (s *sets) finish(nodes []node) {
	s.nodes = make([]setNode, len(nodes))
	for i, n := range nodes {
		s.nodes[i] = setNode{key: n.key, slot: n.slot, child: n.child}
		if i < len(s.at) {
			s.nodes[i].set = s.at[i]
		}
	}
	s.at = nil
}

// add enters the set of a node, from the set of the numbers that go left.
func (s *sets) add(node uint32, left []uint64, categories int, missingLeft bool) {
	for len(s.at) <= int(node) {
		s.at = append(s.at, 0)
	}
	s.at[node] = uint32(len(s.words))
	bits := make([]uint64, (categories+2+63)/64)
	if !missingLeft {
		bits[0] = 1
	}
	for n := range categories + 1 {
		if left[n>>6]>>(n&63)&1 == 0 {
			bits[(n+1)>>6] |= 1 << ((n + 1) & 63)
		}
	}
	s.words = append(s.words, bits...)
}

// spreadSets are the keys of a row, and its bits in the sets of each slot.
type spreadSets struct {
	keys [maxSlots]int64
	bits [maxSlots]uint32
}

var spreadPool = sync.Pool{New: func() any { return new(spreadSets) }}

// sumSets is sum where features have categories.
func (w *walk) sumSets(base float64, row []float64) float64 {
	s := spreadPool.Get().(*spreadSets)
	row = row[:w.features]
	spread(row, &s.keys)
	bits := s.bits[leafSlot+1:][:2*len(row)]
	clear(bits)
	for f, list := range w.categories {
		if x := row[f]; len(list) > 0 && x == x {
			bit := uint32(categoryNumber(list, x)) + 1
			bits[2*f], bits[2*f+1] = bit, bit
		}
		if len(list) > 0 {
			// Also for a missing value: no category's split is passed by its key.
			s.keys[leafSlot+1+2*f], s.keys[leafSlot+2+2*f] = math.MinInt64, math.MinInt64
		}
	}
	base = w.descendSets(base, s)
	spreadPool.Put(s)
	return base
}

// next gives the child of a split that a row goes to.
func (s *spreadSets) next(n *setNode, words []uint64) uint32 {
	slot := n.slot % maxSlots
	bit := s.bits[slot]
	return n.child + past(s.keys[slot], n.key) + uint32(words[n.set+bit>>6]>>(bit&63)&1)
}

// descendSets is descend where features have categories.
func (w *walk) descendSets(sum float64, s *spreadSets) float64 {
	nodes, words := w.sets.nodes, w.sets.words
	for i := 0; i < len(w.root); i += lanes {
		r := w.root[i : i+lanes : i+lanes]
		a, b, c, d, e, f, g, h := r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]
		for n := w.depth[i]; n > 0; n-- {
			a = s.next(&nodes[a], words)
			b = s.next(&nodes[b], words)
			c = s.next(&nodes[c], words)
			d = s.next(&nodes[d], words)
			e = s.next(&nodes[e], words)
			f = s.next(&nodes[f], words)
			g = s.next(&nodes[g], words)
			h = s.next(&nodes[h], words)
		}
		for _, j := range [lanes]uint32{a, b, c, d, e, f, g, h} {
			sum += math.Float64frombits(uint64(nodes[j].key))
		}
	}
	return sum
}
