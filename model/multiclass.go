package model

import (
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/numeric"
)

// Classifier is a model of several classes, of which one is right, save that of a
// *TextClassifier several can be.
type Classifier interface {
	Model
	// Classes names the classes, in the order of Scores. The caller must not
	// change it.
	Classes() []string
	// Scores writes the probability of each class for one row to out [classes];
	// they sum to 1, up to rounding. See Score.
	Scores(row, out []float64)
}

// Part is the model of one class, which says how much speaks for it.
type Part interface {
	Model
	Explainer
	// Margin is the answer that Explainer explains for GBDT and Logistic.
	Margin(row []float64) float64
}

// Multiclass gives each of several classes a score, by one part for each. It is
// immutable and safe for concurrent use.
//
// Of GBDT and Logistic, the scores are the softmax of the parts' margins. Of
// Forest, they are the parts' scores, the shares of the classes, over their sum.
// Where there are calibrators, each score goes through the one of its class, and
// then all are divided by their sum (Zadrozny and Elkan, "Transforming Classifier
// Scores into Accurate Multiclass Probability Estimates", KDD 2002).
type Multiclass struct {
	classes     []string
	parts       []Part
	calibrators []Calibrator // [classes], or nil
}

// Bounds on the number of classes.
const (
	MinClasses = 2
	MaxClasses = 1000
)

// NewMulticlass makes a model of classes [classes] from a part for each, *Trees
// or *Linear, all of one kind and on the same features. An error of kind Invalid says what does not
// fit.
func NewMulticlass(classes []string, parts []Part) (*Multiclass, error) {
	if err := checkClasses(classes); err != nil {
		return nil, err
	}
	if len(parts) != len(classes) {
		return nil, invalid("model_classes", "%d classes have %d models", len(classes), len(parts))
	}
	for i, p := range parts {
		switch p.(type) {
		case *Trees, *Linear:
		default:
			return nil, invalid("model_classes", "the model of class %q is a %T", classes[i], p)
		}
		if p.Kind() != parts[0].Kind() || !slices.Equal(p.Features(), parts[0].Features()) {
			return nil, invalid("model_classes", "the model of class %q is not on the features, or of the kind, of the first", classes[i])
		}
	}
	return &Multiclass{classes: slices.Clone(classes), parts: slices.Clone(parts)}, nil
}

// checkClasses asks for as many names as there may be, each there and no other's.
func checkClasses(classes []string) error {
	if len(classes) < MinClasses || len(classes) > MaxClasses {
		return invalid("model_classes", "there are %d classes", len(classes)).WithNext("name %d to %d", MinClasses, MaxClasses)
	}
	for i, class := range classes {
		if class == "" || slices.Contains(classes[:i], class) {
			return invalid("model_classes", "class %d has the name %q, which is empty or another's", i, class)
		}
	}
	return nil
}

// Calibrated gives the model with a calibrator for each class, in order. An
// error of kind Invalid says that one is missing.
func (m *Multiclass) Calibrated(calibrators []Calibrator) (*Multiclass, error) {
	if len(calibrators) != len(m.classes) || slices.Contains(calibrators, nil) {
		return nil, invalid("model_calibration", "%d classes have %d calibrators, or one is missing", len(m.classes), len(calibrators))
	}
	return &Multiclass{classes: m.classes, parts: m.parts, calibrators: slices.Clone(calibrators)}, nil
}

// Kind gives that of the parts.
func (m *Multiclass) Kind() string { return m.parts[0].Kind() }

// Features names the inputs, in order. The caller must not change it.
func (m *Multiclass) Features() []string { return m.parts[0].Features() }

// Classes names the classes, in the order of Scores. The caller must not change
// it.
func (m *Multiclass) Classes() []string { return m.classes }

// Part gives the model of a class by its index, which says why the class scores
// as it does.
func (m *Multiclass) Part(class int) Part { return m.parts[class] }

// Calibrators gives those of the classes, nil where there are none.
func (m *Multiclass) Calibrators() []Calibrator { return m.calibrators }

// Scores writes the probability of each class for one row to out [classes].
func (m *Multiclass) Scores(row, out []float64) {
	out = out[:len(m.classes)]
	if m.Kind() == Forest {
		for i, p := range m.parts {
			out[i] = p.Score(row)
		}
		normalise(out)
	} else {
		for i, p := range m.parts {
			out[i] = p.Margin(row)
		}
		Softmax(out)
	}
	if m.calibrators == nil {
		return
	}
	for i, c := range m.calibrators {
		out[i] = c.Calibrate(out[i])
	}
	normalise(out)
}

// Score gives the greatest of Scores: how sure the model is of the class that it
// holds for the likeliest.
func (m *Multiclass) Score(row []float64) float64 {
	var few [16]float64
	out := few[:]
	if len(m.classes) > len(few) {
		out = make([]float64, len(m.classes))
	}
	m.Scores(row, out)
	return slices.Max(out[:len(m.classes)])
}

var _ Classifier = (*Multiclass)(nil)

// Chooser is a Classifier that does not choose the likeliest class: one may be
// rare and worth finding.
type Chooser interface {
	Classifier
	// Choose gives the index of the class to choose by the scores of all.
	Choose(scores []float64) int
}

// Choose gives the index of the class that a classifier chooses by the scores of
// all: that of Choose where it is a Chooser, or else the likeliest.
func Choose(c Classifier, scores []float64) int {
	if chooser, ok := c.(Chooser); ok {
		return chooser.Choose(scores)
	}
	return Likeliest(scores)
}

// Labeller is a Classifier of which any number of classes can be right at once.
type Labeller interface {
	Classifier
	// Several says that it is one. Cut gives the score from which on a class is
	// chosen.
	Several() bool
	Cut(class int) float64
}

// Several reports whether any number of a model's classes can be right at once.
func Several(m Model) bool {
	l, ok := m.(Labeller)
	return ok && l.Several()
}

// Labels gives the classes that a model of several chooses by the scores of all.
func Labels(l Labeller, scores []float64) (set orrery.LabelSet) {
	for k, s := range scores {
		if s >= l.Cut(k) {
			set |= 1 << k
		}
	}
	return set
}

// Likeliest gives the index of the greatest score, the first of equals.
func Likeliest(scores []float64) int {
	best := 0
	for i, s := range scores {
		if s > scores[best] {
			best = i
		}
	}
	return best
}

// Softmax puts exp(x) over the sum of all exp(x) in the place of each margin x.
func Softmax(margins []float64) {
	most := min(slices.Max(margins), math.MaxFloat64)
	for i, x := range margins {
		margins[i] = numeric.Exp(min(x, math.MaxFloat64) - most)
	}
	normalise(margins)
}

// normalise divides by the sum; where that is 0, all are alike.
func normalise(scores []float64) {
	sum := 0.0
	for _, s := range scores {
		sum += s
	}
	for i := range scores {
		if sum == 0 {
			scores[i] = 1 / float64(len(scores))
		} else {
			scores[i] /= sum
		}
	}
}
