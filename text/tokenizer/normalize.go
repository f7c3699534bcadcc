package tokenizer

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer writes a text in another form.
type normalizer func(s *scratch, in text) text

// mapped makes a normalizer of a function that writes what stands for a character.
func mapped(write func(s *scratch, r rune, at Span)) normalizer {
	return func(s *scratch, in text) text {
		s.begin()
		each(in.b, func(r rune, from, _ int) { write(s, r, in.at[from]) })
		return s.end()
	}
}

// without makes a normalizer that takes characters away.
func without(drop func(r rune) bool) normalizer {
	return mapped(func(s *scratch, r rune, at Span) {
		if !drop(r) {
			s.write(r, at)
		}
	})
}

func inOrder(all []normalizer) normalizer {
	return func(s *scratch, in text) text {
		for _, n := range all {
			in = n(s, in)
		}
		return in
	}
}

// lowercase follows Unicode's simple and special mappings without context, as
// Rust's char::to_lowercase does.
var lowercase = mapped(func(s *scratch, r rune, at Span) {
	if r == 'İ' { // the only letter whose small one is two characters
		s.write('i', at)
		s.write('\u0307', at)
		return
	}
	s.write(unicode.ToLower(r), at)
})

var stripAccents = without(func(r rune) bool { return r >= utf8.RuneSelf && unicode.Is(unicode.M, r) })

// nmt is sentencepiece's: control characters away, other white space and what has
// no width blanks.
var nmt = mapped(func(s *scratch, r rune, at Span) {
	switch {
	case r >= 0x01 && r <= 0x08, r == 0x0b, r >= 0x0e && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
	case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200b && r <= 0x200f, r == 0x2028, r == 0x2029,
		r == 0x2581, r == 0xfeff, r == 0xfffd:
		s.write(' ', at)
	default:
		s.write(r, at)
	}
})

// bert is the normalizer of BERT: control characters away, all white space blanks,
// blanks around Chinese characters, accents away, small letters.
func bert(clean, chinese, strip, lower bool) normalizer {
	var all []normalizer
	if clean || chinese {
		all = append(all, mapped(func(s *scratch, r rune, at Span) {
			switch {
			case clean && (r == 0 || r == utf8.RuneError || control(r)):
			case clean && unicode.IsSpace(r):
				s.write(' ', at)
			case chinese && isChinese(r):
				s.write(' ', at)
				s.write(r, at)
				s.write(' ', at)
			default:
				s.write(r, at)
			}
		}))
	}
	if strip {
		all = append(all, normalForm(norm.NFD), without(func(r rune) bool { return r >= utf8.RuneSelf && unicode.Is(unicode.Mn, r) }))
	}
	if lower {
		all = append(all, lowercase)
	}
	return inOrder(all)
}

func control(r rune) bool {
	if r < utf8.RuneSelf {
		return (r < ' ' || r == 0x7f) && r != '\t' && r != '\n' && r != '\r'
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs)
}

// isChinese has the blocks of CJK ideographs that BERT parts from each other.
func isChinese(r rune) bool {
	return r >= 0x3400 && (r <= 0x4DBF || r >= 0x4E00 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF || r >= 0x20000 && r <= 0x2A6DF ||
		r >= 0x2A700 && r <= 0x2B73F || r >= 0x2B740 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF || r >= 0x2F800 && r <= 0x2FA1F)
}

// strip takes white space away at the ends.
func strip(left, right bool) normalizer {
	return func(s *scratch, in text) text {
		from, to := 0, len(in.b)
		if left {
			from = to - len(bytes.TrimLeftFunc(in.b, unicode.IsSpace))
		}
		if right {
			to = from + len(bytes.TrimRightFunc(in.b[from:], unicode.IsSpace))
		}
		return in.slice(from, to)
	}
}

// prepend puts something in front of a text that is not empty; it comes from where
// the first character does.
func prepend(what string) normalizer {
	return func(s *scratch, in text) text {
		if len(in.b) == 0 {
			return in
		}
		s.begin()
		for _, r := range what {
			s.write(r, in.at[0])
		}
		s.copy(in, 0, len(in.b))
		return s.end()
	}
}

// replace puts something in place of what a pattern finds; it comes from where the
// last character of that does.
func replace(p pattern, with string) normalizer {
	return func(s *scratch, in text) text {
		found := p.find(in.b, s.cuts[:0])
		s.cuts = found
		s.begin()
		for _, c := range found {
			if !c.match {
				s.copy(in, c.from, c.to)
				continue
			}
			for _, r := range with {
				s.write(r, in.at[max(c.to-1, 0)])
			}
		}
		return s.end()
	}
}
