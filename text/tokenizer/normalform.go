package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalForm brings a text into one of Unicode's normal forms (UAX #15), keeping
// where each character came from.
func normalForm(form norm.Form) normalizer {
	decomposing := norm.NFD
	if form == norm.NFKC || form == norm.NFKD {
		decomposing = norm.NFKD
	}
	composing := form == norm.NFC || form == norm.NFKC
	return func(s *scratch, in text) text {
		if ascii(in.b) || form.IsNormal(in.b) {
			return in
		}
		s.runes = decompose(decomposing, in.b, s.runes[:0])
		if composing {
			s.runes = compose(s.runes)
		}
		return s.transform(in, s.runes)
	}
}

// decompose takes the characters of a text apart, and puts marks into order.
func decompose(form norm.Form, b []byte, out []change) []change {
	each(b, func(r rune, from, to int) {
		if r < utf8.RuneSelf {
			out = append(out, change{r, 0})
			return
		}
		first := 0
		for _, d := range string(form.Bytes(b[from:to])) {
			out = append(out, change{d, first})
			first = 1
		}
	})
	for i := 0; i < len(out); {
		if class(out[i].r) == 0 {
			i++
			continue
		}
		to := i + 1
		for to < len(out) && class(out[to].r) != 0 {
			to++
		}
		slices.SortStableFunc(out[i:to], func(a, b change) int { return int(class(a.r)) - int(class(b.r)) })
		i = to
	}
	return out
}

// class gives the canonical combining class.
func class(r rune) uint8 {
	if r < 0x300 {
		return 0
	}
	var b [utf8.UTFMax]byte
	return norm.NFD.Properties(b[:utf8.EncodeRune(b[:], r)]).CCC()
}

// compose puts decomposed characters together, as UAX #15 says.
func compose(in []change) []change {
	out := in[:0]
	starter, last := -1, uint8(0)
	for _, c := range in {
		of := class(c.r)
		if starter >= 0 && (starter == len(out)-1 || last != 0 && last < of) {
			if r, ok := composed(out[starter].r, c.r); ok {
				out[starter] = change{r, out[starter].gone + c.gone - 1}
				continue
			}
		}
		if of == 0 {
			starter = len(out)
		}
		last = of
		out = append(out, c)
	}
	return out
}

// composed gives the character that two are together, if there is one.
func composed(a, b rune) (rune, bool) {
	if b < 0x300 {
		return 0, false
	}
	var pair [2 * utf8.UTFMax]byte
	n := utf8.EncodeRune(pair[:], a)
	n += utf8.EncodeRune(pair[n:], b)
	var room [4 * utf8.UTFMax]byte
	one := norm.NFC.Append(room[:0], pair[:n]...)
	r, size := utf8.DecodeRune(one)
	return r, size == len(one)
}
