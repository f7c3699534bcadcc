// Package tokenizer makes of a text the tokens that a model was trained on, as
// the tokenizer.json of Hugging Face's tokenizers library describes: normalizers,
// pre-tokenizers, WordPiece, byte-pair encoding, Unigram or whole words, added tokens, post-processors,
// truncation and padding. It gives the ids and places that the library gives. What
// it does not know of a file is refused by name, so that nothing differs in silence.
package tokenizer

import (
	"sync"

	"orrery.dev"
)

// Span is a part of a text: the bytes [Start, End).
type Span struct{ Start, End int32 }

// Encoding is the tokens of a text. Its lists are equally long.
type Encoding struct {
	// IDs are the tokens, Types the numbers of the parts that they belong to.
	IDs, Types []int32
	// Offsets are the places of the tokens in the text, in bytes; empty ones for
	// what the post-processor adds.
	Offsets []Span
	// Mask is 1 for a token and 0 for padding, Special 1 for what the
	// post-processor or padding adds.
	Mask, Special []int32
}

// Len gives the number of tokens.
func (e *Encoding) Len() int { return len(e.IDs) }

// Tokenizer is a tokenizer.json, read. It is immutable and safe for concurrent
// use.
type Tokenizer struct {
	normalize  normalizer   // nil for none
	split      preTokenizer // nil for none
	model      subwords
	post       []postProcessor
	raw        addedTokens // looked for in the text as it is
	normalised addedTokens // looked for in the normalised text
	added      int         // tokens that post adds
	truncation Truncation
	padding    *Padding
	tokens     map[string]int32
	vocabulary int // one more than the greatest id
	scratches  sync.Pool
}

// Truncation bounds the tokens of a text, those that the post-processor adds
// among them. Length 0 is no bound. Left cuts off the beginning.
type Truncation struct {
	Length int
	Left   bool
}

// Padding brings texts that are encoded together to one length: that of the
// longest, or Length where it is not 0, and then up to a multiple of Multiple. Left
// pads in front.
type Padding struct {
	Length, Multiple int
	Left             bool
	ID, Type         int32
}

// Truncation gives the bound in force.
func (t *Tokenizer) Truncation() Truncation { return t.truncation }

// Padding gives what the file says of it, nil where it says nothing.
func (t *Tokenizer) Padding() *Padding { return t.padding }

// Vocabulary gives a number above every id that an encoding can have.
func (t *Tokenizer) Vocabulary() int { return t.vocabulary }

// ID gives the id of a token, false where there is none.
func (t *Tokenizer) ID(token string) (int32, bool) { id, ok := t.tokens[token]; return id, ok }

// Truncated gives a tokenizer that differs in how long an encoding can be. An
// error of kind Invalid says that so short a one has no room for a token beside
// those that the post-processor adds.
func (t *Tokenizer) Truncated(by Truncation) (*Tokenizer, error) {
	if err := t.room(by); err != nil {
		return nil, err
	}
	return &Tokenizer{normalize: t.normalize, split: t.split, model: t.model, post: t.post, raw: t.raw, normalised: t.normalised,
		added: t.added, truncation: by, padding: t.padding, tokens: t.tokens, vocabulary: t.vocabulary}, nil
}

func (t *Tokenizer) room(by Truncation) error {
	if by.Length < 0 || by.Length > 0 && by.Length <= t.added {
		return orrery.Errorf(orrery.Invalid, "tokenizer_length", "texts are cut to %d tokens, and %d are added to every text", by.Length, t.added).
			WithNext("allow more tokens")
	}
	return nil
}

// Encode gives the tokens of a text, truncated, not padded. Bytes that are no
// UTF-8 are read as U+FFFD, one each.
func (t *Tokenizer) Encode(text string) *Encoding {
	s, _ := t.scratches.Get().(*scratch)
	if s == nil {
		s = newScratch()
	}
	defer t.scratches.Put(s)
	s.reset()
	e := &Encoding{}
	t.pieces(s, text, func(p piece) {
		if p.token >= 0 {
			e.add(p.token, Span{p.at[0].Start, p.at[len(p.at)-1].End})
			return
		}
		s.tokens = s.tokens[:0]
		from := 0
		for _, token := range t.words(s, p.b) {
			to := min(from+int(token.length), len(p.at))
			at := Span{int32(from), int32(from)}
			if from < to {
				at = Span{p.at[from].Start, p.at[to-1].End}
			}
			e.add(token.id, at)
			from = min(from+int(token.onward), len(p.at))
		}
	})
	e.truncate(t.truncation, t.added)
	e.Types, e.Mask, e.Special = make([]int32, e.Len()), make([]int32, e.Len()), make([]int32, e.Len())
	for i := range e.Mask {
		e.Mask[i] = 1
	}
	for _, p := range t.post {
		p.process(text, e)
	}
	return e
}

// EncodeAll gives the tokens of texts, padded to one length as the file says, or
// with zeros behind to that of the longest.
func (t *Tokenizer) EncodeAll(texts []string) []*Encoding {
	out, longest := make([]*Encoding, len(texts)), 0
	for i, text := range texts {
		out[i] = t.Encode(text)
		longest = max(longest, out[i].Len())
	}
	p := t.padding
	if p == nil {
		p = &Padding{}
	}
	for _, e := range out {
		e.pad(p, longest)
	}
	return out
}

// pieces calls visit for each piece of a text that is one word to the model, or an
// added token.
func (t *Tokenizer) pieces(s *scratch, whole string, visit func(piece)) {
	t.raw.cut(piece{s.read(whole), -1}, func(p piece) {
		if p.token >= 0 {
			visit(p)
			return
		}
		if t.normalize != nil {
			p.text = t.normalize(s, p.text)
		}
		t.normalised.cut(p, func(p piece) {
			switch {
			case len(p.b) == 0:
			case p.token >= 0 || t.split == nil:
				visit(p)
			default:
				t.split(s, p.text, func(in text) {
					if len(in.b) > 0 {
						visit(piece{in, -1})
					}
				})
			}
		})
	})
}

// longestKept and mostKept bound the words whose tokens are remembered.
const (
	longestKept = 64
	mostKept    = 1 << 14
)

// words gives the tokens of a word, those of a short one from memory.
func (t *Tokenizer) words(s *scratch, word []byte) []token {
	if len(word) > longestKept {
		s.tokens = t.model.tokens(s, word, s.tokens)
		return s.tokens
	}
	if known, ok := s.known[string(word)]; ok {
		return known
	}
	s.tokens = t.model.tokens(s, word, s.tokens)
	if len(s.known) >= mostKept {
		clear(s.known)
	}
	s.known[string(word)] = append([]token(nil), s.tokens...)
	return s.tokens
}

func (e *Encoding) add(id int32, at Span) {
	e.IDs, e.Offsets = append(e.IDs, id), append(e.Offsets, at)
}

// truncate keeps room for the tokens that are added later.
func (e *Encoding) truncate(by Truncation, added int) {
	if by.Length == 0 || e.Len() <= by.Length-added {
		return
	}
	from, to := 0, by.Length-added
	if by.Left {
		from, to = e.Len()-to, e.Len()
	}
	e.IDs, e.Offsets = e.IDs[from:to], e.Offsets[from:to]
}

// pad brings an encoding to the length of the longest, as a padding says.
func (e *Encoding) pad(p *Padding, longest int) {
	length := longest
	if p.Length > 0 {
		length = p.Length
	}
	if m := p.Multiple; m > 1 {
		length = (length + m - 1) / m * m
	}
	n := length - e.Len()
	if n <= 0 {
		return
	}
	e.IDs = extended(e.IDs, n, p.Left, p.ID)
	e.Types = extended(e.Types, n, p.Left, p.Type)
	e.Offsets = extended(e.Offsets, n, p.Left, Span{})
	e.Mask = extended(e.Mask, n, p.Left, 0)
	e.Special = extended(e.Special, n, p.Left, 1)
}

func extended[T any](list []T, n int, left bool, with T) []T {
	more := make([]T, n, n+len(list))
	for i := range more {
		more[i] = with
	}
	if left {
		return append(more, list...)
	}
	return append(list, more...)
}
