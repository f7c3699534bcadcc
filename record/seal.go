package record

import (
	"encoding/binary"
	"fmt"
	"math"

	"orrery.dev"
)

// What is personal is sealed: written under the key of its subject. Of an event
// that is the personal fields but keys, which pseudonyms stand for; of the
// decision on it, all but the header, since it has numbers made of those fields.
// What is sealed is bound to the header, and stands behind the pseudonym of its
// subject [16]. Without the key it is erased.

// sealedVersion is that of records with something sealed, and of corrections. Any other record is
// still of plainVersion, byte for byte.
const (
	plainVersion  = 2
	sealedVersion = 3
	// actedVersion is that of decisions with parameters or spans.
	actedVersion = 4
)

// AppendSealedEvent is AppendEvent for an event of a type with personal fields.
// Keys that are personal must be pseudonyms already. Behind the type's index come
// the pseudonym and, with its length before it, what is sealed: for each personal
// field but keys, in field order, 0, or 1 and the value, as an int or decimal as a
// varint, a timestamp as a varint, a float as 8 bytes, a bool as one, a string
// with its length before it.
func AppendSealedEvent(b []byte, contract orrery.Fingerprint, e *orrery.Event, sealer orrery.Sealer) []byte {
	header := len(b)
	b = appendHeader(b, sealedVersion, EventKind, contract, e.Received)
	kept := *e
	kept.Values = append([]orrery.Value(nil), e.Values...)
	var plain []byte
	for i := range e.Type.Fields {
		if f := &e.Type.Fields[i]; !f.Kept() {
			plain = appendPersonal(plain, f, e.Values[i])
			kept.Values[i] = orrery.Value{}
		}
	}
	subject := sealer.Pseudonym()
	sealed := append([]byte(nil), subject[:]...)
	secret := sealer.Seal(nil, plain, b[header:header+HeaderSize])
	sealed = append(binary.AppendUvarint(sealed, uint64(len(secret))), secret...)
	return appendEvent(b, &kept, sealed, nil)
}

func appendPersonal(b []byte, f *orrery.Field, v orrery.Value) []byte {
	if v.IsMissing() {
		return append(b, 0)
	}
	if v.Type() != f.Type {
		panic(fmt.Sprintf("record: field %s holds a %s", f.Name, v.Type()))
	}
	b = append(b, 1)
	switch v.Type() {
	case orrery.String:
		return appendText(b, v.Text())
	case orrery.Timestamp:
		return appendVarint(b, int64(v.Instant()))
	case orrery.Int, orrery.Decimal:
		return appendVarint(b, v.Units())
	case orrery.Float:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
	}
	return append(b, byte(v.Number(0)))
}

// seal is the sealed part of a record.
type seal struct {
	subject orrery.Pseudonym
	sealed  []byte
}

func readSeal(r *reader) (s seal) {
	copy(s.subject[:], r.bytes(uint64(len(s.subject))))
	s.sealed = r.text()
	return s
}

// open gives what is sealed; ok is false where it is erased.
func (s *seal) open(opener orrery.Opener, header []byte) (plain []byte, ok bool, err error) {
	if opener == nil {
		return nil, false, nil
	}
	return opener.Unseal(s.subject, s.sealed, header[:HeaderSize])
}

// unseal fills in the personal fields of an event that is otherwise read.
func (s *seal) unseal(e *orrery.Event, opener orrery.Opener, header []byte) error {
	e.Subject = s.subject
	plain, ok, err := s.open(opener, header)
	if err != nil {
		return err
	}
	e.Erased = !ok
	r := reader{data: plain}
	for i := range e.Type.Fields {
		f := &e.Type.Fields[i]
		if f.Kept() {
			continue
		}
		if !e.Values[i].IsMissing() {
			return damaged("its personal field %q stands in the clear", f.Name)
		}
		if ok {
			e.Values[i] = readPersonal(f, &r)
		}
	}
	return r.end()
}

func readPersonal(f *orrery.Field, r *reader) orrery.Value {
	if !r.bool() {
		return orrery.Value{}
	}
	switch f.Type {
	case orrery.String:
		return orrery.StringValue(string(r.text()))
	case orrery.Timestamp:
		return orrery.TimestampValue(orrery.Instant(r.varint()))
	case orrery.Int:
		return orrery.IntValue(r.varint())
	case orrery.Decimal:
		return orrery.DecimalValue(r.varint())
	case orrery.Float:
		return orrery.FloatValue(math.Float64frombits(r.uint64()))
	case orrery.Bool:
		return orrery.BoolValue(r.bool())
	}
	r.fail("its contract has a personal field of no type")
	return orrery.Value{}
}

// AppendSealedDecision is AppendDecision for a decision on an event of a type
// with personal fields. Behind the header come a byte of flags, which says that it
// is sealed and no more, the pseudonym of the event's subject, and, with its
// length before it, what AppendDecision writes behind the header, sealed.
func AppendSealedDecision(b []byte, contract orrery.Fingerprint, received orrery.Instant, d *orrery.Decision, sealer orrery.Sealer) []byte {
	header := len(b)
	b = append(appendHeader(b, max(sealedVersion, versionOf(d)), DecisionKind, contract, received), isSealed)
	subject := sealer.Pseudonym()
	b = append(b, subject[:]...)
	plain := AppendDecision(nil, contract, received, d)[HeaderSize:]
	secret := sealer.Seal(nil, plain, b[header:header+HeaderSize])
	return append(binary.AppendUvarint(b, uint64(len(secret))), secret...)
}

// openDecision gives a reader of a sealed decision's body; ok is false where it
// is erased.
func openDecision(r *reader, h *Head, data []byte, contracts func(orrery.Fingerprint) *orrery.View) (body reader, ok bool, err error) {
	s := readSeal(r)
	if err := r.end(); err != nil {
		return reader{}, false, err
	}
	var opener orrery.Opener
	if contracts != nil {
		if v := contracts(h.Contract); v != nil {
			opener = v.Opener
		}
	}
	plain, ok, err := s.open(opener, data)
	return reader{data: plain}, ok, err
}
