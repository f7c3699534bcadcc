// Package record is the encoding of the log's records. Each begins with a
// header (format version, kind, the fingerprint of the contract it was written
// under, when it was received) and goes on with an event, a decision or a
// control. An encoding is canonical: a record that decodes is byte for byte
// what encoding the result gives, but for the version of an older format, so no
// two records of a format mean the same.
//
// Whole numbers are little-endian base-128 varints in their shortest form,
// signed ones zigzag; the format is described in full at each Append function.
package record

import (
	"encoding/binary"

	"orrery.dev"
)

// Version is the newest format that this package writes. It reads every one
// before it too: format 1 differs in that a decision has fewer flags; format 2 has
// nothing sealed and no corrections, format 3 decisions without parameters and
// spans. Each is still what is written where nothing newer is needed.
const Version = 4

// Kind says what a record holds. The numbers are those of store.RecordKind.
type Kind uint8

// The kinds of record.
const (
	EventKind    Kind = 1
	DecisionKind Kind = 2
	ControlKind  Kind = 3
)

// HeaderSize is the number of bytes before a record's body: version, kind,
// fingerprint [8] and received time [8, big-endian].
const HeaderSize = 1 + 1 + 8 + 8

// Head is what the header of a record says.
type Head struct {
	Version  uint8
	Kind     Kind
	Contract orrery.Fingerprint
	Received orrery.Instant
}

// Header reads the header of a record. The error is of kind Damaged with code
// record_damaged, or of kind Unavailable with code record_newer when a newer
// version wrote the record.
func Header(data []byte) (Head, error) {
	if len(data) > 0 && data[0] > Version {
		return Head{}, orrery.Errorf(orrery.Unavailable, "record_newer",
			"a record of the log is in format %d; this program reads up to %d", data[0], Version).
			WithNext("use the newer program that wrote it")
	}
	if len(data) < HeaderSize {
		return Head{}, damaged("its header ends after %d of %d bytes", len(data), HeaderSize)
	}
	h := Head{Version: data[0], Kind: Kind(data[1]), Contract: orrery.Fingerprint(data[2:10]),
		Received: orrery.Instant(binary.BigEndian.Uint64(data[10:18]))}
	if h.Version == 0 || h.Kind < EventKind || h.Kind > ControlKind {
		return Head{}, damaged("its header says format %d, kind %d", h.Version, h.Kind)
	}
	return h, nil
}

// body checks that a record is of a kind and gives its header and a reader of
// what follows.
func body(data []byte, kind Kind) (Head, reader, error) {
	h, err := Header(data)
	if err != nil {
		return Head{}, reader{}, err
	}
	if h.Kind != kind {
		return Head{}, reader{}, damaged("it is of kind %d where kind %d was expected", h.Kind, kind)
	}
	return h, reader{data: data[HeaderSize:]}, nil
}

func appendHeader(b []byte, version byte, kind Kind, contract orrery.Fingerprint, received orrery.Instant) []byte {
	b = append(b, version, byte(kind))
	b = append(b, contract[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(received))
}

func damaged(format string, args ...any) error {
	return orrery.Errorf(orrery.Damaged, "record_damaged", "a record of the log is damaged: "+format, args...).
		WithNext("restore the data directory from a copy")
}
