package match_test

import (
	"slices"
	"testing"

	"orrery.dev/text"
)

// TestAll gives what Find has resolved, and what it has dropped.
func TestAll(t *testing.T) {
	m, terms := compile(t, "bad", "bad word", "!word play", "play")
	var n text.Normal
	if err := n.Reset("a bad word play"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range m.All(&n, nil) {
		got = append(got, terms[f.Term].Text)
	}
	slices.Sort(got)
	if want := []string{"bad", "bad word", "play", "word play"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
