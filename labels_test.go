package orrery_test

import (
	"testing"

	"orrery.dev"
)

func TestLabelSets(t *testing.T) {
	classes := []string{"toxic", "threat", "insult"}
	for set := range orrery.LabelSet(8) {
		if got, ok := orrery.ParseLabels(set.Text(classes), classes); !ok || got != set {
			t.Errorf("%b is written %q, and read as %b", set, set.Text(classes), got)
		}
	}
	for text, want := range map[string]orrery.LabelSet{"none": 0, " none ": 0, "threat": 2, "insult | toxic": 5} {
		if got, ok := orrery.ParseLabels(text, classes); !ok || got != want {
			t.Errorf("%q is %b", text, got)
		}
	}
	for _, text := range []string{"", "rude", "toxic|toxic", "toxic|none", "toxic|", "toxic,threat"} {
		if _, ok := orrery.ParseLabels(text, classes); ok {
			t.Errorf("%q is taken", text)
		}
	}
}
