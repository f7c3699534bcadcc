package orrery

import (
	"slices"
	"strings"
)

// LabelSet is a set of the classes of a label of which several can be right at
// once: bit k is that of class k.
type LabelSet uint64

const (
	// MostLabels is how many classes such a label has at most: a float64 holds
	// every set of so many exactly.
	MostLabels = 52
	// NoLabel is the outcome that none of the classes is right, and so no class.
	NoLabel = "none"
	// LabelSeparator stands between the classes of an outcome: "toxic|threat".
	LabelSeparator = "|"
)

// ParseLabels reads an outcome: classes with separators between them, in any
// order, or NoLabel. ok is false for one that names anything else, or a class
// twice.
func ParseLabels(text string, classes []string) (set LabelSet, ok bool) {
	if strings.TrimSpace(text) == NoLabel {
		return 0, true
	}
	for name := range strings.SplitSeq(text, LabelSeparator) {
		k := slices.Index(classes, strings.TrimSpace(name))
		if k < 0 || set.Has(k) {
			return 0, false
		}
		set |= 1 << k
	}
	return set, true
}

// Has reports whether a class, by its index, is in the set.
func (s LabelSet) Has(class int) bool { return s>>class&1 == 1 }

// Names gives the classes of the set in their order; nil for none.
func (s LabelSet) Names(classes []string) []string {
	var out []string
	for k, name := range classes {
		if s.Has(k) {
			out = append(out, name)
		}
	}
	return out
}

// Text writes the set as an outcome.
func (s LabelSet) Text(classes []string) string {
	if s == 0 {
		return NoLabel
	}
	return strings.Join(s.Names(classes), LabelSeparator)
}
