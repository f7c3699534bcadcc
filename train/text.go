package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/numeric"
	"orrery.dev/text"
	"orrery.dev/text/ngram"
)

// smallestC and greatestC bound the inverse of the penalty.
const (
	smallestC = 1e-6
	greatestC = 1e6
)

// textFit is a fit on its way.
type textFit struct {
	Text
	rows    *Rows // the own ones, then misspelt copies
	own     int
	of      []int     // [copies], the row that each is of
	judges  []float64 // [own rows], see judging
	design  *design
	matrix  *textMatrix
	team    *team
	outputs int
}

// Fit fits a linear model of texts: for each output a logistic regression against
// the rest, in which the prior of an n-gram's weight is as wide as the n-gram is
// unevenly spread over the two sides: its standard deviation is the log-count ratio
// of Wang and Manning ("Baselines and Bigrams: Simple, Good Sentiment and Topic
// Classification", ACL 2012). See textKind for the settings.
func (o Text) Fit(ctx context.Context, rows *Rows, progress Progress) (model.Model, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if rows.Text == nil {
		return nil, orrery.Errorf(orrery.Invalid, "train_text", "a model of kind %s reads a text, and the rows have none", model.TextKind).
			WithNext("name the text that the model reads, or use another kind")
	}
	if err := rows.check(); err != nil {
		return nil, err
	}
	if err := rows.unconstrained("a model of a text keeps no constraints"); err != nil {
		return nil, err
	}
	rows = weighted(rows)
	f := &textFit{Text: o, own: rows.Len(), team: newTeam(), outputs: max(1, len(rows.Classes))}
	f.rows, f.of = misspelt(rows, o.Misspell, uint64(o.Seed))
	var err error
	if f.design, err = newDesign(f.rows, o.Categories.categories(rows)); err != nil {
		return nil, err
	}
	var lexicon *ngram.Lexicon
	if lexicon, err = f.readLexicon(); err != nil {
		return nil, err
	}
	f.matrix = newTextMatrix(o, lexicon, f.rows, f.own, f.design, f.team)
	return f.fit(ctx, progress)
}

// readLexicon brings marks and negations into the form and order of a model.
func (f *textFit) readLexicon() (*ngram.Lexicon, error) {
	for _, list := range []*[]string{&f.Marks, &f.Negations} {
		normal := make([]string, len(*list))
		for i, phrase := range *list {
			var n text.Normal
			if err := n.Reset(phrase); err != nil {
				return nil, err
			}
			normal[i] = strings.TrimSpace(string(n.Text))
		}
		slices.Sort(normal)
		*list = slices.Compact(normal)
	}
	lexicon, unusable := ngram.NewLexicon(f.Marks, f.Negations)
	if len(unusable) > 0 || len(f.Marks) > ngram.MostMarks || len(f.Negations) > ngram.MostMarks {
		return nil, orrery.Errorf(orrery.Invalid, "train_param", "%d marks and %d negations cannot be used, such as %q", len(f.Marks), len(f.Negations), unusable[:min(1, len(unusable))]).
			WithField("marks").WithNext("a mark has 1 to %d words, a negation is one word, and there are at most %d of each", ngram.MostMarkWords, ngram.MostMarks)
	}
	return lexicon, nil
}

// positive says whether a row is of an output's class, or positive where there is
// one output.
func (f *textFit) positive(i, output int) bool {
	if f.rows.Classes == nil {
		return f.rows.Y[i] == 1
	}
	return f.rows.is(i, output)
}

// fit fits the outputs to all rows, and with folds to all but each of them.
func (f *textFit) fit(ctx context.Context, progress Progress) (model.Model, error) {
	folds := f.split()
	most := 0
	if folds != nil {
		most = f.Folds
	}
	tasks := (most + 1) * f.outputs
	weights, errs := make([][]float64, f.outputs), make([]error, tasks)
	held := make([]float64, f.own*f.outputs) // margins of rows by models without their fold
	var reporting sync.Mutex
	done := 0
	f.team.each(tasks, func(_, task int) {
		fold, output := task/f.outputs-1, task%f.outputs
		w, err := f.problem(folds, fold, output).solve(ctx)
		if errs[task] = err; err != nil {
			return
		}
		if fold < 0 {
			weights[output] = w
		} else {
			for i := range f.own {
				if folds[i] == fold {
					held[i*f.outputs+output] = f.matrix.margin(i, w)
				}
			}
		}
		if progress != nil {
			reporting.Lock()
			done++
			progress(done, tasks)
			reporting.Unlock()
		}
	})
	if err := firstError(errs...); err != nil {
		return nil, err
	}
	parts, err := f.parts(weights)
	if err != nil {
		return nil, err
	}
	if folds != nil {
		if err := f.calibrate(ctx, parts, held); err != nil {
			return nil, err
		}
	}
	return model.NewText(*parts)
}

// problem gives the regression of an output on the rows outside a fold; fold -1
// is none.
func (f *textFit) problem(folds []int, fold, output int) *textProblem {
	n := f.rows.Len()
	p := &textProblem{matrix: f.matrix, y: make([]float64, n), c: make([]float64, n), seed: uint64(f.Seed)}
	var weight [2]float64
	for i := range n {
		p.y[i] = -1
		if f.positive(i, output) {
			p.y[i] = 1
		}
		if fold >= 0 && folds[i] == fold {
			continue
		}
		p.rows = append(p.rows, int32(i))
		weight[side(p.y[i])] += f.rows.weight(i)
	}
	factor := f.factor(weight)
	for _, i := range p.rows {
		p.c[i] = f.C * f.rows.weight(int(i))
		if p.y[i] > 0 {
			p.c[i] *= factor
		}
	}
	p.spread = f.spread(p)
	return p
}

func side(y float64) int {
	if y > 0 {
		return 1
	}
	return 0
}

// factor gives how much more the positive rows of an output count: those of a
// class with all/classes of the weight as much as they weigh, others more or less.
func (f *textFit) factor(weight [2]float64) float64 {
	if f.Balance == 0 || weight[1] == 0 {
		return 1
	}
	even := (weight[0] + weight[1]) / (float64(max(2, f.outputs)) * weight[1])
	return numeric.Exp(f.Balance * numeric.Log(even))
}

// spread gives the variance of each weight's prior: of an n-gram the square of its
// log-count ratio, of everything else 1. Those of the numbers of a network share
// one of 1, since a row's n-grams of a kind have a length of 1 together too: each
// with 1 of its own, hundreds of numbers would outweigh the words, and the more of
// them a network gives the less would hold them.
func (f *textFit) spread(p *textProblem) []float64 {
	grams := len(f.matrix.hashes)
	var sums [2][]float64
	totals := [2]float64{float64(grams), float64(grams)}
	for s := range sums {
		sums[s] = make([]float64, grams)
		for j := range sums[s] {
			sums[s][j] = 1
		}
	}
	for _, i := range p.rows {
		s := side(p.y[i])
		column, value := f.matrix.row(int(i))
		for e, j := range column {
			if int(j) < grams {
				x := f.rows.weight(int(i)) * float64(value[e])
				sums[s][j] += x
				totals[s] += x
			}
		}
	}
	out := make([]float64, f.matrix.width)
	for j := range out {
		out[j] = 1
		if j < grams {
			ratio := numeric.Log(sums[1][j] / totals[1] / (sums[0][j] / totals[0]))
			out[j] = ratio * ratio
		}
	}
	encoded := f.rows.Encoded
	end := grams + len(f.design.numbers) // the network's are the last of the numbers
	for j := end - encoded; j < end; j++ {
		out[j] = 1 / float64(encoded)
	}
	return out
}

// parts gives the model of weights [outputs][columns], without calibration.
func (f *textFit) parts(weights [][]float64) (*model.TextParts, error) {
	grams := len(f.matrix.hashes)
	p := &model.TextParts{Classes: f.rows.Classes, Several: f.rows.Several, Grams: f.Grams,
		Marks: f.Marks, Negations: f.Negations,
		Hashes: f.matrix.hashes, Rarity: f.matrix.rarity, Weights: make([]float32, grams*f.outputs)}
	for k, w := range weights {
		for j := range grams {
			if math.Abs(w[j]) > math.MaxFloat32 {
				return nil, orrery.Errorf(orrery.Invalid, "train_diverged", "the weight %v is out of range", w[j]).WithNext("use a smaller c")
			}
			p.Weights[j*f.outputs+k] = float32(w[j])
		}
		rest, err := f.design.linear(w[grams:])
		if err != nil {
			return nil, err
		}
		p.Rest = append(p.Rest, rest)
	}
	return p, nil
}
