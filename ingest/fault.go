package ingest

import (
	"fmt"
	"strings"

	"orrery.dev"
)

// Fault is one thing wrong with one event.
type Fault struct {
	// Field names the field at fault, empty where it is the whole event.
	Field string `json:"field,omitempty"`
	// Code is stable and for programs.
	Code string `json:"code"`
	// Message says what is wrong, Next what to do.
	Message string `json:"message"`
	Next    string `json:"next,omitempty"`
	// Offset is the byte in the event's text at which the fault lies, from 0.
	Offset int `json:"offset"`
	// Line and Column are its place in a file, from 1, in lines of the
	// uncompressed text and bytes of the line, or in rows and columns of a Parquet
	// file (where Offset is 0); 0 where the event is of no file.
	Line   int64 `json:"line,omitempty"`
	Column int   `json:"column,omitempty"`
}

func (f Fault) String() string {
	if f.Next == "" {
		return f.Message
	}
	return f.Message + "; " + f.Next
}

// EventError says everything that is wrong with one event. It wraps an
// *orrery.Error of kind Invalid and code event_invalid, or of the code of an
// envelope that is at fault.
type EventError struct {
	// Event is the name of the event's type.
	Event string
	// Faults has at least one, in the order in which they were found.
	Faults []Fault
	// code is that of the whole, event_invalid where empty.
	code string
}

func (e *EventError) Error() string { return e.summary().Error() }

// Unwrap gives the error as an *orrery.Error.
func (e *EventError) Unwrap() error { return e.summary() }

func (e *EventError) summary() *orrery.Error {
	messages := make([]string, len(e.Faults))
	for i := range e.Faults {
		messages[i] = e.Faults[i].Message
	}
	code := e.code
	if code == "" {
		code = "event_invalid"
	}
	out := orrery.Errorf(orrery.Invalid, code, "the %s is refused: %s", e.Event, strings.Join(messages, "; "))
	out.Field, out.Next = e.Faults[0].Field, e.Faults[0].Next
	return out
}

// Rejection is a line of a file that was refused.
type Rejection struct {
	Path string `json:"path,omitempty"`
	// Line and Column are the place of the first fault.
	Line   int64   `json:"line,omitempty"`
	Column int     `json:"column,omitempty"`
	Faults []Fault `json:"faults"`
}

// String writes every fault with its place, one a line.
func (r Rejection) String() string {
	lines := make([]string, len(r.Faults))
	for i, f := range r.Faults {
		lines[i] = f.String()
		if r.Path != "" {
			lines[i] = fmt.Sprintf("%s:%d:%d: %s", r.Path, f.Line, f.Column, f)
		}
	}
	return strings.Join(lines, "\n")
}
