package tokenizer

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// addedToken is a text that is a token of its own wherever it stands.
type addedToken struct {
	id int32
	// word asks for no letter or digit around it; left and right take the white
	// space beside it along.
	word, left, right bool
}

// addedTokens are looked for together, the first before others, the longest of
// those that begin at one place.
type addedTokens struct {
	begins  [256]bool
	lengths []int // of the contents, falling
	tokens  map[string]addedToken
}

// add takes a token in, unless there is one of the same content.
func (a *addedTokens) add(content string, t addedToken) {
	if content == "" {
		return
	}
	if a.tokens == nil {
		a.tokens = map[string]addedToken{}
	}
	if _, there := a.tokens[content]; there {
		return
	}
	a.tokens[content], a.begins[content[0]] = t, true
	if !slices.Contains(a.lengths, len(content)) {
		a.lengths = append(a.lengths, len(content))
		slices.SortFunc(a.lengths, func(x, y int) int { return y - x })
	}
}

// cut calls visit for the tokens in a piece and for what is around them.
func (a *addedTokens) cut(p piece, visit func(piece)) {
	if p.token >= 0 || len(a.tokens) == 0 {
		visit(p)
		return
	}
	last := 0
	for at := 0; at < len(p.b); {
		t, size, found := a.longest(p.b[at:])
		if !found {
			at++
			continue
		}
		from, to := at, at+size
		at = to
		if t.word && (endsInWord(p.b[:from]) || beginsWithWord(p.b[to:])) {
			continue
		}
		if t.left {
			from = max(last, len(trimRight(p.b[:from])))
		}
		if t.right {
			to = len(p.b) - len(trimLeft(p.b[to:]))
		}
		if last < from {
			visit(piece{p.slice(last, from), -1})
		}
		visit(piece{p.slice(from, to), t.id})
		last = to
		at = max(at, last)
	}
	if last < len(p.b) {
		visit(piece{p.slice(last, len(p.b)), -1})
	}
}

func (a *addedTokens) longest(b []byte) (t addedToken, size int, found bool) {
	if !a.begins[b[0]] {
		return t, 0, false
	}
	for _, n := range a.lengths {
		if n <= len(b) {
			if t, found = a.tokens[string(b[:n])]; found {
				return t, n, true
			}
		}
	}
	return t, 0, false
}

func endsInWord(b []byte) bool {
	r, size := utf8.DecodeLastRune(b)
	return size > 0 && isWord(r)
}

func beginsWithWord(b []byte) bool {
	r, size := utf8.DecodeRune(b)
	return size > 0 && isWord(r)
}

func trimLeft(b []byte) []byte {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if !unicode.IsSpace(r) {
			break
		}
		b = b[size:]
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 {
		r, size := utf8.DecodeLastRune(b)
		if !unicode.IsSpace(r) {
			break
		}
		b = b[:len(b)-size]
	}
	return b
}
