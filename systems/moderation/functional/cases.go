package functional

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Case is one text with what should be said of it.
type Case struct {
	// ID is the same in every run: the template's, the group's name, and of an
	// altered text the trick's.
	ID   string `json:"id"`
	Text string `json:"text"`
	// Class is Hate, Offensive or Neither, and Hateful whether it is Hate.
	Class   string `json:"class"`
	Hateful bool   `json:"hateful"`
	// Functionality is what the case tests.
	Functionality string `json:"functionality"`
	Family        string `json:"family"`
	Template      string `json:"template"`
	// Group is the name of the group that the text names, or "".
	Group string `json:"group,omitempty"`
	// Trick is what was done to the spelling, or "", and Of the ID of the case that
	// it was done to.
	Trick string `json:"trick,omitempty"`
	Of    string `json:"of,omitempty"`
}

// variants is how many cases a template gives at most that names no group.
const variants = 6

// Cases gives the cases of the test part: one for each template and each group,
// or up to six different ones for a template that names none; and after these, for
// half of them, the same text altered by one of the Tricks in turn. Templates with
// a slur give a case for each slur.
func (s *Suite) Cases(slurs []Slur) []Case {
	var out []Case
	for _, f := range s.Families {
		if f.Part != Test {
			continue
		}
		for _, t := range f.Templates {
			if !t.NamesGroup() && !t.NeedsSlur() {
				out = s.variants(out, f, t)
				continue
			}
			for _, fill := range s.fillers(f, t, slurs) {
				fill.usual = true
				c := s.newCase(f, t, fill)
				c.ID = t.ID + "/" + fill.group.Name
				if fill.slur.Singular != "" {
					c.ID += "/" + fill.slur.Singular
				}
				fill.random = seeded(c.ID, 0)
				c.Text = t.text(fill)
				out = append(out, c)
			}
		}
	}
	for i, n := 0, len(out); i < n; i += 2 {
		trick := Tricks[i/2%len(Tricks)]
		c := out[i]
		c.Text = trick.Apply(c.Text, seeded(c.ID, 1))
		c.ID, c.Of, c.Trick = c.ID+"/"+trick.Name, c.ID, trick.Name
		out = append(out, c)
	}
	return out
}

// variants adds the cases of a template that names no group.
func (s *Suite) variants(out []Case, f Family, t Template) []Case {
	first := len(out)
	for n := range variants {
		c := s.newCase(f, t, filler{})
		c.ID = t.ID + "/" + strconv.Itoa(n+1)
		c.Text = t.text(filler{random: seeded(c.ID, 0)})
		if !slices.ContainsFunc(out[first:], func(other Case) bool { return other.Text == c.Text }) {
			out = append(out, c)
		}
	}
	return out
}

// fillers gives all that a template which names a group can be filled with.
func (s *Suite) fillers(f Family, t Template, slurs []Slur) []filler {
	var out []filler
	for _, g := range s.Groups {
		if !t.NeedsSlur() {
			out = append(out, filler{group: g})
			continue
		}
		for _, slur := range slurs {
			if slur.Group == g.Name && (slur.Reclaimed || s.functionality(f.Functionality).Class == Hate) {
				out = append(out, filler{group: g, slur: slur})
			}
		}
	}
	return out
}

// newCase gives a case without its text and ID.
func (s *Suite) newCase(f Family, t Template, fill filler) Case {
	class := s.functionality(f.Functionality).Class
	return Case{
		Class: class, Hateful: class == Hate, Functionality: f.Functionality,
		Family: f.Name, Template: t.ID, Group: fill.group.Name,
	}
}

// seeded gives a source of randomness for a name.
func seeded(name string, seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64([]byte(name), seed))
	return rand.New(rand.NewPCG(h.Sum64(), seed))
}
