package spec

import (
	"fmt"
	"strings"
	"testing"
)

// TestLargeFiles checks that no file within the size limit is refused or kept
// at for reasons of size alone. It would not end if the cost grew with the
// square of the input.
func TestLargeFiles(t *testing.T) {
	repeat := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := 0; i < n && b.Len() < MaxSize-100; i++ {
			b.WriteString(line(i))
		}
		return b.String()
	}
	list := func(format string) string {
		return "[" + strings.TrimSuffix(repeat(50000, func(i int) string {
			if i%500 == 499 {
				return "\n  "
			}
			return fmt.Sprintf(format+", ", i)
		}), ", ") + "]"
	}
	cases := map[string]func() string{
		"unknown keys":      func() string { return repeat(9000, func(i int) string { return fmt.Sprintf("key%d: 1\n", i) }) },
		"long line":         func() string { return "about: " + strings.Repeat("x", MaxSize-100) },
		"quoted":            func() string { return `about: "` + strings.Repeat("\\n", MaxSize/2-100) + `"` },
		"unclosed quote":    func() string { return `about: "` + strings.Repeat("x ", MaxSize/2-100) },
		"unclosed brackets": func() string { return repeat(9000, func(i int) string { return "a: [\n" }) },
		"brackets":          func() string { return strings.Repeat("[]", 3000) },
		"dashes":            func() string { return strings.Repeat("- ", 3000) },
		"tags":              func() string { return strings.Repeat("!a ", 3000) },
		"anchors":           func() string { return strings.Repeat("&a ", 3000) },
		"question marks":    func() string { return strings.Repeat("? ", 3000) },
		"colons":            func() string { return strings.Repeat(": ", 3000) },
		"stairs":            func() string { return repeat(1400, func(i int) string { return strings.Repeat(" ", i) + "a:\n" }) },
		"entities":          func() string { return overlay("entities: " + list("e%d") + "\n") },
		"entities twice":    func() string { return overlay("entities: " + list("e") + "\n") },
		"inputs": func() string {
			return overlay("model: {kind: gbdt, train: {range: 7d}, features: " + list("f%d") + "}\n")
		},
		"patterns": func() string {
			return overlay("model: {kind: gbdt, train: {range: 7d}, features: " + list("f%d*") + "}\n")
		},
		"windows": func() string {
			return overlay("features:\n  a: {count: order, by: buyer, window: " + list("%dd") + "}\nmodel: -\npolicy: [{action: a}]\n")
		},
		"features": func() string {
			return overlay("features:\n" + repeat(3000, func(i int) string { return fmt.Sprintf("  a%d: {count: order, by: buyr, window: 1d}\n", i) }))
		},
		"ratios": func() string {
			return overlay("features:\n" + repeat(3000, func(i int) string { return fmt.Sprintf("  a%d: {ratio: [a%d, b]}\n", i, i+1) }))
		},
		"rules": func() string {
			return overlay("policy:\n" + repeat(9000, func(i int) string { return "  - {action: a}\n" }))
		},
		"nulls":     func() string { return repeat(9000, func(i int) string { return "a:\n" }) },
		"documents": func() string { return repeat(9000, func(i int) string { return "---\na: 1\n" }) },
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			_, diagnostics := Check("large.yaml", []byte(text()), testRegistry())
			render(t, diagnostics)
		})
	}
	_, diagnostics := Check("larger.yaml", make([]byte, MaxSize+1), testRegistry())
	if len(diagnostics) != 1 || diagnostics[0].Code != "too_large" {
		t.Errorf("a file over the limit: %v", diagnostics)
	}
}
