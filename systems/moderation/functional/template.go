package functional

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Template is one line of a family: literal text, choices and placeholders.
type Template struct {
	// ID is the family's name and the template's number in it: "trait_are/3".
	ID string
	// Source is the line as it stands in the file.
	Source string
	// Line is its place there.
	Line int

	pieces []piece
}

// piece is literal text, a choice, or a placeholder.
type piece struct {
	literal string
	// choices are what a choice or a list of words picks one from; each is a
	// sequence of pieces.
	choices [][]piece
	// form names what a group or a list of slurs fills in: "groups", "group",
	// "adj", "slur" or "slurs".
	form string
	// article puts "a" or "an" in front.
	article bool
}

// forms are the placeholders that are filled in by a group, or by its slurs.
var forms = []string{"groups", "group", "adj", "slur", "slurs"}

// uses says whether a template has a placeholder of one of some forms.
func (t Template) uses(names ...string) bool { return uses(t.pieces, names) }

func uses(pieces []piece, names []string) bool {
	for _, p := range pieces {
		if p.form != "" && slices.Contains(names, p.form) {
			return true
		}
		for _, c := range p.choices {
			if uses(c, names) {
				return true
			}
		}
	}
	return false
}

// NamesGroup says whether the template's texts name a group.
func (t Template) NamesGroup() bool { return t.uses("groups", "group", "adj") }

// NeedsSlur says whether the template can be filled only with slurs.
func (t Template) NeedsSlur() bool { return t.uses("slur", "slurs") }

// filler is what a template is filled with.
type filler struct {
	group Group
	slur  Slur
	// usual keeps to a group's usual words.
	usual  bool
	random *rand.Rand
}

// text gives one text of a template, its first letter a capital.
func (t Template) text(f filler) string {
	var b strings.Builder
	f.write(&b, t.pieces)
	words := strings.Join(strings.Fields(b.String()), " ")
	words = strings.ReplaceAll(words, " ,", ",")
	if first, n := utf8.DecodeRuneInString(words); n > 0 {
		words = string(unicode.ToUpper(first)) + words[n:]
	}
	return words
}

func (f filler) write(b *strings.Builder, pieces []piece) {
	for _, p := range pieces {
		var word string
		switch {
		case p.choices != nil:
			var inner strings.Builder
			f.write(&inner, p.choices[f.random.IntN(len(p.choices))])
			word = inner.String()
		case p.form != "":
			word = f.form(p.form)
		default:
			word = p.literal
		}
		if p.article {
			b.WriteString(article(word))
		}
		b.WriteString(word)
	}
}

// form gives a word for the group or its slur. A group without an adjective of
// its own has none in Groups: Load sees to it that each has all forms.
func (f filler) form(name string) string {
	pick := func(words []string) string {
		if f.usual {
			return words[0]
		}
		return words[f.random.IntN(len(words))]
	}
	switch name {
	case "groups":
		return pick(f.group.Plural)
	case "group":
		return pick(f.group.Singular)
	case "adj":
		return pick(f.group.Adjective)
	case "slur":
		return f.slur.Singular
	}
	return f.slur.Plural
}

// article gives "a " or "an ", by how the word is spelled and the few prefixes
// that sound otherwise.
func article(word string) string {
	lower := strings.ToLower(word)
	for _, p := range []string{"uni", "use", "usu", "eu", "one", "ukr"} {
		if strings.HasPrefix(lower, p) && !strings.HasPrefix(lower, "unin") && !strings.HasPrefix(lower, "unim") {
			return "a "
		}
	}
	for _, p := range []string{"a", "e", "i", "o", "u", "honest", "honour", "hour"} {
		if strings.HasPrefix(lower, p) {
			return "an "
		}
	}
	return "a "
}
