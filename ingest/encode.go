package ingest

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"orrery.dev"
)

// AppendJSON appends the event as the flat JSON object that a Decoder of its
// type reads back as the same event. Missing values are left out. The text is on
// one line; invalid UTF-8 is replaced.
func AppendJSON(b []byte, e *orrery.Event) []byte {
	b = append(b, '{')
	first := true
	for i := range e.Values {
		v := e.Values[i]
		if v.IsMissing() || v.Type() == orrery.Float && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, e.Type.Fields[i].Name), ':')
		b = appendValue(b, v, e.Type.Fields[i].Scale)
	}
	return append(b, '}')
}

// AppendValue appends a value that is not missing as JSON; scale is that of a
// decimal field.
func AppendValue(b []byte, v orrery.Value, scale int) []byte { return appendValue(b, v, scale) }

func appendValue(b []byte, v orrery.Value, scale int) []byte {
	switch v.Type() {
	case orrery.String, orrery.Entity:
		return appendString(b, v.Text())
	case orrery.Timestamp:
		b = append(b, '"')
		b = v.Instant().Time().AppendFormat(b, time.RFC3339Nano)
		return append(b, '"')
	case orrery.Int:
		return strconv.AppendInt(b, v.Units(), 10)
	case orrery.Float:
		// This form is JSON's: a digit on both sides of the point, if there is one.
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case orrery.Bool:
		return strconv.AppendBool(b, v.Bool())
	}
	return append(b, v.Format(scale)...)
}

// appendString writes plain text itself and leaves the rest to the standard library.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
