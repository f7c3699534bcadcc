package train

import (
	"context"
	"math"

	"orrery.dev/metric"
	"orrery.dev/model"
	"orrery.dev/numeric"
)

// split gives each row its inner fold, nil where there is none to be had: rows of
// each label are dealt out in random order, those of equal text to the same fold, and copies to that of their
// row.
func (f *textFit) split() []int {
	n := f.own
	if f.Folds < 2 || n < 2*f.Folds {
		return nil
	}
	groups := make(map[string]int, n) // by text, the group's first row
	order := make([]int, 0, n)
	lead := make([]int, n)
	for i := range n {
		first, known := groups[f.rows.Text[i]]
		if !known || f.rows.Text[i] == "" {
			first = i
			groups[f.rows.Text[i]] = i
			order = append(order, i)
		}
		lead[i] = first
	}
	numeric.NewRandom(uint64(f.Seed), 1).Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
	out, next := make([]int, n), make(map[float64]int)
	for _, i := range order {
		y := f.rows.Y[i]
		out[i] = (next[y] + int(y)) % f.Folds
		next[y]++
	}
	for i := range out {
		out[i] = out[lead[i]]
	}
	if !f.bothSides(out) {
		return nil
	}
	for _, i := range f.of {
		out = append(out, out[i])
	}
	return out
}

// bothSides says whether each output has rows on both sides in every fold, and
// outside it.
func (f *textFit) bothSides(folds []int) bool {
	counts := make([][2]int, f.Folds*f.outputs)
	for i, fold := range folds {
		for k := range f.outputs {
			s := 0
			if f.positive(i, k) {
				s = 1
			}
			counts[fold*f.outputs+k][s]++
		}
	}
	for _, c := range counts {
		if c[0] == 0 || c[1] == 0 {
			return false
		}
	}
	return true
}

// calibrate sets the calibrators and cuts of a model by the margins of rows held
// out [rows × outputs]. An output that cannot be calibrated keeps its scores.
func (f *textFit) calibrate(ctx context.Context, p *model.TextParts, held []float64) error {
	n := f.own
	f.judges = f.judging()
	p.Calibrators = make([]model.Calibrator, f.outputs)
	scores := make([]float64, len(held))
	errs := make([]error, f.outputs)
	f.team.each(f.outputs, func(_, k int) {
		set := metric.Set{Label: make([]float64, n), Score: make([]float64, n), Weight: f.judges}
		for i := range n {
			set.Score[i] = numeric.Sigmoid(held[i*f.outputs+k])
			if f.positive(i, k) {
				set.Label[i] = 1
			}
		}
		c, err := FitBeta(ctx, set)
		if errs[k] = err; err != nil {
			return
		}
		if c.A == 0 && c.B == 0 {
			c = &model.Beta{A: 1, B: 1}
		}
		p.Calibrators[k] = c
		for i, s := range set.Score {
			scores[i*f.outputs+k] = c.Calibrate(s)
		}
	})
	if err := firstError(errs...); err != nil {
		return err
	}
	if f.rows.Classes != nil {
		p.Cuts = f.cuts(scores)
	}
	return nil
}

// judging gives what each row counts for where scores are calibrated and cuts
// chosen. Rows of a weight below 1 teach and do not judge, unless those of more do
// not have both sides of every output: so texts made from templates, or bought in,
// do not move what is chosen for the system's own.
func (f *textFit) judging() []float64 {
	out, sides := make([]float64, f.own), make([][2]bool, f.outputs)
	for i := range out {
		w := f.rows.weight(i)
		if w < 1 {
			continue
		}
		out[i] = w
		for k := range sides {
			s := 0
			if f.positive(i, k) {
				s = 1
			}
			sides[k][s] = true
		}
	}
	for _, s := range sides {
		if !s[0] || !s[1] {
			for i := range out {
				out[i] = f.rows.weight(i)
			}
			break
		}
	}
	return out
}

// cuts gives the cuts of the classes by calibrated scores of rows held out.
func (f *textFit) cuts(scores []float64) []float64 {
	if f.rows.Several {
		return f.ownCuts(scores)
	}
	k := f.outputs
	for i := range f.own {
		row, sum := scores[i*k:(i+1)*k], 0.0
		for _, s := range row {
			sum += s
		}
		if sum > 0 {
			for c := range row {
				row[c] /= sum
			}
		}
	}
	return f.relativeCuts(scores)
}

// cutSteps is how finely cuts are tried: powers of e^(1/16) from e^−3 to e³.
const (
	cutSteps = 48
	cutStep  = 1. / 16
)

// relativeCuts chooses what each class's score is held against, one class after
// the other until nothing is gained: where the mean of macro-F1 and weighted F1 is
// greatest, averaged over neighbouring values so that a single row decides little.
func (f *textFit) relativeCuts(scores []float64) []float64 {
	log := make([]float64, f.outputs)
	for range 4 {
		moved := false
		for k := range log {
			if at := f.bestCut(scores, log, k); at != log[k] {
				log[k], moved = at, true
			}
		}
		if !moved {
			break
		}
	}
	most := math.Inf(-1)
	for _, x := range log {
		most = max(most, x)
	}
	for k := range log {
		log[k] = numeric.Exp(log[k] - most)
	}
	return log
}

func (f *textFit) bestCut(scores, log []float64, k int) float64 {
	values := make([]float64, 2*cutSteps+1)
	f.team.each(len(values), func(_, v int) {
		at := append([]float64(nil), log...)
		at[k] = float64(v-cutSteps) * cutStep
		values[v] = f.objective(scores, at)
	})
	best, most := log[k], smoothed(values, int(math.Round(log[k]/cutStep))+cutSteps)
	for v := range values {
		if s := smoothed(values, v); s > most {
			best, most = float64(v-cutSteps)*cutStep, s
		}
	}
	return best
}

// smoothed is a value averaged with its neighbours.
func smoothed(values []float64, at int) float64 {
	const reach = 3
	sum, weight := 0.0, 0.0
	for v := max(0, at-reach); v <= min(len(values)-1, at+reach); v++ {
		w := float64(reach + 1 - max(v-at, at-v))
		sum += float64(w * values[v])
		weight += w
	}
	return sum / weight
}

// objective is the mean of macro-F1 and weighted F1 where cuts are e to log.
func (f *textFit) objective(scores, log []float64) float64 {
	k := f.outputs
	right, said, are := make([]float64, k), make([]float64, k), make([]float64, k)
	factor := make([]float64, k)
	for c := range factor {
		factor[c] = numeric.Exp(-log[c])
	}
	for i := range f.own {
		best, most := 0, math.Inf(-1)
		for c, s := range scores[i*k : (i+1)*k] {
			if x := s * factor[c]; x > most {
				best, most = c, x
			}
		}
		w, y := f.judges[i], int(f.rows.Y[i])
		said[best] += w
		are[y] += w
		if best == y {
			right[y] += w
		}
	}
	macro, byWeight, all := 0.0, 0.0, 0.0
	for c := range right {
		f1 := f1Of(right[c], said[c], are[c])
		macro += f1 / float64(k)
		byWeight += float64(f1 * are[c])
		all += are[c]
	}
	return (macro + byWeight/all) / 2
}

// f1Of gives F1 of the weight that is rightly said to be of a class, all that is
// said to be, and all that is.
func f1Of(right, said, are float64) float64 {
	if said+are == 0 {
		return 0
	}
	return 2 * right / (said + are)
}

// ownCuts chooses the cut of each class by itself: where its F1 is greatest,
// smoothed as relativeCuts does.
func (f *textFit) ownCuts(scores []float64) []float64 {
	const steps = 199
	out := make([]float64, f.outputs)
	f.team.each(f.outputs, func(_, k int) {
		values := make([]float64, steps)
		for v := range values {
			cut := float64(v+1) / (steps + 1)
			var right, said, are float64
			for i := range f.own {
				w, of, is := f.judges[i], scores[i*f.outputs+k] >= cut, f.positive(i, k)
				if of {
					said += w
				}
				if is {
					are += w
				}
				if of && is {
					right += w
				}
			}
			values[v] = f1Of(right, said, are)
		}
		best := 0
		for v := range values {
			if smoothed(values, v) > smoothed(values, best) {
				best = v
			}
		}
		out[k] = float64(best+1) / (steps + 1)
	})
	return out
}
