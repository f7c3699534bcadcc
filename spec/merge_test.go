package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"orrery.dev"
)

// TestMerge runs the cases of testdata/merge: each changes some keys of base,
// and says what that means for data recorded under base. Rewrite the expected
// output with -rewrite.
func TestMerge(t *testing.T) {
	was, diagnostics := Check("system.yaml", []byte(base), testRegistry())
	if was == nil {
		t.Fatal(render(t, diagnostics))
	}
	codes := map[string]bool{}
	datadriven.RunTest(t, "testdata/merge", func(t *testing.T, d *datadriven.TestData) string {
		text := overlay(d.Input + "\n")
		is, diagnostics := Check("system.yaml", []byte(text), testRegistry())
		if is == nil {
			t.Fatalf("%s: %s", d.Pos, render(t, diagnostics))
		}
		merged, faults := was.Contract.Merge(is.Contract)
		checkMerged(t, was.Contract, is.Contract, merged)
		under, diagnostics := CheckUnder("system.yaml", []byte(text), testRegistry(), was.Contract)
		if under == nil {
			t.Fatalf("%s: %s", d.Pos, render(t, diagnostics))
		}
		if len(faults.Contradictions()) == 0 && under.Contract.Fingerprint() != merged.Fingerprint() {
			t.Errorf("%s: the spec under the data's contract has another than the merged one", d.Pos)
		}
		if len(faults) > 0 {
			var b strings.Builder
			for _, f := range faults {
				codes[f.Code] = true
				fmt.Fprintf(&b, "[%s] %s\n", f.Code, f)
			}
			return b.String()
		}
		return describeContract(merged)
	})
	for _, code := range []string{"entity_removed", "event_removed", "event_id_changed", "event_time_changed", "field_removed", "field_type_changed",
		"field_entity_changed", "field_scale_changed", "field_optional_changed", "field_default_changed", "field_min_changed", "field_max_changed", "field_without_default"} {
		if !codes[code] {
			t.Errorf("no case has the code %s", code)
		}
	}
}

// checkMerged checks that what was there is where it was.
func checkMerged(t *testing.T, was, is, merged *orrery.Contract) {
	t.Helper()
	for i, event := range was.Events {
		if merged.Events[i].Name != event.Name || merged.Events[i].Index != i {
			t.Errorf("event %d is %s, was %s", i, merged.Events[i].Name, event.Name)
		}
		for j := range event.Fields {
			if f := &merged.Events[i].Fields[j]; f.Name != event.Fields[j].Name || f.Type != event.Fields[j].Type {
				t.Errorf("%s: field %d is %s, was %s", event.Name, j, f.Name, event.Fields[j].Name)
			}
		}
	}
	for _, event := range is.Events {
		for _, f := range event.Fields {
			if merged.Event(event.Name).Field(f.Name) < 0 {
				t.Errorf("the merged contract lacks %s.%s", event.Name, f.Name)
			}
		}
	}
	if again, err := orrery.DecodeContract(merged.Encode()); err != nil || again.Fingerprint() != merged.Fingerprint() {
		t.Errorf("the merged contract does not read back: %v", err)
	}
}

func describeContract(c *orrery.Contract) string {
	var b strings.Builder
	fmt.Fprintf(&b, "entities %s\n", strings.Join(c.Entities, " "))
	for _, t := range c.Events {
		fmt.Fprintf(&b, "%s:", t.Name)
		for _, f := range t.Fields {
			fmt.Fprintf(&b, " %s", f.Name)
			if !f.Default.IsMissing() {
				fmt.Fprintf(&b, "=%s", f.Default.Format(f.Scale))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
