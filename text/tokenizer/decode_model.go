package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"unicode/utf8"
)

type wordPieceFile struct {
	Type      string           `json:"type"`
	Unknown   string           `json:"unk_token"`
	Prefix    string           `json:"continuing_subword_prefix"`
	MostChars *int             `json:"max_input_chars_per_word"`
	Vocab     map[string]int32 `json:"vocab"`
}

type bytePairFile struct {
	Type         string            `json:"type"`
	Dropout      *float64          `json:"dropout"`
	Unknown      *string           `json:"unk_token"`
	Prefix       *string           `json:"continuing_subword_prefix"`
	Suffix       *string           `json:"end_of_word_suffix"`
	Fuse         bool              `json:"fuse_unk"`
	ByteFallback bool              `json:"byte_fallback"`
	IgnoreMerges bool              `json:"ignore_merges"`
	Vocab        map[string]int32  `json:"vocab"`
	Merges       []json.RawMessage `json:"merges"`
}

// decodeModel reads the model, and gives its tokens.
func decodeModel(b json.RawMessage) (subwords, map[string]int32, error) {
	if absent(b) {
		return nil, nil, malformed("model", "is missing")
	}
	// Files before version 0.10 of the library say by their keys what they hold.
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(b, &keys); err != nil {
		return nil, nil, malformed("model", "cannot be read").Because(err)
	}
	name, err := kind(b, "model")
	if err != nil {
		return nil, nil, err
	}
	if name == "" && keys["merges"] != nil {
		name = "BPE"
	} else if name == "" && keys["max_input_chars_per_word"] != nil {
		name = "WordPiece"
	} else if name == "" && keys["unk_id"] != nil {
		name = "Unigram"
	}
	switch name {
	case "WordPiece":
		return decodeWordPiece(b)
	case "BPE":
		return decodeBytePair(b)
	case "Unigram":
		return decodeUnigram(b)
	case "WordLevel":
		return decodeWordLevel(b)
	}
	return nil, nil, unsupported("model.type", "%q", name)
}

func decodeWordPiece(b []byte) (subwords, map[string]int32, error) {
	var f wordPieceFile
	if err := strict(b, &f, "model"); err != nil {
		return nil, nil, err
	}
	m := &wordPiece{first: map[string]int32{}, later: map[string]int32{}, mostChars: 100}
	if f.MostChars != nil {
		m.mostChars = *f.MostChars
	}
	var known bool
	if m.unknown, known = f.Vocab[f.Unknown]; !known {
		return nil, nil, malformed("model.unk_token", "%q is not in the vocabulary", f.Unknown)
	}
	for token, id := range f.Vocab {
		m.longest = max(m.longest, len(token))
		m.first[token] = id
		if rest, found := strings.CutPrefix(token, f.Prefix); found {
			m.later[rest] = id
		}
	}
	return m, f.Vocab, nil
}

func decodeBytePair(b []byte) (subwords, map[string]int32, error) {
	var f bytePairFile
	if err := strict(b, &f, "model"); err != nil {
		return nil, nil, err
	}
	if f.Dropout != nil && *f.Dropout != 0 {
		return nil, nil, unsupported("model.dropout", "%v: tokens would be left to chance", *f.Dropout)
	}
	m := &bytePair{vocabulary: make(map[string]int32, len(f.Vocab)), merges: make(map[uint64]joined, len(f.Merges)), unknown: -1, fuse: f.Fuse, whole: f.IgnoreMerges}
	for token, id := range f.Vocab {
		m.vocabulary[token] = id
	}
	if f.Unknown != nil {
		id, known := f.Vocab[*f.Unknown]
		if !known {
			return nil, nil, malformed("model.unk_token", "%q is not in the vocabulary", *f.Unknown)
		}
		m.unknown = id
	}
	if f.Prefix != nil {
		m.prefix = *f.Prefix
	}
	if f.Suffix != nil {
		m.suffix = *f.Suffix
	}
	if len(m.prefix)+len(m.suffix) > mostText {
		return nil, nil, unsupported("model", "has a prefix and suffix of more than %d bytes", mostText)
	}
	m.bytes = byteTokens(f.Vocab, f.ByteFallback)
	for i, item := range f.Merges {
		if err := m.learn(i, item); err != nil {
			return nil, nil, err
		}
	}
	return m, f.Vocab, nil
}

// byteTokens gives the tokens that stand for single bytes, -1 for none.
func byteTokens(vocabulary map[string]int32, used bool) (ids [256]int32) {
	for i := range ids {
		ids[i] = -1
		if id, known := vocabulary[fmt.Sprintf("<0x%02X>", i)]; known && used {
			ids[i] = id
		}
	}
	return ids
}

type unigramFile struct {
	Type         string      `json:"type"`
	Unknown      *int32      `json:"unk_id"`
	ByteFallback bool        `json:"byte_fallback"`
	Vocab        []scoreFile `json:"vocab"`
}

// scoreFile is a token with its score: ["a", -2.5].
type scoreFile struct {
	token string
	score float64
}

func (f *scoreFile) UnmarshalJSON(b []byte) error {
	f.score = math.NaN() // for what has none
	two := [2]any{&f.token, &f.score}
	return json.Unmarshal(b, &two)
}

func decodeUnigram(b []byte) (subwords, map[string]int32, error) {
	var f unigramFile
	if err := strict(b, &f, "model"); err != nil {
		return nil, nil, err
	}
	if f.Unknown == nil {
		return nil, nil, unsupported("model.unk_id", "is missing: there would be no token for what is unknown")
	}
	if *f.Unknown < 0 || int(*f.Unknown) >= len(f.Vocab) {
		return nil, nil, malformed("model.unk_id", "is %d, of %d tokens", *f.Unknown, len(f.Vocab))
	}
	m := &unigram{scores: make([]float64, len(f.Vocab)), ids: make(map[string]int32, len(f.Vocab)), unknown: *f.Unknown, unknownFor: math.Inf(1)}
	entries := make([]entry, 0, len(f.Vocab))
	for i, v := range f.Vocab {
		if !finite(v.score) {
			return nil, nil, malformed(fmt.Sprintf("model.vocab[%d]", i), "scores %v", v.score)
		}
		m.scores[i], m.unknownFor = v.score, min(m.unknownFor, v.score-unknownPenalty)
		m.ids[v.token] = int32(i)
		if v.token != "" {
			entries = append(entries, entry{v.token, int32(i)})
		}
	}
	m.tree = newPrefixTree(entries)
	m.bytes = byteTokens(m.ids, f.ByteFallback)
	// The map is shared with added tokens, which are none of the model's.
	return m, maps.Clone(m.ids), nil
}

func decodeWordLevel(b []byte) (subwords, map[string]int32, error) {
	var f struct {
		Type    string           `json:"type"`
		Unknown string           `json:"unk_token"`
		Vocab   map[string]int32 `json:"vocab"`
	}
	if err := strict(b, &f, "model"); err != nil {
		return nil, nil, err
	}
	unknown, known := f.Vocab[f.Unknown]
	if !known {
		return nil, nil, malformed("model.unk_token", "%q is not in the vocabulary", f.Unknown)
	}
	return &wordLevel{maps.Clone(f.Vocab), unknown}, f.Vocab, nil
}

// learn takes a merge in, which is written "a b" or ["a", "b"].
func (m *bytePair) learn(i int, item json.RawMessage) error {
	path := fmt.Sprintf("model.merges[%d]", i)
	var two []string
	var one string
	if json.Unmarshal(item, &one) == nil {
		two = strings.Split(one, " ")
	} else if err := json.Unmarshal(item, &two); err != nil {
		return malformed(path, "is neither a text nor a list of two").Because(err)
	}
	if len(two) != 2 || !utf8.ValidString(two[0]+two[1]) {
		return malformed(path, "is not of two tokens")
	}
	a, hasA := m.vocabulary[two[0]]
	b, hasB := m.vocabulary[two[1]]
	both := two[0] + strings.TrimPrefix(two[1], m.prefix)
	id, known := m.vocabulary[both]
	if !hasA || !hasB || !known {
		return malformed(path, "%q, %q or what they make together is not in the vocabulary", two[0], two[1])
	}
	m.merges[pair(a, b)] = joined{int32(i), id}
	return nil
}
