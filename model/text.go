package model

import (
	"math"
	"slices"

	"orrery.dev/numeric"
	"orrery.dev/text/ngram"
)

// TextKind is the kind of a Text model.
const TextKind = "text"

// maxTextWeight bounds the weights of n-grams and what they are multiplied by.
const maxTextWeight = 1e10

// TextParts are what a linear model of a text is made of. It has an output for
// each class, or one where there are no Classes.
type TextParts struct {
	// Classes names the classes, of which one is right, or with Several any
	// number; nil for positive and negative.
	Classes []string
	Several bool
	// Grams says which n-grams of the normalised text are taken.
	Grams ngram.Options
	// Marks and Negations are read beside the n-grams: see ngram.Lexicon. Both are
	// in the normal form of texts, and rising.
	Marks, Negations []string
	// Hashes are those of the n-grams that count for something, rising.
	Hashes []uint32
	// Rarity is [hashes]: what an n-gram counts for, whatever the output; the
	// inverse document frequency as a rule.
	Rarity []float32
	// Weights is [hashes × outputs], row-major, in log-odds.
	Weights []float32
	// Rest is [outputs]: the bias of each output, and what features beside the text
	// add to it. All are on the same features.
	Rest []*Linear
	// Calibrators is [outputs], or nil.
	Calibrators []Calibrator
	// Cuts is [classes], or nil for 1 each, and 0.5 with Several: see
	// TextClassifier.Cut.
	Cuts []float64
}

// Text is a logistic regression on the n-grams of a text, and on features beside
// it. It is immutable and safe for concurrent use.
//
// An n-gram that occurs n times is worth x = (1 + ln n) · rarity; the words of a
// text, its runs of characters, and what the lexicon gives are blocks, each divided by its Euclidean
// length (Salton and Buckley, "Term-weighting approaches in automatic text
// retrieval", IPM 24(5), 1988). The margin of an output is that of Rest plus the
// sum of x · weight. Its score is the sigmoid of the margin, through its calibrator
// where there are any.
type Text struct{ textOutputs }

// TextClassifier is a Text of several classes. Their scores are divided by their
// sum where one is right, and stand for themselves where several can be.
type TextClassifier struct{ textOutputs }

// textOutputs is what both have.
type textOutputs struct {
	parts   TextParts
	lexicon *ngram.Lexicon
	table   gramTable
}

// NewText makes a *TextClassifier, or of parts without classes a *Text. The parts
// are kept, not copied, and must not be changed afterwards. An error of kind
// Invalid says what does not fit.
func NewText(p TextParts) (TextModel, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	lexicon, _ := ngram.NewLexicon(p.Marks, p.Negations)
	m := textOutputs{p, lexicon, newGramTable(&p)}
	if p.Classes == nil {
		return &Text{m}, nil
	}
	return &TextClassifier{m}, nil
}

// outputs gives the number of outputs.
func (p *TextParts) outputs() int { return max(1, len(p.Classes)) }

func (p *TextParts) check() error {
	n, outputs := len(p.Hashes), p.outputs()
	if p.Classes != nil {
		if err := checkClasses(p.Classes); err != nil {
			return err
		}
	}
	switch {
	case !p.Grams.Valid():
		return invalid("model_text", "the n-grams %+v are out of bounds", p.Grams)
	case len(p.Rarity) != n || len(p.Weights) != n*outputs:
		return invalid("model_shape", "%d n-grams and %d outputs have %d rarities and %d weights", n, outputs, len(p.Rarity), len(p.Weights))
	case len(p.Rest) != outputs:
		return invalid("model_shape", "%d outputs have %d biases", outputs, len(p.Rest))
	case p.Calibrators != nil && (len(p.Calibrators) != outputs || slices.Contains(p.Calibrators, nil)):
		return invalid("model_calibration", "%d outputs have %d calibrators, or one is missing", outputs, len(p.Calibrators))
	case p.Cuts != nil && len(p.Cuts) != len(p.Classes):
		return invalid("model_shape", "%d classes have %d cuts", len(p.Classes), len(p.Cuts))
	case p.Several && p.Classes == nil:
		return invalid("model_classes", "several classes can be right, and there are none")
	}
	for k, part := range p.Rest {
		if part == nil || !slices.Equal(part.features, p.Rest[0].features) {
			return invalid("model_classes", "the bias of output %d is missing, or on other features than the first", k)
		}
	}
	for k, cut := range p.Cuts {
		if !(cut > 0 && cut <= 1) {
			return invalid("model_value", "class %q has the cut %v", p.Classes[k], cut).WithNext("cuts are above 0 and at most 1")
		}
	}
	return firstError(p.checkLexicon(), p.checkGrams())
}

// checkLexicon asks for lists that are rising and can be used.
func (p *TextParts) checkLexicon() error {
	if len(p.Marks) > ngram.MostMarks || len(p.Negations) > ngram.MostMarks {
		return invalid("model_text", "there are %d marks and %d negations, more than %d", len(p.Marks), len(p.Negations), ngram.MostMarks)
	}
	for _, list := range [][]string{p.Marks, p.Negations} {
		for i := 1; i < len(list); i++ {
			if list[i] <= list[i-1] {
				return invalid("model_text", "the phrase %q is out of order", list[i])
			}
		}
	}
	if _, unusable := ngram.NewLexicon(p.Marks, p.Negations); len(unusable) > 0 {
		return invalid("model_text", "the phrase %q cannot be a mark or a negation", unusable[0]).
			WithNext("a mark has 1 to %d words, a negation is one word", ngram.MostMarkWords)
	}
	return nil
}

func firstError(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *TextParts) checkGrams() error {
	for i, h := range p.Hashes {
		if i > 0 && h <= p.Hashes[i-1] {
			return invalid("model_text", "n-gram %d is out of order", i)
		}
		if r := p.Rarity[i]; !(r >= 0 && r <= maxTextWeight) {
			return invalid("model_value", "n-gram %d has the rarity %v", i, r)
		}
	}
	for i, w := range p.Weights {
		if !(math.Abs(float64(w)) <= maxTextWeight) {
			return invalid("model_value", "n-gram %d has the weight %v", i/p.outputs(), w)
		}
	}
	return nil
}

// Kind gives TextKind.
func (m *textOutputs) Kind() string { return TextKind }

// Features names the inputs beside the text, in order. The caller must not change
// it.
func (m *textOutputs) Features() []string { return m.parts.Rest[0].features }

// Parts gives what the model is made of. The caller must not change it.
func (m *textOutputs) Parts() TextParts { return m.parts }

// Part explains what the features beside the text did to an output: its answer is
// the margin of an empty text.
func (m *textOutputs) Part(output int) Part { return m.parts.Rest[output] }

// Contributions gives what each feature beside the text adds to the margin of the
// positive outcome, from that of an empty text on: see Explainer.
func (m *Text) Contributions(row, out []float64) (base float64) {
	return m.parts.Rest[0].Contributions(row, out)
}

// IsCalibrated says that the model has calibrators of its own.
func (m *textOutputs) IsCalibrated() bool { return m.parts.Calibrators != nil }

// Score gives the probability of the positive class for an empty text.
func (m *Text) Score(row []float64) float64 { return m.ScoreText("", row) }

// ScoreText gives the probability of the positive class.
func (m *Text) ScoreText(text string, row []float64) float64 {
	var margin [1]float64
	m.Margins(text, row, margin[:])
	return m.probability(0, margin[0])
}

// ScoresText writes nothing: the model is no Classifier.
func (m *Text) ScoresText(text string, row, out []float64) {}

func (m *textOutputs) probability(output int, margin float64) float64 {
	p := numeric.Sigmoid(margin)
	if m.parts.Calibrators != nil {
		p = m.parts.Calibrators[output].Calibrate(p)
	}
	return p
}

// Classes names the classes, in the order of Scores. The caller must not change
// it.
func (m *TextClassifier) Classes() []string { return m.parts.Classes }

// Several says that any number of the classes can be right at once: scores are
// then probabilities of their own, and do not sum to 1.
func (m *TextClassifier) Several() bool { return m.parts.Several }

// Scores writes the probability of each class for an empty text to out [classes].
func (m *TextClassifier) Scores(row, out []float64) { m.ScoresText("", row, out) }

// ScoresText writes the probability of each class to out [classes].
func (m *TextClassifier) ScoresText(text string, row, out []float64) {
	out = out[:len(m.parts.Classes)]
	m.Margins(text, row, out)
	for k, margin := range out {
		out[k] = m.probability(k, margin)
	}
	if !m.parts.Several {
		normalise(out)
	}
}

// Score gives the greatest score of an empty text.
func (m *TextClassifier) Score(row []float64) float64 { return m.ScoreText("", row) }

// ScoreText gives the greatest of ScoresText.
func (m *TextClassifier) ScoreText(text string, row []float64) float64 {
	var few [16]float64
	out := few[:]
	if len(m.parts.Classes) > len(few) {
		out = make([]float64, len(m.parts.Classes))
	}
	m.ScoresText(text, row, out)
	return slices.Max(out[:len(m.parts.Classes)])
}

// Cut gives what the score of a class is held against: of several classes that can
// be right, those are chosen whose score is at least their cut, and otherwise the
// one whose score is greatest beside its cut.
func (m *TextClassifier) Cut(class int) float64 {
	switch {
	case m.parts.Cuts == nil && m.parts.Several:
		return 0.5
	case m.parts.Cuts == nil:
		return 1
	}
	return m.parts.Cuts[class]
}

// Choose gives the class whose score is greatest in proportion to its cut, the
// first of equals.
func (m *TextClassifier) Choose(scores []float64) int {
	best := 0
	for k := range scores {
		if scores[k]*m.Cut(best) > scores[best]*m.Cut(k) {
			best = k
		}
	}
	return best
}

var (
	_ TextModel = (*Text)(nil)
	_ Explainer = (*Text)(nil)
	_ TextModel = (*TextClassifier)(nil)
	_ Chooser   = (*TextClassifier)(nil)
	_ Labeller  = (*TextClassifier)(nil)
)
