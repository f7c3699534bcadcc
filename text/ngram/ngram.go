// Package ngram takes the n-grams of a text, words and characters, as hashes
// that are the same on every processor and for ever: what they are is part of the
// file of a model that was trained on them.
package ngram

import (
	"unicode/utf8"
)

// Block says which n-grams of a text one belongs to. A model weighs the blocks of
// a text apart.
type Block uint8

// The blocks.
const (
	Words   Block = iota // one word, or several in a row
	Chars                // characters in a row, within a word
	Context              // what a Lexicon gives
	Blocks               // how many there are
)

// Options say which n-grams are taken. The zero value takes none.
type Options struct {
	// MaxWords is the greatest number of words in a row; 0 for no words at all.
	MaxWords int
	// MinChars and MaxChars are the least and the greatest number of characters in
	// a row; MaxChars is 0 for none.
	MinChars, MaxChars int
	// Skip takes two words with one between them for an n-gram too.
	Skip bool
}

// Bounds of Options.
const (
	MostWords = 5
	MostChars = 8
)

// Valid says whether options are within bounds and take any n-grams at all.
func (o Options) Valid() bool {
	if o.MaxWords < 0 || o.MaxWords > MostWords || o.MaxChars < 0 || o.MaxChars > MostChars {
		return false
	}
	if o.MaxChars == 0 {
		return o.MinChars == 0 && o.MaxWords > 0
	}
	return o.MinChars >= 1 && o.MinChars <= o.MaxChars
}

// Gram is an n-gram where it stands in a text: bytes [Start, End).
type Gram struct {
	Hash       uint32
	Block      Block
	Start, End int32
}

// Extractor takes the n-grams of one text after the other, without allocating
// once it has seen a text as long. It is not safe for concurrent use.
type Extractor struct {
	options Options
	lexicon *Lexicon
	runes   []rune
	at      []int32 // [runes+1], where each begins in the text
	classes []class // [runes]
	tokens  []Word
	marked  []Word // tokens, with one in place of each mark
	grams   []Gram
}

// New makes an extractor; the lexicon can be nil. Options that are not Valid take
// what they can.
func New(o Options, l *Lexicon) *Extractor { return &Extractor{options: o, lexicon: l} }

// Words gives where the words of the text that was extracted last stand, in
// order, whether or not the options take words. They are valid until the next
// call of Extract.
func (e *Extractor) Words() []Word { return e.tokens }

// Word is a word where it stands in a text: bytes [Start, End).
type Word struct {
	Start, End int32
	hash       uint64
}

// Extract gives the n-grams of a text in normalised form, which is UTF-8, in an
// order that the text alone decides. They are valid until the next call.
//
// A word is a run of letters, digits, marks, underscores and apostrophes between
// them, a sign of a script that is written without spaces, or any other sign that
// is no space. An address of the web is one word, always the same, and so is a
// name behind @. Characters are taken between spaces, with a space before and
// behind; what is shorter than an n-gram gives one that is shorter.
func (e *Extractor) Extract(text []byte) []Gram {
	e.grams = e.grams[:0]
	e.read(text)
	e.tokens = e.tokens[:0]
	for from := 0; from < len(e.runes); {
		if e.classes[from] == space {
			from++
			continue
		}
		to := from + 1
		for to < len(e.runes) && e.classes[to] != space {
			to++
		}
		e.chunk(from, to)
		from = to
	}
	if e.options.MaxWords > 0 {
		e.words()
	}
	if e.lexicon != nil {
		e.context()
	}
	return e.grams
}

// class is what a character is to a word.
type class uint8

const (
	other  class = iota
	letter       // of a word: letters, digits, marks, underscores
	joiner       // an apostrophe
	alone        // a word of its own
	space
)

// classRange is of the characters from lo to hi.
type classRange struct {
	lo, hi rune
	class  class
}

// page is of 256 characters in a row.
type page [256]class

// pages has the classes of all characters. They are those of one version of Unicode,
// whatever that of the program's Go is: a model knows the n-grams that they make.
var pages = func() (out [(utf8.MaxRune + 1) >> 8]*page) {
	var none page
	whole := map[class]*page{}
	for i := range out {
		out[i] = &none
	}
	for _, r := range ranges {
		for c := r.lo; c <= r.hi; {
			if c&0xff == 0 && c+0xff <= r.hi {
				if whole[r.class] == nil {
					whole[r.class] = &page{}
					for i := range whole[r.class] {
						whole[r.class][i] = r.class
					}
				}
				out[c>>8] = whole[r.class]
				c += 256
				continue
			}
			if out[c>>8] == &none {
				out[c>>8] = &page{}
			}
			out[c>>8][c&0xff] = r.class
			c++
		}
	}
	return out
}()

func classOf(r rune) class { return pages[r>>8][r&0xff] }

// read decodes a text; what is no UTF-8 reads as U+FFFD.
func (e *Extractor) read(text []byte) {
	e.runes, e.at, e.classes = e.runes[:0], e.at[:0], e.classes[:0]
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		e.runes, e.at, e.classes = append(e.runes, r), append(e.at, int32(i)), append(e.classes, classOf(r))
		i += size
	}
	e.at = append(e.at, int32(len(text)))
}

// chunk takes what stands between two spaces: characters [from, to).
func (e *Extractor) chunk(from, to int) {
	if e.address(from, to) {
		e.tokens = append(e.tokens, Word{e.at[from], e.at[to], addressHash})
		return
	}
	if end := e.name(from, to); end > from {
		e.tokens = append(e.tokens, Word{e.at[from], e.at[end], nameHash})
		if from = end; from == to {
			return
		}
	}
	e.tokenise(from, to)
	if e.options.MaxChars > 0 {
		e.chars(from, to)
	}
}

// address says whether characters are an address of the web.
func (e *Extractor) address(from, to int) bool {
	return e.has(from, to, "http://") || e.has(from, to, "https://") || e.has(from, to, "www.")
}

func (e *Extractor) has(from, to int, prefix string) bool {
	if to-from <= len(prefix) {
		return false
	}
	for i, r := range []byte(prefix) {
		if e.runes[from+i] != rune(r) {
			return false
		}
	}
	return true
}

// name gives the end of a name behind @, from where there is none.
func (e *Extractor) name(from, to int) int {
	if e.runes[from] != '@' {
		return from
	}
	end := from + 1
	for end < to && e.classes[end] == letter {
		end++
	}
	if end == from+1 {
		return from
	}
	return end
}
