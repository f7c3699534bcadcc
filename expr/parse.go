package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/parser"
)

// celParser has no macros: their loops are not part of this language.
var celParser = mustParser(parser.NewParser(
	parser.EnablePrattParser(true),
	parser.MaxRecursionDepth(2*maxDepth+50),
	parser.ExpressionSizeCodePointLimit(maxSource),
	parser.MaxExpressionNodeCount(maxSource),
	parser.ErrorReportingLimit(8),
	parser.ErrorRecoveryLimit(8),
))

func mustParser(p *parser.Parser, err error) *parser.Parser {
	if err != nil {
		panic(err) // the options above are wrong
	}
	return p
}

// parse reads an expression. The tree is nil where there are issues.
func parse(text string) (*source, *ast.AST, []Issue) {
	if fault := unreadable(text); fault != nil {
		return nil, nil, []Issue{*fault}
	}
	s, issues := newSource(text)
	if len(s.tokens) == 0 {
		return s, nil, []Issue{span{0, len(text)}.issue(codeSyntax, "the expression is empty", "")}
	}
	if len(issues) > 0 {
		return s, nil, issues
	}
	tree, errs := celParser.Parse(common.NewTextSource(s.plain))
	for _, err := range errs.GetErrors() {
		issues = append(issues, s.syntax(err))
	}
	if len(issues) > 0 {
		return s, nil, issues
	}
	return s, tree, nil
}

func unreadable(text string) *Issue {
	issue := Issue{Length: len(text), Code: codeSyntax}
	switch {
	case len(text) > maxSource:
		issue.Code = codeCost
		issue.Message = fmt.Sprintf("the expression has %d bytes, more than %d: split it", len(text), maxSource)
	case !utf8.ValidString(text):
		issue.Message = "the expression is not UTF-8"
	case strings.IndexByte(text, 0) >= 0:
		issue.Offset, issue.Length = strings.IndexByte(text, 0), 1
		issue.Message = "the expression holds a NUL character"
	default:
		return nil
	}
	return &issue
}

// syntax says a fault of cel-go's parser in this package's words, which its own
// messages only serve to tell apart.
func (s *source) syntax(err *common.Error) Issue {
	if strings.Contains(err.Message, "recursion limit") {
		return span{0, len(s.text)}.issue(codeCost, tooDeep, "")
	}
	i := s.find(s.offset(err.Location))
	if i == len(s.tokens) {
		end := span{len(s.text), len(s.text)}
		if i > 0 {
			end = span{s.tokens[i-1].to, s.tokens[i-1].to}
		}
		return end.issue(codeSyntax, s.atEnd(err.Message), "")
	}
	if s.word(i-1) == "not" {
		i-- // a name to CEL, which finds fault with what follows
	}
	message, suggestion := s.unexpected(i, err.Message)
	return s.tokens[i].issue(codeSyntax, message, suggestion)
}

var tooDeep = fmt.Sprintf("the expression is nested more than %d deep: split it", maxDepth)

// offset gives the byte offset of a place that cel-go names.
func (s *source) offset(l common.Location) int {
	line, at := l.Line(), 0
	for ; line > 1 && at < len(s.text); line-- {
		at += lineLength(s.text[at:])
	}
	for column := l.Column(); column > 0 && at < len(s.text); column-- {
		_, size := utf8.DecodeRuneInString(s.text[at:])
		at += size
	}
	return at
}

func (s *source) atEnd(message string) string {
	switch {
	case strings.Contains(message, "')'"):
		return "a `(` is not closed: a `)` is missing at the end"
	case strings.Contains(message, "']'"):
		return "a `[` is not closed: a `]` is missing at the end"
	case strings.Contains(message, "':'"):
		return "a condition `a ? b : c` lacks its `: c`"
	case strings.Contains(message, "after '.'"):
		return "a name is missing after the `.`"
	}
	return "the expression ends where a value is missing"
}

// words has what people write for operators of CEL.
var words = map[string]string{"and": "&&", "or": "||", "not": "!", "=": "==", "&": "&&", "|": "||", "mod": "%", "is": "=="}

// unexpected says what is wrong with the token of an index.
func (s *source) unexpected(i int, message string) (text, suggestion string) {
	here := s.word(i)
	if meant, ok := words[here]; ok {
		return fmt.Sprintf("`%s` is no operator: write `%s`", here, meant), meant
	}
	switch {
	case strings.Contains(message, "unterminated"):
		return "the text is not closed: its second quote is missing", ""
	case strings.Contains(message, "reserved identifier"):
		return fmt.Sprintf("`%s` is a word of the language and cannot be a name", here), ""
	case strings.Contains(message, "int literal"):
		return fmt.Sprintf("`%s` is too large for a whole number: write it as 1e20", here), ""
	case strings.Contains(message, "double literal"):
		return fmt.Sprintf("`%s` is no number that a double can hold", here), ""
	case strings.Contains(message, "escape") || strings.Contains(message, "unable to unescape"):
		return "the text has an escape that does not exist: a backslash is written `\\\\`", ""
	case strings.Contains(message, "after expression"):
		return fmt.Sprintf("`%s` follows a complete expression: an operator is missing, or a bracket is closed twice", here), ""
	case strings.Contains(message, "')'"):
		return fmt.Sprintf("`%s` stands where a `)` or an operator is expected", here), ""
	case strings.Contains(message, "']'"):
		return fmt.Sprintf("`%s` stands where a `,` or a `]` is expected", here), ""
	case strings.Contains(message, "':'"):
		return fmt.Sprintf("`%s` stands where the `:` of a condition `a ? b : c` is expected", here), ""
	case strings.Contains(message, "after '.'"):
		return fmt.Sprintf("`%s` stands where a name is expected after the `.`", here), ""
	case strings.Contains(message, "unexpected character"):
		return fmt.Sprintf("`%s` has no meaning in an expression", here), ""
	}
	return fmt.Sprintf("`%s` stands where a value is expected", here), ""
}
