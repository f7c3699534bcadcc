// Package text brings messages into a normal form in which what was written to
// get past a filter reads as what it means, and innocent words stay as they are.
//
// The normal form serves two readers. A classifier takes its n-grams from
// Normal.Text. A list of terms (text/match) walks the same bytes, and also the
// few other readings that Normal.Flags marks: a digit that may be one of two
// letters, a letter or hyphen that may be left out. Readings that would alter
// innocent text are only marked, never written.
//
//	in                       Text            also read as
//	ＢＡＤ ᴡᴏʀᴅ, bаd (Cyrillic) bad word, bad
//	b​a​d, b́ád̂               bad, bad
//	%62%61d, &#98;ad         bad, bad
//	b a d w o r d, b.a.d     badword, bad
//	b4dw0rd                  badword
//	1diot, b!d               1diot, b!d      idiot, ldiot; bid, bld
//	baaaad                   baad            bad
//	bad-word                 bad-word        badword, bad word
//	b*d                      b*d             any letter, where a list allows it
//	4x4, mp3, 1st, 1 2 3     unchanged
//
// Every byte of the text keeps the range of the original that it stands for.
//
// The tables are generated (see generate/README.md) and pinned, so that what a
// message becomes does not depend on the version of Go.
package text

import orrery "orrery.dev"

//go:generate go run ./generate -in generate/confusables.txt.gz -out unicode_tables.go -classes ngram/classes.go

// Form is the version of what the program reads in a message: the normal form, its
// flags and origins, the language, and what text/match finds and text/ngram hashes
// in it. A model has learned from it and decisions are recomputed from it, so a
// release names the form that it decides on, and whatever alters the reading of any
// message takes the next number (TestForm).
const Form = 1

// MaxBytes is the length of the longest message that Reset takes.
const MaxBytes = 4 << 20

// Span is a half-open range, of bytes unless said otherwise.
type Span struct{ Start, End int }

// Flag says how a byte of the normal form may be read.
type Flag uint8

// The flags. The bits above them number the other letters that the byte may
// stand for, see Flag.Others.
const (
	// Word: the byte is part of a word.
	Word Flag = 1 << iota
	// Break: a word may begin here though the byte before is part of one, since
	// there was a separator between them, or the script has none.
	Break
	// Optional: the byte may be left out.
	Optional
	firstOther = iota
)

// Others gives the letters, beside its own, that a byte with this flag may stand
// for, all ASCII.
func (f Flag) Others() string { return others[f>>firstOther] }

// Hides says whether the byte is a star that hides a letter.
func (f Flag) Hides() bool { return f>>firstOther == maskedOther }

// Normal is one message in normal form. The zero value is ready to use; Reset
// keeps the memory of the message before.
type Normal struct {
	// Text is the normal form, UTF-8 without control characters, its words
	// separated by single spaces.
	Text []byte
	// Flags has one for each byte of Text.
	Flags []Flag
	// Tricks counts what was found and undone.
	Tricks Tricks
	// Letters counts the letters of the message by script, before look-alikes
	// were replaced.
	Letters [Scripts]int

	// KeepScript leaves words alone whose letters all resemble Latin ones but are
	// of one other script. Set it before Reset.
	KeepScript bool

	origin   []extent // of each byte of Text
	cells    []cell
	gathered []cell // spaced letters
	scratch  []byte
	distinct int  // letters that no Latin one resembles
	regional bool // there are indicators
	tried    int  // no row of single letters begins before this cell
}

// Tricks counts, in characters, what was written so that a filter would miss it.
type Tricks struct {
	// Lookalikes of another script, or styled letters that Unicode keeps apart.
	Lookalikes int
	// Invisible characters, and marks set over or through letters.
	Invisible int
	// Leet: digits and symbols read as letters.
	Leet int
	// Spaced letters that were brought together.
	Spaced int
	// Repeated letters that were dropped.
	Repeated int
	// Masked letters: stars in a word.
	Masked int
	// Escaped: percent-encoding and character references.
	Escaped int
}

// Total is the sum of all counts.
func (t Tricks) Total() int {
	return t.Lookalikes + t.Invisible + t.Leet + t.Spaced + t.Repeated + t.Masked + t.Escaped
}

// extent is the range of the original that a byte stands for.
type extent struct{ start, end uint32 }

// Reset brings a message into normal form in time linear in its length. It fails
// with text_not_utf8 or text_too_long, and Text is empty then.
func (n *Normal) Reset(message string) error {
	n.Text, n.Flags, n.origin, n.cells = n.Text[:0], n.Flags[:0], n.origin[:0], n.cells[:0]
	n.Tricks, n.Letters = Tricks{}, [Scripts]int{}
	n.distinct, n.tried, n.regional = 0, 0, false
	if len(message) > MaxBytes {
		return orrery.Errorf(orrery.TooLarge, "text_too_long", "the text has %d bytes, more than %d", len(message), MaxBytes).
			WithNext("send it in parts")
	}
	if at := n.read(message); at >= 0 {
		n.cells = n.cells[:0]
		return orrery.Errorf(orrery.Invalid, "text_not_utf8", "the text is not UTF-8: byte %d is 0x%02x", at, message[at]).
			WithNext("encode it as UTF-8")
	}
	n.write()
	return nil
}

// Origin gives the bytes of the original that the bytes [start, end) of Text
// stand for. An empty range has an empty origin.
func (n *Normal) Origin(start, end int) Span {
	if start >= end {
		if start < len(n.origin) {
			return Span{int(n.origin[start].start), int(n.origin[start].start)}
		}
		if len(n.origin) > 0 {
			last := int(n.origin[len(n.origin)-1].end)
			return Span{last, last}
		}
		return Span{}
	}
	return Span{int(n.origin[start].start), int(n.origin[end-1].end)}
}

// Boundary says whether a word may begin or end between the bytes i-1 and i.
func (n *Normal) Boundary(i int) bool {
	return i <= 0 || i >= len(n.Flags) || n.Flags[i-1]&n.Flags[i]&Word == 0 || n.Flags[i]&Break != 0
}
