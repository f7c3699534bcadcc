package text

import (
	"slices"
	"strings"
)

// scriptCodes are the codes of ISO 15924 that each script goes by, its own first;
// none for what is no script.
var scriptCodes = [Scripts][]string{
	Latin: {"Latn"}, Greek: {"Grek"}, Cyrillic: {"Cyrl"}, Armenian: {"Armn"}, Hebrew: {"Hebr"}, Arabic: {"Arab"}, Devanagari: {"Deva"},
	Bengali: {"Beng"}, Gurmukhi: {"Guru"}, Gujarati: {"Gujr"}, Tamil: {"Taml"}, Telugu: {"Telu"}, Kannada: {"Knda"}, Malayalam: {"Mlym"},
	Sinhala: {"Sinh"}, Thai: {"Thai"}, Lao: {"Laoo"}, Tibetan: {"Tibt"}, Myanmar: {"Mymr"}, Georgian: {"Geor"}, Ethiopic: {"Ethi"},
	Khmer: {"Khmr"}, Mongolian: {"Mong"}, Hiragana: {"Hira", "Jpan"}, Katakana: {"Kana"}, Han: {"Hani", "Hans", "Hant"},
	Hangul: {"Hang", "Kore"}, Cherokee: {"Cher"},
}

// Told says which of some languages (codes of Languages) the message is in: the one
// that it is plainly in, or else the first that it may be in, see MayBe. known is
// false where it can be in none of them; code is then the language that it is in,
// or its script where only that is told (und-Cyrl), or und. Where no languages are
// given any is known.
func (n *Normal) Told(languages []string) (code string, known bool) {
	code = n.Language()
	if len(languages) == 0 || slices.Contains(languages, code) {
		return code, true
	}
	if i := slices.IndexFunc(languages, n.MayBe); i >= 0 {
		return languages[i], true
	}
	if codes := scriptCodes[n.Script()]; code == Und && len(codes) > 0 {
		return Und + "-" + codes[0], false
	}
	return code, false
}

// Covers reports whether one of some languages (codes of Languages) is meant by a
// code of BCP 47, such as pt-BR or zh-Hant: what it says of a region does not
// matter, and a script must be one that the language is told by, so that hi does not
// cover hi-Latn. Where no languages are given all are.
func Covers(known []string, code string) bool {
	if len(known) == 0 {
		return true
	}
	parts := strings.Split(strings.ToLower(code), "-")
	if !slices.Contains(known, parts[0]) {
		return false
	}
	script := ""
	if len(parts) > 1 && len(parts[1]) == 4 && (parts[1][0] < '0' || parts[1][0] > '9') {
		script = parts[1]
	}
	at := slices.IndexFunc(languages, func(l language) bool { return l.code == parts[0] })
	return script == "" || at >= 0 && slices.ContainsFunc(languages[at].scripts, func(s Script) bool {
		return slices.ContainsFunc(scriptCodes[s], func(c string) bool { return strings.EqualFold(c, script) })
	})
}
