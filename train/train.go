// Package train fits models to labelled rows. Every trainer is deterministic:
// the same rows, options and seed give the same bytes at any number of cores.
package train

import (
	"context"
	"slices"
	"strconv"

	"orrery.dev/declare"
	"orrery.dev/model"
)

// Progress hears how far a fit has come: done of total steps. It may be nil.
type Progress func(done, total int)

// Params are a kind's settings by name, every default filled in: an int for
// declare.Int, a float64 for declare.Number, a []string for a list of texts, and so on.
type Params map[string]any

// Kind declares a kind of model and how it is fitted.
type Kind struct {
	declare.Kind
	// Fit fits a model to rows. It stops with the context's error when ctx is
	// done, and refuses rows that no model fits with an error of kind Invalid.
	Fit func(ctx context.Context, rows *Rows, params Params, progress Progress) (model.Model, error)
}

// Kinds lists the kinds of model that can be trained.
func Kinds() []Kind { return []Kind{gbdtKind(), forestKind(), logisticKind(), textKind(), onnxKind()} }

// Defaults gives the settings of a kind where nothing is set.
func Defaults(kind declare.Kind) Params {
	p := make(Params, len(kind.Fields))
	for _, f := range slices.Concat(kind.Fields, kind.Keys) {
		if f.List {
			continue // nothing is listed
		}
		switch f.Type {
		case declare.Int:
			n, _ := strconv.Atoi(f.Default)
			p[f.Name] = n
		case declare.Number:
			p[f.Name], _ = strconv.ParseFloat(f.Default, 64)
		case declare.Bool:
			p[f.Name] = f.Default == "true"
		default:
			p[f.Name] = f.Default
		}
	}
	return p
}

// Int gives a whole number, 0 where there is none of that name.
func (p Params) Int(name string) int { n, _ := p[name].(int); return n }

// Number gives a number, 0 where there is none of that name.
func (p Params) Number(name string) float64 { x, _ := p[name].(float64); return x }

// Strings gives a list of texts, nil where there is none of that name.
func (p Params) Strings(name string) []string { list, _ := p[name].([]string); return list }

// Bool gives a truth value, false where there is none of that name.
func (p Params) Bool(name string) bool { b, _ := p[name].(bool); return b }

// String gives a string, empty where there is none of that name.
func (p Params) String(name string) string { s, _ := p[name].(string); return s }
