package tokenizer

import (
	"encoding/json"
	"fmt"
)

// namedToken is written ["[SEP]", 102].
type namedToken struct {
	token string
	id    int32
}

func (n *namedToken) UnmarshalJSON(b []byte) error {
	two := []any{&n.token, &n.id}
	if err := json.Unmarshal(b, &two); err != nil {
		return err
	}
	if len(two) != 2 {
		return fmt.Errorf("a token and its id are %d values", len(two))
	}
	return nil
}

// decodePost reads post-processors in their order.
func (t *Tokenizer) decodePost(b json.RawMessage, path string, depth int) ([]postProcessor, error) {
	if absent(b) {
		return nil, nil
	}
	name, err := kind(b, path)
	if err != nil {
		return nil, err
	}
	switch name {
	case "ByteLevel":
		var f byteLevelFile
		if err := strict(b, &f, path); err != nil || !or(f.TrimOffsets, true) {
			return nil, err
		}
		return []postProcessor{t.trimming(or(f.AddPrefixSpace, true))}, nil
	case "BertProcessing", "RobertaProcessing":
		var f struct {
			Type string     `json:"type"`
			Sep  namedToken `json:"sep"`
			Cls  namedToken `json:"cls"`
			Trim *bool      `json:"trim_offsets"`
			Add  *bool      `json:"add_prefix_space"`
		}
		if err := strict(b, &f, path); err != nil {
			return nil, err
		}
		around := template{{ids: []int32{f.Cls.id}}, {}, {ids: []int32{f.Sep.id}}}
		if err := t.checkTemplate(around, path); err != nil {
			return nil, err
		}
		if name == "BertProcessing" || !or(f.Trim, true) {
			return []postProcessor{around}, nil
		}
		return []postProcessor{t.trimming(or(f.Add, true)), around}, nil
	case "TemplateProcessing":
		return t.decodeTemplate(b, path)
	case "Sequence":
		var f struct {
			Type       string            `json:"type"`
			Processors []json.RawMessage `json:"processors"`
		}
		if err := nested(b, &f, path, depth); err != nil {
			return nil, err
		}
		var all []postProcessor
		for i, item := range f.Processors {
			more, err := t.decodePost(item, fmt.Sprintf("%s.processors[%d]", path, i), depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}
	return nil, unsupported(path+".type", "%q", name)
}

// trimming makes the post-processor that trims the offsets of this tokenizer.
func (t *Tokenizer) trimming(blank bool) *trimOffsets {
	p := &trimOffsets{blank, make([]blanksOf, t.vocabulary), make([]bool, t.vocabulary)}
	for token, id := range t.tokens {
		p.ends[id] = blanksAround(token)
	}
	for _, list := range []*addedTokens{&t.raw, &t.normalised} {
		for _, token := range list.tokens {
			p.added[token.id] = true
		}
	}
	return p
}

type templateItem struct {
	SpecialToken *templateID
	Sequence     *templateID
}

type templateID struct {
	ID   string `json:"id"`
	Type int32  `json:"type_id"`
}

func (t *Tokenizer) decodeTemplate(b json.RawMessage, path string) ([]postProcessor, error) {
	var f struct {
		Type    string          `json:"type"`
		Single  []templateItem  `json:"single"`
		Pair    json.RawMessage `json:"pair"` // of two texts
		Special map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := strict(b, &f, path); err != nil {
		return nil, err
	}
	var out template
	texts := 0
	for i, item := range f.Single {
		at := fmt.Sprintf("%s.single[%d]", path, i)
		switch {
		case item.Sequence != nil && item.SpecialToken == nil && item.Sequence.ID == "A":
			out = append(out, templatePart{part: item.Sequence.Type})
			texts++
		case item.SpecialToken != nil && item.Sequence == nil:
			special, known := f.Special[item.SpecialToken.ID]
			if !known || len(special.IDs) == 0 {
				return nil, malformed(at, "%q is not among special_tokens", item.SpecialToken.ID)
			}
			out = append(out, templatePart{ids: special.IDs, part: item.SpecialToken.Type})
		default:
			return nil, malformed(at, "is neither a special token nor the text A")
		}
	}
	if texts != 1 {
		return nil, unsupported(path+".single", "has the text %d times", texts)
	}
	return []postProcessor{out}, t.checkTemplate(out, path)
}

// checkTemplate asks for ids that the tokenizer has.
func (t *Tokenizer) checkTemplate(p template, path string) error {
	for _, part := range p {
		for _, id := range part.ids {
			if id < 0 || int(id) >= t.vocabulary {
				return malformed(path, "adds the token %d, among %d", id, t.vocabulary)
			}
		}
		if part.part < 0 {
			return malformed(path, "has the type %d", part.part)
		}
	}
	if p.adds() > mostText {
		return unsupported(path, "adds %d tokens, more than %d", p.adds(), mostText)
	}
	return nil
}
