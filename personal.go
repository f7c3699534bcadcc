package orrery

import "encoding/hex"

// Pseudonym stands for a person, or whatever else personal fields are of, where
// the key itself may not stand: 128 random bits, made when the key first comes.
// The zero Pseudonym is none.
type Pseudonym [16]byte

// String writes the pseudonym as 32 hex digits, as it stands in an event in the
// place of a personal key.
func (p Pseudonym) String() string { return hex.EncodeToString(p[:]) }

// PseudonymOf reads what String wrote; ok is false for anything else.
func PseudonymOf(text string) (p Pseudonym, ok bool) {
	if len(text) != 2*len(p) {
		return p, false
	}
	_, err := hex.Decode(p[:], []byte(text))
	return p, err == nil && p.String() == text
}

// PersonalMask is what stands for a personal value where it is not shown.
const PersonalMask = "(personal)"

// Sealer encrypts what is personal of one subject, under that subject's key.
type Sealer interface {
	Pseudonym() Pseudonym
	// Seal appends to dst the plain text, encrypted; bound is what Unseal must be
	// given with it.
	Seal(dst, plain, bound []byte) []byte
}

// Opener decrypts what Sealers encrypted.
type Opener interface {
	// Unseal gives the plain text; ok is false where the subject's key has been
	// destroyed. The error says that the text is not what was sealed, or that
	// the key could not be read.
	Unseal(subject Pseudonym, sealed, bound []byte) (plain []byte, ok bool, err error)
}

// HasPersonal reports whether a field of the type is personal. Such a type has a
// subject.
func (t *EventType) HasPersonal() bool { return t.Subject != "" }

// Kept reports whether the field stands in the clear where events are kept: it
// is not personal, or it is a key, which its pseudonym stands for.
func (f *Field) Kept() bool { return !f.Personal || f.Type == Entity }

// HasPersonal reports whether a field of the contract is personal.
func (c *Contract) HasPersonal() bool {
	for _, t := range c.Events {
		if t.HasPersonal() {
			return true
		}
	}
	return false
}

// PersonalKeys reports whether the keys of an entity are personal: pseudonyms
// stand for them in all that is kept.
func (c *Contract) PersonalKeys(entity string) bool {
	for _, t := range c.Events {
		for i := range t.Fields {
			if f := &t.Fields[i]; f.Personal && f.Type == Entity && f.Entity == entity {
				return true
			}
		}
	}
	return false
}

// HasSubject reports whether an entity's keys can be forgotten: personal fields
// are of it, or its keys themselves are personal.
func (c *Contract) HasSubject(entity string) bool {
	for _, t := range c.Events {
		if i := t.Field(t.Subject); i >= 0 && t.Fields[i].Entity == entity {
			return true
		}
	}
	return c.PersonalKeys(entity)
}
