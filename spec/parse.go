package spec

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth bounds how deep collections nest: the parser is recursive, and no
// spec comes near it.
const maxDepth = 64

// yamlFault is what the YAML parser has against a text.
type yamlFault struct {
	at      span
	message string
}

// parseYAML reads text with the YAML library. A panic of the library is a fault
// of the text like any other.
func parseYAML(text string) (file *ast.File, fault *yamlFault) {
	defer func() {
		if r := recover(); r != nil {
			file, fault = nil, &yamlFault{at: span{1, 1, 2}, message: "the text cannot be read as YAML"}
		}
	}()
	file, err := parser.Parse(lexer.Tokenize(text), 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file, nil
	}
	fault = &yamlFault{at: span{1, 1, 2}, message: "it cannot be read"}
	if e, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	}); ok {
		fault.message = e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			fault.at = span{max(t.Position.Line, 1), max(t.Position.Column, 1), 0}
		}
	}
	return nil, fault
}

// tooDeep finds the place where collections nest beyond maxDepth.
func tooDeep(s *source) (at span, found bool) {
	depth := 0
	for i, line := range s.lines {
		leading := 0
		for j, r := range line {
			switch r {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			case '-', '?', ':', '&', '!', '*':
				leading++
			case ' ', '\t':
			default:
				leading = -len(line)
			}
			if depth > maxDepth || leading > maxDepth {
				return span{i + 1, j + 1, j + 2}, true
			}
		}
		// Indentation nests too: a line cannot be deeper than it is indented.
		if blank := indentOf(line); blank > 8*maxDepth && blank < len(line) {
			return span{i + 1, blank + 1, blank + 2}, true
		}
	}
	return span{}, false
}

// convert turns the library's tree into nodes and reports what a spec does not
// take of YAML: anchors, aliases, merge keys, tags and keys that are no scalars.
type converter struct {
	src    *source
	report func(at span, code, format string, args ...any) *Diagnostic
}

func position(n ast.Node) span {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return span{t.Position.Line, max(t.Position.Column, 1), max(t.Position.Column, 1) + 1}
	}
	return span{1, 1, 2}
}

func (c *converter) node(n ast.Node, parent span) *node {
	switch n := n.(type) {
	case nil:
		return &node{shape: empty, at: parent}
	case *ast.NullNode:
		return c.null(n, parent)
	case *ast.MappingNode:
		return c.mapping(n.Values, n, n.IsFlowStyle, parent)
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{n}, n, n.IsFlowStyle, parent)
	case *ast.SequenceNode:
		return c.sequence(n, parent)
	case *ast.LiteralNode:
		return &node{shape: scalar, at: c.src.word(n.Start.Position.Line, n.Start.Position.Column), text: n.Value.Value, block: true}
	case *ast.AnchorNode:
		c.report(c.src.word(position(n).line, position(n).column), "yaml_anchor", "a spec has no anchors").
			note("write the value where it is used")
		return c.node(n.Value, parent)
	case *ast.AliasNode:
		at := c.src.word(position(n).line, position(n).column)
		c.report(at, "yaml_alias", "a spec has no aliases").note("write the value itself")
		return &node{shape: unknown, at: at}
	case *ast.TagNode:
		c.report(c.src.word(position(n).line, position(n).column), "yaml_tag", "a spec has no tags").
			note("remove `%s`; each key says which type it takes", n.GetToken().Value)
		return c.node(n.Value, parent)
	}
	return c.scalar(n)
}

func (c *converter) null(n *ast.NullNode, parent span) *node {
	// The library gives an implied null no place of its own.
	if at := position(n); n.GetToken().Value == "~" || n.GetToken().Type == token.NullType {
		if end := at.column - 1 + len(n.GetToken().Value); end <= len(c.src.line(at.line)) &&
			string(c.src.line(at.line)[at.column-1:end]) == n.GetToken().Value {
			return &node{shape: empty, at: span{at.line, at.column, end + 1}}
		}
	}
	return &node{shape: empty, at: parent}
}

func (c *converter) mapping(values []*ast.MappingValueNode, n ast.Node, flow bool, parent span) *node {
	out := &node{shape: mapping, at: parent}
	if flow {
		out.at = c.flowSpan(position(n), '}')
	}
	for _, v := range values {
		key := c.key(v.Key)
		if key == nil {
			out.partial = true
			continue
		}
		out.entries = append(out.entries, entry{key: key, value: c.node(v.Value, key.at)})
	}
	return out
}

// key gives a key's node, nil for one that has been refused.
func (c *converter) key(k ast.MapKeyNode) *node {
	if k == nil {
		return nil
	}
	if k.IsMergeKey() {
		c.report(c.src.word(position(k).line, position(k).column), "yaml_merge", "a spec has no merge keys").
			note("write the keys out")
		return nil
	}
	switch k := k.(type) {
	case *ast.MappingKeyNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		c.report(c.src.word(position(k).line, position(k).column), "bad_key", "a key is one plain word")
		return nil
	}
	key := c.scalar(k)
	if key.shape != scalar {
		c.report(key.at, "bad_key", "a key is one plain word")
		return nil
	}
	return key
}

func (c *converter) sequence(n *ast.SequenceNode, parent span) *node {
	out := &node{shape: sequence, at: parent}
	if n.IsFlowStyle {
		out.at = c.flowSpan(position(n), ']')
	}
	for i, v := range n.Values {
		at := parent
		if v != nil {
			at = position(v)
		}
		if !n.IsFlowStyle && i < len(n.Entries) && n.Entries[i].Start != nil {
			p := n.Entries[i].Start.Position
			at = c.src.word(p.Line, p.Column)
		}
		out.items = append(out.items, c.node(v, at))
	}
	return out
}

// flowSpan covers a flow collection that ends on its line, else its bracket.
func (c *converter) flowSpan(at span, closer rune) span {
	depth := 0
	for i, line := at.column-1, c.src.line(at.line); i < len(line); i++ {
		switch line[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 && line[i] == closer {
				return span{at.line, at.column, i + 2}
			}
		}
	}
	return span{at.line, at.column, at.column + 1}
}

func (c *converter) scalar(n ast.Node) *node {
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return &node{shape: unknown, at: span{1, 1, 2}}
	}
	out := &node{shape: scalar, text: t.Value}
	at := position(n)
	// The library counts a tab before a value as its first character.
	for line := c.src.line(at.line); at.column < len(line) && (line[at.column-1] == '\t' || line[at.column-1] == ' '); {
		at.column++
	}
	switch t.Type {
	case token.SingleQuoteType, token.DoubleQuoteType:
		out.at = span{at.line, at.column, c.quoteEnd(at)}
	default:
		out.plain = true
		out.at = span{at.line, at.column, c.plainEnd(at, []rune(t.Value))}
	}
	if _, ok := n.(*ast.NullNode); ok {
		out.shape = empty
	}
	return out
}

// quoteEnd gives the column after a quoted scalar, or after its line where it
// goes on.
func (c *converter) quoteEnd(at span) int {
	line := c.src.line(at.line)
	if at.column > len(line) {
		return at.end
	}
	quote := line[at.column-1]
	for i := at.column; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quote == '"':
			i++
		case line[i] == quote && quote == '\'' && i+1 < len(line) && line[i+1] == quote:
			i++
		case line[i] == quote:
			return i + 2
		}
	}
	return len(line) + 1
}

// plainEnd gives the column after the part of a plain scalar that stands on its
// first line.
func (c *converter) plainEnd(at span, text []rune) int {
	line := c.src.line(at.line)
	i, j := at.column-1, 0
	for i < len(line) && j < len(text) && line[i] == text[j] {
		i, j = i+1, j+1
	}
	for i > at.column && i-1 < len(line) && line[i-1] == ' ' {
		i--
	}
	return max(i+1, at.column+1)
}
