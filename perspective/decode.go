package perspective

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxViolations bounds how many things are said to be wrong with one body.
const maxViolations = 100

// decode reads a body as the message of a name into a value of its Go type.
func decode(body []byte, name string, into any) error {
	if !utf8.Valid(body) {
		return misfit([]violation{{Description: fmt.Sprintf("Invalid JSON payload received. It is not UTF-8 at byte %d.", badByte(body))}})
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	err := d.Decode(&tree)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something behind the object")
		}
	}
	root, ok := tree.(map[string]any)
	switch {
	case errors.Is(err, io.EOF):
		// A body without anything is a message without any field.
		root = map[string]any{}
	case err != nil:
		return misfit([]violation{{Description: "Invalid JSON payload received. " + err.Error()}})
	case !ok:
		return misfit([]violation{{Description: "Invalid JSON payload received. Root element must be a message."}})
	}
	w := &walker{}
	clean := w.message(messageOf(name), root, "")
	if len(w.violations) > 0 {
		return misfit(w.violations)
	}
	// What is left fits the Go type, which says the same as the message.
	text, err := json.Marshal(clean)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

func badByte(body []byte) int {
	at := 0
	for at < len(body) {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// walker checks a tree against messages, and gives it with names in camelCase and
// values of their types.
type walker struct{ violations []violation }

func (w *walker) fault(field, format string, args ...any) {
	if len(w.violations) < maxViolations {
		w.violations = append(w.violations, violation{field, fmt.Sprintf(format, args...)})
	}
}

func (w *walker) message(m *message, tree map[string]any, path string) map[string]any {
	out := map[string]any{}
	for _, key := range sorted(tree) {
		f := m.field(key)
		if f == nil {
			at := ""
			if path != "" {
				at = " at '" + path + "'"
			}
			w.fault(path, "Invalid JSON payload received. Unknown name %q%s: Cannot find field.", key, at)
			continue
		}
		if tree[key] == nil {
			continue
		}
		if _, twice := out[f.name]; twice {
			w.fault(join(path, f.name), "Invalid JSON payload received. Field '%s' is given twice.", f.name)
			continue
		}
		out[f.name] = w.field(f, tree[key], join(path, f.name))
	}
	return out
}

func (w *walker) field(f *field, v any, path string) any {
	switch {
	case f.many:
		list, ok := v.([]any)
		if !ok {
			// Protocol Buffers take one value for a list of one.
			list = []any{v}
		}
		out := make([]any, len(list))
		for i := range list {
			out[i] = w.one(f, list[i], fmt.Sprintf("%s[%d]", path, i))
		}
		return out
	case f.keyed:
		tree, ok := v.(map[string]any)
		if !ok {
			w.fault(path, "Invalid value at '%s' (type.googleapis.com/google.protobuf.Struct), %s", path, shown(v))
			return nil
		}
		out := map[string]any{}
		for _, key := range sorted(tree) {
			value := tree[key]
			if value == nil {
				value = map[string]any{}
			}
			out[key] = w.one(f, value, path+"["+strconv.Quote(key)+"]")
		}
		return out
	}
	return w.one(f, v, path)
}

func (w *walker) one(f *field, v any, path string) any {
	switch f.kind {
	case object:
		if tree, ok := v.(map[string]any); ok {
			return w.message(messageOf(f.of), tree, path)
		}
		w.fault(path, "Invalid value at '%s' (type.googleapis.com/google.commentanalyzer.v1alpha1.%s), %s", path, f.of, shown(v))
	case text:
		if s, ok := v.(string); ok {
			return s
		}
		w.fault(path, "Invalid value at '%s' (TYPE_STRING), %s", path, shown(v))
	case boolean:
		if b, ok := v.(bool); ok {
			return b
		}
		w.fault(path, "Invalid value at '%s' (TYPE_BOOL), %s", path, shown(v))
	case number, integer:
		if x, ok := numberOf(v); ok && (f.kind == number || x == math.Trunc(x) && math.Abs(x) <= math.MaxInt32) {
			return x
		}
		w.fault(path, "Invalid value at '%s' (%s), %s", path, map[kind]string{number: "TYPE_FLOAT", integer: "TYPE_INT32"}[f.kind], shown(v))
	case choice:
		if name, ok := f.choose(v); ok {
			return name
		}
		w.fault(path, "Invalid value at '%s' (TYPE_ENUM), %s", path, shown(v))
	}
	return nil
}

// choose gives the name of an enumeration's value, which may be written as its
// number.
func (f *field) choose(v any) (string, bool) {
	name, isText := v.(string)
	for i, e := range f.enum {
		if isText && e.name == name {
			return name, true
		}
		if x, ok := numberOf(v); !isText && ok && x == float64(i) {
			return e.name, true
		}
	}
	return "", false
}

// numberOf gives a finite number, which may be written as text.
func numberOf(v any) (float64, bool) {
	var digits string
	switch v := v.(type) {
	case json.Number:
		digits = v.String()
	case string:
		digits = v
	default:
		return 0, false
	}
	x, err := strconv.ParseFloat(digits, 64)
	return x, err == nil && !math.IsNaN(x) && !math.IsInf(x, 0)
}

// shown gives a value as an error repeats it: not the text of a comment, which
// could stand in the wrong place.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("a string of %d bytes", len(v))
	case json.Number:
		if len(v) > 40 {
			return "a number"
		}
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return "null"
	case []any:
		return "a list"
	}
	return "an object"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
