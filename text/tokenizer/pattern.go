package tokenizer

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// gpt2 parts a text as the pattern of GPT-2 does:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
type gpt2 struct{}

const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// The kinds of characters that it tells apart.
const (
	letter = iota
	digit
	space
	other
)

func kindOf(b []byte) (kind, size int) {
	c := b[0]
	if c < utf8.RuneSelf {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return letter, 1
		case c >= '0' && c <= '9':
			return digit, 1
		case c == ' ' || c >= '\t' && c <= '\r':
			return space, 1
		}
		return other, 1
	}
	r, size := utf8.DecodeRune(b)
	switch {
	case unicode.IsLetter(r):
		return letter, size
	case unicode.IsNumber(r):
		return digit, size
	case unicode.IsSpace(r):
		return space, size
	}
	return other, size
}

func (gpt2) find(b []byte, out []cut) []cut {
	for from := 0; from < len(b); {
		to := from + gpt2Word(b[from:])
		out = append(out, cut{from, to, true})
		from = to
	}
	return out
}

var contractions = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// gpt2Word gives the length of the word that a text begins with.
func gpt2Word(b []byte) int {
	if b[0] == '\'' {
		for _, c := range contractions {
			if len(b) >= len(c) && string(b[:len(c)]) == c {
				return len(c)
			}
		}
	}
	at := 0
	kind, size := kindOf(b)
	if b[0] == ' ' && len(b) > 1 {
		if next, n := kindOf(b[1:]); next != space {
			kind, size, at = next, n, 1
		}
	}
	at += size
	last := size
	for at < len(b) {
		next, n := kindOf(b[at:])
		if next != kind {
			break
		}
		at, last = at+n, n
	}
	// The last blank of several goes with what follows.
	if kind == space && at < len(b) && at > last {
		return at - last
	}
	return at
}

// expression matches a regular expression whose alternatives may have one
// \s+(?!\S) among them, which Go's package has no words for.
type expression struct {
	before, after *regexp.Regexp // anchored; nil for none
	blanks        bool           // \s+(?!\S) between them
}

const lookahead = `\s+(?!\S)`

// longestPattern bounds a regular expression, bytes.
const longestPattern = 1 << 10

// compile reads a regular expression in the syntax that tokenizer.json has.
func compile(source, path string) (pattern, error) {
	if source == gpt2Pattern {
		return gpt2{}, nil
	}
	refuse := func(why string, cause error) error {
		return unsupported(path, "the pattern %.100q "+why, source).Because(cause)
	}
	if len(source) > longestPattern || source == "" {
		return nil, refuse("is empty or too long", nil)
	}
	parts := strings.Split(source, lookahead)
	e := &expression{blanks: len(parts) > 1}
	if len(parts) > 2 || len(parts) == 2 && (parts[0] != "" && !strings.HasSuffix(parts[0], "|") || parts[1] != "" && !strings.HasPrefix(parts[1], "|")) {
		return nil, refuse("looks ahead where this program cannot", nil)
	}
	sides := []string{strings.TrimSuffix(parts[0], "|"), ""}
	if len(parts) == 2 {
		sides[1] = strings.TrimPrefix(parts[1], "|")
	}
	for i, side := range []**regexp.Regexp{&e.before, &e.after} {
		if sides[i] == "" {
			continue
		}
		translated, ok := translate(sides[i])
		if !ok {
			return nil, refuse("has something that this program does not know", nil)
		}
		compiled, err := regexp.Compile(`^(?:` + translated + `)`)
		if err != nil {
			return nil, refuse("is none that this program can match", err)
		}
		if compiled.MatchString("") {
			return nil, refuse("matches nothing at all, too", nil)
		}
		*side = compiled
	}
	return e, nil
}

// classes has what \s, \w and \d mean in Oniguruma, inside of a class.
var classes = map[byte]string{'s': `\t-\r\x{85}\p{Z}`, 'w': `\p{L}\p{M}\p{N}\p{Pc}`, 'd': `\p{Nd}`}

// translate writes a pattern of Oniguruma as Go has it; false where the two
// could differ.
func translate(source string) (string, bool) {
	var b strings.Builder
	inside := false
	for i := 0; i < len(source); i++ {
		c := source[i]
		switch {
		case c == '\\':
			if i++; i == len(source) {
				return "", false
			}
			if !writeEscape(&b, source[i], inside) {
				return "", false
			}
		case c == '[' && inside, c == '&' && inside, c == '^' && !inside, c == '$' && !inside:
			return "", false
		case c == '[':
			inside = true
			b.WriteByte(c)
			if i+1 < len(source) && source[i+1] == '^' {
				b.WriteByte('^')
				i++
			}
		case c == ']':
			inside = false
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), !inside
}

func writeEscape(b *strings.Builder, c byte, inside bool) bool {
	lower := c | 0x20
	switch class, known := classes[lower]; {
	case known && inside:
		if c != lower {
			return false
		}
		b.WriteString(class)
	case known && c == lower:
		b.WriteString("[" + class + "]")
	case known:
		b.WriteString("[^" + class + "]")
	case strings.IndexByte(`pPrnt`, c) >= 0 || c < utf8.RuneSelf && !isWord(rune(c)):
		b.WriteByte('\\')
		b.WriteByte(c)
	default:
		return false
	}
	return true
}

func (e *expression) find(b []byte, out []cut) []cut {
	last := 0
	for from := 0; from < len(b); {
		n := e.match(b[from:])
		if n == 0 {
			_, size := utf8.DecodeRune(b[from:])
			from += size
			continue
		}
		out = matched(out, last, from, from+n)
		from += n
		last = from
	}
	return rest(out, last, len(b))
}

// match gives the length of the match that a text begins with, 0 for none.
func (e *expression) match(b []byte) int {
	if n := length(e.before, b); n > 0 {
		return n
	}
	if e.blanks {
		if n := blanks(b); n > 0 {
			return n
		}
	}
	return length(e.after, b)
}

func length(e *regexp.Regexp, b []byte) int {
	if e == nil {
		return 0
	}
	if at := e.FindIndex(b); at != nil {
		return at[1]
	}
	return 0
}

// blanks matches \s+(?!\S).
func blanks(b []byte) int {
	at, last := 0, 0
	for at < len(b) {
		kind, size := kindOf(b[at:])
		if kind != space {
			return at - last
		}
		at, last = at+size, size
	}
	return at
}
