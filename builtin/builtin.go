// Package builtin lists the components that come with Orrery, in one value.
// A program with components of its own makes its own list in the same way.
package builtin

import (
	"orrery.dev/declare"
	"orrery.dev/feature"
	"orrery.dev/spec"
	"orrery.dev/train"
)

// Registry gives what a spec can name.
func Registry() *spec.Registry {
	r := &spec.Registry{Features: feature.Kinds()}
	for _, kind := range train.Kinds() {
		r.Models = append(r.Models, kind.Kind)
	}
	return r
}

// Trainer gives the trainer of a model kind, false where there is none.
func Trainer(name string) (train.Kind, bool) {
	for _, kind := range train.Kinds() {
		if kind.Name == name {
			return kind, true
		}
	}
	return train.Kind{Kind: declare.Kind{}}, false
}
