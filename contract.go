package orrery

import (
	"crypto/sha256"
	"encoding/hex"
)

// Contract is what the world and the system have agreed on: the entities and
// the event types. All releases of a system share it, and it changes only by
// addition.
type Contract struct {
	Entities []string
	Events   []*EventType
}

// EventType declares one type of event.
type EventType struct {
	Name string
	// Index is the type's place in Contract.Events.
	Index  int
	Fields []Field
	// IDField and TimeField are indexes in Fields: of the string or int that
	// identifies an event of the type, and of the timestamp when it happened.
	IDField, TimeField int
	// Subject names the entity field whose key the personal fields are of, empty
	// for a type without such fields.
	Subject string
	// Corrects is set for a type whose events correct those of another.
	Corrects *CorrectionOf
	About    string
}

// Field declares one field of an event type.
type Field struct {
	Name string
	Type FieldType
	// Entity names the entity whose key an Entity field holds.
	Entity string
	// Scale is the number of digits after a Decimal's point, 0 to MaxScale.
	Scale int
	// Unit is for people: "USD", "ms".
	Unit string
	// Optional says that an event without the field is valid. Default, missing
	// where there is none, is then the value; a field has one or the other. What
	// was recorded before the field was added has its default too.
	Optional bool
	Default  Value
	// Min and Max bound a numeric field, both inclusive; missing where there is
	// no bound. They have the field's type.
	Min, Max Value
	// Personal says that the value is kept under the key of its subject only. Of
	// an Entity field, a pseudonym stands for the value.
	Personal bool
	About    string
}

// Event gives the event type of a name, nil where there is none.
func (c *Contract) Event(name string) *EventType {
	for _, e := range c.Events {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// HasEntity reports whether the contract declares the entity.
func (c *Contract) HasEntity(name string) bool {
	for _, e := range c.Entities {
		if e == name {
			return true
		}
	}
	return false
}

// Field gives the index of the field of a name, -1 where there is none.
func (t *EventType) Field(name string) int {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// EntityFields gives the indexes of the fields that hold keys of the entity.
func (t *EventType) EntityFields(entity string) []int {
	var found []int
	for i := range t.Fields {
		if t.Fields[i].Type == Entity && t.Fields[i].Entity == entity {
			found = append(found, i)
		}
	}
	return found
}

// Fingerprint identifies a contract by its content. Every record of the log
// carries the fingerprint of the contract it was written under.
type Fingerprint [8]byte

func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Fingerprint gives the contract's fingerprint: the head of the SHA-256 of its
// encoding.
func (c *Contract) Fingerprint() Fingerprint {
	sum := sha256.Sum256(c.Encode())
	return Fingerprint(sum[:8])
}

// Is reports whether two declarations are of the same event type: those of two
// releases of one system are, though each release has its own.
func (t *EventType) Is(other *EventType) bool { return t == other || t.Name == other.Name }
