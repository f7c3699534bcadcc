package functional

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// Term is a phrase by which texts name a group.
type Term struct {
	// Phrase is in lower case, its words parted by single spaces.
	Phrase string
	// Group is the group's place in Suite.Groups.
	Group int
}

// Terms gives all phrases by which texts name a group: its plurals, singulars and
// further terms, and its adjectives before a word for persons. They are in the
// order of the groups, and then by spelling.
func (s *Suite) Terms() []Term {
	var out []Term
	for g, group := range s.Groups {
		phrases := slices.Concat(group.Plural, group.Singular, group.Also)
		for _, adjective := range group.Adjective {
			for _, person := range s.Persons {
				phrases = append(phrases, adjective+" "+person)
			}
		}
		for i := range phrases {
			phrases[i] = strings.ToLower(phrases[i])
		}
		slices.Sort(phrases)
		for _, p := range slices.Compact(phrases) {
			out = append(out, Term{p, g})
		}
	}
	return out
}

// Mentions finds which groups a text names. It is safe for concurrent use.
type Mentions struct {
	// Groups are the names of those that are looked for.
	Groups []string

	groups  map[string][]int // by phrase
	longest int              // the most words of a phrase
}

// Identity is a group with terms by which texts name it, of a user's list.
type Identity struct {
	Group string
	Terms []string
}

// Mentions makes a finder of the suite's terms, and of more: of its groups, or of
// other ones.
func (s *Suite) Mentions(more ...Identity) *Mentions {
	m := &Mentions{groups: map[string][]int{}}
	for _, g := range s.Groups {
		m.Groups = append(m.Groups, g.Name)
	}
	for _, t := range s.Terms() {
		m.add(t.Phrase, t.Group)
	}
	for _, id := range more {
		g := slices.Index(m.Groups, id.Group)
		if g < 0 {
			g = len(m.Groups)
			m.Groups = append(m.Groups, id.Group)
		}
		for _, t := range id.Terms {
			m.add(t, g)
		}
	}
	return m
}

func (m *Mentions) add(phrase string, group int) {
	key := strings.Join(words(phrase), " ")
	m.groups[key] = append(m.groups[key], group)
	m.longest = max(m.longest, strings.Count(key, " ")+1)
}

// ReadIdentities reads a list of groups, one a line: the group's name, a colon, and
// the terms by which texts name it, parted by "|". Lines that begin with "#" are
// comments; a group may have several lines.
//
// The error has every fault with its line; its kind is Invalid and its code
// identities_invalid.
func ReadIdentities(r io.Reader) ([]Identity, error) {
	var out []Identity
	faults, err := readList(r, func(group string, terms []string) error {
		if group == "" || slices.Contains(terms, "") {
			return errors.New(`want "GROUP: TERM | TERM"`)
		}
		for _, t := range terms {
			if len(words(t)) == 0 {
				return fmt.Errorf("%q has no word", t)
			}
		}
		out = append(out, Identity{group, terms})
		return nil
	})
	return out, listError("identities_invalid", "the list of identities", faults, err)
}

// In gives the places in Groups of the groups that a text names, in order,
// each once. Case, punctuation and a possessive ending make no difference; of terms
// that overlap the longest counts, so that "trans women" names trans people and not
// women.
func (m *Mentions) In(text string) []int {
	var out []int
	list := words(text)
	for i := 0; i < len(list); {
		step := 1
		for n := min(m.longest, len(list)-i); n > 0; n-- {
			if groups := m.groups[strings.Join(list[i:i+n], " ")]; groups != nil {
				out = append(out, groups...)
				step = n
				break
			}
		}
		i += step
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// words gives the words of a text in lower case, without possessive endings.
// Hyphens part words.
func words(text string) []string {
	list := strings.FieldsFunc(strings.ToLower(strings.ReplaceAll(text, "’", "'")), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '\''
	})
	out := list[:0]
	for _, w := range list {
		w = strings.Trim(strings.TrimSuffix(strings.TrimRight(w, "'"), "'s"), "'")
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
