// Package ingest turns bytes into validated events: single JSON objects, bare or
// as CloudEvents, and files of CSV or NDJSON (plain, gzip or zstd) or Parquet,
// several of them merged in the order in which they became known.
//
// Bad input is refused on its own line with every reason and its place, is
// counted, and never stops the good lines around it.
//
// # Values
//
// A number follows JSON's grammar everywhere: no leading plus or zeros, a digit
// on both sides of the point, no NaN, no infinity. A decimal takes no digit
// other than zero beyond its scale; an int no fraction. JSON may write a decimal
// as a number or as a string, and an id or an entity's key as a string or as a
// plain whole number, kept as its text. JSON's null and CSV's empty cell are a
// missing value.
//
// A timestamp is RFC 3339 with Z or an offset: 2018-04-01T00:00:31.5Z,
// 2018-04-01T02:00:31+02:00. Digits below the microsecond are dropped, towards
// the past. The years are 1 to 9999, in UTC too. A day that its month does not
// have, the hour 24 and the second 60 are refused: event time counts 86,400
// seconds a day, so a leap second has no instant of its own.
//
// A column of a Parquet file stands for the field of its name. Null is a missing
// value. Text is read as a cell of CSV is; whole numbers, decimals and binary
// numbers are taken where nothing is lost, value by value: 57.165 is refused for
// a decimal of scale 2, and a binary number counts as the shortest decimal that
// it is the nearest to (as it is, for a float). Timestamps must be instants: a
// column of local ones is refused as a whole. Lists and groups are not read. A
// rejection's line is the number of the row, from 1, and its column that of the
// column.
//
// # Order
//
// Files are merged by received time, the order in which things became known. At
// one instant, types other than the one decided on come first (what is known at
// an instant is known to its decisions), then the inputs as listed, then lines.
// The received time is that of the column that Input.Received names. Without
// one, history is said to have been known when it happened: Received equals Time.
package ingest

import (
	"slices"

	"orrery.dev"
)

// The limits on one event, in bytes.
const (
	// MaxKey bounds an id and an entity's key.
	MaxKey = 4 << 10
	// MaxString bounds the text of a string field.
	MaxString = 64 << 10
	// MaxLine is the default bound on one line of a file.
	MaxLine = 1 << 20
	// MaxDepth bounds the nesting of a JSON value that is skipped.
	MaxDepth = 32
)

// Input is one file of events of one type. A type without a field of its time,
// TimeField -1, gives events in the order of lines, with the instant 0.
type Input struct {
	Path string
	Type *orrery.EventType
	// Received names the column or key that says when each event was received:
	// a timestamp, no earlier than the event's time. It must be of no field of
	// the type. Where empty, events were received when they happened.
	Received string
	// memory is a test's file that is not on disk.
	memory raw
}

// decoder gives the decoder of the input's events.
func (in Input) decoder() (*Decoder, error) {
	d := NewDecoder(in.Type)
	if in.Received == "" {
		return d, nil
	}
	if slices.Contains(d.names, in.Received) {
		return nil, orrery.Errorf(orrery.Invalid, "received_is_field", "the received time of %s is to be read from `%s`, which is a field of %s", in.Path, in.Received, in.Type.Name).
			WithField(in.Received).WithNext("name a column that is no field, or declare none of that name")
	}
	return d.withReceived(in.Received), nil
}

// Options say how files are read. The zero value is usable.
type Options struct {
	// DecideOn is the type whose events come last at one instant; may be nil.
	DecideOn *orrery.EventType
	// CheckOrder makes Open read the files once before, and fail with an
	// *UnsortedError where one is not in the order of received times. With Sort,
	// it makes only the files that need it be sorted. It needs regular files.
	CheckOrder bool
	// Sort reads files whole and sorts their events by received time and line, in
	// memory.
	Sort bool
	// MaxLine bounds one line, in bytes: MaxLine where 0. A longer line is
	// refused and never held in memory.
	MaxLine int
	// MaxRejections bounds how many rejections are listed over all batches:
	// 1,000 where 0, none where negative. All are counted.
	MaxRejections int
	// Workers is the number of goroutines that decode: GOMAXPROCS where 0. The
	// result does not depend on it.
	Workers int
	// blockSize is the bytes decoded at a time; a test makes it small.
	blockSize int
}
