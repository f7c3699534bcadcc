// Package quarantine keeps refused input until somebody has looked at it: the
// text as it came, every reason, where it came from and when. It is no part of
// the log, which holds what was accepted; it is a bounded store of its own in
// the data directory.
package quarantine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"orrery.dev"
	"orrery.dev/ingest"
)

// The bounds of a quarantine. What comes when it is full is counted and not
// kept: the first of many alike say most about the cause.
const (
	// MaxItems bounds how many items are kept.
	MaxItems = 10_000
	// MaxBytes bounds the disk that they take.
	MaxBytes = 64 << 20
	// MaxFaults bounds the reasons that are kept of each.
	MaxFaults = 20
	// maxColumns bounds the names of a CSV file's header kept with each item, bytes.
	maxColumns = ingest.MaxRaw
)

// Item is one refused input.
type Item struct {
	// ID is made of what was refused and where it stood, so that the same line of
	// the same file is one item, however often it is read.
	ID string `json:"id"`
	// Event is the type that it was read as.
	Event string `json:"event"`
	// Source is the file, or the address that it was sent to; Line its place there, from 1.
	Source string `json:"source"`
	Line   int64  `json:"line,omitempty"`
	// At says when it was refused.
	At     string             `json:"at"`
	Format ingest.InputFormat `json:"format"`
	// Raw is the input; RawBytes takes its place where that is not UTF-8. Length
	// is its whole length in bytes, where more than ingest.MaxRaw was cut off.
	Raw      string `json:"raw"`
	RawBytes []byte `json:"raw_base64,omitempty"`
	Length   int64  `json:"length"`
	// Columns are the names in a CSV file's header. Without them, where they were
	// too many to be kept, a record cannot be read again.
	Columns []string `json:"columns,omitempty"`
	// Received names the column of the received time, which a resubmission ignores.
	Received string         `json:"received_column,omitempty"`
	Faults   []ingest.Fault `json:"faults"`
}

// New makes an item of an input that was refused at an instant.
func New(event, source string, line int64, at orrery.Instant, in ingest.RawInput, faults []ingest.Fault) Item {
	it := Item{Event: event, Source: source, Line: line, At: at.String(), Format: in.Format, Length: in.Length, Received: in.Received,
		Faults: faults[:min(len(faults), MaxFaults)]}
	if utf8.ValidString(in.Text) {
		it.Raw = in.Text
	} else {
		it.RawBytes = []byte(in.Text)
	}
	size := 0
	for _, name := range in.Columns {
		size += len(name)
	}
	if size <= maxColumns {
		it.Columns = in.Columns
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d %s", event, source, line, in.Length, in.Text))
	it.ID = "q" + hex.EncodeToString(sum[:6])
	return it
}

// WithoutText gives the item without its input, for a type with personal fields:
// what is refused is of no subject that could be forgotten. It says what was wrong
// and cannot be submitted again.
func (it Item) WithoutText() Item {
	it.Raw, it.RawBytes = "", nil
	return it
}

// OfRejection makes an item of a refused line of a file.
func OfRejection(r *ingest.Rejection, at orrery.Instant) Item {
	return New(r.Event, r.Path, r.Line, at, r.Input, r.Faults)
}

// OfError makes an item of an event that was refused with an error: each fault
// of an *ingest.EventError, or the one of another error.
func OfError(event, source string, line int64, at orrery.Instant, in ingest.RawInput, err error) Item {
	return New(event, source, line, at, in, ingest.FaultsOf(err))
}

// check refuses an item that New would not make: it may come from a client.
func (it *Item) check() error {
	if it.ID != "" && len(it.Faults) > 0 && len(it.Faults) <= MaxFaults && len(it.Text()) <= ingest.MaxRaw {
		return nil
	}
	return orrery.Errorf(orrery.Invalid, "quarantine_item_invalid", "a quarantined item has an id, 1 to %d faults and at most %d bytes of input", MaxFaults, ingest.MaxRaw)
}

// Text gives the raw input.
func (it *Item) Text() string {
	if it.RawBytes != nil {
		return string(it.RawBytes)
	}
	return it.Raw
}

// Input gives the raw input with what is needed to read it.
func (it *Item) Input() ingest.RawInput {
	return ingest.RawInput{Format: it.Format, Text: it.Text(), Length: it.Length, Columns: it.Columns, Received: it.Received}
}

// Selection says which items are meant: those of the ids, or with All or any of
// the others set, those that fit them.
type Selection struct {
	IDs []string `json:"ids,omitempty"`
	All bool     `json:"all,omitempty"`
	// Event and Code are those of a fault; Source is part of the item's source.
	Event  string `json:"event,omitempty"`
	Code   string `json:"code,omitempty"`
	Source string `json:"source,omitempty"`
}

// Empty reports whether nothing is selected.
func (s Selection) Empty() bool {
	return len(s.IDs) == 0 && !s.All && s.Event == "" && s.Code == "" && s.Source == ""
}

func (s Selection) fits(it *Item) bool {
	return (len(s.IDs) == 0 || slices.Contains(s.IDs, it.ID)) && (s.Event == "" || s.Event == it.Event) &&
		(s.Source == "" || strings.Contains(it.Source, s.Source)) &&
		(s.Code == "" || slices.ContainsFunc(it.Faults, func(f ingest.Fault) bool { return f.Code == s.Code }))
}

// Listing is what a quarantine holds.
type Listing struct {
	Items []Item `json:"items"`
	// Over counts what was refused while the quarantine was full, and is not kept.
	Over int64 `json:"over"`
}

// DropSelected deletes the selected items of a quarantine.
func DropSelected(q interface {
	List(sel Selection, limit int) (*Listing, error)
	Drop(ids []string) (int, error)
}, sel Selection) (int, error) {
	listing, err := q.List(sel, 0)
	if err != nil {
		return 0, err
	}
	ids := make([]string, len(listing.Items))
	for i := range listing.Items {
		ids[i] = listing.Items[i].ID
	}
	return q.Drop(ids)
}

func notFound(id string) error {
	return orrery.Errorf(orrery.NotFound, "quarantine_item_not_found", "there is no %s in quarantine", id).
		WithNext("orrery quarantine lists what there is")
}
