package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"orrery.dev"
)

// Bounds of a file.
const (
	mostBytes   = 256 << 20
	mostNested  = 8
	mostText    = 256 // bytes of a text that is put in, or of an added token
	mostGrowth  = 256 // how many bytes a normalizer may make of one
	mostPadding = 1 << 20
	mostUnits   = 1 << 20 // of a table of characters
)

// file is a tokenizer.json.
type file struct {
	Version       string          `json:"version"`
	Truncation    *truncationFile `json:"truncation"`
	Padding       *paddingFile    `json:"padding"`
	AddedTokens   []addedFile     `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"` // of no use here
	Model         json.RawMessage `json:"model"`
}

type truncationFile struct {
	Direction string `json:"direction"`
	MaxLength int    `json:"max_length"`
	Strategy  string `json:"strategy"`
	Stride    int    `json:"stride"` // of the parts that are cut off
}

type paddingFile struct {
	Strategy  json.RawMessage `json:"strategy"`
	Direction string          `json:"direction"`
	Multiple  int             `json:"pad_to_multiple_of"`
	ID        int32           `json:"pad_id"`
	Type      int32           `json:"pad_type_id"`
	Token     string          `json:"pad_token"`
}

type addedFile struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// Decode reads a tokenizer.json. It keeps nothing of b. An error of kind Invalid
// says with the code tokenizer_malformed that the file is none, and with
// tokenizer_unsupported what of it this program does not do.
func Decode(b []byte) (*Tokenizer, error) {
	if len(b) > mostBytes {
		return nil, malformed("", "has %d bytes, more than %d", len(b), mostBytes)
	}
	var f file
	if err := strict(b, &f, ""); err != nil {
		return nil, err
	}
	if f.Version != "1.0" {
		return nil, unsupported("version", "%q, which is not 1.0", f.Version)
	}
	t := &Tokenizer{}
	var err error
	if t.model, t.tokens, err = decodeModel(f.Model); err != nil {
		return nil, err
	}
	growth := 1.0
	if t.normalize, err = decodeNormalizer(f.Normalizer, "normalizer", &growth, 0); err != nil {
		return nil, err
	}
	if growth > mostGrowth {
		return nil, unsupported("normalizer", "makes a text up to %.0f times as long, which is more than %d", growth, mostGrowth)
	}
	if t.split, err = decodePreTokenizer(f.PreTokenizer, "pre_tokenizer", 0); err != nil {
		return nil, err
	}
	if err := t.decodeAdded(f.AddedTokens); err != nil {
		return nil, err
	}
	if err := t.checkIDs(); err != nil {
		return nil, err
	}
	if t.post, err = t.decodePost(f.PostProcessor, "post_processor", 0); err != nil {
		return nil, err
	}
	for _, p := range t.post {
		t.added += p.adds()
	}
	if err := t.decodePadding(f.Padding); err != nil {
		return nil, err
	}
	return t, t.decodeTruncation(f.Truncation)
}

func (t *Tokenizer) decodeAdded(list []addedFile) error {
	s := newScratch()
	// Special ones are looked for before others of the same content.
	for _, special := range []bool{true, false} {
		for i, a := range list {
			if a.Special != special {
				continue
			}
			path := fmt.Sprintf("added_tokens[%d]", i)
			id, known := t.tokens[a.Content]
			switch {
			case len(a.Content) > mostText:
				return unsupported(path, "has %d bytes, more than %d", len(a.Content), mostText)
			case known && id != a.ID || a.ID < 0:
				return malformed(path, "%q has the id %d, and the model says %d", a.Content, a.ID, id)
			}
			t.tokens[a.Content] = a.ID
			token := addedToken{a.ID, a.SingleWord, a.LStrip, a.RStrip}
			if !a.Normalized {
				t.raw.add(a.Content, token)
				continue
			}
			content := s.read(a.Content)
			if t.normalize != nil {
				content = t.normalize(s, content)
			}
			t.normalised.add(string(content.b), token)
		}
	}
	return nil
}

// checkIDs asks for ids without great gaps, so that they can be indexes.
func (t *Tokenizer) checkIDs() error {
	greatest := int32(-1)
	for token, id := range t.tokens {
		if id < 0 || int(id) > 4*len(t.tokens)+4096 {
			return malformed("model.vocab", "%q has the id %d, among %d tokens", token, id, len(t.tokens))
		}
		greatest = max(greatest, id)
	}
	t.vocabulary = int(greatest) + 1
	return nil
}

func (t *Tokenizer) decodeTruncation(f *truncationFile) error {
	if f == nil {
		return nil
	}
	if f.Strategy != "LongestFirst" && f.Strategy != "OnlyFirst" {
		return unsupported("truncation.strategy", "%q", f.Strategy)
	}
	left, err := direction("truncation.direction", f.Direction)
	if err != nil {
		return err
	}
	if f.MaxLength <= 0 || f.MaxLength > math.MaxInt32 {
		return malformed("truncation.max_length", "%d", f.MaxLength)
	}
	t.truncation = Truncation{f.MaxLength, left}
	return t.room(t.truncation)
}

func (t *Tokenizer) decodePadding(f *paddingFile) error {
	if f == nil {
		return nil
	}
	p := &Padding{Multiple: f.Multiple, ID: f.ID, Type: f.Type}
	var err error
	if p.Left, err = direction("padding.direction", f.Direction); err != nil {
		return err
	}
	var fixed struct{ Fixed int }
	if string(f.Strategy) != `"BatchLongest"` {
		if err := strict(f.Strategy, &fixed, "padding.strategy"); err != nil {
			return err
		}
		p.Length = fixed.Fixed
	}
	if p.Length < 0 || p.Length > mostPadding || p.Multiple < 0 || p.Multiple > mostPadding || p.ID < 0 || p.Type < 0 {
		return malformed("padding", "to %d tokens, a multiple of %d, with %d", p.Length, p.Multiple, p.ID)
	}
	t.padding, t.vocabulary = p, max(t.vocabulary, int(p.ID)+1)
	return nil
}

func direction(path, s string) (left bool, err error) {
	switch s {
	case "Right", "":
		return false, nil
	case "Left":
		return true, nil
	}
	return false, malformed(path, "%q", s)
}

// strict reads JSON into v and refuses keys that v does not have.
func strict(b []byte, v any, path string) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		return malformed(path, "has more behind its value")
	}
	if err == nil {
		return nil
	}
	if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return unsupported(path, "has the key %s", name)
	}
	return malformed(path, "cannot be read").Because(err)
}

// kind reads which of several a part of the file is.
func kind(b []byte, path string) (string, error) {
	var t struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return "", malformed(path, "cannot be read").Because(err)
	}
	return t.Type, nil
}

func absent(b json.RawMessage) bool { return len(b) == 0 || string(b) == "null" }

func malformed(path, what string, args ...any) *orrery.Error {
	return about("tokenizer_malformed", path, what, args).WithNext("use the tokenizer.json that was made with the model")
}

func unsupported(path, what string, args ...any) *orrery.Error {
	return about("tokenizer_unsupported", path, what, args).
		WithNext("use a tokenizer of kind WordPiece, BPE, Unigram or WordLevel, with parts that the reference of tokenizers lists")
}

func about(code, path, what string, args []any) *orrery.Error {
	if path != "" {
		path = " at " + path
	}
	return orrery.Errorf(orrery.Invalid, code, "tokenizer.json%s: "+what, append([]any{path}, args...)...)
}
