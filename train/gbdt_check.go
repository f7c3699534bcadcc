package train

import (
	"math"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/numeric"
)

// check refuses settings that make no sense, whatever the rows.
func (o GBDT) check() error {
	return firstError(
		within("trees", float64(o.Trees), 1, maxTrees),
		within("depth", float64(o.Depth), 1, maxDepth),
		within("bins", float64(o.Bins), 2, MaxBins),
		within("learning_rate", o.LearningRate, math.SmallestNonzeroFloat64, 1),
		within("l1", o.L1, 0, math.MaxFloat64),
		within("l2", o.L2, 0, math.MaxFloat64),
		within("min_child_weight", o.MinChildWeight, 0, math.MaxFloat64),
		within("min_gain", o.MinGain, 0, math.MaxFloat64),
		within("row_sample", o.RowSample, math.SmallestNonzeroFloat64, 1),
		within("column_sample", o.ColumnSample, math.SmallestNonzeroFloat64, 1),
		within("early_stopping", float64(o.EarlyStopping), 0, maxTrees),
		within("validation_share", o.ValidationShare, math.SmallestNonzeroFloat64, 0.9),
		o.Categories.check(),
	)
}

const (
	maxTrees = 100_000
	maxDepth = 64
)

func within(name string, x, least, most float64) error {
	if x >= least && x <= most {
		return nil
	}
	return orrery.Errorf(orrery.Invalid, "train_param", "%s is %v, outside %v to %v", name, x, least, most).
		WithField(name).WithNext("choose a value within")
}

func firstError(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkTrees refuses rows that no trees can be fitted to.
func checkTrees(rows *Rows) error {
	n := len(rows.Names)
	switch {
	case n == 0:
		return orrery.Errorf(orrery.Invalid, "train_no_features", "there are no features to train on").
			WithNext("list at least one under the model's features")
	case rows.Len() == 0:
		return orrery.Errorf(orrery.Invalid, "train_no_rows", "there are no rows to train on").
			WithNext("train on a range that holds labelled events")
	case rows.Len() > math.MaxInt32:
		return orrery.Errorf(orrery.TooLarge, "train_rows", "%d rows are more than trees can be fitted to", rows.Len()).
			WithNext("train on a shorter range")
	}
	return firstError(rows.check(), rows.oneLabel())
}

// parts cuts the later rows off, where there is early stopping, to watch the
// loss on them.
func (o GBDT) parts(rows *Rows) (fit, held *Rows, err error) {
	if err := checkTrees(rows); err != nil {
		return nil, nil, err
	}
	if rows.Classes != nil {
		if err := rows.unconstrained("the label has several classes"); err != nil {
			return nil, nil, err
		}
	}
	rows = weighted(rows)
	if o.EarlyStopping == 0 {
		return rows, nil, nil
	}
	cut := rows.Len() - int(float64(o.ValidationShare*float64(rows.Len())))
	fit, held = rows.slice(0, cut), rows.slice(cut, rows.Len())
	if err := checkTrees(fit); err != nil {
		return nil, nil, err
	}
	if held.Len() == 0 {
		return nil, nil, orrery.Errorf(orrery.Invalid, "train_no_rows", "a share of %v of %d rows leaves none to watch the loss on",
			o.ValidationShare, rows.Len()).WithField("validation_share").WithNext("train on more rows, or set early_stopping to 0")
	}
	return fit, held, nil
}

// watch follows the loss on rows held out.
type watch struct {
	rows     *Rows
	margins  [][]float64 // [classes][rows], or [1][rows]
	patience int
	// best is the number of rounds with the least loss.
	best  int
	least float64
}

func newWatch(rows *Rows, base []float64, patience int) *watch {
	w := &watch{rows: rows, patience: patience, least: math.Inf(1)}
	if rows == nil {
		return w
	}
	for _, base := range base {
		margin := make([]float64, rows.Len())
		for i := range margin {
			margin[i] = base
		}
		w.margins = append(w.margins, margin)
	}
	w.least = w.loss()
	return w
}

// enough takes the trees of the last round in, and says whether the loss has
// stopped falling.
func (w *watch) enough(trees [][]model.Tree) bool {
	if w.rows == nil {
		return false
	}
	rounds := len(trees[0])
	for k, margin := range w.margins {
		t := &trees[k][rounds-1]
		for i := range margin {
			margin[i] += t.Value[t.Leaf(w.rows.Row(i))]
		}
	}
	if loss := w.loss(); loss < w.least {
		w.least, w.best = loss, rounds
	}
	return rounds-w.best >= w.patience
}

// loss sums the log loss, by weight.
func (w *watch) loss() float64 {
	sum := 0.0
	if len(w.margins) == 1 {
		for i, m := range w.margins[0] {
			if w.rows.Y[i] == 1 {
				m = -m
			}
			sum += float64(w.rows.weight(i) * (max(m, 0) + numeric.Log(1+numeric.Exp(-math.Abs(m)))))
		}
		return sum
	}
	for i := range w.rows.Y {
		sum += float64(w.rows.weight(i) * w.lossOf(i))
	}
	return sum
}

// lossOf gives log Σ exp(margin) − the margin of the row's class.
func (w *watch) lossOf(i int) float64 {
	most := math.Inf(-1)
	for _, margin := range w.margins {
		most = max(most, margin[i])
	}
	sum := 0.0
	for _, margin := range w.margins {
		sum += numeric.Exp(margin[i] - most)
	}
	return numeric.Log(sum) + most - w.margins[int(w.rows.Y[i])][i]
}
