package spec

import (
	"fmt"
	"slices"
	"strings"

	"orrery.dev"
	"orrery.dev/expr"
)

// maxCost bounds what one expression may cost to evaluate, in the units of
// package expr.
const maxCost = 10_000

// scope is what an expression can read.
type scope struct {
	env *expr.Env
	// names are the variables, for suggestions; event is the one whose fields are
	// among them.
	names []string
	event *orrery.EventType
	seen  map[string]bool
}

func (s *scope) add(name string) bool {
	if s.seen == nil {
		s.seen = make(map[string]bool)
	}
	if s.seen[name] {
		return false
	}
	s.seen[name] = true
	s.names = append(s.names, name)
	return true
}

// decisionScope says what an expression reads beside features and the event
// decided on. With a score, that is the class that the model chooses, too.
type decisionScope struct{ score, action bool }

// eventEnv gives the scope of a condition on one event.
func (c *checker) eventEnv(t *orrery.EventType) *scope {
	s := &scope{event: t}
	return c.environment(s, c.eventVars(s, t))
}

// decisionEnv gives the scope of an expression about a decision. Where the
// event decided on is not known, the fields of all events are in it.
func (c *checker) decisionEnv(with decisionScope) *scope {
	s := &scope{event: c.spec.DecideOn}
	var vars []expr.Var
	for _, t := range c.spec.Contract.Events {
		if s.event == nil || t == s.event {
			vars = append(vars, c.eventVars(s, t)...)
		}
	}
	n := 0
	for _, d := range c.features.list {
		for i, f := range d.scalars {
			if c.features.owner[f.Name] == d && !d.key.bad && !f.Category && s.add(f.Name) {
				vars = append(vars, expr.VectorVar(f.Name, d.first+i))
			}
			n++
		}
	}
	for _, f := range c.listed() {
		l := &c.spec.Lists[f.Listed.List]
		if !c.lists.broken[l.Name] && s.seen[c.spec.DecideOn.Name+"."+c.spec.DecideOn.Fields[f.Listed.Field].Name] {
			vars = append(vars, c.listVar(*f.Listed, n))
		}
		n++
	}
	if with.score && s.add("score") {
		vars = append(vars, expr.VectorVar("score", n))
		for i, class := range c.classes {
			if namePattern.MatchString(class) && s.add(scoresOf+class) {
				vars = append(vars, expr.VectorVar(scoresOf+class, n+1+i))
			}
		}
	}
	if with.action && s.add("action") {
		vars = append(vars, expr.TextVar("action", ActionText))
	}
	for i, class := range c.classes {
		if with.score && c.several && namePattern.MatchString(class) && s.add(chosenOf+class) {
			vars = append(vars, expr.FlagVar(chosenOf+class, n+1+len(c.classes)+i))
		}
	}
	if with.score && len(c.classes) > 0 && !c.several && s.add("class") {
		vars = append(vars, expr.TextVar("class", ClassText))
	}
	return c.environment(s, vars)
}

// The places of texts in the input of an expression about a decision.
const (
	ActionText = iota
	ClassText
	Texts // how many there are
)

func (c *checker) eventVars(s *scope, t *orrery.EventType) []expr.Var {
	var vars []expr.Var
	for i, f := range t.Fields {
		name := t.Name + "." + f.Name
		if c.fields.broken[name] || slices.Contains(reservedWords, t.Name) || !namePattern.MatchString(t.Name) {
			continue
		}
		if s.add(name) {
			vars = append(vars, expr.EventVar(t, i))
		}
	}
	return vars
}

func (c *checker) environment(s *scope, vars []expr.Var) *scope {
	env, err := expr.NewEnv(expr.Options{Location: c.spec.Location, MaxCost: maxCost}, vars)
	if err != nil {
		c.at(span{1, 1, 2}, "", "expression_scope", "no expression can be checked: %v", err)
		return nil
	}
	s.env = env
	return s
}

// compile compiles an expression and reports its faults. The program is nil
// where there are any, told here or explained by others.
func (c *checker) compile(n *node, s *scope) *expr.Program {
	if n == nil || s == nil {
		return nil
	}
	program, issues := s.env.Compile(n.text)
	if len(issues) == 0 {
		if !c.readsNoKey(n, program) {
			return nil
		}
		return program
	}
	for _, issue := range issues {
		c.issue(n, s, issue)
	}
	return nil
}

// issue reports a fault of an expression at its place in the file.
func (c *checker) issue(n *node, s *scope, issue expr.Issue) {
	name := ""
	if issue.Code == "expression_unknown_name" {
		name = nameAt(n.text, issue.Offset)
		if c.explained(name) {
			return
		}
		if c.isCategory(name) {
			c.categoryOperand(c.src.locate(n, issue.Offset, issue.Length), n.path, name)
			return
		}
	}
	d := c.at(c.src.locate(n, issue.Offset, issue.Length), n.path, issue.Code, "%s", issue.Message).suggest(issue.Suggestion)
	if name == "" {
		return
	}
	first, class, dotted := strings.Cut(name, ".")
	switch {
	case name == "class" && c.several && c.features.byName[name] == nil:
		d.Suggestion = ""
		d.Message = "`class` is one class, and several classes of this label can be right at once"
		d.note("ask for each: %s%s", chosenOf, firstOr(c.classes, "CLASS"))
		return
	case dotted && first+"." == chosenOf && !c.several:
		d.Suggestion = ""
		d.note("the label does not say `several`, so the model chooses one class: class == %q", class)
		return
	case dotted && first+"." == chosenOf:
		d.Message = fmt.Sprintf("the label has no class `%s`", class)
		d.suggest(nearest(name, s.names))
		return
	}
	if dotted && first+"." == scoresOf {
		if d.Message = fmt.Sprintf("the label has no class `%s`", class); len(c.classes) == 0 {
			d.suggest("score").note("there is one score, since the label has no `classes`")
		} else {
			d.suggest(nearest(name, s.names))
		}
		return
	}
	other := c.features.byName[first]
	switch {
	case first == "lists":
		if d.Suggestion == "" {
			d.note("declare it, and what is on it: lists: {%s: %s}", lastSegment(name), firstOr(c.entities.list, "ENTITY"))
		}
	case dotted && s.event != nil && first != s.event.Name && c.events.has(first):
		d.Suggestion = ""
		d.note("this expression reads the event `%s`; to use `%s`, aggregate it", s.event.Name, first)
	case other != nil && len(other.scalars) > 0 && other.scalars[0].Name != first && s.event == c.spec.DecideOn:
		d.suggest(other.scalars[0].Name).note("`%s` has one value for each window", first)
	case d.Suggestion == "":
		d.suggest(nearest(name, s.names))
	}
}

func (c *checker) categoryOperand(at span, path, name string) {
	c.at(at, path, "category_operand", "`%s` is a category, the number of a text, and no expression can reckon with it", name).
		note("a model can take it; to compare the text itself, read the field of the event")
}

// isCategory reports whether a name is that of a scalar that is a category.
func (c *checker) isCategory(name string) bool {
	if d := c.features.owner[name]; d != nil {
		for _, f := range d.scalars {
			if f.Name == name {
				return f.Category
			}
		}
	}
	return false
}

// explained reports whether a name may be missing only because of a fault that
// has been reported.
func (c *checker) explained(name string) bool {
	first, field, dotted := strings.Cut(name, ".")
	field, _, _ = strings.Cut(field, ".")
	if first == "lists" && (c.lists.open || c.lists.broken[field]) {
		return true
	}
	if dotted {
		return c.openEvents[first] || c.fields.broken[first+"."+field] || c.lost[field] || c.lost[first] ||
			c.events.broken[first] || c.events.open && !c.events.has(first)
	}
	if d := c.features.byName[first]; d != nil && d.key.bad {
		return true
	}
	return c.hidden(first)
}

// nameAt gives the dotted name around an offset of an expression.
func nameAt(text string, offset int) string {
	offset = min(max(offset, 0), len(text))
	part := func(b byte) bool {
		return b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
	}
	from, to := offset, offset
	for from > 0 && part(text[from-1]) {
		from--
	}
	for to < len(text) && part(text[to]) {
		to++
	}
	return strings.Trim(text[from:to], ".")
}

// locate gives the place in the file of a part of a scalar's text, which may be
// quoted, folded or a block: each character of the text is looked for from
// where the one before it was found.
func (s *source) locate(n *node, offset, length int) span {
	f := finder{src: s, line: n.at.line, column: n.at.column, block: n.block}
	f.open(n)
	at, found := n.at, false
	text := strings.TrimRight(n.text, " \n\t")
	for i, r := range text {
		if i >= offset+max(length, 1) && found {
			break
		}
		line, column, ok := f.find(r)
		switch {
		case !ok:
			return n.at
		case i >= offset && !found:
			at, found = span{line, column, column + 1}, true
		case i >= offset && line == at.line:
			at.end = column + 1
		}
	}
	if !found && offset >= len(text) {
		return span{f.line, f.column, f.column + 1}
	}
	return at
}

// finder walks the source along the characters of a scalar.
type finder struct {
	src          *source
	line, column int
	quote        rune
	block        bool
}

func (f *finder) open(n *node) {
	text := f.src.line(n.at.line)
	switch {
	case n.block:
		f.line, f.column = n.at.line+1, 1
	case !n.plain && n.at.column <= len(text):
		f.quote = text[n.at.column-1]
		f.column++
	}
}

// find moves past the next character of the scalar, and gives its place.
func (f *finder) find(r rune) (line, column int, ok bool) {
	space := r == ' ' || r == '\n' || r == '\t'
	for f.line <= len(f.src.lines) {
		text := f.src.line(f.line)
		if f.column > len(text) {
			if space {
				return f.line, f.column, true
			}
			f.line, f.column = f.line+1, 1
			continue
		}
		line, column = f.line, f.column
		switch here := text[f.column-1]; {
		case f.quote == '"' && here == '\\':
			f.column += escapeLength(text[f.column:])
			return line, column, true
		case f.quote == '\'' && here == '\'':
			f.column += 2
			return line, column, r == '\''
		case here == r || space && (here == ' ' || here == '\t'):
			f.column++
			return line, column, true
		case here == ' ' || here == '\t':
			f.column++
		default:
			return line, column, space
		}
	}
	return 0, 0, false
}

// escapeLength gives the length of an escape in double quotes from what follows
// its backslash.
func escapeLength(after []rune) int {
	if len(after) == 0 {
		return 1
	}
	switch after[0] {
	case 'x':
		return 4
	case 'u':
		return 6
	case 'U':
		return 10
	}
	return 2
}
