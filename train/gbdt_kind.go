package train

import (
	"context"

	"orrery.dev/declare"
	"orrery.dev/model"
)

// gbdtKind declares gradient-boosted trees.
func gbdtKind() Kind {
	return Kind{
		Kind: declare.Kind{
			Name:     model.GBDT,
			Doc:      "Gradient-boosted decision trees with logistic loss. A missing value goes the way that was best in training.",
			Monotone: true,
			Fields:   gbdtFields(),
		},
		Fit: func(ctx context.Context, rows *Rows, params Params, progress Progress) (model.Model, error) {
			return newGBDT(params).Fit(ctx, rows, progress)
		},
	}
}

// DefaultGBDT gives the settings of a spec that sets none.
func DefaultGBDT() GBDT { return newGBDT(Defaults(gbdtKind().Kind)) }

func newGBDT(p Params) GBDT {
	return GBDT{
		Trees: p.Int("trees"), Depth: p.Int("depth"), LearningRate: p.Number("learning_rate"), Bins: p.Int("bins"),
		L1: p.Number("l1"), L2: p.Number("l2"), MinChildWeight: p.Number("min_child_weight"), MinGain: p.Number("min_gain"),
		RowSample: p.Number("row_sample"), ColumnSample: p.Number("column_sample"),
		EarlyStopping: p.Int("early_stopping"), ValidationShare: p.Number("validation_share"), Seed: p.Int("seed"),
		Categories: categoriesOf(p),
	}
}

func gbdtFields() []declare.Field {
	positive, one := declare.Bound(0), declare.Bound(1)
	return append([]declare.Field{
		{Name: "trees", Type: declare.Int, Default: "150", Min: declare.Bound(1), Max: declare.Bound(maxTrees), Example: "300",
			Doc: "How many trees are added up, at most."},
		{Name: "depth", Type: declare.Int, Default: "6", Min: declare.Bound(1), Max: declare.Bound(maxDepth), Example: "4",
			Doc: "How many splits a row meets in a tree, at most."},
		{Name: "learning_rate", Type: declare.Number, Default: "0.07", Above: positive, Max: one, Example: "0.03",
			Doc: "How much of what a tree has found is added. Less takes more trees and often ends up better."},
		{Name: "bins", Type: declare.Int, Default: "1024", Min: declare.Bound(2), Max: declare.Bound(MaxBins), Example: "4096",
			Doc: "Into how many bins a feature's values are cut before training. A feature with no more values than that keeps each apart; " +
				"otherwise the bins are finest towards both ends, where rare values are."},
		{Name: "l1", Type: declare.Number, Default: "0", Min: declare.Bound(0), Example: "0.1",
			Doc: "L1 penalty on the leaves' values: gradients that sum to no more than this give a leaf of 0."},
		{Name: "l2", Type: declare.Number, Default: "5", Min: declare.Bound(0), Example: "1",
			Doc: "L2 penalty on the leaves' values, which holds those of few rows near 0."},
		{Name: "min_child_weight", Type: declare.Number, Default: "4", Min: declare.Bound(0), Example: "0.1",
			Doc: "The least sum of hessians, weight·p·(1-p), on either side of a split."},
		{Name: "min_gain", Type: declare.Number, Default: "1", Min: declare.Bound(0), Example: "0.5",
			Doc: "What a split must gain to be made: the fall in the sum of squared gradients over hessians."},
		{Name: "row_sample", Type: declare.Number, Default: "1", Above: positive, Max: one, Example: "0.5",
			Doc: "The share of the rows drawn at random for each tree."},
		{Name: "column_sample", Type: declare.Number, Default: "1", Above: positive, Max: one, Example: "0.5",
			Doc: "The share of the features drawn at random for each tree."},
		{Name: "early_stopping", Type: declare.Int, Default: "0", Min: declare.Bound(0), Max: declare.Bound(maxTrees), Example: "20",
			Doc: "After how many trees without a lower log loss on the latest rows the training ends, and keeps the trees up to the best; 0 for never. " +
				"The latest rows are then not trained on."},
		{Name: "validation_share", Type: declare.Number, Default: "0.2", Above: positive, Max: declare.Bound(0.9), Example: "0.1",
			Doc: "The share of the rows, the latest, that early stopping watches."},
		{Name: "seed", Type: declare.Int, Default: "1", Min: declare.Bound(0), Example: "7",
			Doc: "Seeds the drawing of rows and features. The same seed and rows give the same model."},
	}, categoryFields("255", "10")...)
}
