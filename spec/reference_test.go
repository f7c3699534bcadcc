package spec

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"orrery.dev/declare"
)

// TestReferenceHasEverything looks for every key, kind, parameter and code.
func TestReferenceHasEverything(t *testing.T) {
	reg := testRegistry()
	var all strings.Builder
	for _, page := range Reference(reg) {
		if !strings.HasPrefix(page.Text, "# ") {
			t.Errorf("%s has no title", page.Name)
		}
		all.WriteString(page.Text)
	}
	text := all.String()
	for _, code := range slices.Sorted(maps.Keys(Codes())) {
		if !strings.Contains(text, "| `"+code+"` |") {
			t.Errorf("the code %s is missing", code)
		}
	}
	for _, kind := range slices.Concat(reg.Features, reg.Models) {
		if !strings.Contains(text, "## "+kind.Name+"\n") {
			t.Errorf("the kind %s is missing", kind.Name)
		}
	}
	var keys func(declare.Field)
	keys = func(f declare.Field) {
		for _, s := range f.Shapes() {
			for _, field := range s.Fields {
				if !strings.Contains(text, "| `"+field.Name+"` |") && !slices.ContainsFunc(reg.Features, func(k declare.Kind) bool { return k.Name == field.Name }) {
					t.Errorf("the key %s is missing", field.Name)
				}
				keys(field)
			}
			if s.Each != nil {
				keys(*s.Each)
			}
		}
	}
	keys(Declaration(reg))
}

// TestTablesAreWhole checks that each row of a table has as many cells as its
// head.
func TestTablesAreWhole(t *testing.T) {
	for _, page := range Reference(testRegistry()) {
		cells := 0
		for line := range strings.SplitSeq(page.Text, "\n") {
			if !strings.HasPrefix(line, "|") {
				cells = 0
				continue
			}
			n := strings.Count(line, "|") - strings.Count(line, `\|`)
			if cells == 0 {
				cells = n
			}
			if n != cells {
				t.Errorf("%s: %d bars, not %d: %s", page.Name, n, cells, line)
			}
		}
	}
}

// TestDeclarationsAreDocumented holds every declared key to having words.
func TestDeclarationsAreDocumented(t *testing.T) {
	var walk func(path string, f declare.Field)
	walk = func(path string, f declare.Field) {
		if f.Doc == "" && !strings.Contains(path, ".params.") && !strings.HasPrefix(path, "system.yaml.features.") {
			t.Errorf("%s says nothing", path)
		}
		for _, s := range f.Shapes() {
			for _, field := range s.Fields {
				walk(path+"."+field.Name, field)
			}
			if s.Each != nil {
				walk(path+".NAME", *s.Each)
			}
		}
	}
	walk("system.yaml", Declaration(testRegistry()))
}
