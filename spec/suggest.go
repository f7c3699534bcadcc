package spec

import (
	"strings"

	"orrery.dev/spelling"
)

// maxCandidates bounds the search for what a name was meant to be.
const maxCandidates = 500

// nearest gives the candidate that a name was most likely meant to be, empty
// where none is near. Of equally near ones the first wins.
func nearest(name string, candidates []string) string {
	return spelling.Nearest(name, candidates[:min(len(candidates), maxCandidates)], slips(name))
}

// slips is how many slips a name of this length can have and still be meant.
func slips(name string) int {
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
