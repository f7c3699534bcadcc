package spec

import (
	"slices"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/expr"
)

// Perspective says how the system answers at the endpoints of the Perspective API.
type Perspective struct {
	// Attributes are in the order of the file.
	Attributes []Attribute
	// Session and Community are the indexes in DecideOn of the fields that hold a
	// request's sessionId and communityId, -1 for none.
	Session, Community int
	// Suggest says what is made of suggested scores, in order; empty is nothing.
	Suggest []Suggestion
}

// Attribute is one that can be asked for.
type Attribute struct {
	Name string
	// Value is a number, which reads the score, features and the decided event. It
	// is cut to 0 and 1.
	Value *expr.Program
}

// Suggestion is the outcome that a suggested score of an attribute means: a class
// of the label, or true or false. Either is empty where it means none.
type Suggestion struct {
	// Attribute is an index in Perspective.Attributes.
	Attribute int
	// Above is meant by a score of at least SuggestedHalf, Below by a smaller one.
	Above, Below string
}

// SuggestedHalf is the score from which on a suggestion says that an attribute
// applies.
const SuggestedHalf = 0.5

// Attribute gives the index of the attribute of a name, -1 where there is none.
func (p *Perspective) Attribute(name string) int {
	return slices.IndexFunc(p.Attributes, func(a Attribute) bool { return a.Name == name })
}

func perspectiveField() declare.Field {
	outcome := func(name, when string) declare.Field {
		return declare.Field{Name: name, Type: declare.Any, Example: "hate", Doc: "The outcome that a suggested score " + when + " means: one of the label's `classes`, or `true` or `false`. It means none where this is left out."}
	}
	return declare.Field{Name: "perspective", Type: declare.Mapping,
		Doc: "Answers at the endpoints of the Perspective API, `POST /v1alpha1/comments:analyze` and `comments:suggestscore`, so that its clients work unchanged but for the address. It needs `text`, whose `languages` are those that it serves: a request that names another is refused, and so is a text that can be in none of them where the request names none. A comment becomes the event decided on: its text is that event's, its id is made, it happens now, and the policy decides on it as on any other, unless the request says `doNotStore`.",
		Fields: []declare.Field{
			{Name: "attributes", Type: declare.Mapping, Required: true, Capitals: true, Example: "{TOXICITY: scores.hate + scores.offensive, IDENTITY_ATTACK: scores.hate}",
				Doc: "The attributes that can be asked for, by the API's names, such as TOXICITY. One that is not here is refused by name.",
				Each: &declare.Field{Type: declare.Expression, Example: "scores.hate + scores.offensive",
					Doc: "The attribute's score: a number, or an expression for one, which reads what a condition of the policy does. It is cut to 0 and 1."}},
			{Name: "session", Type: declare.FieldRef, Example: "message.author", Doc: "The field of the event decided on that a request's `sessionId` is put in. Without one it is missing, or the comment's own id where the field cannot be missing: nothing is then known of the session."},
			{Name: "community", Type: declare.FieldRef, Example: "message.channel", Doc: "The field of the event decided on that a request's `communityId` is put in. Without one it is as with `session`."},
			{Name: "suggest", Type: declare.Mapping, List: true, Example: "[{attribute: IDENTITY_ATTACK, above: hate}, {attribute: TOXICITY, above: offensive, below: neither}]",
				Doc: "What `comments:suggestscore` makes of suggested scores: the first of these that has a meaning for one is the outcome, or with the label's `several` all of them together, recorded as an event of the label. It is of the comment that was analysed with the same `clientToken`, text, session and community; a suggestion for any other is acknowledged and not recorded. A field of the outcome that the event decided on has by the same name and type is taken from there.",
				Fields: []declare.Field{
					{Name: "attribute", Type: declare.Text, Required: true, Example: "TOXICITY", Doc: "The attribute, one of `attributes`."},
					outcome("above", "of 0.5 or more"), outcome("below", "under 0.5"),
				}},
		}}
}

// resolvePerspective resolves what the endpoints of the Perspective API answer.
func (c *checker) resolvePerspective(root *node) {
	n := root.get("perspective")
	if n == nil || n.shape != mapping {
		return
	}
	c.needsText(root, root.key("perspective"), "a comment is a text")
	p := &Perspective{Session: -1, Community: -1}
	c.resolveAttributes(root, n.get("attributes"), p)
	p.Session = c.requestField(n.get("session"))
	p.Community = c.requestField(n.get("community"))
	if p.Session >= 0 && p.Session == p.Community {
		c.errorf(n.get("community"), "duplicate_item", "`%s` holds the session already", n.get("community").text)
	}
	if (p.Session >= 0 || n.written("session") == nil) && (p.Community >= 0 || n.written("community") == nil) {
		c.unsetFields(root, p)
	}
	c.resolveSuggest(root, n.get("suggest"), p)
	c.spec.Perspective = p
}

func (c *checker) resolveAttributes(root, n *node, p *Perspective) {
	if n == nil || n.shape != mapping {
		return
	}
	if len(n.entries) == 0 {
		c.errorf(n, "empty_value", "`%s` is empty", leaf(n.path)).note("for example: {TOXICITY: score}")
	}
	env := c.decisionEnv(decisionScope{score: true})
	for _, e := range n.entries {
		if e.ignored || e.value.bad {
			continue
		}
		value := c.compile(e.value, env)
		switch {
		case value == nil:
		case value.Type() != expr.Number:
			c.errorf(e.value, "not_a_number_attribute", "the score of an attribute is a number, and this is %s", article(value.Type().String()))
		default:
			c.needsModel(root, e.value, value)
		}
		p.Attributes = append(p.Attributes, Attribute{Name: e.key.text, Value: value})
	}
}

// requestField resolves a field of the event decided on that something of a
// request is put in, -1 where there is none.
func (c *checker) requestField(n *node) int {
	if n == nil || c.spec.DecideOn == nil {
		return -1
	}
	t, i := c.fieldOf(n)
	if i < 0 {
		return -1
	}
	text := -1
	if c.spec.Text != nil {
		text = c.spec.Text.Field
	}
	f := &t.Fields[i]
	switch {
	case t != c.spec.DecideOn:
		c.errorf(n, "wrong_event", "a comment is the event decided on, `%s`", c.spec.DecideOn.Name)
	case f.Type != orrery.String && f.Type != orrery.Entity:
		c.errorf(n, "wrong_field_type", "this is a string or a key, and `%s` is %s", n.text, article(f.Type.String()))
	case i == t.IDField || i == text:
		c.errorf(n, "wrong_field_type", "`%s` holds another part of the comment", n.text)
	default:
		return i
	}
	return -1
}

// unsetFields reports fields of the event decided on that no request fills.
func (c *checker) unsetFields(root *node, p *Perspective) {
	t := c.spec.DecideOn
	if t == nil || c.spec.Text == nil || c.openEvents[t.Name] {
		return
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if i == t.IDField || i == t.TimeField || i == c.spec.Text.Field || i == p.Session || i == p.Community || !needed(f) {
			continue
		}
		c.unset(root, t, f, "a comment says nothing of it")
	}
}

func needed(f *orrery.Field) bool { return !f.Optional && f.Default.IsMissing() }

func (c *checker) unset(root *node, t *orrery.EventType, f *orrery.Field, why string) {
	if c.fields.broken[t.Name+"."+f.Name] || root.partial {
		return
	}
	c.errorf(root.key("perspective"), "perspective_field_unset", "`%s.%s` cannot be missing, and %s", t.Name, f.Name, why).
		note("make it optional, or give it a default")
}

func (c *checker) resolveSuggest(root, n *node, p *Perspective) {
	if n == nil {
		return
	}
	c.needsLabel(root, n)
	above, below := map[int]bool{}, map[int]bool{}
	for _, item := range n.list() {
		if item.shape != mapping {
			continue
		}
		name := item.get("attribute")
		if name == nil {
			continue
		}
		s := Suggestion{Attribute: p.Attribute(name.text), Above: c.suggestedOutcome(item.get("above")), Below: c.suggestedOutcome(item.get("below"))}
		if s.Attribute < 0 {
			known := names{open: len(p.Attributes) == 0}
			for _, a := range p.Attributes {
				known.list = append(known.list, a.Name)
			}
			c.unresolved(name, "unknown_attribute", "attribute", name.text, &known)
			continue
		}
		switch {
		case item.written("above") == nil && item.written("below") == nil && !c.misspelt(item, "above") && !c.misspelt(item, "below"):
			c.errorf(item, "suggests_nothing", "no score of `%s` means anything here", name.text).note("say what one means: above: %s", firstOr(c.classes, "true"))
		case s.Above == "" && s.Below == "":
		case (s.Above == "" || above[s.Attribute]) && (s.Below == "" || below[s.Attribute]):
			c.errorf(name, "suggestion_unreachable", "an item before this one answers for `%s`", name.text)
		}
		above[s.Attribute] = above[s.Attribute] || s.Above != ""
		below[s.Attribute] = below[s.Attribute] || s.Below != ""
		p.Suggest = append(p.Suggest, s)
	}
	c.unsetOutcome(root)
}

// suggestedOutcome gives the outcome that a key names, empty where there is none.
func (c *checker) suggestedOutcome(n *node) string {
	if n == nil || c.spec.Label == nil {
		return ""
	}
	known := names{list: c.spec.Label.Outcomes()}
	if slices.Contains(known.list, n.text) {
		return n.text
	}
	c.unresolved(n, "unknown_class", "outcome", n.text, &known)
	return ""
}

// unsetOutcome reports fields of the label's event that no suggestion fills.
func (c *checker) unsetOutcome(root *node) {
	l, decided := c.spec.Label, c.spec.DecideOn
	if l == nil || l.Event == nil || l.Field < 0 || l.Match < 0 || decided == nil || c.openEvents[l.Event.Name] || c.openEvents[decided.Name] {
		return
	}
	for i := range l.Event.Fields {
		f := &l.Event.Fields[i]
		if i == l.Event.IDField || i == l.Event.TimeField || i == l.Field || i == l.Match || !needed(f) || SameField(decided, f) >= 0 {
			continue
		}
		c.unset(root, l.Event, f, "a suggested score says nothing of it")
	}
}

// SameField gives the index of the field of an event type that has the name and
// the type of another's, -1 where there is none.
func SameField(t *orrery.EventType, f *orrery.Field) int {
	i := t.Field(f.Name)
	if i < 0 {
		return -1
	}
	if o := &t.Fields[i]; o.Type != f.Type || o.Entity != f.Entity || o.Scale != f.Scale || o.Personal != f.Personal {
		return -1
	}
	return i
}
