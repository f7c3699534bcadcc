package text

// Script is a system of writing, as Unicode names it.
type Script uint8

// The scripts that are told apart.
const (
	// Common: digits, punctuation, symbols and marks that several scripts use.
	Common Script = iota
	// Other is any script without a name here.
	Other
	Latin
	Greek
	Cyrillic
	Armenian
	Hebrew
	Arabic
	Devanagari
	Bengali
	Gurmukhi
	Gujarati
	Tamil
	Telugu
	Kannada
	Malayalam
	Sinhala
	Thai
	Lao
	Tibetan
	Myanmar
	Georgian
	Ethiopic
	Khmer
	Mongolian
	Hiragana
	Katakana
	Han
	Hangul
	Cherokee
	// Scripts is how many there are.
	Scripts
)

var scriptNames = [Scripts]string{
	"Common", "Other", "Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Devanagari", "Bengali", "Gurmukhi",
	"Gujarati", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Georgian",
	"Ethiopic", "Khmer", "Mongolian", "Hiragana", "Katakana", "Han", "Hangul", "Cherokee",
}

func (s Script) String() string { return scriptNames[s] }

// spaced says whether a script puts something between its words.
func (s Script) spaced() bool {
	switch s {
	case Thai, Lao, Tibetan, Myanmar, Khmer, Hiragana, Katakana, Han:
		return false
	}
	return true
}

// Script gives the script of most letters of the message, Common where it has
// none.
func (n *Normal) Script() Script {
	most := Common
	for s, count := range n.Letters {
		if count > n.Letters[most] {
			most = Script(s)
		}
	}
	return most
}
