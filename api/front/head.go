package front

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

const (
	// headSize bounds the head of a plain request, in bytes, and fieldsMost the
	// fields in it.
	headSize   = 4 << 10
	fieldsMost = 32
	// bodyMost bounds the body of a plain request, in bytes.
	bodyMost = 64 << 10
)

// verdict is what can be said of the bytes of a request that have come.
type verdict int

const (
	// more is said of what may be the beginning of a plain request's head.
	more verdict = iota
	// plain is said of what begins with the whole head of one.
	plain
	// other is said of all else, valid or not.
	other
)

// head is the head of a plain request: POST, a path without anything to unescape,
// HTTP/1.1, and fields that are each there once, of which none asks for anything
// but a body of a length that is given. What it takes, net/http takes, and to the
// same request; a fuzz test holds it to that. Whatever is unusual is left to
// net/http, so nothing here has to say why something is wrong.
type head struct {
	path, host string
	fields     http.Header
	length     int
	// size is that of the head itself, in bytes.
	size int

	places [fieldsMost]place
	values [fieldsMost]string
}

// place says where a field's name and value are in the head.
type place struct{ name, nameEnd, value, valueEnd int }

const method = "POST "

// read looks at the bytes that have come. Only when it says plain does the head
// hold something; of the bytes it keeps none.
func (h *head) read(text []byte) verdict {
	if n := min(len(text), len(method)); string(text[:n]) != method[:n] {
		return other
	}
	end, said := lineEnd(text, 0)
	if said != plain {
		return said
	}
	path, proto, _ := bytes.Cut(text[len(method):end], []byte(" "))
	if string(proto) != "HTTP/1.1" || !isPath(path) {
		return other
	}
	n := 0
	for {
		at := end + 2
		if end, said = lineEnd(text, at); said != plain {
			return said
		}
		if end == at {
			break
		}
		if n == fieldsMost || !h.places[n].find(text, at, end) {
			return other
		}
		n++
	}
	if h.size = end + 2; h.size > headSize {
		return other
	}
	return h.fill(string(text[:h.size]), len(path), n)
}

// lineEnd gives where the line that begins at at ends, before its CR LF.
func lineEnd(text []byte, at int) (int, verdict) {
	i := bytes.IndexByte(text[at:], '\n')
	switch {
	case i < 0:
		return 0, more
	case i == 0 || text[at+i-1] != '\r':
		return 0, other
	}
	return at + i - 1, plain
}

// isPath reports whether a path stands for itself: no escapes, no query, nothing
// that a router would clean.
func isPath(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	for i, c := range path {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '/' && (i == 0 || path[i-1] != '/'):
		default:
			return false
		}
	}
	return true
}

// find finds the field in a line.
func (p *place) find(text []byte, at, end int) bool {
	colon := bytes.IndexByte(text[at:end], ':')
	if colon < 1 {
		return false
	}
	*p = place{at, at + colon, at + colon + 1, end}
	for _, c := range text[p.name:p.nameEnd] {
		if !isToken[c] {
			return false
		}
	}
	for p.value < end && (text[p.value] == ' ' || text[p.value] == '\t') {
		p.value++
	}
	for p.valueEnd > p.value && (text[p.valueEnd-1] == ' ' || text[p.valueEnd-1] == '\t') {
		p.valueEnd--
	}
	for _, c := range text[p.value:p.valueEnd] {
		if (c < ' ' && c != '\t') || c > '~' {
			return false
		}
	}
	return true
}

// isToken tells the bytes of a field's name.
var isToken = func() (is [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		is[c] = true
	}
	return is
}()

// fill takes what was found out of the head's text.
func (h *head) fill(text string, path, n int) verdict {
	h.path, h.host, h.length = text[len(method):len(method)+path], "", -1
	clear(h.fields)
	for i := range h.places[:n] {
		p := &h.places[i]
		name, value := textproto.CanonicalMIMEHeaderKey(text[p.name:p.nameEnd]), text[p.value:p.valueEnd]
		if _, twice := h.fields[name]; twice || !h.allows(name, value) {
			return other
		}
		h.values[i] = value
		h.fields[name] = h.values[i : i+1 : i+1]
	}
	delete(h.fields, "Host") // As net/http does.
	if h.host == "" || h.length < 0 {
		return other
	}
	return plain
}

// allows notes what a field says and reports whether a plain request may have it.
func (h *head) allows(name, value string) bool {
	switch name {
	case "Host":
		h.host = value
		return isHost(value)
	case "Content-Length":
		for _, c := range []byte(value) {
			if c < '0' || c > '9' {
				return false
			}
		}
		length, err := strconv.Atoi(value)
		h.length = length
		return err == nil && length <= bodyMost
	case "Connection":
		return strings.EqualFold(value, "keep-alive")
	case "Transfer-Encoding", "Te", "Trailer", "Expect", "Upgrade", "Http2-Settings", "Pragma":
		return false
	}
	return true
}

func isHost(host string) bool {
	for _, c := range []byte(host) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._:[]", c) >= 0:
		default:
			return false
		}
	}
	return host != ""
}
