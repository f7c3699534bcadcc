package orrery

import (
	"fmt"
	"math"
	"strconv"
)

// FieldType is the type of a field, and of a value in it.
type FieldType uint8

// The field types. Missing is the type of an absent value, never of a field.
const (
	Missing FieldType = iota
	String
	Entity
	Timestamp
	Int
	Decimal
	Float
	Bool
)

var fieldTypeNames = [...]string{"missing", "string", "entity", "timestamp", "int", "decimal", "float", "bool"}

// FieldTypes lists the names that a spec can give a field's type.
func FieldTypes() []string { return append([]string(nil), fieldTypeNames[1:]...) }

// FieldTypeOf gives the type of a name; ok is false for a name that is none.
func FieldTypeOf(name string) (t FieldType, ok bool) {
	for i, n := range fieldTypeNames[1:] {
		if n == name {
			return FieldType(i + 1), true
		}
	}
	return Missing, false
}

func (t FieldType) String() string {
	if int(t) < len(fieldTypeNames) {
		return fieldTypeNames[t]
	}
	return "FieldType(" + strconv.Itoa(int(t)) + ")"
}

// Numeric reports whether values of the type have a size that can be summed.
func (t FieldType) Numeric() bool { return t == Int || t == Decimal || t == Float }

// Exact reports whether values of the type are integers inside, so that their
// sums are exact in any order.
func (t FieldType) Exact() bool { return t == Int || t == Decimal }

// Value is the content of one field. The zero Value is missing. Two values are
// the same exactly when == says so, except for floats that are NaN, which no
// decoder lets in.
type Value struct {
	text string
	bits uint64
	kind FieldType
}

// StringValue gives the value of a string field.
func StringValue(s string) Value { return Value{kind: String, text: s} }

// EntityValue gives the value of an entity field: the entity's key.
func EntityValue(key string) Value { return Value{kind: Entity, text: key} }

// TimestampValue gives the value of a timestamp field.
func TimestampValue(t Instant) Value { return Value{kind: Timestamp, bits: uint64(t)} }

// IntValue gives the value of an int field.
func IntValue(n int64) Value { return Value{kind: Int, bits: uint64(n)} }

// DecimalValue gives the value of a decimal field: n units of 10^-scale, where
// the scale is the field's.
func DecimalValue(n int64) Value { return Value{kind: Decimal, bits: uint64(n)} }

// FloatValue gives the value of a float field.
func FloatValue(x float64) Value { return Value{kind: Float, bits: math.Float64bits(x)} }

// BoolValue gives the value of a bool field.
func BoolValue(b bool) Value {
	v := Value{kind: Bool}
	if b {
		v.bits = 1
	}
	return v
}

// Type gives the type of the value, Missing when there is none.
func (v Value) Type() FieldType { return v.kind }

// IsMissing reports whether there is no value.
func (v Value) IsMissing() bool { return v.kind == Missing }

// Text gives the text of a string or the key of an entity.
func (v Value) Text() string { return v.text }

// Units gives the integer inside an int or a decimal (in units of 10^-scale).
func (v Value) Units() int64 { return int64(v.bits) }

// Float gives the number in a float.
func (v Value) Float() float64 { return math.Float64frombits(v.bits) }

// Instant gives the moment in a timestamp.
func (v Value) Instant() Instant { return Instant(v.bits) }

// Bool gives the truth in a bool.
func (v Value) Bool() bool { return v.bits != 0 }

// Number gives the value as a double, as expressions and models see it: an int
// or a float as it is, a decimal divided by its scale (correctly rounded), a
// bool as 0 or 1. Anything else, a missing value included, is NaN.
func (v Value) Number(scale int) float64 {
	switch v.kind {
	case Int:
		return float64(int64(v.bits))
	case Decimal:
		return float64(int64(v.bits)) / Pow10(scale)
	case Float:
		return math.Float64frombits(v.bits)
	case Bool:
		return float64(v.bits)
	}
	return math.NaN()
}

// MaxScale is the most digits after the point that a decimal field can have.
const MaxScale = 12

var pow10 = [MaxScale + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

// Pow10 gives 10^scale, for 0 <= scale <= MaxScale.
func Pow10(scale int) float64 { return pow10[scale] }

// Format writes the value as JSON would show it, strings without quotes;
// scale is that of a decimal field.
func (v Value) Format(scale int) string {
	switch v.kind {
	case Missing:
		return "null"
	case String, Entity:
		return v.text
	case Timestamp:
		return v.Instant().String()
	case Int:
		return strconv.FormatInt(v.Units(), 10)
	case Decimal:
		return formatDecimal(v.Units(), scale)
	case Float:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case Bool:
		return strconv.FormatBool(v.Bool())
	}
	return fmt.Sprintf("Value(%d)", v.kind)
}

func formatDecimal(units int64, scale int) string {
	if scale == 0 {
		return strconv.FormatInt(units, 10)
	}
	sign, magnitude := "", uint64(units)
	if units < 0 {
		sign, magnitude = "-", -magnitude
	}
	digits := strconv.FormatUint(magnitude, 10)
	for len(digits) <= scale {
		digits = "0" + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}
