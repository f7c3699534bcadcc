package train

import (
	"context"
	"math"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/model"
)

// logisticKind declares logistic regression.
func logisticKind() Kind {
	return Kind{
		Kind: declare.Kind{
			Name: model.Logistic,
			Doc: "Logistic regression on standardised inputs, with an L2 penalty. " +
				"A missing value is taken to be the training mean.",
			Fields: []declare.Field{{
				Name: "c", Type: declare.Number, Default: "1", Above: declare.Bound(0), Example: "0.1",
				Doc: "Inverse of the strength of the L2 penalty: the smaller, the nearer to zero the weights are held.",
			}},
		},
		Fit: fitLogistic,
	}
}

// fitLogistic minimises 0.5·wᵀw + c·Σ weight·logloss over the standardised
// inputs, the intercept without penalty, as scikit-learn's LogisticRegression
// does behind its StandardScaler. The minimum is the only one, and is solved
// for until a step would gain less than 1e-12 of the objective.
func fitLogistic(ctx context.Context, rows *Rows, params Params, progress Progress) (model.Model, error) {
	c, ok := params["c"].(float64)
	if !ok || !(c > 0 && c <= math.MaxFloat64) {
		return nil, orrery.Errorf(orrery.Invalid, "train_param", "c is %v, which is no positive number", params["c"]).
			WithField("c").WithNext("use 1 where nothing better is known")
	}
	if err := checkLogistic(rows); err != nil {
		return nil, err
	}
	means, scales, err := standardisation(rows)
	if err != nil {
		return nil, err
	}
	p := newLogisticProblem(rows, c, means, scales)
	w, err := p.solve(ctx, progress)
	if err != nil {
		return nil, err
	}
	n := len(rows.Names)
	return model.NewLinear(rows.Names, means, scales, w[:n], w[n])
}

// checkLogistic refuses rows to which no finite logistic regression fits.
func checkLogistic(rows *Rows) error {
	n := len(rows.Names)
	if len(rows.X) != rows.Len()*n || rows.Weight != nil && len(rows.Weight) != rows.Len() {
		return orrery.Errorf(orrery.Invalid, "train_rows", "%d values and %d weights do not make %d rows of %d columns",
			len(rows.X), len(rows.Weight), rows.Len(), n)
	}
	var weight [2]float64
	for i, y := range rows.Y {
		w := rows.weight(i)
		if y != 0 && y != 1 || !(w >= 0 && w <= math.MaxFloat64) {
			return orrery.Errorf(orrery.Invalid, "train_rows", "row %d has the label %v and the weight %v", i, y, w).
				WithNext("labels are 0 or 1, weights finite and at least 0")
		}
		weight[int(y)] += w
	}
	if weight[0] == 0 || weight[1] == 0 {
		return orrery.Errorf(orrery.Invalid, "train_one_class", "the rows to train on are all of one class").
			WithNext("train on a range that has both positives and negatives")
	}
	for i, x := range rows.X {
		if math.IsInf(x, 0) {
			return orrery.Errorf(orrery.Invalid, "train_rows", "row %d has an infinite %s", i/n, rows.Names[i%n]).
				WithField(rows.Names[i%n]).WithNext("make the feature give a number, or nothing, there")
		}
	}
	return nil
}

// weight gives the weight of row i.
func (r *Rows) weight(i int) float64 {
	if r.Weight == nil {
		return 1
	}
	return r.Weight[i]
}

// standardisation gives the weighted mean and population standard deviation of
// the values present in each column. A column of one value has scale 1, and one
// without any has mean 0 too.
func standardisation(rows *Rows) (means, scales []float64, err error) {
	for f, name := range rows.Names {
		mean, scale := moments(rows, f)
		if !(math.Abs(mean) <= math.MaxFloat64 && scale <= math.MaxFloat64) {
			return nil, nil, orrery.Errorf(orrery.Invalid, "train_rows", "the values of %s are too great to be squared", name).
				WithField(name).WithNext("use another unit for the feature, or its logarithm")
		}
		if scale == 0 {
			scale = 1
		}
		means, scales = append(means, mean), append(scales, scale)
	}
	return means, scales, nil
}

func moments(rows *Rows, f int) (mean, scale float64) {
	var sum, weight float64
	least, greatest := math.Inf(1), math.Inf(-1)
	each := func(visit func(x, w float64)) {
		for i := f; i < len(rows.X); i += len(rows.Names) {
			if x, w := rows.X[i], rows.weight(i/len(rows.Names)); x == x && w > 0 {
				visit(x, w)
			}
		}
	}
	each(func(x, w float64) {
		sum += float64(w * x)
		weight += w
		least, greatest = min(least, x), max(greatest, x)
	})
	switch {
	case weight == 0:
		return 0, 1
	case least == greatest:
		return least, 1
	}
	mean = sum / weight
	var squares float64
	each(func(x, w float64) {
		d := x - mean
		squares += float64(w * float64(d*d))
	})
	return mean, math.Sqrt(squares / weight)
}
