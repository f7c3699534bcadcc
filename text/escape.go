package text

import (
	"strings"
	"unicode/utf8"
)

// entities are the named character references that are written by programs which
// escape text for HTML.
var entities = []struct {
	name string
	r    rune
}{{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}, {"nbsp;", ' '}}

// unescape gives the character that the percent-encoding (RFC 3986) or HTML
// character reference at i stands for and the length of it, 0 where there is
// none.
func unescape(message string, i int) (rune, int) {
	if message[i] == '%' {
		return percent(message, i)
	}
	rest := message[i+1:]
	if strings.HasPrefix(rest, "#") {
		r, length := reference(rest[1:])
		if length == 0 {
			return 0, 0
		}
		return r, length + 2
	}
	for _, e := range entities {
		if strings.HasPrefix(rest, e.name) {
			return e.r, len(e.name) + 1
		}
	}
	return 0, 0
}

// percent reads one percent-encoded character. A per cent sign after a number is
// one, unless two escapes stand in a row.
func percent(message string, i int) (rune, int) {
	var bytes [utf8.UTFMax]byte
	length := 0
	for length < len(bytes) {
		b, ok := hexByte(message, i+3*length)
		if !ok {
			break
		}
		bytes[length] = b
		length++
	}
	if length == 0 || length == 1 && i > 0 && message[i-1] >= '0' && message[i-1] <= '9' && !isEscape(message, i-3) {
		return 0, 0
	}
	r, size := utf8.DecodeRune(bytes[:length])
	if r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
		return 0, 0
	}
	return r, 3 * size
}

func isEscape(message string, i int) bool {
	_, ok := hexByte(message, i)
	return ok
}

// hexByte reads %XX.
func hexByte(message string, i int) (byte, bool) {
	if i < 0 || i+2 >= len(message) || message[i] != '%' {
		return 0, false
	}
	high, low := hexDigit(message[i+1]), hexDigit(message[i+2])
	return high<<4 | low, high < 16 && low < 16
}

func hexDigit(b byte) byte {
	switch {
	case b >= '0' && b <= '9':
		return b - '0'
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10
	}
	return 255
}

// reference reads what follows &#, decimal or hexadecimal, to the semicolon.
func reference(rest string) (rune, int) {
	base, i := rune(10), 0
	if strings.HasPrefix(rest, "x") || strings.HasPrefix(rest, "X") {
		base, i = 16, 1
	}
	r := rune(0)
	for first := i; i < len(rest) && i < first+8; i++ {
		d := rune(hexDigit(rest[i]))
		if rest[i] == ';' && i > first && r >= ' ' && utf8.ValidRune(r) {
			return r, i + 1
		}
		if d >= base {
			return 0, 0
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, 0
		}
	}
	return 0, 0
}
