package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// preTokenizer parts a text into words, and calls visit for each in order.
type preTokenizer func(s *scratch, in text, visit func(text))

// splitBy makes a pre-tokenizer of a pattern.
func splitBy(p pattern, b behavior) preTokenizer {
	return func(s *scratch, in text, visit func(text)) {
		// What visit does may cut again, so the list is taken out of the scratch.
		cuts := s.cuts
		s.cuts = nil
		cuts = p.find(in.b, cuts[:0])
		for _, c := range b.apply(cuts) {
			visit(in.slice(c.from, c.to))
		}
		s.cuts = cuts
	}
}

// oneAfterAnother parts the words of each pre-tokenizer by the next.
func oneAfterAnother(all []preTokenizer) preTokenizer {
	return func(s *scratch, in text, visit func(text)) {
		if len(all) == 0 {
			visit(in)
			return
		}
		first, others := all[0], oneAfterAnother(all[1:])
		first(s, in, func(word text) {
			if len(word.b) > 0 {
				others(s, word, visit)
			}
		})
	}
}

// bertWords parts at white space, and punctuation from what is around it.
func bertWords(s *scratch, in text, visit func(text)) {
	from := 0
	word := func(to int) {
		if from < to {
			visit(in.slice(from, to))
		}
	}
	for i := 0; i < len(in.b); {
		r, size := rune(in.b[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(in.b[i:])
		}
		switch {
		case unicode.IsSpace(r):
			word(i)
			from = i + size
		case isPunctuation(r):
			word(i)
			from = i
			word(i + size)
			from = i + size
		}
		i += size
	}
	word(len(in.b))
}

// wordRuns matches \w+|[^\w\s]+.
type wordRuns struct{}

func (wordRuns) find(b []byte, out []cut) []cut {
	const space, word, other = 0, 1, 2
	last, begun, kind := 0, 0, space
	end := func(at int) {
		if kind != space {
			out = matched(out, last, begun, at)
			last = at
		}
	}
	each(b, func(r rune, from, _ int) {
		is := other
		switch {
		case isWord(r):
			is = word
		case unicode.IsSpace(r):
			is = space
		}
		if is != kind {
			end(from)
			begun, kind = from, is
		}
	})
	end(len(b))
	return rest(out, last, len(b))
}

// metaspace writes a sign for every blank and parts the text before the signs.
// The sign is put in front of a text too: always, or only of one that begins where
// the whole does.
func metaspace(sign rune, always, first, split bool) preTokenizer {
	blanks, front := replace(literal(" "), string(sign)), prepend(string(sign))
	parts := splitBy(runeSet(func(r rune) bool { return r == sign }), mergedWithNext)
	return func(s *scratch, in text, visit func(text)) {
		if len(in.b) == 0 {
			return
		}
		begins := in.at[0].Start == 0
		in = blanks(s, in)
		if r, _ := utf8.DecodeRune(in.b); r != sign && (always || first && begins) {
			in = front(s, in)
		}
		if !split {
			visit(in)
			return
		}
		parts(s, in, visit)
	}
}

// byteLevel writes a character for each byte of a text, after it has been parted
// as GPT-2 does.
func byteLevel(blank, parted bool) preTokenizer {
	front := prepend(" ")
	return func(s *scratch, in text, visit func(text)) {
		if blank && len(in.b) > 0 && in.b[0] != ' ' {
			in = front(s, in)
		}
		if !parted {
			visit(asBytes(s, in))
			return
		}
		cuts := s.cuts
		s.cuts = nil
		cuts = gpt2{}.find(in.b, cuts[:0])
		for _, c := range cuts {
			visit(asBytes(s, in.slice(c.from, c.to)))
		}
		s.cuts = cuts
	}
}

// byteRunes has the character that stands for each byte, as GPT-2 has it: the
// printable ones of Latin-1 for themselves, the others from U+0100 on.
var byteRunes = func() (out [256]rune) {
	next := rune(0x100)
	for b := range out {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			out[b] = rune(b)
		} else {
			out[b] = next
			next++
		}
	}
	return out
}()

func asBytes(s *scratch, in text) text {
	s.begin()
	for i, b := range in.b {
		s.write(byteRunes[b], in.at[i])
	}
	return s.end()
}
