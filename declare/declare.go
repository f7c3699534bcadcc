// Package declare describes the fields of a spec. A field is declared once, in
// Go, with its documentation, type and default; the checker, the JSON Schema
// and the reference pages are made from that declaration.
package declare

import "regexp"

// Type is what a spec's field holds.
type Type string

// The types that a spec's field can have.
const (
	Text       Type = "text"       // free text for people
	Name       Type = "name"       // an identifier this spec defines: [a-z][a-z0-9_]*
	Bool       Type = "bool"       // true or false
	Int        Type = "int"        // a whole number
	Number     Type = "number"     // a number
	Duration   Type = "duration"   // 30s, 5m, 12h, 7d, 2w
	Bytes      Type = "bytes"      // a size on disk: 500MB, 200GB, 2TB
	Zone       Type = "zone"       // an IANA time zone: UTC, Europe/Paris
	Expression Type = "expression" // CEL
	Any        Type = "any"        // a literal of whatever type the context asks
	EntityRef  Type = "entity"     // the name of a declared entity
	EventRef   Type = "event"      // the name of a declared event
	FieldRef   Type = "field"      // event.field
	FeatureRef Type = "feature"    // the name of a declared feature, or a pattern with *
	File       Type = "file"       // the path of a file beside the spec's own, or below
	Secret     Type = "secret"     // a reference to a secret: ${env:NAME}, ${file:PATH}
	Mapping    Type = "mapping"    // a mapping with the fields in Fields
)

// Field declares one key of a mapping in the spec.
type Field struct {
	Name string
	Type Type
	// List says that the field takes a list of Type; a single value is then a
	// list of one.
	List bool
	// Doc is a full sentence or two, for the reference page and the editor.
	Doc string
	// Default is written as the spec would; empty where there is none.
	Default  string
	Required bool
	// Enum lists the only values allowed, where there are such.
	Enum []string
	// Words are values allowed beside those of Type: "ever" for a window.
	Words []string
	// Min and Max bound a number, inclusive; Positive durations and numbers are
	// declared with Above.
	Min, Max *float64
	// Above is an exclusive lower bound.
	Above *float64
	// Example is a short value as it would be written.
	Example string
	// Fields declares the keys of a Mapping.
	Fields []Field
	// Each declares the values of a Mapping whose keys the user names, as the
	// names of events and features are. Each key is then a Name.
	Each *Field
	// Alone says that a parameter of a model is none where the model is a head.
	Alone bool
	// Capitals says that these keys are written in capital letters, as the names of
	// attributes of the Perspective API are: IDENTITY_ATTACK.
	Capitals bool
	// OneOf declares a value of one of several shapes; Type and Fields are then
	// empty. A value fits the one of its shape. Where several are mappings, it
	// fits the one whose first field, which is required, it has; if that field has
	// an Enum, the one whose Enum has its value.
	OneOf []Field
}

// Shapes gives the declarations that a value can fit: OneOf, or the field itself.
func (f Field) Shapes() []Field {
	if f.OneOf != nil {
		return f.OneOf
	}
	return []Field{f}
}

// Bound is for the literals of Min, Max and Above.
func Bound(x float64) *float64 { return &x }

// Kind declares one built-in or third-party component that a spec can name: a
// feature kind or a model kind.
type Kind struct {
	// Name is the word in the spec: "count", "gbdt".
	Name string
	Doc  string
	// Operand declares what stands behind a feature kind's name, as in
	// {sum: transaction.amount}: an EventRef or a FieldRef. Nil for model kinds.
	Operand *Field
	// FieldTypes lists the types of contract field that a FieldRef operand may
	// have ("int", "decimal"); empty for all.
	FieldTypes []string
	// NeedsWindow says that the feature kind makes no sense over all time.
	NeedsWindow bool
	// WithoutWindow says that the kind is over all time and takes no window.
	WithoutWindow bool
	// GivesValue says that the kind gives one of the field's own values, so that of
	// a text it is a category.
	GivesValue bool
	// WithoutCurrent says that the kind, unless told otherwise, looks at the
	// events before the one that asks.
	WithoutCurrent bool
	// OfAsker says that the operand is a field of the event that asks, with whose
	// own value the others are compared.
	OfAsker bool
	// Monotone says that the model kind keeps constraints on the direction in which
	// features move the score.
	Monotone bool
	// ReadsText says that the model kind reads the system's text, beside features or
	// alone.
	ReadsText bool
	// Several says that the model kind learns labels of which several classes can be
	// right at once.
	Several bool
	// Heads says that the model kind can have a head: a model of a kind that is a
	// Head, trained on what it gives. Without one there is nothing to train.
	Heads, Head bool
	// Fields are the keys that this kind takes beside those all kinds share: of a
	// model kind those of `params`, and Keys those of the model itself.
	Fields, Keys []Field
}

var reference = regexp.MustCompile(`^\$\{(env|file):([^{}]+)\}$`)

// Reference takes apart a reference to a secret, ${env:NAME} or ${file:PATH}: by
// is env or file. ok is false for text that is none.
func Reference(text string) (by, name string, ok bool) {
	m := reference.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}
