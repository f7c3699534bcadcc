package expr

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"orrery.dev"
)

// source is an expression's text with its tokens. CEL does not know durations
// such as 7d, so their units are blanked in what its parser reads: every byte
// stays where it was.
type source struct {
	text string
	// plain is the text with the units of durations blanked.
	plain  string
	tokens []token
	// runeAt has the byte offset of each code point, nil where they are equal.
	runeAt []int
}

// token is a word, number, string or sign of an expression.
type token struct {
	span
	// unit is that of a duration, 0 for what is none.
	unit orrery.Duration
}

var units = map[string]orrery.Duration{
	"s": orrery.Second, "m": orrery.Minute, "h": orrery.Hour, "d": orrery.Day, "w": orrery.Week,
}

// newSource reads the tokens of an expression, by the rules of CEL's lexer. What
// that would refuse is left for it to tell.
func newSource(text string) (*source, []Issue) {
	s := &source{text: text}
	var issues []Issue
	plain := []byte(text)
	for at := 0; at < len(text); {
		to := at + tokenLength(text[at:])
		switch {
		case space(text[at]) || strings.HasPrefix(text[at:], "//"):
		case digit(text[at]) || text[at] == '.' && to-at > 1:
			unit, end, fault := number(text, at, to)
			if fault != "" {
				issues = append(issues, span{at, end}.issue(codeSyntax, fault, ""))
			}
			for i := to; i < end && unit != 0; i++ {
				plain[i] = ' '
			}
			s.tokens = append(s.tokens, token{span{at, end}, unit})
			to = end
		default:
			s.tokens = append(s.tokens, token{span: span{at, to}})
		}
		at = to
	}
	s.plain = string(plain)
	if utf8.RuneCountInString(text) != len(text) {
		for i := range text {
			s.runeAt = append(s.runeAt, i)
		}
	}
	return s, issues
}

// number reads the unit behind a number that stands at text[from:to].
func number(text string, from, to int) (unit orrery.Duration, end int, fault string) {
	end = to
	for end < len(text) && word(text[end]) {
		end++
	}
	suffix := text[to:end]
	if unit = units[suffix]; suffix == "" || strings.EqualFold(suffix, "u") {
		return 0, end, ""
	}
	whole := strings.Trim(text[from:to], "0123456789") == ""
	switch {
	case unit != 0 && whole:
		return unit, end, ""
	case unit != 0:
		return 0, end, fmt.Sprintf("`%s` is no duration: the number before its unit must be whole, as in 90m for an hour and a half", text[from:end])
	case whole && strings.ContainsAny(suffix[:1], "smhdw") && strings.ContainsAny(suffix, "0123456789"):
		return 0, end, fmt.Sprintf("`%s` is no duration: add its parts, as in 1d + 12h", text[from:end])
	}
	return 0, end, fmt.Sprintf("`%s` is neither a number nor a duration such as 90s, 30m, 12h, 7d or 2w", text[from:end])
}

// tokenLength gives the length of what text begins with.
func tokenLength(text string) int {
	switch b := text[0]; {
	case strings.HasPrefix(text, "//"):
		return lineLength(text)
	case space(b):
		return 1
	case quoteAt(text) >= 0:
		return stringLength(text, quoteAt(text))
	case b == '`':
		return 1 + quotedLength(text[1:], "`", true)
	case digit(b) || b == '.' && len(text) > 1 && digit(text[1]):
		return numberLength(text)
	case word(b):
		return run(text, word)
	}
	for _, sign := range []string{"==", "!=", "<=", ">=", "&&", "||"} {
		if strings.HasPrefix(text, sign) {
			return len(sign)
		}
	}
	_, size := utf8.DecodeRuneInString(text)
	return size
}

func space(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == '\f' }

func digit(b byte) bool { return b >= '0' && b <= '9' }

func word(b byte) bool {
	return digit(b) || b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

func hex(b byte) bool { return digit(b) || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' }

// run gives the length of the bytes of a class that text begins with.
func run(text string, class func(byte) bool) int {
	n := 0
	for n < len(text) && class(text[n]) {
		n++
	}
	return n
}

func lineLength(text string) int {
	if n := strings.IndexByte(text, '\n'); n >= 0 {
		return n + 1
	}
	return len(text)
}

// numberLength gives the length of a number without sign or unit.
func numberLength(text string) int {
	if len(text) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && hex(text[2]) {
		return 2 + run(text[2:], hex)
	}
	n := run(text, digit)
	if n+1 < len(text) && text[n] == '.' && digit(text[n+1]) {
		n++
		n += run(text[n:], digit)
	}
	if n < len(text) && (text[n] == 'e' || text[n] == 'E') {
		m := n + 1
		if m < len(text) && (text[m] == '+' || text[m] == '-') {
			m++
		}
		if digits := run(text[m:], digit); digits > 0 {
			n = m + digits
		}
	}
	return n
}

// quoteAt gives where the quote of the string literal stands that text begins
// with, behind prefixes such as r and b; -1 where there is none.
func quoteAt(text string) int {
	for i := 0; i < len(text) && i < 3; i++ {
		switch {
		case text[i] == '"' || text[i] == '\'':
			return i
		case !strings.ContainsRune("rRbB", rune(text[i])):
			return -1
		}
	}
	return -1
}

func stringLength(text string, at int) int {
	raw := strings.ContainsAny(text[:at], "rR")
	quote := text[at : at+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(text[at:], triple) {
		quote = triple
	}
	at += len(quote)
	return at + quotedLength(text[at:], quote, raw)
}

// quotedLength gives the length of a literal behind its opening quote, with the
// closing one. One that is not closed ends with its line, or with the text.
func quotedLength(text, quote string, raw bool) int {
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		case text[i] == '\\' && !raw:
			i++
		case text[i] == '\n' && len(quote) == 1:
			return i
		}
	}
	return len(text)
}

// byteAt gives the byte offset of a code point.
func (s *source) byteAt(point int) int {
	switch {
	case point < 0:
		return 0
	case s.runeAt == nil:
		return min(point, len(s.text))
	case point < len(s.runeAt):
		return s.runeAt[point]
	}
	return len(s.text)
}

// find gives the index of the token at, or else behind, a byte offset.
func (s *source) find(offset int) int {
	i, _ := slices.BinarySearchFunc(s.tokens, offset, func(t token, offset int) int {
		if t.to <= offset {
			return -1
		}
		return 0
	})
	return i
}

// word gives the text of a token by its index, empty behind the last.
func (s *source) word(i int) string {
	if i < 0 || i >= len(s.tokens) {
		return ""
	}
	return s.text[s.tokens[i].from:s.tokens[i].to]
}

// closing gives the end of the bracket that the token of an index opens.
func (s *source) closing(i int) int {
	depth := 0
	for ; i < len(s.tokens); i++ {
		switch s.word(i) {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return s.tokens[i].to
			}
		}
	}
	return len(s.text)
}
