package tokenizer_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/text/tokenizer"
)

// alter gives a tokenizer.json of the test data with one part replaced.
func alter(t *testing.T, name, path, with string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal([]byte(with), &value); err != nil {
		t.Fatalf("%s: %v", with, err)
	}
	at, keys := root, strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		at = at[key].(map[string]any)
	}
	at[keys[len(keys)-1]] = value
	if b, err = json.Marshal(root); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRefusals holds that what is not understood is named.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ path, with, code, says string }{
		{"version", `"2.0"`, "tokenizer_unsupported", "version"},
		{"surprise", `1`, "tokenizer_unsupported", `"surprise"`},
		{"model", `null`, "tokenizer_malformed", "model"},
		{"model.type", `"Syllable"`, "tokenizer_unsupported", `"Syllable"`},
		{"model", `{"type": "Unigram", "vocab": [["a", -1]]}`, "tokenizer_unsupported", "unk_id"},
		{"model", `{"type": "Unigram", "unk_id": 1, "vocab": [["a", -1]]}`, "tokenizer_malformed", "unk_id"},
		{"model", `{"type": "Unigram", "unk_id": 0, "vocab": [["a", -1], ["b"]]}`, "tokenizer_malformed", "vocab[1]"},
		{"model", `{"type": "Unigram", "unk_id": 0, "vocab": [["a", "b"]]}`, "tokenizer_malformed", "model"},
		{"model", `{"type": "WordLevel", "unk_token": "b", "vocab": {"a": 0}}`, "tokenizer_malformed", "unk_token"},
		{"model.unk_token", `"[GONE]"`, "tokenizer_malformed", `"[GONE]"`},
		{"model.surprise", `1`, "tokenizer_unsupported", `"surprise"`},
		{"model.vocab", `{"[UNK]": 900000}`, "tokenizer_malformed", "900000"},
		{"model", `{"type": "BPE", "dropout": 0.1, "vocab": {}, "merges": []}`, "tokenizer_unsupported", "dropout"},
		{"model", `{"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}`, "tokenizer_malformed", "merges[0]"},
		{"model", `{"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "a", "a"]]}`, "tokenizer_malformed", "merges[0]"},
		{"normalizer", `{"type": "Precompiled", "precompiled_charsmap": ""}`, "tokenizer_malformed", "precompiled_charsmap"},
		{"normalizer", `{"type": "Precompiled", "precompiled_charsmap": "/////wAA"}`, "tokenizer_malformed", "precompiled_charsmap"},
		{"normalizer", `{"type": "Precompiled", "precompiled_charsmap": "not base64"}`, "tokenizer_malformed", "normalizer"},
		{"normalizer", `{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "ByteLevel"}]}`, "tokenizer_unsupported", "normalizer.normalizers[1]"},
		{"normalizer", `{"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}`, "tokenizer_unsupported", "times as long"},
		{"normalizer", `{"type": "Replace", "pattern": {"Regex": "a(?=b)"}, "content": ""}`, "tokenizer_unsupported", "normalizer.pattern"},
		{"normalizer", `{"type": "Replace", "pattern": {"Regex": "a*"}, "content": ""}`, "tokenizer_unsupported", "nothing"},
		{"normalizer", `{"type": "Replace", "pattern": {"Regex": "a++"}, "content": ""}`, "tokenizer_unsupported", "a++"},
		{"normalizer", `{"type": "Replace", "pattern": {"String": ""}, "content": "x"}`, "tokenizer_malformed", "normalizer.pattern"},
		{"normalizer", `{"type": "BertNormalizer", "surprise": true}`, "tokenizer_unsupported", `normalizer: has the key "surprise"`},
		{"normalizer", strings.Repeat(`{"type": "Sequence", "normalizers": [`, 9) + strings.Repeat(`]}`, 9), "tokenizer_unsupported", "sequences deep"},
		{"pre_tokenizer", `{"type": "UnicodeScripts"}`, "tokenizer_unsupported", `"UnicodeScripts"`},
		{"pre_tokenizer", `{"type": "Split", "pattern": {"Regex": "\\bx"}, "behavior": "Isolated", "invert": false}`, "tokenizer_unsupported", "pre_tokenizer.pattern"},
		{"pre_tokenizer", `{"type": "Split", "pattern": {"String": "x"}, "behavior": "Sideways", "invert": false}`, "tokenizer_malformed", "Sideways"},
		{"pre_tokenizer", `{"type": "Metaspace", "replacement": "ab"}`, "tokenizer_malformed", "replacement"},
		{"post_processor", `{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[GONE]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {}}`, "tokenizer_malformed", "[GONE]"},
		{"post_processor", `{"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}}`, "tokenizer_unsupported", "0 times"},
		{"post_processor", `{"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 4000000]}`, "tokenizer_malformed", "4000000"},
		{"truncation", `{"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}`, "tokenizer_length", "2 tokens"},
		{"truncation", `{"direction": "Right", "max_length": 20, "strategy": "OnlySecond", "stride": 0}`, "tokenizer_unsupported", "OnlySecond"},
		{"padding.strategy", `{"Fixed": -1}`, "tokenizer_malformed", "padding"},
		{"padding.direction", `"Up"`, "tokenizer_malformed", "Up"},
		{"added_tokens", `[{"id": 1, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}]`, "tokenizer_malformed", "added_tokens[0]"},
	} {
		_, err := tokenizer.Decode(alter(t, "bert", c.path, c.with))
		if orrery.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: %v (%s), want %s about %q", c.path, c.with, err, orrery.CodeOf(err), c.code, c.says)
		}
	}
	for _, b := range []string{"", "{", "[]", `{"version": "1.0"} {}`} {
		if _, err := tokenizer.Decode([]byte(b)); orrery.CodeOf(err) != "tokenizer_malformed" {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// TestOldFiles reads what earlier versions of the library wrote: a model without
// its kind, merges as texts, and a metaspace without a scheme.
func TestOldFiles(t *testing.T) {
	b := alter(t, "metaspace_always", "normalizer", `null`)
	var root map[string]any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	now, err := tokenizer.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	model := root["model"].(map[string]any)
	delete(model, "type")
	for i, m := range model["merges"].([]any) {
		two := m.([]any)
		model["merges"].([]any)[i] = two[0].(string) + " " + two[1].(string)
	}
	root["pre_tokenizer"] = map[string]any{"type": "Metaspace", "replacement": "▁", "add_prefix_space": true, "str_rep": "▁", "split": false}
	if b, err = json.Marshal(root); err != nil {
		t.Fatal(err)
	}
	before, err := tokenizer.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range read(t).Texts {
		if a, b := now.Encode(text), before.Encode(text); !slices.Equal(a.IDs, b.IDs) {
			t.Errorf("%q: %v, was %v", text, a.IDs, b.IDs)
		}
	}
}

// names are the tokenizers of the test data.
var names = []string{"bert", "bert_cased", "bert_plain", "word_piece_sequence", "word_piece_split", "gpt2", "roberta", "trimmed", "cl100k", "gpt2_split", "llama", "metaspace", "metaspace_always", "clip", "xlm_roberta", "albert", "unigram_whole", "unigram_bytes", "word_level"}

// TestAlways holds for any text what every encoding has: lists of one length, ids
// of the vocabulary, places in the text at whole characters, no more tokens than
// asked for, and the same again from several goroutines.
func TestAlways(t *testing.T) {
	var all []*tokenizer.Tokenizer
	for _, name := range names {
		all = append(all, load(t, name))
	}
	texts := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{" ", "a", "the", "[MASK]", "zebra", "<mask>", "é", "e\u0301", "'s", "\n", "東", "\xff"})), func(s []string) string { return strings.Join(s, "") }))
	rapid.Check(t, func(t *rapid.T) {
		tok := rapid.SampledFrom(all).Draw(t, "tokenizer")
		if n := rapid.IntRange(0, 20).Draw(t, "length"); n > 3 {
			var err error
			if tok, err = tok.Truncated(tokenizer.Truncation{Length: n, Left: n%2 == 0}); err != nil {
				t.Fatal(err)
			}
		}
		text := texts.Draw(t, "text")
		e := tok.Encode(text)
		check(t, tok, text, e)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if again := tok.Encode(text); !slices.Equal(again.IDs, e.IDs) || !slices.Equal(again.Offsets, e.Offsets) {
					t.Errorf("%q became %v, and again %v", text, e.IDs, again.IDs)
				}
			})
		}
		both.Wait()
	})
}

func check(t interface{ Fatalf(string, ...any) }, tok *tokenizer.Tokenizer, text string, e *tokenizer.Encoding) {
	n := e.Len()
	if len(e.Types) != n || len(e.Offsets) != n || len(e.Mask) != n || len(e.Special) != n {
		t.Fatalf("%q: lists of different lengths: %+v", text, e)
	}
	if most := tok.Truncation().Length; most > 0 && n > most {
		t.Fatalf("%q: %d tokens, more than %d", text, n, most)
	}
	whole := utf8.ValidString(text)
	for i, id := range e.IDs {
		if id < 0 || int(id) >= tok.Vocabulary() {
			t.Fatalf("%q: token %d of %d", text, id, tok.Vocabulary())
		}
		at := e.Offsets[i]
		if at.Start < 0 || at.Start > at.End || int(at.End) > len(text) {
			t.Fatalf("%q: the place %v", text, at)
		}
		// The tokens of a part's bytes all have the place of the part.
		if whole && (i == 0 || at != e.Offsets[i-1]) && !utf8.ValidString(text[at.Start:at.End]) {
			t.Fatalf("%q: the place %v is within a character", text, at)
		}
	}
}

// TestLongTexts encodes what takes a quadratic algorithm long.
func TestLongTexts(t *testing.T) {
	for _, name := range names {
		tok := load(t, name)
		for _, text := range []string{strings.Repeat("a", 1<<16), strings.Repeat(" ", 1<<16), strings.Repeat("\u0301", 1<<15), strings.Repeat("[MASK", 1<<14), strings.Repeat("ab'", 1<<15)} {
			check(t, tok, text, tok.Encode(text))
		}
	}
}
