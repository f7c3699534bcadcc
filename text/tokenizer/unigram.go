package tokenizer

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"
)

// unknownPenalty is how much less an unknown character scores than the least
// likely token, as sentencepiece has it.
const unknownPenalty = 10

// unigram takes the tokens whose scores, logarithms of how likely they are, add up
// to most (Kudo, "Subword Regularization: Improving Neural Network Translation
// Models with Multiple Subword Candidates", ACL 2018). Unknown characters in a row
// are one token.
type unigram struct {
	tree       prefixTree
	scores     []float64 // by id
	ids        map[string]int32
	unknown    int32
	unknownFor float64    // the score of an unknown character
	bytes      [256]int32 // tokens of single bytes for what is unknown, -1 for none
}

// best is the best way to the end of a part of a word: the score of it all, and
// the last token with its beginning, -1 where none is found yet.
type best struct {
	score float64
	from  int32
	id    int32
}

func (m *unigram) tokens(s *scratch, word []byte, out []token) []token {
	ways := slices.Grow(s.ways[:0], len(word)+1)[:len(word)+1]
	s.ways = ways
	for i := range ways {
		ways[i] = best{from: -1}
	}
	ways[0].from = 0
	for from := 0; from < len(word); {
		_, size := utf8.DecodeRune(word[from:])
		known := false
		so := ways[from].score
		m.tree.prefixes(word[from:], func(length int, id int32) {
			known = known || length == size
			if to := &ways[from+length]; to.from < 0 || so+m.scores[id] > to.score {
				*to = best{so + m.scores[id], int32(from), id}
			}
		})
		if !known {
			if to := &ways[from+size]; to.from < 0 || so+m.unknownFor > to.score {
				*to = best{so + m.unknownFor, int32(from), m.unknown}
			}
		}
		from += size
	}
	n := len(out)
	for to := int32(len(word)); to > 0; {
		way := ways[to]
		from := way.from
		for way.id == m.unknown && from > 0 && ways[from].id == m.unknown {
			from = ways[from].from
		}
		out = m.name(word[from:to], way.id, out)
		to = from
	}
	slices.Reverse(out[n:])
	return out
}

// name appends the token of a part of a word, which is appended to from behind.
// What is unknown may be the tokens of its bytes.
func (m *unigram) name(part []byte, id int32, out []token) []token {
	whole := token{id: id, length: int32(len(part)), onward: int32(len(part))}
	if id != m.unknown {
		return append(out, whole)
	}
	if known, ok := m.ids[string(part)]; ok {
		whole.id = known
		return append(out, whole)
	}
	for _, b := range part {
		if m.bytes[b] < 0 {
			return append(out, whole)
		}
	}
	// Each of them stands for the whole part.
	for i := len(part) - 1; i >= 0; i-- {
		whole.id = m.bytes[part[i]]
		out = append(out, whole)
		whole.onward = 0
	}
	return out
}

// prefixTree finds which of many texts a text begins with. A node's children stand
// side by side, in the order of their bytes.
type prefixTree struct {
	first []uint32 // child of each node; those of the next node end its own
	label []byte   // of each node
	id    []int32  // of the text that ends at each node, -1 for none
}

// entry is a text of a prefixTree.
type entry struct {
	text string
	id   int32
}

// newPrefixTree makes a tree of texts, none of them empty, the later of equal ones
// in place of the earlier.
func newPrefixTree(entries []entry) prefixTree {
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.text, b.text) })
	// A node is made of the entries that begin alike, level by level, so that
	// children come in a row.
	type group struct{ from, to, depth int }
	t := prefixTree{label: []byte{0}, id: []int32{-1}}
	groups := []group{{0, len(entries), 0}}
	for at := 0; at < len(groups); at++ {
		g := groups[at]
		t.first = append(t.first, uint32(len(groups)))
		for g.from < g.to && len(entries[g.from].text) == g.depth {
			t.id[at] = entries[g.from].id
			g.from++
		}
		for g.from < g.to {
			b, to := entries[g.from].text[g.depth], g.from+1
			for to < g.to && entries[to].text[g.depth] == b {
				to++
			}
			groups = append(groups, group{g.from, to, g.depth + 1})
			t.label, t.id = append(t.label, b), append(t.id, -1)
			g.from = to
		}
	}
	t.first = append(t.first, uint32(len(groups)))
	return t
}

// prefixes calls visit for each text that b begins with, shorter ones first.
func (t *prefixTree) prefixes(b []byte, visit func(length int, id int32)) {
	node := uint32(0)
	for i, c := range b {
		from, to := t.first[node], t.first[node+1]
		k, found := slices.BinarySearch(t.label[from:to], c)
		if !found {
			return
		}
		node = from + uint32(k)
		if id := t.id[node]; id >= 0 {
			visit(i+1, id)
		}
	}
}

// wordLevel has a token for each word that it knows.
type wordLevel struct {
	ids     map[string]int32
	unknown int32
}

func (m *wordLevel) tokens(_ *scratch, word []byte, out []token) []token {
	id, known := m.ids[string(word)]
	if !known {
		id = m.unknown
	}
	return append(out, token{id, int32(len(word)), int32(len(word))})
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
