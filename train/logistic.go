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
			Name: model.Logistic, Monotone: true, Head: true,
			Doc: "Logistic regression on standardised inputs, with an L2 penalty. " +
				"A missing number is taken to be the training mean. A feature of texts becomes one input of 0 or 1 for each category, a missing text being one more category.",
			Fields: append([]declare.Field{{
				Name: "c", Type: declare.Number, Default: "1", Above: declare.Bound(0), Example: "0.1",
				Doc: "Inverse of the strength of the L2 penalty: the smaller, the nearer to zero the weights are held.",
			}}, categoryFields("50", "")...),
		},
		Fit: fitLogistic,
	}
}

// fitLogistic minimises 0.5·wᵀw + c·Σ weight·logloss over the standardised
// inputs, the intercept without penalty, as scikit-learn's LogisticRegression
// does behind its StandardScaler. Where the rows have Classes, the loss is that of
// the softmax, and there are as many weights and intercepts for each class. The
// minimum is the only one, and is solved for until a step would gain less than
// 1e-12 of the objective. Constraints bound the weights' signs.
func fitLogistic(ctx context.Context, rows *Rows, params Params, progress Progress) (model.Model, error) {
	c, ok := params["c"].(float64)
	if !ok || !(c > 0 && c <= math.MaxFloat64) {
		return nil, orrery.Errorf(orrery.Invalid, "train_param", "c is %v, which is no positive number", params["c"]).
			WithField("c").WithNext("use 1 where nothing better is known")
	}
	of := categoriesOf(params)
	if err := of.check(); err != nil {
		return nil, err
	}
	if err := firstError(rows.check(), rows.oneLabel()); err != nil {
		return nil, err
	}
	if rows.Classes != nil {
		if err := rows.unconstrained("the label has several classes"); err != nil {
			return nil, err
		}
	}
	d, err := newDesign(rows, of.categories(rows))
	if err != nil {
		return nil, err
	}
	loss := newLogisticLoss(rows, c, len(d.weights))
	solver := &newton{problem: &logisticProblem{design: d, logisticLoss: loss}, size: d.width() + 1, signs: d.signs(rows)}
	if rows.Classes != nil {
		k := len(rows.Classes)
		n := rows.Len()
		solver.problem = &softmaxProblem{design: d, logisticLoss: loss, classes: k, shares: make([]float64, n*k), moves: make([]float64, n*k)}
		solver.size *= k
	}
	w, err := solver.solve(ctx, progress)
	if err != nil {
		return nil, err
	}
	parts := make([]model.Part, len(w)/(d.width()+1))
	for k := range parts {
		if parts[k], err = d.linear(w[k*(d.width()+1) : (k+1)*(d.width()+1)]); err != nil {
			return nil, err
		}
	}
	return oneOrClasses(rows, parts)
}

// standardisation gives the weighted mean and population standard deviation of
// the values present in each column. A column of one value has scale 1, and one
// without any has mean 0 too, and so has one of categories.
func standardisation(rows *Rows) (means, scales []float64, err error) {
	for f, name := range rows.Names {
		mean, scale := 0.0, 1.0
		if !rows.categorical(f) {
			mean, scale = moments(rows, f)
		}
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
