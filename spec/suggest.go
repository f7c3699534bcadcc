package spec

import (
	"strings"
)

// maxCandidates bounds the search for what a name was meant to be.
const maxCandidates = 500

// nearest gives the candidate that a name was most likely meant to be, empty
// where none is near. Of equally near ones the first wins.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", 1+limit(name)
	candidates = candidates[:min(len(candidates), maxCandidates)]
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance && c != name {
			best, bestDistance = c, d
		}
	}
	return best
}

// limit is how many slips a name of this length can have and still be meant.
func limit(name string) int {
	switch n := len([]rune(name)); {
	case n <= 2:
		return 0
	case n <= 4:
		return 1
	case n <= 8:
		return 2
	default:
		return 3
	}
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours between two words (Damerau's, each pair swapped once).
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	if len(a)-len(b) > 3 || len(b)-len(a) > 3 || len(a) > 64 {
		return 64
	}
	before, previous := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current := make([]int, len(b)+1)
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous = previous, current
	}
	return previous[len(b)]
}

// are says that the names are, or the one name is, what there is.
func are(names []string) string {
	return plural(names, "is ", "are ") + quoted(names)
}

func plural(names []string, one, several string) string {
	if len(names) == 1 {
		return one
	}
	return several
}

// quoted lists names for a sentence: `a`, `b` and `c`. Long lists are cut.
func quoted(names []string) string {
	const most = 12
	var b strings.Builder
	for i, name := range names {
		switch {
		case i == most:
			b.WriteString(" and others")
			return b.String()
		case i > 0 && i == len(names)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString("`" + name + "`")
	}
	return b.String()
}
