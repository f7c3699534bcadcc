// Package model scores rows with trained models. It does no I/O: a model is
// decoded from bytes, and scoring is pure, deterministic on every processor and
// safe for concurrent use.
package model

// Model turns a row of features into a score.
type Model interface {
	// Kind is the word for it in a spec: "gbdt", "forest", "logistic".
	Kind() string
	// Features names the inputs, in the order that Score takes them.
	Features() []string
	// Score gives the probability of the positive class for one row. A NaN in
	// row is a missing value. row has len(Features()) entries and is not kept.
	Score(row []float64) float64
	// AppendBinary appends the model's file to b. Equal models give equal bytes.
	AppendBinary(b []byte) ([]byte, error)
}
