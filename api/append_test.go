package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// fill sets every field of a value at random, so that one that is added and not
// written by hand is noticed.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 2).Draw(t, "length"), 2))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key)
			fill(t, value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[a-z0-9_]{0,9}`), rapid.String()).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Float64:
		v.SetFloat(number(t))
	case reflect.Interface: // a score: null where it is missing
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.ValueOf(number(t)))
		}
	default:
		t.Fatalf("nothing is known of how to fill a %s", v.Type())
	}
}

func number(t *rapid.T) float64 {
	return rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64(), rapid.SampledFrom([]float64{0, 1e-6, 9.9e-7, 1e21, -1e21, 1e-300})).Draw(t, "number")
}

// TestAppendedAnswers holds what is written by hand to what encoding/json writes.
func TestAppendedAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &Answer{}
		fill(t, reflect.ValueOf(a).Elem())
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(a); err != nil {
			t.Fatal(err)
		}
		if got := append(appendAnswer(nil, a), '\n'); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("by hand\n%sby encoding/json\n%s", got, want.Bytes())
		}
	})
}
