// Package onnx runs text models in the ONNX format: a classifier as the whole
// model, or an encoder whose rows a head reads. The text's tokens come from a
// tokenizer.json (package tokenizer), the numbers from ONNX Runtime, a library that
// is looked for when a model is first run.
//
// It needs a binary that was built with cgo. Without cgo, or without the library,
// everything here but running works: a model and its tokenizer are read and
// checked, and Available says what is missing.
//
// # What a row depends on
//
// With Settings.Batch 1 each text runs by itself, without padding, and its row is a
// function of the text, the model and the library on a kind of machine: nothing
// that runs beside it shows. Larger batches are padded to their longest text, and
// what the library computes may then differ in the last bits with what else is in
// the batch; a model with DynamicQuantizeLinear takes its scales from the whole
// batch, so its rows differ by more. Whoever must be able to repeat a row uses 1.
package onnx

import (
	"runtime"

	"orrery.dev"
)

// Available says whether models can be run: nil, or an error of kind Unavailable.
// Its code is onnx_not_built where this binary was built without cgo, and
// onnx_unavailable where the library is not found or too old; the message says
// where it was looked for. The library is loaded by the first call that finds it and
// stays; a call after a failure looks again.
func Available() error { return available() }

// Version gives the version of the library that is loaded, "" before.
func Version() string { return version() }

// Pool says how a model's output becomes one row a text.
type Pool string

const (
	// None takes an output [batch × columns] as it is. It is the default.
	None Pool = "none"
	// First takes the row of the first token of an output [batch × tokens × columns].
	First Pool = "first"
	// Mean takes the mean of the rows of a text's tokens, those that the
	// post-processor adds among them and padding not, of such an output.
	Mean Pool = "mean"
)

// Settings of a text model.
type Settings struct {
	// MaxTokens cuts texts, the tokens that the post-processor adds counted. 0 is what
	// the tokenizer.json says, or 512 where it says nothing.
	MaxTokens int
	// Output is the name of the output to take; "" is the model's first.
	Output string
	Pool   Pool
	// Batch is how many texts run together at most; 0 is 1. The package's
	// documentation says what a larger one gives up.
	Batch int
	// Threads is how many threads one batch runs on; 0 is 1. As many batches run side
	// by side as there are processors for.
	Threads int
}

// Bounds.
const (
	mostTokens  = 8192
	mostBatch   = 1024
	mostThreads = 256
	// mostPadded bounds the tokens of a batch, padding counted, and so the memory that
	// it takes. One text alone may have more.
	mostPadded = 4096
	// mostHeld bounds the texts of one Run whose tokens are in memory.
	mostHeld = 4096
)

// checked gives the settings with defaults in place.
func (s Settings) checked() (Settings, error) {
	if s.Pool == "" {
		s.Pool = None
	}
	switch {
	case s.Pool != None && s.Pool != First && s.Pool != Mean:
		return s, settings("pool", "%q is none of none, first and mean", string(s.Pool))
	case s.MaxTokens < 0 || s.MaxTokens > mostTokens:
		return s, settings("max_tokens", "%d is not between 1 and %d", s.MaxTokens, mostTokens)
	case s.Batch < 0 || s.Batch > mostBatch:
		return s, settings("batch", "%d is not between 1 and %d", s.Batch, mostBatch)
	case s.Threads < 0 || s.Threads > mostThreads:
		return s, settings("threads", "%d is not between 1 and %d", s.Threads, mostThreads)
	}
	s.Batch, s.Threads = max(s.Batch, 1), max(s.Threads, 1)
	return s, nil
}

// lanes is how many batches run side by side.
func (s Settings) lanes() int { return max(1, runtime.GOMAXPROCS(0)/s.Threads) }

func settings(field, format string, args ...any) error {
	return orrery.Errorf(orrery.Invalid, "onnx_settings", "ONNX model: "+field+": "+format, args...).WithField(field)
}

func unfit(format string, args ...any) *orrery.Error {
	return orrery.Errorf(orrery.Invalid, "onnx_model", "ONNX model: "+format, args...)
}

func unavailable(format string, args ...any) *orrery.Error {
	return orrery.Errorf(orrery.Unavailable, "onnx_unavailable", format, args...)
}
