package match

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"orrery.dev/text"
)

// Mask replaces every character that a span touches by mask, white space
// excepted. Characters are what a reader counts as one (grapheme clusters, UAX
// #29), so a letter goes with its marks and a joined emoji as a whole. The spans
// may overlap and be in any order.
func Mask(message string, spans []text.Span, mask rune) string {
	if len(spans) == 0 {
		return message
	}
	// covered at a byte are more spans begun than ended
	change := make([]int32, len(message)+1)
	for _, s := range spans {
		if start, end := max(s.Start, 0), min(s.End, len(message)); start < end {
			change[start]++
			change[end]--
		}
	}
	var b strings.Builder
	b.Grow(len(message))
	clusters := graphemes.FromString(message)
	open, at := int32(0), 0
	for clusters.Next() {
		cluster := clusters.Value()
		touched := false
		for range len(cluster) {
			open += change[at]
			touched = touched || open > 0
			at++
		}
		if first, _ := utf8.DecodeRuneInString(cluster); touched && !unicode.IsSpace(first) {
			b.WriteRune(mask)
		} else {
			b.WriteString(cluster)
		}
	}
	return b.String()
}
