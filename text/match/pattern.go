package match

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// pattern is a regular expression and the number of its term.
type pattern struct {
	re   *regexp.Regexp
	term int32
}

// addPattern has a pattern run on messages that have one of its literals, or on
// all where it has none.
func (m *Matcher) addPattern(t *Term, number int32, floating *keys) {
	p := int32(len(m.patterns))
	m.patterns = append(m.patterns, pattern{t.pattern, number})
	if len(t.literals) == 0 {
		m.always = append(m.always, p)
	}
	floating.add(t.literals, ^p)
}

// patterns runs the patterns that may match.
func (w *walker) patterns() {
	slices.Sort(w.due)
	for _, p := range slices.Compact(w.due) {
		w.match(p)
	}
	for _, p := range w.m.always {
		w.match(p)
	}
}

func (w *walker) match(p int32) {
	for _, at := range w.m.patterns[p].re.FindAllIndex(w.n.Text, -1) {
		if at[1] > at[0] {
			w.add(w.m.patterns[p].term, at[0], at[1])
		}
	}
}

// Bounds of the literals of a pattern.
const (
	leastLiteral = 2
	mostLiterals = 64
)

// literals gives texts of which one is in whatever an expression matches, in
// lower case as normal forms are, none where there is no such set of reasonable
// size (the prefilter of Cox, "Regular Expression Matching with a Trigram Index",
// 2012, in small).
func literals(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if s := strings.ToLower(string(re.Rune)); len(s) >= leastLiteral {
			return []string{s}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(re.Sub[0])
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if l := literals(sub); better(l, best) {
				best = l
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			l := literals(sub)
			if len(l) == 0 || len(all)+len(l) > mostLiterals {
				return nil
			}
			all = append(all, l...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return nil
}

// better prefers the set whose shortest text is longer, then the smaller set.
func better(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) > 0
	}
	if x, y := shortest(a), shortest(b); x != y {
		return x > y
	}
	return len(a) < len(b)
}

func shortest(texts []string) int {
	least := len(texts[0])
	for _, s := range texts {
		least = min(least, len(s))
	}
	return least
}
