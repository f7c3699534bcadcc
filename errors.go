package orrery

import (
	"errors"
	"fmt"
)

// ErrorKind says what sort of thing went wrong, and so what a caller can do. The
// api package maps each kind to one status code.
type ErrorKind uint8

// The kinds of error.
const (
	// Internal is a fault of this program.
	Internal ErrorKind = iota
	// Invalid input: the caller must change it.
	Invalid
	// NotFound: the thing named does not exist.
	NotFound
	// Conflict: the input contradicts what is recorded.
	Conflict
	// TooLarge: the input is over a limit.
	TooLarge
	// Unavailable: not now; trying again later can help.
	Unavailable
	// Damaged: what is on disk cannot be read as it was written.
	Damaged
	// Unauthenticated: the caller has not said who it is, or not so that it holds.
	Unauthenticated
	// Forbidden: the caller is known, and may not.
	Forbidden
	// Overloaded: more is asked than can be done; the caller must slow down.
	Overloaded
	// TooSlow: the caller did not send in time what it had begun.
	TooSlow
	// Gone: the thing named existed and is no longer kept, or is erased.
	Gone
	// NotAllowed: the thing named exists, and does not take what is asked of it.
	NotAllowed
)

// Error is what a package returns when a person or a program must act on it.
type Error struct {
	Kind ErrorKind
	// Code is stable and for programs: "field_missing", "data_dir_in_use".
	Code string
	// Message is one sentence for a person: what is wrong, and where.
	Message string
	// Field names the field at fault, where there is one.
	Field string
	// Next says what to do.
	Next string
	// Err is the cause, where there is one.
	Err error
}

func (e *Error) Error() string {
	text := e.Message
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Next != "" {
		text += "; " + e.Next
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a kind and code with a formatted message.
func Errorf(kind ErrorKind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because gives a copy of the error that names its cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// WithNext gives a copy of the error that says what to do.
func (e *Error) WithNext(format string, args ...any) *Error {
	c := *e
	c.Next = fmt.Sprintf(format, args...)
	return &c
}

// WithField gives a copy of the error that names the field at fault.
func (e *Error) WithField(name string) *Error {
	c := *e
	c.Field = name
	return &c
}

// KindOf gives the kind of an error: Internal for one that is not an Error.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// CodeOf gives the stable code of an error, "internal" for one without.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "internal"
}
