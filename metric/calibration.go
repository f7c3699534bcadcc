package metric

import (
	"cmp"
	"math"
	"slices"
)

// Binning says how scores are put into bins.
type Binning uint8

const (
	// EqualMass cuts the rows, by score, into bins of equal weight; equal scores
	// are never parted, so a bin can be heavier, or empty. It is the binning of
	// the headline figure: where positives are rare nearly every score lies in
	// the first bin of equal width, which then is one comparison of two means and
	// hides whatever is wrong within it (Nixon et al., "Measuring Calibration in
	// Deep Learning", 2019).
	EqualMass Binning = iota
	// EqualWidth cuts [0, 1] into intervals of equal width, closed on the right
	// but for the first, which is closed on both sides.
	EqualWidth
)

// CalibrationBins is the number of bins of the headline figure.
const CalibrationBins = 10

// maxBins bounds what a caller can ask to be allocated.
const maxBins = 1 << 20

// ReliabilityBin is one line of a reliability table: what was foretold for a
// group of rows, and what came.
type ReliabilityBin struct {
	// From and To are the least and the greatest score in the bin.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// Rows counts those with a weight above 0, which Weight sums.
	Rows   int     `json:"rows"`
	Weight float64 `json:"weight"`
	// Score is the mean score, Positive the share that is positive, weighted.
	Score    float64 `json:"score"`
	Positive float64 `json:"positive"`
	// Low and High bound the true share with a confidence of 95%.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// CalibrationError gives the expected calibration error, the headline figure:
// that of CalibrationErrorBy with 10 bins of equal mass.
func CalibrationError(s Set) (float64, error) {
	return CalibrationErrorBy(s, CalibrationBins, EqualMass)
}

// CalibrationErrorBy gives the expected calibration error (Naeini, Cooper and
// Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
// AAAI 2015): the mean over bins, by weight, of the distance between the mean
// score and the share that is positive. Errors are those of Reliability.
func CalibrationErrorBy(s Set, bins int, by Binning) (float64, error) {
	table, err := Reliability(s, bins, by)
	if err != nil {
		return 0, err
	}
	var sum, total float64
	for _, b := range table {
		sum += float64(b.Weight * math.Abs(b.Score-b.Positive))
		total += b.Weight
	}
	return sum / total, nil
}

// Reliability gives the table of a set whose scores are probabilities, from the
// lowest bin up; bins that no row falls into are left out. The intervals are
// Wilson's ("Probable inference, the law of succession, and statistical
// inference", JASA 1927); weighted rows count as (Σw)²/Σw² of them, which is
// Kish's effective sample size.
//
// An error of kind Invalid with the code metric_input says when the set is not
// well formed, a score is not a probability, no row has any weight or bins is
// not in [1, 2²⁰].
func Reliability(s Set, bins int, by Binning) ([]ReliabilityBin, error) {
	rows, total, err := s.ranked(bins)
	if err != nil {
		return nil, err
	}
	var out []ReliabilityBin
	var below float64 // the weight of all lower scores
	for last := -1; len(rows) > 0; {
		score := s.Score[rows[0]]
		n := 1
		for n < len(rows) && s.Score[rows[n]] == score {
			n++
		}
		bin := massBin(below/total, bins)
		if by == EqualWidth {
			bin = widthBin(score, bins)
		}
		if bin != last {
			out = append(out, ReliabilityBin{From: score})
			last = bin
		}
		below += s.addTo(&out[len(out)-1], rows[:n])
		rows = rows[n:]
	}
	for i := range out {
		out[i].finish()
	}
	return out, nil
}

// ranked gives the rows with any weight, from the lowest score up, and what they
// weigh.
func (s Set) ranked(bins int) (rows []int32, total float64, err error) {
	if err := s.check(); err != nil {
		return nil, 0, err
	}
	if bins < 1 || bins > maxBins {
		return nil, 0, badInput("%d bins", bins)
	}
	for i, p := range s.Score {
		if p < 0 || p > 1 {
			return nil, 0, badInput("row %d has the score %v, which is not a probability", i, p)
		}
		if w := s.weight(i); w > 0 {
			rows = append(rows, int32(i))
			total += w
		}
	}
	if total == 0 || math.IsInf(total, 0) {
		return nil, 0, badInput("the rows weigh %v in all", total)
	}
	slices.SortFunc(rows, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.Score[a], s.Score[b]), cmp.Compare(a, b))
	})
	return rows, total, nil
}

// massBin gives the bin of rows with a share of the weight below them.
func massBin(share float64, bins int) int { return min(int(share*float64(bins)), bins-1) }

// widthBin gives the number of inner edges below a score.
func widthBin(score float64, bins int) int {
	at := min(int(score*float64(bins)), bins-1)
	if at > 0 && score <= float64(at)/float64(bins) {
		at--
	}
	return at
}

// addTo adds rows of equal score to a bin, whose Score, Positive and High hold
// the sums of weighted scores, positives and squared weights until finish.
func (s Set) addTo(b *ReliabilityBin, rows []int32) (weight float64) {
	for _, i := range rows {
		w := s.weight(int(i))
		b.To = s.Score[i]
		b.Rows++
		b.Weight += w
		b.Score += float64(w * s.Score[i])
		b.Positive += float64(w * s.Label[i])
		b.High += float64(w * w)
		weight += w
	}
	return weight
}

func (b *ReliabilityBin) finish() {
	rows := b.Weight / b.High * b.Weight
	if !(rows >= 1) { // only weights whose squares are no numbers bring this about
		rows = 1
	}
	rows = min(rows, float64(b.Rows))
	b.Score = min(max(b.Score/b.Weight, b.From), b.To) // rounding must not take it out
	b.Positive = min(b.Positive/b.Weight, 1)
	b.Low, b.High = wilson(b.Positive, rows)
}

// wilson gives the interval of a share seen in a number of rows.
func wilson(share, rows float64) (low, high float64) {
	const z = 1.959963984540054 // the 97.5th percentile of the normal distribution
	const zz = z * z
	variance := float64(share * (1 - share))
	middle := float64(share*rows) + zz/2
	half := z * math.Sqrt(float64(rows*variance)+zz/4)
	return max((middle-half)/(rows+zz), 0), min((middle+half)/(rows+zz), 1)
}
