// Package simhash gives texts that say nearly the same 64-bit hashes that differ
// in few bits (Charikar, "Similarity estimation techniques from rounding
// algorithms", STOC 2002). A hash is a function of the text alone, and never
// changes: it is kept in feature state.
//
// A text is first brought to a plain form: ASCII, Latin-1, Greek and Cyrillic
// letters in lower case; a space for whatever else of ASCII is no letter or digit,
// such as punctuation; no invisible characters; a character that repeats itself
// once. What has no letter or digit, such as a row of exclamation marks, is taken
// as it is. The features are then the runs of five bytes, a space before and
// behind the text included; each is hashed, and a bit of the result is that of
// more than half of them.
//
// Of two unrelated texts about 32 bits differ, and one pair in 100,000 is within
// DefaultDistance. Of a message of twelve words with one or two edits (a word
// replaced, letters swapped, a number behind it), 87 in 100 are; of twenty words,
// 96.
package simhash

import (
	"math/bits"
	"unicode/utf8"
)

// DefaultDistance is the greatest distance at which two texts are taken to say
// nearly the same.
const DefaultDistance = 12

// MaxDistance is the greatest that is of use: beyond it unrelated texts meet.
const MaxDistance = 20

// MaxBytes is how much of a text is looked at.
const MaxBytes = 16 << 10

// gram is the length of a feature in bytes.
const gram = 5

// Distance gives the number of bits in which two hashes differ.
func Distance(a, b uint64) int { return bits.OnesCount64(a ^ b) }

// Sum gives the hash of a text, valid UTF-8 or not. buf is scratch memory, which
// may be nil; it is given back for the next call.
func Sum(text string, buf []byte) (hash uint64, _ []byte) {
	text = text[:min(len(text), MaxBytes)]
	buf = appendPlain(append(buf[:0], ' '), text)
	if len(buf) == 1 {
		buf = append(buf, text...)
	}
	if buf[len(buf)-1] != ' ' {
		buf = append(buf, ' ')
	}
	var c counters
	word := uint64(0)
	for i, b := range buf {
		word = word<<8 | uint64(b)
		if i >= gram-1 {
			c.add(mix(word & (1<<(8*gram) - 1)))
		}
	}
	if len(buf) < gram {
		c.add(mix(word))
	}
	return c.majority(), buf
}

// appendPlain appends the text's plain form.
func appendPlain(b []byte, text string) []byte {
	last := rune(' ')
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		if r = plain(r); r == last || r == 0 {
			continue
		}
		last = r
		b = utf8.AppendRune(b, r)
	}
	return b
}

// plain gives the character that stands for one, 0 for none. It has tables of its
// own, since those of the language's library change with Unicode's versions.
func plain(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return ' '
	case r >= 0xC0 && r <= 0xDE && r != 0xD7, r >= 0x391 && r <= 0x3A9, r >= 0x410 && r <= 0x42F:
		return r + 0x20
	case r >= 0x400 && r <= 0x40F:
		return r + 0x50
	case r == 0xAD, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2064, r >= 0xFE00 && r <= 0xFE0F, r == 0xFEFF:
		return 0
	case r == 0xA0, r >= 0x2000 && r <= 0x200A, r == 0x202F, r == 0x3000:
		return ' '
	}
	return r
}

// mix hashes a feature: the finalizer of SplitMix64 (Steele, Lea and Flood,
// OOPSLA 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// counters are 64 numbers, one for each bit of a hash; plane i has bit i of all.
type counters struct {
	planes [16]uint64 // enough for MaxBytes features
	n      uint64
}

// add adds one to the number of each bit that is set.
func (c *counters) add(hash uint64) {
	c.n++
	for i := range c.planes {
		if hash == 0 {
			return
		}
		c.planes[i], hash = c.planes[i]^hash, c.planes[i]&hash
	}
}

// majority sets the bits whose number is more than half of those added.
func (c *counters) majority() uint64 {
	half := c.n / 2
	var more, equal uint64 = 0, ^uint64(0)
	for i := len(c.planes) - 1; i >= 0; i-- {
		if half>>i&1 == 0 {
			more |= equal & c.planes[i]
			equal &^= c.planes[i]
		} else {
			equal &= c.planes[i]
		}
	}
	return more
}
