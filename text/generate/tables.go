package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// scripts, in the order of the constants of package text. What is in none is
// Common; what is in one that is not here is Other.
var scripts = []string{
	"Common", "Other", "Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Devanagari", "Bengali", "Gurmukhi",
	"Gujarati", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Georgian",
	"Ethiopic", "Khmer", "Mongolian", "Hiragana", "Katakana", "Han", "Hangul", "Cherokee",
}

// unlike are the scripts whose characters are not read as Latin letters: they are
// written without spaces, so that Latin words stand right beside them.
var unlike = []string{"Thai", "Lao", "Myanmar", "Khmer", "Tibetan", "Hiragana", "Katakana", "Han", "Hangul"}

// More prototypes than confusables.txt has, for letters that readers take for
// others though they are drawn differently, and for what it ends at.
var more = map[rune]string{
	'ĸ': "k", 'ꞓ': "c", 'ɛ': "e", 'є': "e", 'ə': "e", 'ǝ': "e", 'ε': "e", 'ɜ': "e", 'ð': "d", 'þ': "th", 'ʟ': "l",
	'ʃ': "s", 'ƨ': "s", 'ɩ': "i", 'ɪ': "i", 'ʏ': "y", 'ɢ': "g", 'ʀ': "r", 'ɴ': "n", 'ʙ': "b", 'ʜ': "h", 'ᴀ': "a", 'ᴄ': "c",
	'ᴅ': "d", 'ᴇ': "e", 'ᴊ': "j", 'ᴋ': "k", 'ᴍ': "m", 'ᴏ': "o", 'ᴘ': "p", 'ᴛ': "t", 'ᴜ': "u", 'ᴠ': "v", 'ᴡ': "w", 'ᴢ': "z",
	'ꜰ': "f", 'ꜱ': "s", 'ɐ': "a", 'ɔ': "c", 'ɟ': "f", 'ɥ': "h", 'ʞ': "k", 'ɯ': "m", 'ɹ': "r", 'ʇ': "t", 'ʌ': "v", 'ʍ': "w",
	'ʎ': "y", 'α': "a", 'β': "b", 'κ': "k", 'τ': "t", 'η': "n", 'и': "n", 'я': "r", 'ι': "i", 'ν': "v", 'μ': "u", 'υ': "u",
	'“': "\"", '”': "\"", '„': "\"", '—': "-", '–': "-", '‒': "-", '―': "-", '−': "-", '•': "*", '●': "*", '★': "*", '☆': "*",
	'✱': "*", '✶': "*", '■': "*", '█': "*", '▪': "*", '×': "x", '²': "2", '³': "3", '¹': "1",
}

type tables struct {
	prototypes map[rune]string
	fold       cases.Caser
	script     map[rune]int
}

func newTables(prototypes map[rune]string) *tables {
	t := &tables{prototypes: prototypes, fold: cases.Fold(), script: map[rune]int{}}
	for name, table := range unicode.Scripts {
		number := 1
		for i, s := range scripts {
			if s == name {
				number = i
			}
		}
		if name == "Inherited" || name == "Common" {
			number = 0
		}
		for r := rune(0); r <= unicode.MaxRune; r++ {
			if unicode.Is(table, r) {
				t.script[r] = number
			}
		}
	}
	return t
}

func (t *tables) in(r rune, name string) bool { return scripts[t.script[r]] == name }

func class(r rune) string {
	switch {
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		return "regional"
	case r == '\t' || r == '\n' || r == '\v' || r == '\f' || r == '\r' || r == 0x85 || r == 0x2800 || unicode.Is(unicode.Z, r):
		return "space"
	case unicode.Is(unicode.C, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		unicode.Is(unicode.Variation_Selector, r) || r == 0x0640 || r == 0xFFFC || r == 0x3164 || r == 0xFFA0:
		return "ignorable"
	case unicode.Is(unicode.M, r) || unicode.Is(unicode.Sk, r) && r >= 0x1F3FB && r <= 0x1F3FF:
		return "mark"
	case unicode.Is(unicode.L, r) || unicode.Is(unicode.Nl, r):
		return "letter"
	case unicode.Is(unicode.N, r):
		return "digit"
	case unicode.Is(unicode.P, r):
		return "punctuation"
	case unicode.Is(unicode.S, r):
		return "symbol"
	}
	return "other"
}

// bare folds case and compatibility, and takes the marks off Latin and Greek
// letters.
func (t *tables) bare(s string) string {
	s = norm.NFKC.String(t.fold.String(norm.NFKC.String(s)))
	var b strings.Builder
	bare := false
	for _, r := range norm.NFD.String(s) {
		if unicode.Is(unicode.M, r) && bare {
			continue
		}
		bare = t.in(r, "Latin") || t.in(r, "Greek") || r < utf8.RuneSelf
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}

// letters says whether a text is ASCII letters alone.
func letters(s string) bool {
	for _, r := range s {
		if r < 'a' || r > 'z' {
			return false
		}
	}
	return s != ""
}

// latin gives the Latin letters that a character resembles, "" for none, and
// whether it does so only as a small capital or other drawing.
func (t *tables) latin(r rune) (s string, weak bool) {
	for range 3 {
		p, known := t.prototypes[r]
		if p == "l" && unicode.IsUpper(r) {
			return "i", weak
		}
		if p = strings.ReplaceAll(t.bare(p), "rn", "m"); letters(p) {
			return p, weak
		}
		if p, rough := more[r]; rough {
			return p, true
		}
		if !known {
			return "", false
		}
		next, size := utf8.DecodeRuneInString(p)
		if size == 0 || size < len(p) || next == r {
			return "", false
		}
		r = next
	}
	return "", false
}

// to is what a character becomes in any word.
func (t *tables) to(r rune) string {
	switch class(r) {
	case "space":
		return " "
	case "ignorable", "mark", "regional", "other":
		return string(r)
	case "digit":
		if unicode.Is(unicode.Nd, r) {
			return string(rune('0' + decimal(r)))
		}
	}
	if s := negative(r); s != "" {
		return s
	}
	s := strings.TrimSpace(t.bare(string(r)))
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	if s == "" {
		s = string(r)
	}
	var b strings.Builder
	for _, q := range s {
		b.WriteString(t.common(q))
	}
	if letters(b.String()) || !t.in(r, "Latin") {
		return b.String()
	}
	if l, _ := t.latin(r); l != "" {
		return l
	}
	return b.String()
}

// common replaces Latin letters, symbols and punctuation by the ASCII that they
// resemble.
func (t *tables) common(r rune) string {
	if r < utf8.RuneSelf {
		return string(r)
	}
	switch c := class(r); {
	case c == "letter" && (t.in(r, "Latin") || t.in(r, "Common")):
		if l, _ := t.latin(r); l != "" {
			return l
		}
	case c == "punctuation" || c == "symbol":
		p, known := more[r]
		if !known {
			p = t.prototypes[r]
		}
		if len(p) == 1 && (p[0] == 'x' || !unicode.IsLetter(rune(p[0])) && !unicode.IsDigit(rune(p[0]))) {
			return p
		}
	}
	return string(r)
}

// decimal is the value of a decimal digit: those of a script are ten in a row.
func decimal(r rune) int {
	first := r
	for unicode.Is(unicode.Nd, first-1) && r-first < 200 {
		first--
	}
	return int(r-first) % 10
}

// negative has the letters in dark circles and squares, which have no
// compatibility mapping.
func negative(r rune) string {
	for _, first := range []rune{0x1F150, 0x1F170} {
		if r >= first && r < first+26 {
			return string('a' + r - first)
		}
	}
	return ""
}

// print writes the tables as runs of characters.
func (t *tables) print(b *bytes.Buffer) {
	none := map[string]bool{}
	for _, name := range unlike {
		none[name] = true
	}
	folds := &runs{name: "folds", about: "what a character becomes in any word; a step counts up with the characters"}
	alikes := &runs{name: "alikes", about: "the Latin letter that a letter of another script resembles, a capital where it does so roughly"}
	kinds := &runs{name: "kinds", about: "class and script"}
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		c := class(r)
		to := t.to(r)
		if to == string(r) || c == "ignorable" {
			to = ""
		}
		folds.add(r, to)
		first, _ := utf8.DecodeRuneInString(t.to(r))
		script := scripts[t.script[r]]
		alike := ""
		if c == "letter" && script != "Latin" && script != "Common" && !none[script] {
			l, weak := t.latin(r)
			if l == "" {
				l, weak = t.latin(first)
			}
			if len(l) == 1 {
				if alike = l; weak {
					alike = strings.ToUpper(l)
				}
			}
		}
		alikes.add(r, alike)
		kind := ""
		if to == "" && (c != "other" || script != "Common") {
			kind = fmt.Sprintf("%s, %s", c, script)
		}
		kinds.add(r, kind)
	}
	for _, run := range []*runs{folds, alikes, kinds} {
		run.flush()
		fmt.Fprintf(b, "\n// %s has %s.\nvar %s = []%s{\n%s}\n", run.name, run.about, run.name, strings.TrimSuffix(run.name, "s"), run.b.Bytes())
	}
}

// runs writes equal or counting values of neighbouring characters as one.
type runs struct {
	b           bytes.Buffer
	name, about string
	lo, hi      rune
	value, last string
	step        bool
}

func (t *runs) add(r rune, value string) {
	if t.value != "" && r == t.hi+1 {
		next := t.name == "folds" && follows(t.last, value)
		if value == t.value && !t.step || next && (t.step || t.lo == t.hi) {
			t.step = value != t.value
			t.hi, t.last = r, value
			return
		}
	}
	t.flush()
	t.lo, t.hi, t.value, t.last, t.step = r, r, value, value, false
}

func (t *runs) flush() {
	switch {
	case t.value == "":
	case t.name == "folds":
		fmt.Fprintf(&t.b, "{%#x, %#x, %+q, %v},\n", t.lo, t.hi, t.value, t.step)
	case t.name == "alikes":
		fmt.Fprintf(&t.b, "{%#x, %#x, %q},\n", t.lo, t.hi, t.value[0])
	default:
		fmt.Fprintf(&t.b, "{%#x, %#x, %s},\n", t.lo, t.hi, t.value)
	}
}

// follows says whether b is the one character after the one of a.
func follows(a, b string) bool {
	x, n := utf8.DecodeRuneInString(a)
	y, m := utf8.DecodeRuneInString(b)
	return a != "" && b != "" && n == len(a) && m == len(b) && y == x+1
}
