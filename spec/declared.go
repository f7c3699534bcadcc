package spec

import (
	"strings"
	"time"

	"orrery.dev"
	"orrery.dev/declare"
)

// Value is a mapping of a checked file, or one that is not there, which has
// nothing in it.
type Value struct{ n *node }

// CheckDeclared checks a file of another kind than a system's against its
// declaration, and gives every fault of it. The Value is of use where no fault is
// an error. A file without content has every default, unless the declaration is
// Required.
func CheckDeclared(path string, text []byte, f declare.Field) (Value, Diagnostics) {
	c := &checker{src: newSource(path, text), reg: &Registry{}, lost: make(map[string]bool), gone: make(map[int]bool), openEvents: make(map[string]bool),
		spec: &Spec{Path: path, Source: text, Location: time.UTC, Contract: &orrery.Contract{}}}
	root := c.read(text)
	if root == nil && !f.Required && len(c.diags) == 1 && c.last().Code == "empty_file" {
		root, c.diags = &node{shape: mapping, at: span{1, 1, 2}}, nil
	}
	if root != nil {
		c.walk(root, f, "")
	}
	return Value{root}, c.sorted()
}

// In gives the mapping under a key; Written reports whether it stands in the file.
func (v Value) In(key string) Value { return Value{v.n.get(key)} }

// Written reports whether the file has the value, rather than a default.
func (v Value) Written() bool { return v.n != nil && !v.n.filled }

// Text gives the text under a key, empty where there is none.
func (v Value) Text(key string) string { return textOf(v.n, key) }

// Bool gives the truth value under a key, false where there is none.
func (v Value) Bool(key string) bool { return typed[bool](v, key) }

// Int gives the whole number under a key, 0 where there is none.
func (v Value) Int(key string) int { return typed[int](v, key) }

// Number gives the number under a key, 0 where there is none.
func (v Value) Number(key string) float64 { return typed[float64](v, key) }

// Duration gives the duration under a key, 0 where there is none.
func (v Value) Duration(key string) time.Duration { return typed[orrery.Duration](v, key).Std() }

// Texts gives each key of the mapping, whose names the user chose, with its text.
func (v Value) Texts() map[string]string {
	out := map[string]string{}
	if v.n != nil {
		for _, e := range v.n.entries {
			if text, ok := e.value.value.(string); ok && !e.ignored && !e.value.bad {
				out[e.key.text] = text
			}
		}
	}
	return out
}

func typed[T any](v Value, key string) T {
	value, _ := valueOf[T](v.n, key)
	return value
}

// secret checks a reference to a secret. A secret itself is refused, and not
// repeated.
func (c *checker) secret(n *node) bool {
	if _, _, ok := declare.Reference(n.text); ok {
		return true
	}
	d := c.errorf(n, "secret_literal", "`%s` is a secret, and a file is no place for one", leaf(n.path))
	d.Excerpt = ""
	if looksLikePath(n.text) {
		d.suggest("${file:" + n.text + "}")
	}
	d.note("refer to it: ${env:NAME} for an environment variable, ${file:PATH} for a file")
	return false
}

// looksLikePath reports whether text names a file rather than being a secret.
func looksLikePath(text string) bool {
	for _, end := range []string{".pem", ".key", ".txt", ".token"} {
		if strings.HasSuffix(text, end) && !strings.ContainsAny(text, " \n") {
			return true
		}
	}
	return false
}
