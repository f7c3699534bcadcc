package orrery_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeShowsTheSpecThatShips compares the piece of a spec in README.md with
// systems/fraud/system.yaml, line by line.
func TestReadmeShowsTheSpecThatShips(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile("systems/fraud/system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(readme), "A piece of it:\n\n")
	if !found {
		t.Fatal("README.md shows no piece of the spec")
	}
	lines := map[string]bool{}
	for line := range strings.Lines(string(shipped)) {
		lines[strings.TrimSpace(line)] = true
	}
	shown := 0
	for line := range strings.Lines(after) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !strings.HasPrefix(line, "    ") {
			break
		}
		shown++
		if !lines[strings.TrimSpace(line)] {
			t.Errorf("README.md shows %q, which systems/fraud/system.yaml does not have", strings.TrimSpace(line))
		}
	}
	if shown < 8 {
		t.Errorf("README.md shows %d lines of the spec", shown)
	}
}
