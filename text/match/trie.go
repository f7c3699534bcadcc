package match

import (
	"cmp"
	"slices"
)

// trie holds byte strings, each with the terms that it stands for. The children
// of a node lie side by side, in order, so that a node is twelve bytes and its
// label one, and the build is one sort and one pass.
type trie struct {
	nodes  []node // breadth first, the root first
	labels []byte // the byte that leads to each node
	// tables has a child for every byte, for the nodes with many.
	tables [][256]int32
	ends   []int32 // the terms that end at each node, or ^ the pattern
}

type node struct {
	first int32 // its first child; the next node's first is the end of its children
	ends  int32 // its first term, likewise
	table int32 // index+1 of its table, 0 for none
}

// crowd is how many children make a table worthwhile.
const crowd = 17

// child gives the node that a byte leads to, 0 for none.
func (t *trie) child(at int32, b byte) int32 {
	n := &t.nodes[at]
	if n.table > 0 {
		return t.tables[n.table-1][b]
	}
	for i := n.first; i < t.nodes[at+1].first; i++ {
		if t.labels[i] == b {
			return i
		}
	}
	return 0
}

// terms gives the terms that end at a node.
func (t *trie) terms(at int32) []int32 {
	return t.ends[t.nodes[at].ends:t.nodes[at+1].ends]
}

func (t *trie) empty() bool { return len(t.nodes) == 0 }

// keys gathers what a trie is to hold.
type keys struct{ list []key }

type key struct {
	text string
	term int32
}

func (k *keys) add(texts []string, term int32) {
	for _, s := range texts {
		k.list = append(k.list, key{s, term})
	}
}

// compile builds the trie.
func (k *keys) compile() trie {
	if len(k.list) == 0 {
		return trie{}
	}
	slices.SortFunc(k.list, func(a, b key) int {
		if c := cmp.Compare(a.text, b.text); c != 0 {
			return c
		}
		return cmp.Compare(a.term, b.term)
	})
	t := trie{labels: []byte{0}}
	type part struct{ lo, hi, depth int32 } // of the keys, equal up to depth
	level := []part{{0, int32(len(k.list)), 0}}
	for i := 0; i < len(level); i++ {
		p := level[i]
		n := node{first: int32(len(level)), ends: int32(len(t.ends))}
		lo := p.lo
		for ; lo < p.hi && int32(len(k.list[lo].text)) == p.depth; lo++ {
			t.ends = append(t.ends, k.list[lo].term)
		}
		for lo < p.hi {
			b := k.list[lo].text[p.depth]
			hi := lo + 1
			for hi < p.hi && k.list[hi].text[p.depth] == b {
				hi++
			}
			level = append(level, part{lo, hi, p.depth + 1})
			t.labels = append(t.labels, b)
			lo = hi
		}
		if children := int32(len(level)) - n.first; children >= crowd {
			var table [256]int32
			for c := n.first; c < int32(len(level)); c++ {
				table[t.labels[c]] = c
			}
			t.tables = append(t.tables, table)
			n.table = int32(len(t.tables))
		}
		t.nodes = append(t.nodes, n)
	}
	t.nodes = append(t.nodes, node{first: int32(len(level)), ends: int32(len(t.ends))})
	return t
}
