package expr

import (
	"math"
	"strings"
	"unicode/utf8"
)

func textOverloads() []overload {
	out := []overload{
		{name: "lower", method: true, params: []Type{String}, result: String, cost: costText,
			make: func(_ *node, args []code) code { return lower(args[0].text) }},
		{name: "matches", method: true, params: []Type{String, String}, pattern: true, result: Bool, cost: costText,
			make: func(n *node, args []code) code { return matches(n, args[0].text) }},
		{name: "size", method: true, params: []Type{String}, result: Number, cost: costText,
			make: func(_ *node, args []code) code { return size(args[0].text) }},
	}
	for name, test := range map[string]func(s, part string) bool{
		"contains": strings.Contains, "endsWith": strings.HasSuffix, "startsWith": strings.HasPrefix,
	} {
		out = append(out, overload{name: name, method: true, params: []Type{String, String}, result: Bool, cost: costText,
			make: func(_ *node, args []code) code { return testTexts(test, args) }})
	}
	return out
}

func testTexts(test func(s, part string) bool, args []code) code {
	a, b := args[0].text, args[1].text
	return code{truth: func(in *Input) truth {
		s, sKnown := a(in)
		part, partKnown := b(in)
		if !sKnown || !partKnown {
			return unknown
		}
		return truthOf(test(s, part))
	}}
}

func matches(n *node, a func(*Input) (string, bool)) code {
	pattern := n.pattern
	return code{truth: func(in *Input) truth {
		s, known := a(in)
		if !known {
			return unknown
		}
		return truthOf(pattern.MatchString(s))
	}}
}

func size(a func(*Input) (string, bool)) code {
	return code{number: func(in *Input) float64 {
		s, known := a(in)
		if !known {
			return math.NaN()
		}
		return float64(utf8.RuneCountInString(s))
	}}
}

// lower changes A to Z alone: what other letters have as small ones depends on
// the version of Unicode, and so of Go.
func lower(a func(*Input) (string, bool)) code {
	return code{text: func(in *Input) (string, bool) {
		s, known := a(in)
		return lowerASCII(s), known
	}}
}

func lowerASCII(s string) string {
	at := strings.IndexFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' })
	if at < 0 {
		return s
	}
	b := []byte(s)
	for i := at; i < len(b); i++ {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
