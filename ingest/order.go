package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"orrery.dev"
)

// UnsortedError says that a file is not in time order. It wraps an
// *orrery.Error of kind Invalid and code file_unsorted. Options.Sort reads such
// a file whole and sorts it.
type UnsortedError struct {
	Path string
	// Line is the first whose event is earlier than the one before it.
	Line         int64
	Time, Before orrery.Instant
	// Received says that the order and the times are those of a received time.
	Received bool
}

func (e *UnsortedError) Error() string { return e.Unwrap().Error() }

// Unwrap gives the error as an *orrery.Error.
func (e *UnsortedError) Unwrap() error {
	if e.Received {
		return orrery.Errorf(orrery.Invalid, "file_unsorted", "%s is not in the order of received times: line %d was received at %s, after an event received at %s", e.Path, e.Line, e.Time, e.Before).
			WithNext("sort the file by received time, or have it sorted in memory")
	}
	return orrery.Errorf(orrery.Invalid, "file_unsorted", "%s is not in time order: line %d is of %s, after an event of %s", e.Path, e.Line, e.Time, e.Before).
		WithNext("sort the file by time, or have it sorted in memory")
}

// CheckOrder reads the inputs, which must be regular files, and gives an
// *UnsortedError for the first that is not in time order. What else is wrong
// with a file's lines is left for Next to say.
func CheckOrder(ctx context.Context, inputs []Input, o Options) error {
	for _, in := range inputs {
		if err := checkOrder(ctx, in, o); err != nil {
			return err
		}
	}
	return nil
}

func checkOrder(ctx context.Context, in Input, o Options) error {
	o.CheckOrder, o.Sort, o.MaxRejections = false, false, -1
	if info, err := os.Stat(in.Path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return orrery.Errorf(orrery.Invalid, "file_not_regular", "%s can be read once only, so its order cannot be checked before", in.Path).
			WithNext("write it to a file first")
	}
	s, err := Open(ctx, []Input{in}, o)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		b, err := s.Next()
		var unsorted *UnsortedError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &unsorted), err != nil && ctx.Err() != nil:
			return err
		case err != nil:
			// The file is cut short or damaged: as far as it goes, it is in order.
			return nil
		}
		b.Release()
	}
}

func (p Progress) String() string {
	return fmt.Sprintf("%d events, %d refused, %d of %d bytes", p.Events, p.Rejected, p.Read, p.Total)
}
