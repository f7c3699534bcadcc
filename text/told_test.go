package text_test

import (
	"strings"
	"testing"

	"orrery.dev/text"
)

func TestTold(t *testing.T) {
	for _, test := range []struct {
		languages, message, want string
		known                    bool
	}{
		{"en,de", "hello", "en", true},
		{"ru,en", "hello", "en", true},
		{"en,de", "Ich weiß nicht, was sie gemacht haben, aber das ist sehr gut für uns.", "de", true},
		{"en", "Ich weiß nicht, was sie gemacht haben, aber das ist sehr gut für uns.", "de", false},
		{"de", "you are the best and i love it", "en", false},
		{"en,ru", "привет, world and", "en", true},
		{"en", "привет мир, ok", "und-Cyrl", false},
		{"en", "Я не знаю, что они сделали, но это очень хорошо для нас.", "ru", false},
		{"ja", "はい漢字", "ja", true},
		{"zh", "漢字", "zh", true},
		{"en,ja", "漢字", "ja", true},
		{"en", "नमस्ते", "und-Deva", false},
		{"en", "12345 😀", "en", true},
		{"en", "ᚠᚢᚦᚨᚱᚲ", "und", false},
		{"", "Ich weiß nicht, was sie gemacht haben, aber das ist sehr gut für uns.", "de", true},
		{"", "hello", "und", true},
	} {
		var n text.Normal
		if err := n.Reset(test.message); err != nil {
			t.Fatal(err)
		}
		if got, known := n.Told(strings.FieldsFunc(test.languages, func(r rune) bool { return r == ',' })); got != test.want || known != test.known {
			t.Errorf("%q with %s: %s %t, want %s %t", test.message, test.languages, got, known, test.want, test.known)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		known string
		code  string
		want  bool
	}{
		{"en", "en", true}, {"en", "en-GB", true}, {"en", "EN-gb", true}, {"en", "en-Latn-US", true}, {"en", "en-001", true}, {"en", "it", false},
		{"en", "", false}, {"en", "eng", false}, {"pt,zh", "pt-BR", true}, {"zh", "zh-Hant", true}, {"zh", "zh-Hans-CN", true}, {"zh", "zh-TW", true},
		{"hi", "hi-Latn", false}, {"hi", "hi-Deva", true}, {"ja", "ja-Jpan", true}, {"ko", "ko-Kore-KR", true}, {"ru", "ru-Latn", false}, {"", "xx-Abcd", true},
	} {
		if got := text.Covers(strings.FieldsFunc(test.known, func(r rune) bool { return r == ',' }), test.code); got != test.want {
			t.Errorf("%s covers %q: %t", test.known, test.code, got)
		}
	}
}
