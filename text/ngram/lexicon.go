package ngram

import (
	"cmp"
	"slices"
)

// Lexicon is words that a text is read with once more, for what its n-grams miss.
// It is immutable.
//
// A mark is a phrase that is read as every other mark is, so that what is learned
// of "<mark> are vermin" holds for all of them. Taken are the words in a row, up to
// three, that have a mark in them, and for each other word of the text that a mark
// is there too. A negation makes other words of up to four behind it, as far as the
// sentence goes, beside those that they are (Das and Chen, "Yahoo! for Amazon",
// Management Science 53(9), 2007). All these are of the block Context.
type Lexicon struct {
	marks     map[uint64][][]uint64 // by the first word, the longest first
	negations map[uint64]bool
}

// Bounds of a Lexicon.
const (
	MostMarks     = 100_000
	MostMarkWords = 8
	contextWords  = 3
	negationReach = 4
)

// NewLexicon reads marks and negations, in the normal form of texts; a negation is
// one word. It is nil where there are neither. What it cannot use is given back:
// phrases without words or of more than 8, and negations that are no single word.
func NewLexicon(marks, negations []string) (l *Lexicon, unusable []string) {
	if len(marks)+len(negations) == 0 {
		return nil, nil
	}
	l = &Lexicon{marks: make(map[uint64][][]uint64), negations: make(map[uint64]bool)}
	e := New(Options{MaxWords: 1}, nil)
	for _, phrase := range marks {
		words := e.hashes(phrase)
		if len(words) == 0 || len(words) > MostMarkWords {
			unusable = append(unusable, phrase)
			continue
		}
		l.marks[words[0]] = append(l.marks[words[0]], words)
	}
	for _, list := range l.marks {
		slices.SortStableFunc(list, func(a, b []uint64) int { return cmp.Compare(len(b), len(a)) })
	}
	for _, word := range negations {
		words := e.hashes(word)
		if len(words) != 1 {
			unusable = append(unusable, word)
			continue
		}
		l.negations[words[0]] = true
	}
	return l, unusable
}

// hashes gives those of a phrase's words.
func (e *Extractor) hashes(phrase string) (out []uint64) {
	e.Extract([]byte(phrase))
	for _, w := range e.tokens {
		out = append(out, w.hash)
	}
	return out
}

// mark gives how many words from i on are a mark, 0 for none.
func (l *Lexicon) mark(words []Word, i int) int {
next:
	for _, phrase := range l.marks[words[i].hash] {
		if i+len(phrase) > len(words) {
			continue
		}
		for j, h := range phrase {
			if words[i+j].hash != h {
				continue next
			}
		}
		return len(phrase)
	}
	return 0
}

// ends are the signs that end a sentence.
var ends = func() map[uint64]bool {
	out := make(map[uint64]bool)
	for _, r := range ".!?;\n" {
		out[step(wordSeed, uint64(r))] = true
	}
	return out
}()

// context takes what a lexicon gives.
func (e *Extractor) context() {
	l := e.lexicon
	e.marked = e.marked[:0]
	found, left := false, 0
	for i := 0; i < len(e.tokens); {
		w, n := e.tokens[i], l.mark(e.tokens, i)
		if n > 0 {
			w = Word{w.Start, e.tokens[i+n-1].End, markHash}
			found = true
		}
		if left > 0 {
			e.grams = append(e.grams, Gram{fold(step(negationSeed, w.hash)), Context, w.Start, w.End})
			left--
		}
		switch {
		case n == 0 && ends[w.hash]:
			left = 0
		case n == 0 && l.negations[w.hash]:
			left = negationReach
		}
		e.marked = append(e.marked, w)
		i += max(1, n)
	}
	if found {
		e.marks()
	}
}

// marks takes the words in a row that have a mark in them, and each other word as
// one of a text with a mark.
func (e *Extractor) marks() {
	last := -contextWords // where the last mark stands
	for i, w := range e.marked {
		if w.hash == markHash {
			last = i
		} else {
			e.grams = append(e.grams, Gram{fold(step(besideSeed, w.hash)), Context, w.Start, w.End})
		}
		h := step(markedSeed, w.hash)
		for j := i; j >= 0 && i-j < contextWords; {
			if last >= j {
				e.grams = append(e.grams, Gram{fold(h), Context, e.marked[j].Start, w.End})
			}
			if j--; j >= 0 {
				h = step(h, e.marked[j].hash)
			}
		}
	}
}
