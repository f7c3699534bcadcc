package tokenizer

import (
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// decodeNormalizer reads a normalizer, nil for none. growth is multiplied by how
// many bytes it may make of one.
func decodeNormalizer(b json.RawMessage, path string, growth *float64, depth int) (normalizer, error) {
	if absent(b) {
		return nil, nil
	}
	name, err := kind(b, path)
	if err != nil {
		return nil, err
	}
	var only struct {
		Type string `json:"type"`
	}
	grows := func(by float64, n normalizer) (normalizer, error) {
		*growth *= by
		return n, strict(b, &only, path)
	}
	switch name {
	case "Lowercase":
		return grows(1.5, lowercase)
	case "StripAccents":
		return grows(1, stripAccents)
	case "NFC":
		return grows(3, normalForm(norm.NFC))
	case "NFD":
		return grows(4, normalForm(norm.NFD))
	case "NFKC":
		return grows(11, normalForm(norm.NFKC))
	case "NFKD":
		return grows(11, normalForm(norm.NFKD))
	case "BertNormalizer":
		var f struct {
			Type      string `json:"type"`
			Clean     bool   `json:"clean_text"`
			Chinese   bool   `json:"handle_chinese_chars"`
			Strip     *bool  `json:"strip_accents"`
			Lowercase bool   `json:"lowercase"`
		}
		*growth *= 12
		err := strict(b, &f, path)
		return bert(f.Clean, f.Chinese, f.Strip == nil && f.Lowercase || f.Strip != nil && *f.Strip, f.Lowercase), err
	case "Strip":
		var f struct {
			Type  string `json:"type"`
			Left  bool   `json:"strip_left"`
			Right bool   `json:"strip_right"`
		}
		err := strict(b, &f, path)
		return strip(f.Left, f.Right), err
	case "Prepend":
		var f struct {
			Type    string `json:"type"`
			Prepend string `json:"prepend"`
		}
		if err := strict(b, &f, path); err != nil {
			return nil, err
		}
		*growth *= float64(1 + len(f.Prepend))
		return prepend(f.Prepend), nil
	case "Nmt":
		return grows(1, nmt)
	case "Precompiled":
		return decodePrecompiled(b, path, growth)
	case "Replace":
		return decodeReplace(b, path, growth)
	case "Sequence":
		return decodeNormalizers(b, path, growth, depth)
	}
	return nil, unsupported(path+".type", "%q", name)
}

func decodeReplace(b json.RawMessage, path string, growth *float64) (normalizer, error) {
	var f struct {
		Type    string          `json:"type"`
		Pattern json.RawMessage `json:"pattern"`
		Content string          `json:"content"`
	}
	if err := strict(b, &f, path); err != nil {
		return nil, err
	}
	p, err := decodePattern(f.Pattern, path+".pattern")
	*growth *= float64(max(1, len(f.Content)))
	return replace(p, f.Content), err
}

func decodeNormalizers(b json.RawMessage, path string, growth *float64, depth int) (normalizer, error) {
	var f struct {
		Type        string            `json:"type"`
		Normalizers []json.RawMessage `json:"normalizers"`
	}
	if err := nested(b, &f, path, depth); err != nil {
		return nil, err
	}
	var all []normalizer
	for i, item := range f.Normalizers {
		n, err := decodeNormalizer(item, fmt.Sprintf("%s.normalizers[%d]", path, i), growth, depth+1)
		if err != nil {
			return nil, err
		}
		if n != nil {
			all = append(all, n)
		}
	}
	return inOrder(all), nil
}

func nested(b json.RawMessage, f any, path string, depth int) error {
	if depth >= mostNested {
		return unsupported(path, "stands %d sequences deep", depth)
	}
	return strict(b, f, path)
}

// decodePattern reads {"String": …} or {"Regex": …}.
func decodePattern(b json.RawMessage, path string) (pattern, error) {
	var f struct {
		String *string
		Regex  *string
	}
	if err := strict(b, &f, path); err != nil {
		return nil, err
	}
	switch {
	case f.String != nil && f.Regex == nil && *f.String != "":
		return literal(*f.String), nil
	case f.Regex != nil && f.String == nil:
		return compile(*f.Regex, path)
	}
	return nil, malformed(path, "is neither a String nor a Regex")
}

// decodePreTokenizer reads a pre-tokenizer, nil for none.
func decodePreTokenizer(b json.RawMessage, path string, depth int) (preTokenizer, error) {
	if absent(b) {
		return nil, nil
	}
	name, err := kind(b, path)
	if err != nil {
		return nil, err
	}
	var only struct {
		Type string `json:"type"`
	}
	switch name {
	case "BertPreTokenizer":
		return bertWords, strict(b, &only, path)
	case "Whitespace":
		return splitBy(inverted{wordRuns{}}, removed), strict(b, &only, path)
	case "WhitespaceSplit":
		return splitBy(runeSet(unicode.IsSpace), removed), strict(b, &only, path)
	case "ByteLevel":
		var f byteLevelFile
		err := strict(b, &f, path)
		return byteLevel(or(f.AddPrefixSpace, true), or(f.UseRegex, true)), err
	case "Punctuation":
		f := struct {
			Type     string   `json:"type"`
			Behavior behavior `json:"behavior"`
		}{Behavior: isolated}
		if err := strict(b, &f, path); err != nil {
			return nil, err
		}
		return splitBy(runeSet(isPunctuation), f.Behavior), f.Behavior.check(path)
	case "Digits":
		var f struct {
			Type       string `json:"type"`
			Individual bool   `json:"individual_digits"`
		}
		err := strict(b, &f, path)
		how := contiguous
		if f.Individual {
			how = isolated
		}
		return splitBy(runeSet(unicode.IsNumber), how), err
	case "CharDelimiterSplit":
		var f struct {
			Type      string `json:"type"`
			Delimiter string `json:"delimiter"`
		}
		if err := strict(b, &f, path); err != nil {
			return nil, err
		}
		if utf8.RuneCountInString(f.Delimiter) != 1 {
			return nil, malformed(path+".delimiter", "%q is not one character", f.Delimiter)
		}
		return splitBy(literal(f.Delimiter), removed), nil
	case "Split":
		return decodeSplit(b, path)
	case "Metaspace":
		return decodeMetaspace(b, path)
	case "Sequence":
		return decodePreTokenizers(b, path, depth)
	}
	return nil, unsupported(path+".type", "%q", name)
}

type byteLevelFile struct {
	Type           string `json:"type"`
	AddPrefixSpace *bool  `json:"add_prefix_space"`
	TrimOffsets    *bool  `json:"trim_offsets"`
	UseRegex       *bool  `json:"use_regex"`
}

func or(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

func (b behavior) check(path string) error {
	if b.valid() {
		return nil
	}
	return malformed(path+".behavior", "%q", string(b))
}

func decodeSplit(b json.RawMessage, path string) (preTokenizer, error) {
	var f struct {
		Type     string          `json:"type"`
		Pattern  json.RawMessage `json:"pattern"`
		Behavior behavior        `json:"behavior"`
		Invert   bool            `json:"invert"`
	}
	if err := strict(b, &f, path); err != nil {
		return nil, err
	}
	p, err := decodePattern(f.Pattern, path+".pattern")
	if err != nil {
		return nil, err
	}
	if f.Invert {
		p = inverted{p}
	}
	return splitBy(p, f.Behavior), f.Behavior.check(path)
}

func decodeMetaspace(b json.RawMessage, path string) (preTokenizer, error) {
	var f struct {
		Type        string `json:"type"`
		Replacement string `json:"replacement"`
		Scheme      string `json:"prepend_scheme"`
		Split       *bool  `json:"split"`
		// Written before there was a scheme.
		AddPrefixSpace *bool  `json:"add_prefix_space"`
		Written        string `json:"str_rep"`
	}
	if err := strict(b, &f, path); err != nil {
		return nil, err
	}
	sign, size := utf8.DecodeRuneInString(f.Replacement)
	if size == 0 || size != len(f.Replacement) {
		return nil, malformed(path+".replacement", "%q is not one character", f.Replacement)
	}
	if f.Scheme == "" {
		f.Scheme = "always"
		if !or(f.AddPrefixSpace, true) {
			f.Scheme = "never"
		}
	}
	if f.Scheme != "always" && f.Scheme != "first" && f.Scheme != "never" {
		return nil, malformed(path+".prepend_scheme", "%q", f.Scheme)
	}
	return metaspace(sign, f.Scheme == "always", f.Scheme == "first", or(f.Split, true)), nil
}

func decodePreTokenizers(b json.RawMessage, path string, depth int) (preTokenizer, error) {
	var f struct {
		Type          string            `json:"type"`
		PreTokenizers []json.RawMessage `json:"pretokenizers"`
	}
	if err := nested(b, &f, path, depth); err != nil {
		return nil, err
	}
	var all []preTokenizer
	for i, item := range f.PreTokenizers {
		p, err := decodePreTokenizer(item, fmt.Sprintf("%s.pretokenizers[%d]", path, i), depth+1)
		if err != nil {
			return nil, err
		}
		if p != nil {
			all = append(all, p)
		}
	}
	return oneAfterAnother(all), nil
}
