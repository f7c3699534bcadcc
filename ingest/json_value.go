package ingest

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"orrery.dev"
)

// value reads the value at i of field f; it gives the offset behind it, or -1
// after a fault of syntax.
func (p *parser) value(f, i int) int {
	r := &p.rules[f]
	if i >= len(p.s) {
		return p.syntax(i, "a value")
	}
	switch c := p.s[i]; {
	case c == '"':
		text, end := p.str(i)
		if end < 0 {
			return -1
		}
		if r.kind == orrery.Int || r.kind == orrery.Float || r.kind == orrery.Bool {
			p.wrongType(r, i)
			return end
		}
		p.set(f, text, i)
		return end
	case c == '-' && i+1 < len(p.s) && p.s[i+1]-'0' <= 9, c-'0' <= 9:
		return p.numberValue(f, i)
	case c == 't' && strings.HasPrefix(p.s[i:], "true"):
		return p.boolValue(f, i, true, i+4)
	case c == 'f' && strings.HasPrefix(p.s[i:], "false"):
		return p.boolValue(f, i, false, i+5)
	case c == 'n' && strings.HasPrefix(p.s[i:], "null"):
		return i + 4
	case c == '{' || c == '[':
		p.wrongType(r, i)
		return p.skip(i)
	}
	if end := notFiniteToken(p.s, i); end > i {
		if r.kind.Numeric() {
			p.add(r.fault(flawNotFinite, p.s[i:end], i))
		} else {
			p.wrongType(r, i)
		}
		return end
	}
	return p.syntax(i, "a value")
}

// set gives field f the value of a text.
func (p *parser) set(f int, text string, at int) {
	r := &p.rules[f]
	v, wrong := r.value(text, &p.days)
	if wrong != fine {
		p.add(r.fault(wrong, text, at))
		return
	}
	if r == p.idRule {
		p.idText = text
	}
	if f == p.received {
		p.receivedAt = at
	}
	p.values[f] = v
}

func (p *parser) numberValue(f, i int) int {
	end := numberEnd(p.s, i)
	r, text := &p.rules[f], p.s[i:end]
	if r.kind.Numeric() || r.name && wholeNumber(text) {
		p.set(f, text, i)
	} else {
		p.wrongType(r, i)
	}
	return end
}

func (p *parser) boolValue(f, i int, b bool, end int) int {
	if r := &p.rules[f]; r.kind == orrery.Bool {
		p.values[f] = orrery.BoolValue(b)
	} else {
		p.wrongType(r, i)
	}
	return end
}

func (p *parser) wrongType(r *rule, i int) {
	p.add(Fault{Field: r.field.Name, Code: "field_type", Message: fmt.Sprintf("`%s` must be %s, not %s", r.field.Name, r.article(), p.describe(i)),
		Next: "write it like " + r.example(), Offset: i})
}

// numberEnd gives the offset behind the characters that a number can have.
func numberEnd(s string, i int) int {
	for i < len(s) {
		switch c := s[i]; {
		case c-'0' <= 9, c == '.', c == '-', c == '+', c == 'e', c == 'E':
			i++
		default:
			return i
		}
	}
	return i
}

// notFiniteToken gives the offset behind the NaN or Infinity at i, i where
// there is none. Python's and JavaScript's writers make such tokens.
func notFiniteToken(s string, i int) int {
	rest := s[i:]
	for _, token := range []string{"NaN", "Infinity", "-Infinity", "-NaN"} {
		if strings.HasPrefix(rest, token) {
			return i + len(token)
		}
	}
	return i
}

// skip reads past a value that is not kept, of any shape up to MaxDepth deep. It
// gives -1 after a fault of syntax.
func (p *parser) skip(i int) int {
	var open [MaxDepth]byte
	depth := 0
	for {
		if i = p.space(i); i >= len(p.s) {
			return p.syntax(i, "a value")
		}
		switch c := p.s[i]; {
		case c == '{' || c == '[':
			if depth == MaxDepth {
				p.add(Fault{Code: "json_too_deep", Message: fmt.Sprintf("the JSON is nested more than %d deep", MaxDepth), Next: "send a flat object", Offset: i})
				return -1
			}
			open[depth] = c + 2 // In ASCII both closing brackets are two behind.
			depth++
			if i = p.space(i + 1); i < len(p.s) && p.s[i] == open[depth-1] {
				break
			}
			if c == '{' {
				if i = p.key(i); i < 0 {
					return -1
				}
			}
			continue
		default:
			if i = p.scalar(i); i < 0 {
				return -1
			}
		}
		if i, depth = p.unwind(i, depth, open[:]); i < 0 || depth == 0 {
			return i
		}
	}
}

// unwind reads what follows a value inside depth open brackets: closing ones, or
// a comma and the next key.
func (p *parser) unwind(i, depth int, open []byte) (int, int) {
	for depth > 0 {
		i = p.space(i)
		switch {
		case i < len(p.s) && p.s[i] == open[depth-1]:
			depth--
			i++
		case i < len(p.s) && p.s[i] == ',':
			if open[depth-1] == '}' {
				return p.key(p.space(i + 1)), depth
			}
			return i + 1, depth
		default:
			return p.syntax(i, "a comma or a closing bracket"), depth
		}
	}
	return i, depth
}

// key reads past a name and its colon.
func (p *parser) key(i int) int {
	if i >= len(p.s) || p.s[i] != '"' {
		return p.syntax(i, "a name in double quotes")
	}
	_, end := p.str(i)
	if end < 0 {
		return -1
	}
	if i = p.space(end); i >= len(p.s) || p.s[i] != ':' {
		return p.syntax(i, "a colon")
	}
	return i + 1
}

// scalar reads past a string, number, true, false or null.
func (p *parser) scalar(i int) int {
	if p.s[i] == '"' {
		_, end := p.str(i)
		return end
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(p.s[i:], word) {
			return i + len(word)
		}
	}
	if end := notFiniteToken(p.s, i); end > i {
		return end
	}
	end := numberEnd(p.s, i)
	if _, ok := splitNumber(p.s[i:end]); !ok {
		return p.syntax(i, "a value")
	}
	return end
}

// str reads the string whose opening quote is at i; it gives its text and the
// offset behind the closing quote, or -1 after a fault of syntax.
func (p *parser) str(i int) (string, int) {
	start := i + 1
	for j := start; j < len(p.s); j++ {
		switch c := p.s[j]; {
		case c == '"':
			return p.s[start:j], j + 1
		case c == '\\':
			return p.escaped(start, j)
		case c < ' ':
			return "", p.syntax(j, "an escape such as \\n (control characters are not allowed in strings)")
		}
	}
	return "", p.syntax(len(p.s), "the closing quote of a string")
}

// escaped goes on with a string that has its first backslash at j.
func (p *parser) escaped(start, j int) (string, int) {
	text := append(make([]byte, 0, j-start+64), p.s[start:j]...)
	for j < len(p.s) {
		c := p.s[j]
		switch {
		case c == '"':
			return string(text), j + 1
		case c < ' ':
			return "", p.syntax(j, "an escape such as \\n (control characters are not allowed in strings)")
		case c != '\\':
			text = append(text, c)
			j++
			continue
		}
		if j+1 >= len(p.s) {
			break
		}
		if p.s[j+1] == 'u' {
			r, end := p.unicode(j)
			if end < 0 {
				return "", -1
			}
			text, j = utf8.AppendRune(text, r), end
			continue
		}
		at := strings.IndexByte(`"\/bfnrt`, p.s[j+1])
		if at < 0 {
			return "", p.syntax(j, `one of the escapes \" \\ \/ \b \f \n \r \t \u`)
		}
		text = append(text, "\"\\/\b\f\n\r\t"[at])
		j += 2
	}
	return "", p.syntax(len(p.s), "the closing quote of a string")
}

// unicode reads the escape \uXXXX at j, with its partner where it is half of a
// surrogate pair. A half alone stands for no character.
func (p *parser) unicode(j int) (rune, int) {
	r := hex4(p.s, j)
	if r < 0 {
		return 0, p.syntax(j, "four hexadecimal digits after \\u")
	}
	if !utf16.IsSurrogate(r) {
		return r, j + 6
	}
	if pair := utf16.DecodeRune(r, hex4(p.s, j+6)); pair != utf8.RuneError {
		return pair, j + 12
	}
	p.add(Fault{Code: "utf8_invalid", Message: fmt.Sprintf("the escape %s is half of a surrogate pair", p.s[j:j+6]), Next: "send both halves, or the character itself", Offset: j})
	return utf8.RuneError, j + 6
}

// hex4 reads \uXXXX at j, -1 where there is none.
func hex4(s string, j int) rune {
	if j+6 > len(s) || s[j] != '\\' || s[j+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range []byte(s[j+2 : j+6]) {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}
