package spec

import (
	"cmp"
	"fmt"
	"slices"

	"orrery.dev"
)

// Severity says whether a fault keeps the spec from being used.
type Severity string

// The severities.
const (
	// SeverityError faults leave no Spec.
	SeverityError Severity = "error"
	// SeverityWarning faults are likely mistakes; the Spec is still given.
	SeverityWarning Severity = "warning"
)

// Diagnostic is one fault, with its place. It is data; Render writes it for
// people. The JSON names are stable.
type Diagnostic struct {
	File string `json:"file"`
	// Line and Column are where the fault begins, from 1, in characters. The
	// fault ends on the same line before EndColumn.
	Line      int `json:"line"`
	Column    int `json:"column"`
	EndColumn int `json:"end_column"`

	Severity Severity `json:"severity"`
	// Code is stable, one of Codes.
	Code string `json:"code"`
	// Path is the place in the spec: features.customer_amount.by.
	Path string `json:"path,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Note says what else helps to put it right.
	Note string `json:"note,omitempty"`
	// Suggestion is what could stand there instead, where something is near.
	Suggestion string `json:"suggestion,omitempty"`
	// Excerpt is the line of the file.
	Excerpt string `json:"excerpt,omitempty"`
}

// Error gives the fault on one line.
func (d *Diagnostic) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s: %s [%s]", d.File, d.Line, d.Column, d.Severity, d.Message, d.Code)
	if advice := d.advice(); advice != "" {
		text += ": " + advice
	}
	return text
}

func (d *Diagnostic) note(format string, args ...any) *Diagnostic {
	d.Note = fmt.Sprintf(format, args...)
	return d
}

func (d *Diagnostic) suggest(replacement string) *Diagnostic {
	d.Suggestion = replacement
	return d
}

func (d *Diagnostic) warn() *Diagnostic {
	d.Severity = SeverityWarning
	return d
}

// Diagnostics are the faults of one file, in its order.
type Diagnostics []Diagnostic

// HasErrors reports whether any of them is an error.
func (d Diagnostics) HasErrors() bool { return d.count(SeverityError) > 0 }

func (d Diagnostics) count(s Severity) int {
	n := 0
	for i := range d {
		if d[i].Severity == s {
			n++
		}
	}
	return n
}

// Err gives the errors among them as one error of kind Invalid, which names the
// first; nil where there are none.
func (d Diagnostics) Err() error {
	for i := range d {
		if d[i].Severity != SeverityError {
			continue
		}
		e := orrery.Errorf(orrery.Invalid, "spec_invalid", "%s:%d:%d: %s", d[i].File, d[i].Line, d[i].Column, d[i].Message)
		if n := d.count(SeverityError); n > 1 {
			e.Message += fmt.Sprintf(" (and %d more)", n-1)
		}
		return e.WithField(d[i].Path).WithNext("see all faults with: orrery check %s", d[i].File)
	}
	return nil
}

// sorted orders by position and drops what says the same twice.
func (d Diagnostics) sorted() Diagnostics {
	slices.SortStableFunc(d, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(d, func(a, b Diagnostic) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Code == b.Code && a.Message == b.Message
	})
}
