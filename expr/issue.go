package expr

import (
	"cmp"
	"slices"
)

// Issue is one fault of an expression.
type Issue struct {
	// Offset and Length say where, in bytes of the source.
	Offset, Length int
	// Code is one of expression_syntax, expression_unknown_name,
	// expression_unknown_function, expression_type, expression_too_costly.
	Code string
	// Message is a sentence for a person.
	Message string
	// Suggestion is what was probably meant in the place of the fault; empty where
	// nothing is near.
	Suggestion string
}

const (
	codeSyntax   = "expression_syntax"
	codeName     = "expression_unknown_name"
	codeFunction = "expression_unknown_function"
	codeType     = "expression_type"
	codeCost     = "expression_too_costly"
)

// ordered sorts issues by place, and drops repeats.
func ordered(issues []Issue) []Issue {
	slices.SortStableFunc(issues, func(a, b Issue) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Length, b.Length))
	})
	return slices.Compact(issues)
}

// span is a range of bytes of the source.
type span struct{ from, to int }

func (s span) join(t span) span { return span{min(s.from, t.from), max(s.to, t.to)} }

func (s span) issue(code, message, suggestion string) Issue {
	return Issue{Offset: s.from, Length: s.to - s.from, Code: code, Message: message, Suggestion: suggestion}
}
