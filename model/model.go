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

// TextModel is a model that reads a text of the event beside its features. Its
// Score, and Scores where it is a Classifier, take the text as empty.
type TextModel interface {
	Model
	// ScoreText is Score for a row and a text, which is UTF-8.
	ScoreText(text string, row []float64) float64
	// ScoresText is Classifier.Scores for a row and a text. A model that is no
	// Classifier writes nothing.
	ScoresText(text string, row, out []float64)
	// Highlights gives the places of the text that spoke most for a class, or for
	// the positive outcome of a model that is no Classifier (class 0): at most n,
	// by size.
	Highlights(text string, row []float64, class, n int) []Highlight
}

// Highlight is a place in a text: bytes [Start, End), and how much of the margin
// it gave.
type Highlight struct {
	Start, End   int
	Contribution float64
}
