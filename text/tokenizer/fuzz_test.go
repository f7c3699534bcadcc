package tokenizer_test

import (
	"os"
	"testing"

	"orrery.dev/text/tokenizer"
)

// FuzzDecode holds that no file makes the program panic, nor a text in a
// tokenizer that was read.
func FuzzDecode(f *testing.F) {
	for _, name := range names {
		if name == "llama" {
			continue // large
		}
		b, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "the gardener's <mask> [MASK] zebra \u00e9")
	}
	f.Add([]byte(`{"version":"1.0","model":{"type":"BPE","byte_fallback":true,"fuse_unk":true,"unk_token":"a","vocab":{"a":0,"b":1,"ab":2,"<0x00>":3},"merges":["a b"]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\s+(?!\\S)|[^\\s]+"},"behavior":"Isolated"}}`), "ab \x00 ab")
	f.Add([]byte(`{"version":"1.0","model":{"vocab":{"[UNK]":0,"a":1,"##a":2},"unk_token":"[UNK]","max_input_chars_per_word":2,"continuing_subword_prefix":"##"},"normalizer":{"type":"NFKD"},"padding":{"strategy":{"Fixed":3},"direction":"Left","pad_to_multiple_of":2,"pad_id":1,"pad_type_id":0,"pad_token":"a"}}`), "aaa ½")
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		tok, err := tokenizer.Decode(b)
		if err != nil {
			return
		}
		if len(text) > 1<<12 {
			text = text[:1<<12]
		}
		check(t, tok, text, tok.Encode(text))
		tok.EncodeAll([]string{text, "a"})
	})
}
