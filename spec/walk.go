package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"orrery.dev/declare"
)

// walk checks a value against its declaration and sets the typed values of
// scalars. path is the value's place in the spec.
func (c *checker) walk(n *node, f declare.Field, path string) {
	n.path = path
	if n.shape == unknown {
		n.bad = true
		return
	}
	fits := fitting(n, f.Shapes())
	if len(fits) == 0 {
		c.misshapen(n, f.Shapes())
		return
	}
	if n.shape == sequence {
		if len(n.items) == 0 {
			n.bad = true
			c.errorf(n, "empty_value", "`%s` is an empty list", leaf(path))
		}
		for i, item := range n.items {
			single := slices.Clone(fits)
			for j := range single {
				single[j].List = false
			}
			c.walk(item, declare.Field{OneOf: single}, fmt.Sprintf("%s[%d]", path, i))
		}
		return
	}
	if n.shape == mapping {
		c.walkMapping(n, c.choose(n, fits))
		return
	}
	c.scalar(n, fits[0])
}

// leaf gives the last key of a path.
func leaf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// fitting gives the alternatives that a node's shape fits.
func fitting(n *node, alternatives []declare.Field) []declare.Field {
	var fits []declare.Field
	for _, f := range alternatives {
		isMapping := f.Type == declare.Mapping
		if n.shape == sequence && f.List || n.shape == mapping && isMapping || n.shape == scalar && !isMapping {
			fits = append(fits, f)
		}
	}
	return fits
}

// misshapen reports a value that fits none of its shapes.
func (c *checker) misshapen(n *node, alternatives []declare.Field) {
	n.bad = true
	if n.shape == empty && c.blanked(n.at.line+1) {
		return
	}
	name := leaf(n.path)
	if name == "" {
		name = "the file"
	} else {
		name = "`" + name + "`"
	}
	f := alternatives[0]
	var d *Diagnostic
	if n.shape == empty {
		d = c.errorf(n, "empty_value", "%s has no value", name)
	} else {
		d = c.errorf(n, "wrong_type", "%s takes %s, not %s", name, taken(alternatives), n.shape)
	}
	if f.Example != "" {
		d.note("for example: %s", f.Example)
	}
}

// taken says in words what a field takes.
func taken(alternatives []declare.Field) string {
	var words []string
	for _, f := range alternatives {
		w := typeWords(f.Type)
		if f.List {
			w = "a list, each item " + w
		}
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, " or ")
}

func typeWords(t declare.Type) string {
	switch t {
	case declare.Text:
		return "text"
	case declare.Name:
		return "a name"
	case declare.Bool:
		return "true or false"
	case declare.Int:
		return "a whole number"
	case declare.Number:
		return "a number"
	case declare.Duration:
		return "a duration"
	case declare.Bytes:
		return "a size"
	case declare.Zone:
		return "a time zone"
	case declare.Expression:
		return "an expression"
	case declare.Secret:
		return "a reference to a secret"
	case declare.File:
		return "the path of a file"
	case declare.EntityRef:
		return "the name of an entity"
	case declare.EventRef:
		return "the name of an event"
	case declare.FieldRef:
		return "a field of an event"
	case declare.FeatureRef:
		return "the name of a feature"
	case declare.Mapping:
		return "a mapping"
	}
	return "a single value"
}

// walkMapping checks the keys of a mapping and walks their values.
func (c *checker) walkMapping(n *node, declared declare.Field) {
	byName := make(map[string]declare.Field)
	var names []string
	for _, f := range declared.Fields {
		names, byName[f.Name] = append(names, f.Name), f
	}
	first := make(map[string]*node)
	var mistaken []string
	for i := range n.entries {
		e := &n.entries[i]
		name := e.key.text
		e.key.path = join(n.path, name)
		if before := first[name]; before != nil {
			c.errorf(e.key, "duplicate_key", "the key `%s` is here a second time", name).
				note("it is first on line %d", before.at.line)
			e.ignored = true
		} else {
			first[name] = e.key
		}
		f, known := byName[name]
		switch {
		case known:
			c.walk(e.value, f, e.key.path)
		case declared.Each != nil:
			if declared.Capitals {
				c.checkCapitals(e.key, name)
			} else {
				c.checkName(e.key, name, true)
			}
			c.walk(e.value, *declared.Each, e.key.path)
		default:
			e.ignored = true
			mistaken = append(mistaken, c.unknownKey(e.key, names))
		}
	}
	c.fill(n, declared.Fields, first, mistaken)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// unknownKey reports a key that is not declared, unless it has been. It gives
// the key that was likely meant.
func (c *checker) unknownKey(key *node, names []string) string {
	if key.bad {
		return ""
	}
	near := nearest(key.text, names)
	d := c.errorf(key, "unknown_key", "there is no key `%s` here", key.text).suggest(near)
	if near == "" {
		d.note("%s here %s", plural(names, "the key", "the keys"), are(names))
	}
	return near
}

// fill reports required keys that are missing and puts defaults in place of
// optional ones. mistaken are keys that stand there misspelt.
func (c *checker) fill(n *node, fields []declare.Field, present map[string]*node, mistaken []string) {
	for _, f := range fields {
		if present[f.Name] != nil {
			continue
		}
		present[f.Name] = n
		switch {
		case f.Required:
			if !n.partial && !slices.Contains(mistaken, f.Name) && !c.lost[f.Name] {
				c.missing(n, f)
			}
		case f.Default != "":
			v := &node{shape: scalar, at: n.at, text: f.Default, plain: true, path: join(n.path, f.Name), filled: true}
			c.scalar(v, f)
			n.entries = append(n.entries, entry{key: &node{at: n.at, text: f.Name}, value: v})
		case f.Type == declare.Mapping && allDefaults(f.Fields):
			v := &node{shape: mapping, at: n.at, path: join(n.path, f.Name), filled: true}
			c.walkMapping(v, f)
			n.entries = append(n.entries, entry{key: &node{at: n.at, text: f.Name}, value: v})
		}
	}
}

func allDefaults(fields []declare.Field) bool {
	for _, f := range fields {
		if f.Default == "" {
			return false
		}
	}
	return len(fields) > 0
}

func (c *checker) missing(n *node, f declare.Field) {
	where := "`" + leaf(n.path) + "`"
	if n.path == "" {
		where = "the file"
	}
	d := c.errorf(n, "missing_key", "%s has no `%s`", where, f.Name)
	if f.Example != "" {
		d.note("for example: %s: %s", f.Name, f.Example)
	} else {
		d.note("%s", f.Doc)
	}
}

// choose gives the one mapping among alternatives that a node is meant to be.
// Where that cannot be told it reports so, and gives one with all fields of all
// of them, so that the keys are still checked.
func (c *checker) choose(n *node, alternatives []declare.Field) declare.Field {
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	var has []declare.Field
	for _, f := range alternatives {
		mark := f.Fields[0]
		v := n.find(mark.Name)
		if v != nil && (mark.Enum == nil || slices.Contains(mark.Enum, v.text)) {
			has = append(has, f)
		}
	}
	if len(has) == 1 {
		return has[0]
	}
	if alternatives[0].Fields[0].Enum == nil && !n.partial {
		if meant := c.kindless(n, alternatives, has); meant != nil {
			return *meant
		}
	}
	return declare.Field{Type: declare.Mapping, Fields: merge(alternatives)}
}

// kindless reports a mapping that has the key of no alternative, or of several.
// Where the key of one is only misspelt, the mapping goes on as that one, so that
// what else is wrong with it is told too.
func (c *checker) kindless(n *node, alternatives, has []declare.Field) *declare.Field {
	var kinds []string
	for _, f := range alternatives {
		kinds = append(kinds, f.Fields[0].Name)
	}
	if len(has) > 1 {
		n.bad = true
		second := n.key(has[1].Fields[0].Name)
		c.at(second.at, join(n.path, second.text), "two_kinds", "`%s` is both a `%s` and a `%s`", leaf(n.path), has[0].Fields[0].Name, second.text).
			note("a feature has one kind; make two features of it")
		return nil
	}
	declared := merge(alternatives)
	for _, e := range n.entries {
		if slices.ContainsFunc(declared, func(f declare.Field) bool { return f.Name == e.key.text }) {
			continue
		}
		d := c.at(e.key.at, join(n.path, e.key.text), "unknown_kind", "there is no feature kind `%s`", e.key.text)
		e.key.bad = true
		near := nearest(e.key.text, kinds)
		if d.suggest(near); near != "" {
			e.key.text = near
			return &alternatives[slices.Index(kinds, near)]
		}
		d.note("the kinds are %s", quoted(kinds))
		n.bad = true
		return nil
	}
	n.bad = true
	c.errorf(n, "no_kind", "`%s` does not say what it is", leaf(n.path)).note("give it one of %s", quoted(kinds))
	return nil
}

// merge gives every field of several mappings once, required where all agree,
// with the values of all that list theirs.
func merge(alternatives []declare.Field) []declare.Field {
	var out []declare.Field
	for _, a := range alternatives {
		for _, f := range a.Fields {
			i := slices.IndexFunc(out, func(o declare.Field) bool { return o.Name == f.Name })
			switch {
			case i < 0:
				f.Required = f.Required && len(f.Enum) > 0
				f.Enum = slices.Clone(f.Enum)
				out = append(out, f)
			case f.Type == declare.Mapping && out[i].Type == declare.Mapping:
				out[i].Fields = union(out[i].Fields, f.Fields)
			default:
				for _, e := range f.Enum {
					if !slices.Contains(out[i].Enum, e) {
						out[i].Enum = append(out[i].Enum, e)
					}
				}
			}
		}
	}
	return out
}

// union gives the fields of a, and those of b with names that a has not.
func union(a, b []declare.Field) []declare.Field {
	out := slices.Clone(a)
	for _, f := range b {
		if !slices.ContainsFunc(a, func(o declare.Field) bool { return o.Name == f.Name }) {
			out = append(out, f)
		}
	}
	return out
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// maxName bounds the length of a name, in characters.
const maxName = 64

// IsName reports whether text can be a name that a spec defines: lower-case
// letters, digits and _, a letter first.
func IsName(text string) bool { return namePattern.MatchString(text) && len(text) <= maxName }

// checkName checks a name that the spec defines.
func (c *checker) checkName(n *node, name string, key bool) bool {
	if c.surprise(n, key) {
		return true
	}
	if IsName(name) {
		return true
	}
	n.bad = true
	d := c.errorf(n, "bad_name", "`%s` cannot be a name", shorten(name)).
		note("a name is lower-case letters, digits and _, begins with a letter, and has at most %d characters", maxName)
	if fixed := fixName(name); IsName(fixed) {
		d.suggest(fixed)
	}
	return false
}

var capitalsPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// checkCapitals checks a name that another's interface defines.
func (c *checker) checkCapitals(n *node, name string) {
	if c.surprise(n, true) || capitalsPattern.MatchString(name) && len(name) <= maxName {
		return
	}
	n.bad = true
	d := c.errorf(n, "bad_name", "`%s` cannot be a name here", shorten(name)).
		note("it is capital letters, digits and _, begins with a letter, and has at most %d characters", maxName)
	if fixed := strings.ToUpper(fixName(name)); capitalsPattern.MatchString(fixed) && len(fixed) <= maxName {
		d.suggest(fixed)
	}
}

func shorten(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:37]) + "..."
	}
	return text
}

// fixName makes a name of text that is near one.
func fixName(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r >= 'A' && r <= 'Z':
			if i > 0 && text[i-1] >= 'a' && text[i-1] <= 'z' {
				b.WriteByte('_')
			}
			b.WriteRune(r - 'A' + 'a')
		case r == '-' || r == ' ' || r == '.':
			b.WriteByte('_')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
