package ngram

// The hashes. An n-gram of characters c₁…cₙ is the polynomial that begins with a
// seed and goes h ← (h + c + 1)·spread, in 64 bits; fold mixes it to 32. A word is
// such a polynomial of its characters, and words in a row one of their words'.
const (
	spread = 0x9e3779b97f4a7c15
	finish = 0xd6e8feb86659fd93

	charSeed uint64 = 0x243f6a8885a308d3
	wordSeed uint64 = 0x13198a2e03707344
	rowSeed  uint64 = 0xa4093822299f31d0
	skipSeed uint64 = 0x082efa98ec4e6c89

	negationSeed uint64 = 0x3f84d5b5b5470917
	besideSeed   uint64 = 0x9216d5d98979fb1b
	markedSeed   uint64 = 0xd1310ba698dfb5ac
	markHash     uint64 = 0x2ffd72dbd01adfb7

	addressHash uint64 = 0x452821e638d01377
	nameHash    uint64 = 0xbe5466cf34e90c6c
)

func step(h, x uint64) uint64 { return (h + x + 1) * spread }

func fold(h uint64) uint32 {
	h ^= h >> 32
	h *= finish
	return uint32(h >> 32)
}

// tokenise takes the words of characters [from, to), none of which is a space.
func (e *Extractor) tokenise(from, to int) {
	for i := from; i < to; {
		h, end := step(wordSeed, uint64(e.runes[i])), i+1
		if e.classes[i] == letter {
			for end < to && (e.classes[end] == letter || e.classes[end] == joiner && end+1 < to && e.classes[end+1] == letter) {
				r := e.runes[end]
				if e.classes[end] == joiner {
					r = '\''
				}
				h = step(h, uint64(r))
				end++
			}
		}
		e.tokens = append(e.tokens, Word{e.at[i], e.at[end], h})
		i = end
	}
}

// words takes the words in a row that end with each word.
func (e *Extractor) words() {
	for i, last := range e.tokens {
		e.grams = append(e.grams, Gram{fold(last.hash), Words, last.Start, last.End})
		h := step(rowSeed, last.hash)
		for j := i - 1; j >= 0 && i-j < e.options.MaxWords; j-- {
			h = step(h, e.tokens[j].hash)
			e.grams = append(e.grams, Gram{fold(h), Words, e.tokens[j].Start, last.End})
		}
		if e.options.Skip && i >= 2 {
			h := step(step(skipSeed, last.hash), e.tokens[i-2].hash)
			e.grams = append(e.grams, Gram{fold(h), Words, e.tokens[i-2].Start, last.End})
		}
	}
}

// chars takes the characters in a row of [from, to), with a space at both ends.
func (e *Extractor) chars(from, to int) {
	least, most := e.options.MinChars, e.options.MaxChars
	for i := from - 1; i < to; i++ {
		h, start := charSeed, e.at[max(i, from)]
		end := min(i+most, to+1)
		for j := i; j < end; j++ {
			r := uint64(' ')
			if j >= from && j < to {
				r = uint64(e.runes[j])
			}
			h = step(h, r)
			if j-i+1 >= least && j >= from {
				e.grams = append(e.grams, Gram{fold(h), Chars, start, e.at[min(j+1, to)]})
			}
		}
		if i < from && end-i < least {
			e.grams = append(e.grams, Gram{fold(h), Chars, start, e.at[to]})
		}
	}
}
