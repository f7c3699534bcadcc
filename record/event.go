package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"orrery.dev"
)

// The flags of an event. They are set where a part could not be left out.
const (
	hasID        = 1 << 0 // the id is not that of the id field
	hasTime      = 1 << 1 // the time is not that of the time field
	hasSealed    = 1 << 2 // personal fields are sealed
	hasCorrected = 1 << 3 // it corrects another event
	wasWithdrawn = 1 << 4 // which did not count
)

// eventFlags has the flags that each version knows.
var eventFlags = [Version + 1]byte{1: 1<<2 - 1, 2: 1<<2 - 1, 3: 1<<5 - 1}

// AppendEvent appends the record of an event to b. e.Values must fit e.Type; a
// value of another type than its field's, and a type with personal fields, are
// faults of the caller and panic.
// The offset is not part of the record: it is the record's key.
//
// After the header come: flags; the type's index in the contract; of a correction,
// the offset of the event corrected and, with its length before it, the record of
// that event as it counted until then; the length of
// an id and the distance from the received time of a time that the fields do not
// give; the length of all texts; one presence bit for each field, low bit first;
// then each value present, in field order: an int or decimal as a varint, a
// timestamp as a varint of its distance from the received time, a float as 8
// bytes, a bool as one, a string or entity as its length. The bytes of all texts
// follow together, the id's first, so that a decoder makes one string of them.
func AppendEvent(b []byte, contract orrery.Fingerprint, e *orrery.Event) []byte {
	t := e.Type
	if len(e.Values) != len(t.Fields) {
		panic(fmt.Sprintf("record: event %s has %d values for %d fields", t.Name, len(e.Values), len(t.Fields)))
	}
	if t.HasPersonal() {
		panic(fmt.Sprintf("record: event %s has personal fields and no sealer", t.Name))
	}
	c := e.Corrected
	if c == nil {
		return appendEvent(appendHeader(b, plainVersion, EventKind, contract, e.Received), e, nil, nil)
	}
	before := c.Before
	before.Corrected = nil
	nested := AppendEvent(nil, contract, &before)
	corrected := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(before.Offset)), uint64(len(nested)))
	return appendEvent(appendHeader(b, sealedVersion, EventKind, contract, e.Received), e, nil, append(corrected, nested...))
}

// AppendContent appends what an event says, personal or not, in the clear and
// without the types of its contract: for a digest of it, never to be kept.
func AppendContent(b []byte, e *orrery.Event) []byte { return appendEvent(b, e, nil, nil) }

// appendEvent appends what follows the header; sealed is what stands behind the
// type's index, nil where nothing is sealed; corrected so too, of a correction.
func appendEvent(b []byte, e *orrery.Event, sealed, corrected []byte) []byte {
	t, flags := e.Type, byte(0)
	if sealed != nil {
		flags |= hasSealed
	}
	if !idMatches(e) {
		flags |= hasID
	}
	if !timeMatches(e) {
		flags |= hasTime
	}
	if corrected != nil {
		flags |= hasCorrected
		if e.Corrected.Withdrawn {
			flags |= wasWithdrawn
		}
	}
	b = append(append(binary.AppendUvarint(append(b, flags), uint64(t.Index)), sealed...), corrected...)
	texts := 0
	if flags&hasID != 0 {
		b = binary.AppendUvarint(b, uint64(len(e.ID)))
		texts = len(e.ID)
	}
	if flags&hasTime != 0 {
		b = appendVarint(b, int64(e.Time-e.Received))
	}
	for i := range e.Values {
		texts += len(e.Values[i].Text())
	}
	b = appendValues(binary.AppendUvarint(b, uint64(texts)), e)
	if flags&hasID != 0 {
		b = append(b, e.ID...)
	}
	for i := range e.Values {
		b = append(b, e.Values[i].Text()...)
	}
	return b
}

func appendValues(b []byte, e *orrery.Event) []byte {
	present := len(b)
	for range presenceBytes(len(e.Values)) {
		b = append(b, 0)
	}
	for i, v := range e.Values {
		if v.IsMissing() {
			continue
		}
		if v.Type() != e.Type.Fields[i].Type {
			panic(fmt.Sprintf("record: field %s.%s holds a %s", e.Type.Name, e.Type.Fields[i].Name, v.Type()))
		}
		b[present+i/8] |= 1 << (i % 8)
		switch v.Type() {
		case orrery.String, orrery.Entity:
			b = binary.AppendUvarint(b, uint64(len(v.Text())))
		case orrery.Timestamp:
			b = appendVarint(b, int64(v.Instant()-e.Received))
		case orrery.Int, orrery.Decimal:
			b = appendVarint(b, v.Units())
		case orrery.Float:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
		case orrery.Bool:
			b = append(b, byte(v.Number(0)))
		}
	}
	return b
}

func presenceBytes(fields int) int { return (fields + 7) / 8 }

// idMatches reports whether the event's id is what its id field says.
func idMatches(e *orrery.Event) bool {
	switch v := e.Values[e.Type.IDField]; v.Type() {
	case orrery.String:
		return v.Text() == e.ID
	case orrery.Int:
		var digits [20]byte
		return string(strconv.AppendInt(digits[:0], v.Units(), 10)) == e.ID
	}
	return false
}

func timeMatches(e *orrery.Event) bool {
	v := e.Values[e.Type.TimeField]
	return v.Type() == orrery.Timestamp && v.Instant() == e.Time
}

// DecodeEvent reads an event; its Offset is 0. contracts gives the contract of
// a fingerprint, and the one that extends it of which the event shall be, nil
// where there is none; fields that came later have their defaults. The error is
// of kind Damaged with code record_damaged, or contract_unknown; or it is
// Header's.
func DecodeEvent(data []byte, contracts func(orrery.Fingerprint) *orrery.View) (orrery.Event, error) {
	var e orrery.Event
	err := DecodeEventInto(&e, data, contracts)
	return e, err
}

// DecodeEventInto is DecodeEvent into an event that may have been used before:
// the memory of e.Values is used again. After an error e is of no use.
func DecodeEventInto(e *orrery.Event, data []byte, contracts func(orrery.Fingerprint) *orrery.View) error {
	h, r, err := body(data, EventKind)
	if err != nil {
		return err
	}
	flags, index := r.byte(), r.uvarint()
	if r.fault != "" || flags&^eventFlags[h.Version] != 0 {
		return damaged("it is an event with flags %#x", flags)
	}
	v := contracts(h.Contract)
	if v == nil {
		return orrery.Errorf(orrery.Damaged, "contract_unknown", "a record was written under contract %s, which is not recorded", h.Contract).
			WithNext("restore the data directory from a copy")
	}
	if index >= uint64(len(v.Written.Events)) {
		return damaged("it is of event type %d of %d", index, len(v.Written.Events))
	}
	*e = orrery.Event{Type: v.Written.Events[index], Received: h.Received, Values: e.Values[:0]}
	var before *orrery.Event
	switch {
	case flags&hasSealed != 0:
		err = decodeSealed(e, &r, flags, v.Opener, data)
	case flags&(hasCorrected|wasWithdrawn) != 0:
		if before, err = decodeBefore(e.Type, &r, flags, contracts); err == nil {
			err = decodeEvent(e, &r, flags)
		}
	default:
		err = decodeEvent(e, &r, flags)
	}
	if err != nil {
		return err
	}
	if t := v.Current.Events[index]; t != e.Type {
		e.Type, e.Values = t, t.WithDefaults(e.Values)
	}
	if before != nil {
		e.Corrected = orrery.Correct(e, *before, flags&wasWithdrawn != 0)
	}
	return nil
}

func decodeSealed(e *orrery.Event, r *reader, flags byte, opener orrery.Opener, data []byte) error {
	s := readSeal(r)
	if err := decodeEvent(e, r, flags); err != nil {
		return err
	}
	return s.unseal(e, opener, data)
}

// decodeBefore reads the event that a correction of type t names.
func decodeBefore(t *orrery.EventType, r *reader, flags byte, contracts func(orrery.Fingerprint) *orrery.View) (*orrery.Event, error) {
	if flags&hasCorrected == 0 || flags&hasSealed != 0 || t.Corrects == nil {
		return nil, damaged("it is a %s that corrects nothing", t.Name)
	}
	offset := r.uvarint()
	nested := r.bytes(r.uvarint())
	if r.fault != "" {
		return nil, r.end()
	}
	if h, err := Header(nested); err != nil {
		return nil, err
	} else if h.Kind != EventKind || len(nested) <= HeaderSize || nested[HeaderSize]&(hasCorrected|hasSealed) != 0 {
		return nil, damaged("what it corrects is no event, or a correction itself")
	}
	before, err := DecodeEvent(nested, contracts)
	if err != nil {
		return nil, err
	}
	if before.Type.Name != t.Corrects.Event || offset == 0 {
		return nil, damaged("it is a %s that corrects a %s at offset %d", t.Name, before.Type.Name, offset)
	}
	before.Offset = orrery.Offset(offset)
	return &before, nil
}

func decodeEvent(e *orrery.Event, r *reader, flags byte) error {
	idLength, afterReceived := uint64(0), int64(0)
	if flags&hasID != 0 {
		idLength = r.uvarint()
	}
	if flags&hasTime != 0 {
		afterReceived = r.varint()
	}
	texts := r.tail(r.uvarint())
	e.ID = take(&texts, idLength, r)
	readValues(e, r, texts)
	if err := r.end(); err != nil {
		return err
	}
	if flags&hasTime != 0 {
		e.Time = e.Received + orrery.Instant(afterReceived)
	}
	return takeFromFields(e, flags)
}

// take gives the next n bytes of the texts.
func take(texts *string, n uint64, r *reader) string {
	if n > uint64(len(*texts)) {
		r.fail("its texts end early")
		return ""
	}
	text := (*texts)[:n]
	*texts = (*texts)[n:]
	return text
}

// readValues reads the values of e's type into e.Values, and uses up the texts.
func readValues(e *orrery.Event, r *reader, texts string) {
	fields := e.Type.Fields
	present := r.bytes(uint64(presenceBytes(len(fields))))
	if r.fault != "" {
		return
	}
	if n := len(fields); n%8 != 0 && present[n/8]>>(n%8) != 0 {
		r.fail("it has a value for a field that is none")
		return
	}
	if cap(e.Values) < len(fields) {
		e.Values = make([]orrery.Value, 0, len(fields))
	}
	for i := range fields {
		if present[i/8]>>(i%8)&1 == 0 {
			e.Values = append(e.Values, orrery.Value{})
			continue
		}
		switch fields[i].Type {
		case orrery.String:
			e.Values = append(e.Values, orrery.StringValue(take(&texts, r.uvarint(), r)))
		case orrery.Entity:
			e.Values = append(e.Values, orrery.EntityValue(take(&texts, r.uvarint(), r)))
		case orrery.Timestamp:
			e.Values = append(e.Values, orrery.TimestampValue(e.Received+orrery.Instant(r.varint())))
		case orrery.Int:
			e.Values = append(e.Values, orrery.IntValue(r.varint()))
		case orrery.Decimal:
			e.Values = append(e.Values, orrery.DecimalValue(r.varint()))
		case orrery.Float:
			e.Values = append(e.Values, orrery.FloatValue(math.Float64frombits(r.uint64())))
		case orrery.Bool:
			e.Values = append(e.Values, orrery.BoolValue(r.bool()))
		default:
			r.fail("its contract has a field of no type")
		}
	}
	if texts != "" {
		r.fail("its texts go on behind the last")
	}
}

// takeFromFields fills in the id and time that the fields give. A record that
// repeats what its fields give, or leaves out what they do not, is damaged.
func takeFromFields(e *orrery.Event, flags byte) error {
	id, at := e.Values[e.Type.IDField], e.Values[e.Type.TimeField]
	if flags&hasID == 0 {
		switch id.Type() {
		case orrery.String:
			e.ID = id.Text()
		case orrery.Int:
			e.ID = strconv.FormatInt(id.Units(), 10)
		default:
			return damaged("it is a %s without an id", e.Type.Name)
		}
	} else if idMatches(e) {
		return damaged("it is a %s with its id twice", e.Type.Name)
	}
	if flags&hasTime == 0 {
		if at.Type() != orrery.Timestamp {
			return damaged("it is a %s without a time", e.Type.Name)
		}
		e.Time = at.Instant()
	} else if timeMatches(e) {
		return damaged("it is a %s with its time twice", e.Type.Name)
	}
	return nil
}
