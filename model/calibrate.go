package model

import (
	"math"
	"slices"

	"orrery.dev/numeric"
)

// Calibrator turns a score into a probability that can be taken at its word: of
// the rows given 0.2, a fifth are positive. It never ranks two scores the other
// way round, but for rounding, and can make them equal. Beta and Isotonic are
// the two there are.
type Calibrator interface {
	// Kind is "beta" or "isotonic".
	Kind() string
	// Calibrate gives the probability, in [0, 1], for a score in [0, 1].
	Calibrate(score float64) float64
	// append writes the parameters behind the kind, for the model's file.
	append(b []byte) []byte
}

// The kinds of calibrator.
const (
	BetaKind     = "beta"
	IsotonicKind = "isotonic"
)

// Calibrated is a model whose scores go through a calibrator. It is immutable
// and safe for concurrent use.
type Calibrated struct {
	inner      Model
	calibrator Calibrator
}

// NewCalibrated puts a calibrator behind a model. An error of kind Invalid says
// that either is missing or the model is calibrated already.
func NewCalibrated(inner Model, calibrator Calibrator) (*Calibrated, error) {
	if inner == nil || calibrator == nil {
		return nil, invalid("model_calibration", "a calibrated model needs a model and a calibrator")
	}
	if _, twice := inner.(*Calibrated); twice {
		return nil, invalid("model_calibration", "the model is calibrated already").WithNext("calibrate the model inside it")
	}
	return &Calibrated{inner, calibrator}, nil
}

// Kind gives that of the model inside.
func (m *Calibrated) Kind() string { return m.inner.Kind() }

// Features names the inputs, in order. The caller must not change it.
func (m *Calibrated) Features() []string { return m.inner.Features() }

// Inner gives the model that is calibrated.
func (m *Calibrated) Inner() Model { return m.inner }

// Calibrator gives what its scores go through.
func (m *Calibrated) Calibrator() Calibrator { return m.calibrator }

// Score gives the calibrated probability of the positive class for one row.
func (m *Calibrated) Score(row []float64) float64 {
	return m.calibrator.Calibrate(m.inner.Score(row))
}

var _ Model = (*Calibrated)(nil)

// Beta is beta calibration (Kull, Silva Filho and Flach, "Beta calibration: a
// well-founded and easily implemented improvement on logistic calibration for
// binary classifiers", AISTATS 2017): a score s becomes
// sigmoid(a·ln s − b·ln(1−s) + c).
//
// Where Floor is above 0, s is first drawn to Floor + (1−2·Floor)·s, which gives
// the exact 0 and 1 of a forest a place on the scale of logarithms and keeps
// the order of all scores. Greater scores give greater results until those round
// to 1, which they do the sooner the greater b is.
type Beta struct{ A, B, C, Floor float64 }

// Bounds of Beta's parameters, and how far a score is kept from 0 and 1 in any
// case.
const (
	maxBeta    = 1e100
	maxFloor   = 0.25
	leastScore = 0x1p-52
)

// NewBeta makes a beta calibration. An error of kind Invalid says which
// parameter is out of range: a and b are at least 0, all are at most 1e100 in
// size, and floor is in [0, 0.25].
func NewBeta(a, b, c, floor float64) (*Beta, error) {
	switch {
	case !(a >= 0 && a <= maxBeta) || !(b >= 0 && b <= maxBeta):
		return nil, invalid("model_calibration", "beta calibration has a = %v and b = %v", a, b)
	case !(math.Abs(c) <= maxBeta):
		return nil, invalid("model_calibration", "beta calibration has c = %v", c)
	case !(floor >= 0 && floor <= maxFloor):
		return nil, invalid("model_calibration", "beta calibration has the floor %v", floor)
	}
	return &Beta{a, b, c, floor}, nil
}

// Kind gives BetaKind.
func (c *Beta) Kind() string { return BetaKind }

// Calibrate gives the probability for a score.
func (c *Beta) Calibrate(score float64) float64 {
	x, y := BetaInputs(score, c.Floor)
	return numeric.Sigmoid(float64(c.A*x) + float64(c.B*y) + c.C)
}

// BetaInputs gives what a and b of beta calibration multiply: ln s and
// −ln(1−s), of a score drawn in by floor and kept 2⁻⁵² away from 0 and 1.
func BetaInputs(score, floor float64) (x, y float64) {
	keep := 1 - 2*floor
	s, against := float64(keep*score)+floor, float64(keep*(1-score))+floor
	return numeric.Log(max(s, leastScore)), -numeric.Log(max(against, leastScore))
}

func (c *Beta) append(b []byte) []byte { return appendFloats(b, []float64{c.A, c.B, c.C, c.Floor}) }

// Isotonic is a curve that never falls, given by its corners: straight between
// two, flat before the first and after the last.
type Isotonic struct{ scores, probabilities []float64 }

// NewIsotonic makes a curve from its corners, scores [corners] rising strictly
// and probabilities [corners] never falling, both in [0, 1]. They are copied. An
// error of kind Invalid says which corner is out of place.
func NewIsotonic(scores, probabilities []float64) (*Isotonic, error) {
	if len(scores) == 0 || len(scores) != len(probabilities) {
		return nil, invalid("model_calibration", "an isotonic curve has %d scores and %d probabilities", len(scores), len(probabilities))
	}
	for i, s := range scores {
		p := probabilities[i]
		if !(s >= 0 && s <= 1 && p >= 0 && p <= 1) || i > 0 && !(s > scores[i-1] && p >= probabilities[i-1]) {
			return nil, invalid("model_calibration", "corner %d of an isotonic curve is (%v, %v), which is out of range or of order", i, s, p)
		}
	}
	return &Isotonic{slices.Clone(scores), slices.Clone(probabilities)}, nil
}

// Kind gives IsotonicKind.
func (c *Isotonic) Kind() string { return IsotonicKind }

// Corners gives the curve's corners. The caller must not change them.
func (c *Isotonic) Corners() (scores, probabilities []float64) { return c.scores, c.probabilities }

// Calibrate gives the probability for a score.
func (c *Isotonic) Calibrate(score float64) float64 {
	i, exact := slices.BinarySearch(c.scores, score)
	switch {
	case exact || i == 0:
		return c.probabilities[i]
	case i == len(c.scores):
		return c.probabilities[i-1]
	}
	from, to := c.scores[i-1], c.scores[i]
	low, high := c.probabilities[i-1], c.probabilities[i]
	share := (score - from) / (to - from)
	return min(low+float64((high-low)*share), high)
}

func (c *Isotonic) append(b []byte) []byte {
	return appendFloats(appendFloats(appendUint32(b, len(c.scores)), c.scores), c.probabilities)
}
