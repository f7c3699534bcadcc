package tokenizer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// longestCluster is the length in bytes from which on sentencepiece's table is
// asked about a grapheme cluster's characters alone.
const longestCluster = 6

// charsMap is sentencepiece's table of what characters are written as: a double
// array (Aoe, "An Efficient Digital Search Algorithm by Using a Double-Array
// Structure", IEEE TSE 1989, as laid out by darts-clone) that leads to texts
// ending in a zero byte.
type charsMap struct {
	units []uint32
	texts []byte
}

func decodePrecompiled(b json.RawMessage, path string, growth *float64) (normalizer, error) {
	var f struct {
		Type string `json:"type"`
		Map  []byte `json:"precompiled_charsmap"`
	}
	if err := strict(b, &f, path); err != nil {
		return nil, err
	}
	path += ".precompiled_charsmap"
	if len(f.Map) < 4 {
		return nil, malformed(path, "has %d bytes", len(f.Map))
	}
	size := binary.LittleEndian.Uint32(f.Map)
	rest := f.Map[4:]
	if size%4 != 0 || size == 0 || uint64(size) > uint64(len(rest)) {
		return nil, malformed(path, "says that %d of its %d bytes are the table", size, len(rest))
	}
	if size/4 > mostUnits {
		return nil, unsupported(path, "has a table of %d units, more than %d", size/4, mostUnits)
	}
	m := &charsMap{units: make([]uint32, size/4), texts: bytes.Clone(rest[size:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(rest[4*i:])
	}
	if !utf8.Valid(m.texts) {
		return nil, malformed(path, "has texts that are no UTF-8")
	}
	*growth *= m.growth()
	return m.normalize, nil
}

// growth gives how many bytes a text has for a byte of the part that it stands
// for, at the most.
func (m *charsMap) growth() float64 {
	most := 1.0
	type place struct{ at, depth uint32 }
	seen := make([]bool, len(m.units))
	queue := []place{{m.children(0), 1}} // the nearest first, so that each is as deep as it can be
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for c := uint32(1); c < 256; c++ {
			at := p.at ^ c
			if int(at) >= len(m.units) || seen[at] || label(m.units[at]) != c {
				continue
			}
			seen[at] = true
			below := m.children(at)
			if text, leaf := m.leaf(at, below); leaf {
				most = max(most, float64(len(text))/float64(p.depth))
			}
			queue = append(queue, place{below, p.depth + 1})
		}
	}
	return most
}

// find gives the text for the shortest part that b begins with and the table has.
// Of a cluster the table may know less than all, and that text stands for all: so
// the library has it, and models were trained on it.
func (m *charsMap) find(b []byte) (text []byte, found bool) {
	below := m.children(0)
	for _, c := range b {
		at := below ^ uint32(c)
		if c == 0 || int(at) >= len(m.units) || label(m.units[at]) != uint32(c) {
			return nil, false
		}
		below = m.children(at)
		if text, leaf := m.leaf(at, below); leaf {
			return text, true
		}
	}
	return nil, false
}

// children gives what the bytes of a unit's children are combined with.
func (m *charsMap) children(at uint32) uint32 {
	unit := m.units[at]
	return at ^ unit>>10<<(unit&(1<<9)>>6)
}

func label(unit uint32) uint32 { return unit & (1<<31 | 0xff) }

// leaf gives the text that a unit leads to, false for one within the tree.
func (m *charsMap) leaf(at, below uint32) (text []byte, leaf bool) {
	if m.units[at]>>8&1 == 0 || int(below) >= len(m.units) {
		return nil, false
	}
	from := int(m.units[below] & (1<<31 - 1))
	if from > len(m.texts) || from < len(m.texts) && !utf8.RuneStart(m.texts[from]) {
		return nil, false
	}
	text, _, _ = bytes.Cut(m.texts[from:], []byte{0})
	return text, true
}

func (m *charsMap) normalize(s *scratch, in text) text {
	s.runes = s.runes[:0]
	changed := false
	replace := func(part []byte) bool {
		with, found := m.find(part)
		if !found {
			return false
		}
		changed = true
		more := utf8.RuneCount(with) - utf8.RuneCount(part)
		each(with, func(r rune, _, _ int) { s.runes = append(s.runes, change{r: r}) })
		n := len(s.runes)
		for i := n - more; i < n; i++ {
			s.runes[i].gone = 1
		}
		// What goes before anything is written is charged to nobody: the places
		// of all that follows are as much too early, as they are in the library.
		if more < 0 && n > 0 {
			s.runes[n-1].gone += more
		}
		return true
	}
	clusters := graphemes.FromBytes(in.b)
	for clusters.Next() {
		cluster := clusters.Value()
		if len(cluster) < longestCluster && replace(cluster) {
			continue
		}
		each(cluster, func(r rune, from, to int) {
			if !replace(cluster[from:to]) {
				s.runes = append(s.runes, change{r: r})
			}
		})
	}
	if !changed {
		return in
	}
	return s.transform(in, s.runes)
}
