package model

import (
	"math"
	"math/bits"
	"sync"

	"orrery.dev/numeric"
	"orrery.dev/text"
	"orrery.dev/text/ngram"
)

// gramTable finds the numbers of an n-gram by its hash: open addressing, at most
// half full.
type gramTable struct {
	id     *byte    // of no other table
	slots  []uint64 // hash << 32 | index + 1; 0 where empty
	shift  int
	stride int
	values []float32 // [hashes × stride]: the rarity, then the weight of each output
}

func newGramTable(p *TextParts) gramTable {
	n, outputs := len(p.Hashes), p.outputs()
	size := 1 << max(4, bits.Len(uint(2*n)))
	t := gramTable{id: new(byte), slots: make([]uint64, size), shift: 32 - bits.Len(uint(size-1)), stride: 1 + outputs,
		values: make([]float32, n*(1+outputs))}
	for i, h := range p.Hashes {
		at := h >> t.shift
		for t.slots[at] != 0 {
			at = (at + 1) & uint32(size-1)
		}
		t.slots[at] = uint64(h)<<32 | uint64(i+1)
		t.values[i*t.stride] = p.Rarity[i]
		copy(t.values[i*t.stride+1:], p.Weights[i*outputs:(i+1)*outputs])
	}
	return t
}

// find gives the index of a hash, -1 where it is unknown.
func (t *gramTable) find(hash uint32) int32 {
	mask := uint32(len(t.slots) - 1)
	for at := hash >> t.shift; ; at = (at + 1) & mask {
		slot := t.slots[at]
		if uint32(slot>>32) == hash && slot != 0 {
			return int32(uint32(slot)) - 1
		}
		if slot == 0 {
			return -1
		}
	}
}

// term is an n-gram of a text that the model knows.
type term struct {
	index, count int32
	block        ngram.Block
}

// textScratch is what the scoring of one text needs.
type textScratch struct {
	normal  text.Normal
	grams   *ngram.Extractor
	of      *byte // whose n-grams those are
	terms   []term
	seen    []uint64 // round << 32 | index of terms, by the n-gram's index
	round   uint32
	sums    []float64 // [blocks × outputs]
	squares [ngram.Blocks]float64
}

var textScratches = sync.Pool{New: func() any { return new(textScratch) }}

// mostKept bounds what a scratch keeps between texts.
const mostKept = 1 << 16

func (s *textScratch) free() {
	if len(s.seen) <= mostKept {
		textScratches.Put(s)
	}
}

// read takes the known n-grams of a text, in order of first occurrence.
func (s *textScratch) read(m *textOutputs, message string) []ngram.Gram {
	_ = s.normal.Reset(message) // what is no message has no n-grams
	if s.of != m.table.id {
		s.grams, s.of = ngram.New(m.parts.Grams, m.lexicon), m.table.id
	}
	grams := s.grams.Extract(s.normal.Text)
	if need := 1 << bits.Len(uint(2*len(grams))); len(s.seen) < need {
		s.seen, s.round = make([]uint64, need), 0
	}
	if s.round++; s.round == 0 {
		clear(s.seen)
		s.round = 1
	}
	s.terms = s.terms[:0]
	mask := uint32(len(s.seen) - 1)
next:
	for i := range grams {
		index := m.table.find(grams[i].Hash)
		if index < 0 {
			continue
		}
		at := uint32(index) & mask
		for uint32(s.seen[at]>>32) == s.round {
			if t := &s.terms[uint32(s.seen[at])]; t.index == index {
				t.count++
				continue next
			}
			at = (at + 1) & mask
		}
		s.seen[at] = uint64(s.round)<<32 | uint64(len(s.terms))
		s.terms = append(s.terms, term{index, 1, grams[i].Block})
	}
	return grams
}

// worth gives x of an n-gram before the division by its block's length.
func (m *textOutputs) worth(t *term) float64 {
	return TermFrequency(int(t.count)) * float64(m.table.values[int(t.index)*m.table.stride])
}

// frequencies has TermFrequency of the counts that are usual.
var frequencies = func() (out [64]float64) {
	for n := 1; n < len(out); n++ {
		out[n] = 1 + numeric.Log(float64(n))
	}
	return out
}()

// TermFrequency gives what n ≥ 1 occurrences count for: 1 + ln n.
func TermFrequency(n int) float64 {
	if n < len(frequencies) {
		return frequencies[n]
	}
	return 1 + numeric.Log(float64(n))
}

// Margins writes the margin of each output for a text and a row to out [outputs],
// in log-odds.
func (m *textOutputs) Margins(text string, row, out []float64) {
	s := textScratches.Get().(*textScratch)
	s.read(m, text)
	s.add(m)
	for k := range out[:len(m.parts.Rest)] {
		sum := m.parts.Rest[k].Margin(row)
		for b := range ngram.Blocks {
			if s.squares[b] > 0 {
				sum += s.sums[int(b)*len(m.parts.Rest)+k] / math.Sqrt(s.squares[b])
			}
		}
		out[k] = sum
	}
	s.free()
}

// add sums x · weight, and the squares of x, of each block.
func (s *textScratch) add(m *textOutputs) {
	outputs := len(m.parts.Rest)
	if n := int(ngram.Blocks) * outputs; cap(s.sums) < n {
		s.sums = make([]float64, n)
	} else {
		s.sums = s.sums[:n]
		clear(s.sums)
	}
	s.squares = [ngram.Blocks]float64{}
	for i := range s.terms {
		t := &s.terms[i]
		x := m.worth(t)
		s.squares[t.block] += float64(x * x)
		weights := m.table.values[int(t.index)*m.table.stride+1:][:outputs]
		sums := s.sums[int(t.block)*outputs:][:outputs]
		for k, w := range weights {
			sums[k] += float64(x * float64(w))
		}
	}
}

// TextReader takes n-grams of texts as models of kind text do. It is not safe for
// concurrent use.
type TextReader struct {
	normal text.Normal
	grams  *ngram.Extractor
}

// NewTextReader makes a reader of n-grams.
func NewTextReader(o ngram.Options, l *ngram.Lexicon) *TextReader {
	return &TextReader{grams: ngram.New(o, l)}
}

// Read gives the n-grams of a text, in places of its normalised form. They are
// valid until the next call.
func (r *TextReader) Read(message string) []ngram.Gram {
	_ = r.normal.Reset(message)
	return r.grams.Extract(r.normal.Text)
}
