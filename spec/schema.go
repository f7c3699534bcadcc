package spec

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"orrery.dev/declare"
)

// SchemaID names the JSON Schema of system.yaml.
const SchemaID = "https://orrery.dev/system.schema.json"

// Schema gives the JSON Schema of system.yaml for editors, indented. It is of
// draft-07, the draft that editors' language servers have followed the longest.
//
// It says what a file's shape can be: keys, types, patterns and bounds. It
// refuses nothing that Check takes without a warning; names, expressions and
// whatever depends on other parts of the file are left to Check.
func Schema(reg *Registry) []byte {
	root := append(object{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"$id", SchemaID},
	}, schemaOf(Declaration(reg))...)
	text, err := json.Marshal(root)
	if err != nil {
		// Everything in an object is text, a number, a bool or an object of these.
		panic(err)
	}
	var out bytes.Buffer
	_ = json.Indent(&out, text, "", "  ")
	out.WriteByte('\n')
	return out.Bytes()
}

// object is a JSON object that keeps the order of its members, since editors
// offer completions in it.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encoder.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schemaOf gives the schema of a field's value, with what people want to know.
func schemaOf(f declare.Field) object {
	var out object
	if f.Doc != "" {
		out = append(out, member{"description", f.Doc})
	}
	if strings.Contains(f.Doc, "`") {
		// Editors show a plain description as it is, backquotes and all.
		out = append(out, member{"markdownDescription", f.Doc})
	}
	shape := shapeOf(f)
	if f.OneOf == nil && f.List {
		shape = object{{"anyOf", []any{
			shape,
			object{{"type", "array"}, {"items", shape}, {"minItems", 1}},
		}}}
	}
	out = append(out, shape...)
	if f.Default != "" {
		out = append(out, member{"default", literal(f, f.Default)})
	}
	if f.Example != "" && scalarExample(f) {
		out = append(out, member{"examples", []any{literal(f, f.Example)}})
	}
	return out
}

// scalarExample reports whether the field's example is a single value: those
// of lists and mappings are written in YAML, which a schema does not hold.
func scalarExample(f declare.Field) bool {
	return f.Type != declare.Mapping && f.OneOf == nil && !strings.HasPrefix(f.Example, "[")
}

// literal gives a value that is written as the spec would, as JSON.
func literal(f declare.Field, text string) any {
	switch f.Type {
	case declare.Bool:
		return text == "true"
	case declare.Int, declare.Number:
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			return x
		}
	}
	return text
}

// shapeOf gives what a field's value must be.
func shapeOf(f declare.Field) object {
	if f.OneOf != nil {
		return oneOf(f.OneOf)
	}
	switch f.Type {
	case declare.Mapping:
		return mappingSchema(f)
	case declare.Bool:
		return object{{"type", "boolean"}}
	case declare.Int:
		return append(object{{"type", "integer"}}, boundsOf(f)...)
	case declare.Number:
		return append(object{{"type", "number"}}, boundsOf(f)...)
	}
	if f.Enum != nil {
		return object{{"type", "string"}, {"enum", f.Enum}}
	}
	if pattern := patternOf(f); pattern != "" {
		shape := object{{"type", "string"}, {"pattern", pattern}, {"patternErrorMessage", "This takes " + patternWords(f) + "."}}
		if f.Type == declare.Name {
			shape = append(shape, member{"maxLength", maxName})
		}
		return shape
	}
	// A plain text such as 2018 or true is a number or a bool to an editor.
	return object{{"type", []string{"string", "number", "boolean"}}}
}

func oneOf(shapes []declare.Field) object {
	var all []any
	for _, s := range shapes {
		all = append(all, append(object{{"title", titleOf(s)}}, schemaOf(s)...))
	}
	if len(all) == 1 {
		return shapeOf(shapes[0])
	}
	out := object{{"anyOf", all}}
	if words := kindsOf(shapes); words != nil {
		// Said here as well, so that a wrong word is answered with all right ones.
		name := shapes[0].Fields[0].Name
		out = append(object{{"type", "object"}, {"properties", object{{name, object{{"enum", words}}}}}, {"required", []string{name}}}, out...)
	}
	return out
}

// kindsOf gives the words that tell shapes apart, nil where a word is not what
// does.
func kindsOf(shapes []declare.Field) []string {
	var words []string
	for _, s := range shapes {
		if len(s.Fields) == 0 || s.Fields[0].Enum == nil {
			return nil
		}
		words = append(words, s.Fields[0].Enum...)
	}
	return words
}

// titleOf names a shape among others: by the key that tells it apart, by that
// key's value, or by its type.
func titleOf(f declare.Field) string {
	if f.Type != declare.Mapping || len(f.Fields) == 0 {
		return string(f.Type)
	}
	if first := f.Fields[0]; len(first.Enum) == 1 {
		return first.Enum[0]
	}
	return f.Fields[0].Name
}

func mappingSchema(f declare.Field) object {
	out := object{{"type", "object"}}
	if f.Each != nil {
		pattern := namePattern
		if f.Capitals {
			pattern = capitalsPattern
		}
		return append(out, member{"propertyNames", object{{"pattern", pattern.String()}, {"maxLength", maxName}}},
			member{"additionalProperties", schemaOf(*f.Each)})
	}
	properties := object{}
	var required []string
	for _, field := range f.Fields {
		properties = append(properties, member{field.Name, schemaOf(field)})
		if field.Required {
			required = append(required, field.Name)
		}
	}
	out = append(out, member{"properties", properties})
	if required != nil {
		out = append(out, member{"required", required})
	}
	return append(out, member{"additionalProperties", false})
}

func boundsOf(f declare.Field) object {
	var out object
	for _, b := range []struct {
		word  string
		bound *float64
	}{{"minimum", f.Min}, {"maximum", f.Max}, {"exclusiveMinimum", f.Above}} {
		if b.bound != nil {
			out = append(out, member{b.word, *b.bound})
		}
	}
	return out
}

// patternWords says what a field with a pattern takes.
func patternWords(f declare.Field) string {
	words := typeWords(f.Type)
	switch f.Type {
	case declare.Duration:
		words += ", such as 30s, 5m, 12h, 7d or 2w"
		for _, w := range f.Words {
			words += ", or " + w
		}
	case declare.Name:
		words += ": lower-case letters, digits and _, a letter first"
	default:
		if f.Example != "" {
			words += ", as in " + f.Example
		}
	}
	return words
}

// patternOf gives the pattern of a field's text, empty where any text will do.
func patternOf(f declare.Field) string {
	pattern := ""
	switch f.Type {
	case declare.Name:
		pattern = namePattern.String()
	case declare.Duration:
		pattern = durationPattern.String()
		if f.Above != nil {
			// Longer than nothing.
			pattern = strings.Replace(pattern, "[0-9]{1,12}", "0{0,11}[1-9][0-9]{0,11}", 1)
		}
	case declare.Bytes:
		pattern = strings.Replace(sizePattern.String(), "[0-9]{1,15}", "0{0,14}[1-9][0-9]{0,14}", 1)
	case declare.Zone:
		pattern = `^[A-Za-z][A-Za-z0-9_+/-]*$`
	default:
		if p := referencePatterns[f.Type]; p != nil {
			pattern = p.String()
		}
	}
	if pattern == "" || len(f.Words) == 0 {
		return pattern
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$")
	return "^(" + strings.Join(append(slices.Clone(f.Words), inner), "|") + ")$"
}
