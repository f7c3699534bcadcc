package spec

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"orrery.dev"
)

// TestFormat runs the cases of testdata/format. "·" stands for a blank at the
// end of a line and "→" for a tab.
func TestFormat(t *testing.T) {
	datadriven.RunTest(t, "testdata/format", func(t *testing.T, d *datadriven.TestData) string {
		text := strings.NewReplacer("·", " ", "→", "\t").Replace(d.Input) + "\n"
		out, diagnostics, err := Format("system.yaml", []byte(text))
		if err != nil {
			return err.Error() + "\n"
		}
		if len(diagnostics) > 0 {
			return render(t, diagnostics)
		}
		checkFormatted(t, text, string(out))
		return string(out)
	})
}

// checkFormatted checks what holds for every result.
func checkFormatted(t *testing.T, text, out string) {
	t.Helper()
	again, _, err := Format("system.yaml", []byte(out))
	if err != nil || string(again) != out {
		t.Errorf("formatting\n%s\ngives\n%s\nand again\n%s(%v)", text, out, again, err)
	}
	_, before := Check("system.yaml", []byte(text), testRegistry())
	_, after := Check("system.yaml", []byte(out), testRegistry())
	if len(before) != len(after) {
		t.Errorf("%d diagnostics before and %d after formatting\n%s", len(before), len(after), text)
		return
	}
	for i := range before {
		if before[i].Code != after[i].Code || before[i].Path != after[i].Path {
			t.Errorf("%s at %s became %s at %s", before[i].Code, before[i].Path, after[i].Code, after[i].Path)
		}
	}
}

func TestTheExampleIsFormatted(t *testing.T) {
	text, err := os.ReadFile("../systems/fraud/" + FileName)
	if err != nil {
		t.Fatal(err)
	}
	out, diagnostics, err := Format("system.yaml", text)
	if err != nil || len(diagnostics) > 0 {
		t.Fatal(err, diagnostics)
	}
	if string(out) != string(text) {
		t.Errorf("run: orrery fmt systems/fraud; it gives\n%s", out)
	}
}

// TestFormatKeepsTheMeaning formats every text of the checker's cases that is
// YAML. None may be unsafe.
func TestFormatKeepsTheMeaning(t *testing.T) {
	formatted := 0
	for _, change := range inputs(t) {
		for _, text := range []string{overlay(change), change} {
			out, diagnostics, err := Format("system.yaml", []byte(text))
			if err != nil {
				t.Errorf("%v:\n%s", err, text)
			}
			if out == nil {
				if err == nil && len(diagnostics) == 0 {
					t.Errorf("no result and no reason:\n%s", text)
				}
				continue
			}
			formatted++
			checkFormatted(t, text, string(out))
		}
	}
	if formatted < 50 {
		t.Errorf("only %d texts were formatted", formatted)
	}
}

func TestFormatLineEndings(t *testing.T) {
	out, _, err := Format("system.yaml", []byte("\ufeffa:  1\r\nb:   [1,2]"))
	if err != nil || string(out) != "a: 1\nb: [1, 2]\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestFormatLeavesTheUnsafe formats a text whose last line break is part of a
// value or not, depending on who reads it.
func TestFormatLeavesTheUnsafe(t *testing.T) {
	out, diagnostics, err := Format("system.yaml", []byte("a: |+\n  x"))
	var known *orrery.Error
	if out != nil || len(diagnostics) > 0 || !errors.As(err, &known) || known.Code != "format_unsafe" || known.Next == "" {
		t.Errorf("%q, %v, %v", out, diagnostics, err)
	}
}

// FuzzFormat checks that any text gives a result, diagnostics or an error, and
// that a result is its own.
func FuzzFormat(f *testing.F) {
	for _, change := range inputs(f) {
		f.Add([]byte(overlay(change)))
	}
	cases, err := os.ReadFile("testdata/format")
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(cases), "\nformat\n") {
		input, _, _ := strings.Cut(part, "----\n")
		f.Add([]byte(input))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, diagnostics, err := Format("system.yaml", text)
		if out == nil && err == nil && len(diagnostics) == 0 {
			t.Fatal("no result and no reason")
		}
		if out == nil {
			return
		}
		again, diagnostics, err := Format("system.yaml", out)
		if err != nil || len(diagnostics) > 0 || string(again) != string(out) {
			t.Errorf("%q gives %q and again %q (%v, %v)", text, out, again, err, diagnostics)
		}
	})
}
