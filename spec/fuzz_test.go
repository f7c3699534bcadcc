package spec

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzCheck checks that any text gives a spec or a reason, the same each time,
// and reasons with places that exist.
func FuzzCheck(f *testing.F) {
	fraud, err := os.ReadFile("../systems/fraud/system.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(fraud)
	f.Add([]byte(base))
	for _, change := range inputs(f) {
		f.Add([]byte(overlay(change)))
		f.Add([]byte(change))
	}
	reg := testRegistry()
	f.Fuzz(func(t *testing.T, text []byte) {
		s, diagnostics := Check("fuzz.yaml", text, reg)
		if (s == nil) != diagnostics.HasErrors() {
			t.Fatalf("spec %v with %d diagnostics", s != nil, len(diagnostics))
		}
		clean := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(text), "\ufeff"))
		for i := range diagnostics {
			checkDiagnostic(t, &diagnostics[i], clean)
		}
		if !slices.IsSortedFunc(diagnostics, func(a, b Diagnostic) int { return (a.Line-b.Line)*1000000 + a.Column - b.Column }) {
			t.Error("diagnostics are out of order")
		}
		render(t, diagnostics)
		if s != nil {
			checkSpec(t, s)
		}
		if _, again := Check("fuzz.yaml", text, reg); !reflect.DeepEqual(diagnostics, again) {
			t.Error("a second check says otherwise")
		}
	})
}

// inputs gives the inputs of the text cases.
func inputs(f testing.TB) []string {
	files, err := filepath.Glob("testdata/check/*")
	if err != nil {
		f.Fatal(err)
	}
	var out []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "\n# ") {
			_, rest, _ := strings.Cut(part, "\n")
			_, rest, _ = strings.Cut(rest, "\n")
			input, _, _ := strings.Cut(rest, "----\n")
			out = append(out, input)
		}
	}
	return out
}

// checkSpec checks what the doc comments of Spec say of one without faults.
func checkSpec(t *testing.T, s *Spec) {
	t.Helper()
	if s.DecideOn == nil || s.Location == nil || s.Dedupe.Within <= 0 || len(s.Policy) == 0 || s.Policy[len(s.Policy)-1].When != nil {
		t.Errorf("incomplete: within %d, policy %+v", s.Dedupe.Within, s.Policy)
	}
	for _, e := range s.Contract.Events {
		if e.IDField < 0 || e.TimeField < 0 {
			t.Errorf("event without id or time: %+v", e)
		}
	}
	for i, f := range s.Features {
		kinds := 0
		if a := f.Aggregate; a != nil {
			kinds++
			if a.Event == nil || a.By < 0 || a.Key < 0 {
				t.Errorf("incomplete: %s %+v", f.Name, a)
			}
		}
		if r := f.Ratio; r != nil {
			kinds++
			if r.Numerator < 0 || r.Denominator < 0 || r.Numerator >= i || r.Denominator >= i {
				t.Errorf("feature %d reads later ones: %s %+v", i, f.Name, r)
			}
		}
		if f.Expr != nil {
			kinds++
			for _, v := range f.Expr.Vars() {
				if !strings.Contains(v, ".") && s.FeatureIndex(v) >= i {
					t.Errorf("feature %d, %s, reads %s", i, f.Name, v)
				}
			}
		}
		if f.Listed != nil {
			kinds++
		}
		if kinds != 1 || s.FeatureIndex(f.Name) != i {
			t.Errorf("feature %d is %d things: %+v", i, kinds, f)
		}
	}
	if l := s.Label; l != nil && (l.Event == nil || l.Field < 0 || l.Match < 0 || l.Against < 0) {
		t.Errorf("incomplete: %+v", l)
	}
	if m := s.Model; m != nil && (len(m.Features) == 0 && !m.ReadsText || len(m.Params) == 0 || (m.Train.Range <= 0) != m.Whole || m.Head != nil && m.Head.Kind == "") {
		t.Errorf("incomplete: %+v", m)
	}
}
