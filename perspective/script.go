package perspective

import (
	"slices"
	"unicode"

	"golang.org/x/text/language"
)

type script struct {
	code  string
	table *unicode.RangeTable
}

// scripts are those that a text can be told to be in, by their codes of ISO 15924.
var scripts = []script{
	{"Latn", unicode.Latin}, {"Cyrl", unicode.Cyrillic}, {"Arab", unicode.Arabic}, {"Hani", unicode.Han}, {"Hira", unicode.Hiragana},
	{"Kana", unicode.Katakana}, {"Hang", unicode.Hangul}, {"Deva", unicode.Devanagari}, {"Grek", unicode.Greek}, {"Hebr", unicode.Hebrew},
	{"Thai", unicode.Thai}, {"Beng", unicode.Bengali}, {"Taml", unicode.Tamil}, {"Telu", unicode.Telugu}, {"Gujr", unicode.Gujarati},
	{"Guru", unicode.Gurmukhi}, {"Knda", unicode.Kannada}, {"Mlym", unicode.Malayalam}, {"Armn", unicode.Armenian}, {"Geor", unicode.Georgian},
	{"Ethi", unicode.Ethiopic}, {"Khmr", unicode.Khmer}, {"Laoo", unicode.Lao}, {"Mymr", unicode.Myanmar}, {"Sinh", unicode.Sinhala}, {"Tibt", unicode.Tibetan},
}

// together are the scripts that a language's own code stands for, where these are
// several or another than its name.
var together = map[string][]string{"Jpan": {"Hani", "Hira", "Kana"}, "Kore": {"Hang", "Hani"}, "Hans": {"Hani"}, "Hant": {"Hani"}}

// Told says which of some languages a text is in, as far as its letters tell: the
// first that is written in the script that most of them are of. detected is that
// language, or where there is none the script as und-Cyrl; known says whether it
// is one of the languages. A text without letters is in any, so in the first.
func Told(languages []string, letters string) (detected string, known bool) {
	counts := make([]int, len(scripts))
	most, other := -1, 0
	for _, r := range letters {
		if !unicode.IsLetter(r) {
			continue
		}
		i := slices.IndexFunc(scripts, func(s script) bool { return unicode.Is(s.table, r) })
		if i < 0 {
			other++
			continue
		}
		if counts[i]++; most < 0 || counts[i] > counts[most] {
			most = i
		}
	}
	if most < 0 && other == 0 {
		return languages[0], true
	}
	if most < 0 || other > counts[most] {
		return "und", false
	}
	for _, l := range languages {
		if slices.Contains(writtenIn(l), scripts[most].code) {
			return l, true
		}
	}
	return "und-" + scripts[most].code, false
}

func writtenIn(code string) []string {
	tag, err := language.Parse(code)
	if err != nil {
		return nil
	}
	script, _ := tag.Script()
	if several := together[script.String()]; several != nil {
		return several
	}
	return []string{script.String()}
}
