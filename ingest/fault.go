package ingest

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

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
	// Faults has at least one, in the order in which they were found, and a
	// hundred at most.
	Faults []Fault
	// code is that of the whole, event_invalid where empty.
	code string
}

// Refused makes the error of something that is refused for its faults, of which
// there is one at least. It has the code of the first.
func Refused(what string, faults []Fault) *EventError {
	return &EventError{Event: what, Faults: faults, code: faults[0].Code}
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
	// Event is the name of the type that the line was read as.
	Event string `json:"-"`
	// Input is the line itself.
	Input RawInput `json:"-"`
}

// MaxRaw bounds the text of a RawInput, in bytes.
const MaxRaw = 16 << 10

// InputFormat says how the text of a RawInput is read.
type InputFormat string

// The formats of refused input.
const (
	// InputJSON is one flat JSON object. A row of a Parquet file is written as one.
	InputJSON InputFormat = "json"
	// InputCSV is one record of a CSV file, without its line break.
	InputCSV InputFormat = "csv"
	// InputCloudEvent is a CloudEvent in structured mode.
	InputCloudEvent InputFormat = "cloudevent"
)

// RawInput is the text of one event as it came, enough to read it again.
type RawInput struct {
	Format InputFormat
	// Text is cut to MaxRaw; Length is what it was, in bytes.
	Text   string
	Length int64
	// Columns are the names in a CSV file's header.
	Columns []string
	// Received names the column or key of the received time; empty for none.
	Received string
}

// Raw keeps the beginning of a text, in memory of its own.
func Raw(format InputFormat, text string) RawInput {
	return RawInput{Format: format, Text: strings.Clone(text[:min(len(text), MaxRaw)]), Length: int64(len(text))}
}

// Whole reports whether nothing of the text was cut off.
func (r *RawInput) Whole() bool { return int64(len(r.Text)) == r.Length }

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

// FaultsOf gives what an error says against an event: each fault of an
// *EventError, or one made of another error.
func FaultsOf(err error) []Fault {
	var event *EventError
	if errors.As(err, &event) {
		return event.Faults
	}
	var known *orrery.Error
	if errors.As(err, &known) {
		f := Fault{Field: known.Field, Code: known.Code, Message: known.Message, Next: known.Next}
		if known.Err != nil {
			f.Message += ": " + known.Err.Error()
		}
		return []Fault{f}
	}
	return []Fault{{Code: orrery.CodeOf(err), Message: err.Error()}}
}

// Shown writes a text on one line for a person: what a terminal would not show
// stands as one sign.
func Shown(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '�'
		}
		return r
	}, text)
}

// ShownColumn gives how many signs of the Shown text stand before an offset.
func ShownColumn(text string, offset int) int {
	return utf8.RuneCountInString(text[:min(offset, len(text))])
}
