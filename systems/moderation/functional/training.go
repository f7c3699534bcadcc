package functional

import (
	"math/rand/v2"
	"strconv"

	"orrery.dev"
)

// maxMisses is after how many turns without a new text a suite is taken to have no
// more.
const maxMisses = 50

// tricked says that of so many training texts one is altered.
const tricked = 5

// maxTraining bounds what a caller can ask to be made.
const maxTraining = 1_000_000

// Training gives about n texts of the training part, for a seed the same always.
//
// They come in contrast pairs where they name a group: a hateful text and one that
// is not, the same group named in both, so that naming a group says nothing of
// the class. Texts that name none follow in between. Functionalities have equal
// shares among those of their kind, and so have the families of one; no text comes
// twice. One text of five is altered by one of the Tricks.
//
// An error of kind Invalid with the code functional_training says when n is not in
// [1, 1,000,000].
func (s *Suite) Training(slurs []Slur, n int, seed uint64) ([]Case, error) {
	if n < 1 || n > maxTraining {
		return nil, orrery.Errorf(orrery.Invalid, "functional_training", "%d texts cannot be made", n).
			WithNext("ask for 1 to %d", maxTraining)
	}
	d := newDrawer(s, slurs, seed)
	out := make([]Case, 0, n+2)
	for misses := 0; len(out) < n && misses < maxMisses; {
		before := len(out)
		group := s.Groups[d.random.IntN(len(s.Groups))]
		for _, kind := range []kind{hateful, harmless} {
			out = d.draw(out, kind, &group)
		}
		out = d.draw(out, unrelated, nil)
		if misses++; len(out) > before {
			misses = 0
		}
	}
	if len(out) > n {
		out = out[:n]
	}
	for i := range out {
		out[i].ID = "train/" + strconv.FormatUint(seed, 10) + "/" + strconv.Itoa(i)
	}
	return out, nil
}

// kind is what a pair is made of, and what stands in between.
type kind int

const (
	hateful   kind = iota // hateful, naming a group
	harmless              // not hateful, naming a group
	unrelated             // naming no group
)

// drawer draws training texts.
type drawer struct {
	suite  *Suite
	slurs  map[string][]Slur // by group
	kinds  [3][][]family     // [kinds][functionalities] families
	random *rand.Rand
	seen   map[string]bool
}

// family is a family with those of its templates that are of one kind.
type family struct {
	of        Family
	templates []Template
}

func newDrawer(s *Suite, slurs []Slur, seed uint64) *drawer {
	d := &drawer{suite: s, slurs: map[string][]Slur{}, seen: map[string]bool{}, random: seeded("training", seed)}
	for _, slur := range slurs {
		d.slurs[slur.Group] = append(d.slurs[slur.Group], slur)
	}
	for _, fn := range s.Functionalities {
		var families [3][]family
		for _, f := range s.Families {
			if f.Part != Train || f.Functionality != fn.Name {
				continue
			}
			var templates [3][]Template
			for _, t := range f.Templates {
				k := kindOf(t, fn.Hateful())
				if !t.NeedsSlur() || len(slurs) > 0 {
					templates[k] = append(templates[k], t)
				}
			}
			for k, list := range templates {
				if len(list) > 0 {
					families[k] = append(families[k], family{f, list})
				}
			}
		}
		for k, list := range families {
			if len(list) > 0 {
				d.kinds[k] = append(d.kinds[k], list)
			}
		}
	}
	return d
}

func kindOf(t Template, hate bool) kind {
	switch {
	case !t.NamesGroup() && !t.NeedsSlur():
		return unrelated
	case hate:
		return hateful
	}
	return harmless
}

// draw adds a text of a kind that has not been drawn yet, unless it finds none.
func (d *drawer) draw(out []Case, k kind, group *Group) []Case {
	const tries = 50
	for range tries {
		if len(d.kinds[k]) == 0 {
			break
		}
		f := pick(d, pick(d, d.kinds[k]))
		t := pick(d, f.templates)
		fill := filler{random: d.random}
		if group != nil {
			fill.group = *group
		}
		if t.NeedsSlur() {
			slurs := d.slurs[fill.group.Name]
			if len(slurs) == 0 {
				continue
			}
			if fill.slur = pick(d, slurs); k == harmless && !fill.slur.Reclaimed {
				continue
			}
		}
		text := t.text(fill)
		if d.seen[text] {
			continue
		}
		d.seen[text] = true
		c := d.suite.newCase(f.of, t, fill)
		c.Text = text
		if d.random.IntN(tricked) == 0 {
			trick := pick(d, Tricks)
			c.Trick, c.Text = trick.Name, trick.Apply(text, d.random)
		}
		return append(out, c)
	}
	return out
}

func pick[T any](d *drawer, list []T) T { return list[d.random.IntN(len(list))] }
