package cli

import (
	"bytes"
	"strings"
	"testing"

	"orrery.dev/api"
)

// What a sender wrote is quoted: a terminal must not obey it, nor read it backwards.
func TestHighlightsArePrinted(t *testing.T) {
	var out bytes.Buffer
	printHighlights(&out, []api.Highlight{
		{Span: api.Span{Start: 4, End: 9}, Text: "blörp", From: "model", Class: "hate", Contribution: 1.25},
		{Span: api.Span{Start: 10, End: 20}, Text: "b\x1b[2J\u202ead", From: "lists.banned.slur"},
		{Span: api.Span{Start: 21, End: 99}, Text: strings.Repeat("ab", 60), From: "model", Contribution: -0.5},
	})
	for _, want := range []string{"  4 to 9 ", `"blörp"`, "+1.250 by the model towards hate", `"b\x1b[2J\u202ead"`, "lists.banned.slur", strings.Repeat("ab", 19) + `a…"`, "-0.500 by the model\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it prints\n%s\nwithout %q", &out, want)
		}
	}
	out.Reset()
	if printHighlights(&out, nil); out.Len() > 0 {
		t.Errorf("of nothing it prints %q", &out)
	}
}
