package tokenizer

import (
	"unicode/utf8"
)

// subwords makes of a word, which is not empty, the tokens of a model: tokens
// appends them to out. Their lengths are in bytes of the word.
type subwords interface {
	tokens(s *scratch, word []byte, out []token) []token
}

// wordPiece takes the longest piece that is known from the beginning, then again
// from there on (Schuster and Nakajima, "Japanese and Korean voice search", ICASSP
// 2012). A word with an unknown piece is unknown as a whole.
type wordPiece struct {
	first, later map[string]int32 // by what stands in the text: the prefix of later ones is left out
	longest      int              // piece, bytes
	unknown      int32
	mostChars    int
}

func (m *wordPiece) tokens(_ *scratch, word []byte, out []token) []token {
	n := len(out)
	if len(word) > m.mostChars && utf8.RuneCount(word) > m.mostChars {
		return append(out, token{m.unknown, int32(len(word)), int32(len(word))})
	}
	pieces := m.first
	for from := 0; from < len(word); {
		to := min(len(word), from+m.longest)
		for to < len(word) && to > from && !utf8.RuneStart(word[to]) {
			to--
		}
		id, found := int32(0), false
		for to > from {
			if id, found = pieces[string(word[from:to])]; found {
				break
			}
			to--
			for to > from && !utf8.RuneStart(word[to]) {
				to--
			}
		}
		if !found {
			return append(out[:n], token{m.unknown, int32(len(word)), int32(len(word))})
		}
		out = append(out, token{id, int32(to - from), int32(to - from)})
		from, pieces = to, m.later
	}
	return out
}

// bytePair joins the characters of a word, pair by pair, in the order in which the
// pairs were learned (Sennrich, Haddow and Birch, "Neural Machine Translation of
// Rare Words with Subword Units", ACL 2016).
type bytePair struct {
	vocabulary map[string]int32
	merges     map[uint64]joined
	unknown    int32 // -1 for none: what is unknown is left out
	prefix     string
	suffix     string
	fuse       bool       // unknown characters in a row are one token
	bytes      [256]int32 // tokens of single bytes for what is unknown, -1 for none
	whole      bool       // a word that is known is not taken apart
}

// joined is what two tokens become.
type joined struct{ rank, id int32 }

func pair(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// part is a token of a word on its way; length 0 has gone into another.
type part struct{ id, length, before, behind int32 }

// merge is a pair that could be joined.
type merge struct{ rank, at, id int32 }

func (m merge) less(than merge) bool {
	return m.rank < than.rank || m.rank == than.rank && m.at < than.at
}

func (m *bytePair) tokens(s *scratch, word []byte, out []token) []token {
	if m.whole {
		if id, known := m.vocabulary[string(word)]; known {
			return append(out, token{id, int32(len(word)), int32(len(word))})
		}
	}
	m.characters(s, word)
	m.join(s)
	for _, p := range s.parts {
		if p.length > 0 {
			out = append(out, token{p.id, p.length, p.length})
		}
	}
	return out
}

// characters makes a part of each character.
func (m *bytePair) characters(s *scratch, word []byte) {
	s.parts = s.parts[:0]
	add := func(id int32, length int) { s.parts = append(s.parts, part{id: id, length: int32(length)}) }
	unknown := 0 // bytes of the unknown token that is not yet added
	each(word, func(_ rune, from, to int) {
		id, known := m.character(word, from, to)
		switch {
		case known:
			if unknown > 0 {
				add(m.unknown, unknown)
				unknown = 0
			}
			add(id, to-from)
		case m.spell(word, from, to, add):
		case m.unknown < 0:
		case m.fuse:
			unknown += to - from
		default:
			if unknown > 0 {
				add(m.unknown, unknown)
			}
			unknown = to - from
		}
	})
	if unknown > 0 {
		add(m.unknown, unknown)
	}
}

// character looks up a character of a word with the prefix or suffix that its
// place gives it.
func (m *bytePair) character(word []byte, from, to int) (id int32, known bool) {
	if m.prefix == "" && m.suffix == "" {
		id, known = m.vocabulary[string(word[from:to])]
		return id, known
	}
	id, known = m.vocabulary[m.written(word, from, to)]
	return id, known
}

func (m *bytePair) written(word []byte, from, to int) string {
	name := string(word[from:to])
	if from > 0 {
		name = m.prefix + name
	}
	if to == len(word) {
		name += m.suffix
	}
	return name
}

// spell adds the tokens of a character's bytes, if there are such for all.
func (m *bytePair) spell(word []byte, from, to int, add func(id int32, length int)) bool {
	name := m.written(word, from, to)
	for i := range len(name) {
		if m.bytes[name[i]] < 0 {
			return false
		}
	}
	for i := range len(name) {
		add(m.bytes[name[i]], 1)
	}
	return true
}

// join joins parts while there is a pair to join, the one learned first before
// others, the first of equals.
func (m *bytePair) join(s *scratch) {
	parts := s.parts
	s.queue = s.queue[:0]
	for i := range parts {
		parts[i].before, parts[i].behind = int32(i-1), int32(i+1)
	}
	for i := range parts {
		m.consider(s, int32(i))
	}
	for len(s.queue) > 0 {
		top := pop(&s.queue)
		left := &parts[top.at]
		if left.length == 0 || int(left.behind) >= len(parts) {
			continue
		}
		right := &parts[left.behind]
		// The pair may have changed since it was considered.
		if now, ok := m.merges[pair(left.id, right.id)]; !ok || now.id != top.id {
			continue
		}
		left.id, left.length, left.behind = top.id, left.length+right.length, right.behind
		right.length = 0
		if int(left.behind) < len(parts) {
			parts[left.behind].before = top.at
		}
		if left.before >= 0 {
			m.consider(s, left.before)
		}
		m.consider(s, top.at)
	}
}

// consider queues the pair that begins at a part, if it can be joined.
func (m *bytePair) consider(s *scratch, at int32) {
	p := s.parts[at]
	if int(p.behind) >= len(s.parts) {
		return
	}
	if j, ok := m.merges[pair(p.id, s.parts[p.behind].id)]; ok {
		push(&s.queue, merge{j.rank, at, j.id})
	}
}

// push and pop keep the least merge in front: a binary heap.
func push(queue *[]merge, m merge) {
	q := append(*queue, m)
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if !q[i].less(q[up]) {
			break
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
	*queue = q
}

func pop(queue *[]merge) merge {
	q := *queue
	top, n := q[0], len(q)-1
	q[0], q = q[n], q[:n]
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < n && q[down].less(q[least]) {
				least = down
			}
		}
		if least == i {
			break
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
	*queue = q
	return top
}
