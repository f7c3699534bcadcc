package expr

import (
	"math"

	"orrery.dev"
)

// Var is a variable that expressions can name.
type Var struct {
	Name string
	Type Type

	from  origin
	index int
	// scale is that of a decimal field.
	scale int
	// list is what stands behind "lists." of a ListVar.
	list     string
	question Question
}

// origin says which part of an Input holds a variable.
type origin uint8

const (
	fromEvent origin = iota
	fromVector
	fromText
)

// EventVar gives the variable "event.field" of an event type's field, by its
// index. Strings and entities' keys are strings; int, decimal and float numbers.
func EventVar(event *orrery.EventType, field int) Var {
	if event == nil || field < 0 || field >= len(event.Fields) {
		return Var{}
	}
	f := &event.Fields[field]
	v := Var{Name: event.Name + "." + f.Name, from: fromEvent, index: field, scale: f.Scale}
	switch f.Type {
	case orrery.String, orrery.Entity:
		v.Type = String
	case orrery.Int, orrery.Decimal, orrery.Float:
		v.Type = Number
	case orrery.Timestamp:
		v.Type = Timestamp
	case orrery.Bool:
		v.Type = Bool
	}
	return v
}

// VectorVar gives the number at an index of Input.Vector. NaN and the infinities
// are missing values.
func VectorVar(name string, index int) Var {
	return Var{Name: name, Type: Number, from: fromVector, index: index}
}

// FlagVar gives the bool at an index of Input.Vector: 0, 1, or NaN for a missing
// value.
func FlagVar(name string, index int) Var {
	return Var{Name: name, Type: Bool, from: fromVector, index: index}
}

// TextVar gives the string at an index of Input.Text. The empty string is a
// missing value, since that slice has no other way to say so.
func TextVar(name string, index int) Var {
	return Var{Name: name, Type: String, from: fromText, index: index}
}

// value gives a field of the input's event, missing where there is none.
func value(in *Input, index int) (v *orrery.Value) {
	if e := in.Event; e != nil && uint(index) < uint(len(e.Values)) {
		return &e.Values[index]
	}
	return &missingValue
}

// missingValue is never written.
var missingValue orrery.Value

func (v *Var) load() code {
	index, scale := v.index, v.scale
	switch {
	case v.from == fromVector && v.Type == Bool:
		return code{truth: func(in *Input) truth {
			if uint(index) >= uint(len(in.Vector)) || in.Vector[index] != in.Vector[index] {
				return unknown
			}
			return truthOf(in.Vector[index] != 0)
		}}
	case v.from == fromVector:
		return code{number: func(in *Input) float64 {
			if uint(index) < uint(len(in.Vector)) {
				return finite(in.Vector[index])
			}
			return math.NaN()
		}}
	case v.from == fromText:
		return code{text: func(in *Input) (string, bool) {
			if uint(index) < uint(len(in.Text)) {
				return in.Text[index], in.Text[index] != ""
			}
			return "", false
		}}
	case v.Type == Number:
		return code{number: func(in *Input) float64 { return finite(value(in, index).Number(scale)) }}
	case v.Type == Bool:
		return code{truth: func(in *Input) truth {
			if x := value(in, index); !x.IsMissing() {
				return truthOf(x.Bool())
			}
			return unknown
		}}
	case v.Type == Timestamp:
		return code{micros: func(in *Input) int64 {
			if x := value(in, index); !x.IsMissing() {
				return inYears(int64(x.Instant()))
			}
			return noMicros
		}}
	}
	return code{text: func(in *Input) (string, bool) {
		x := value(in, index)
		return x.Text(), !x.IsMissing()
	}}
}
