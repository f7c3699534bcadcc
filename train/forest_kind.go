package train

import (
	"context"

	"orrery.dev/declare"
	"orrery.dev/model"
)

// forestKind declares random forests.
func forestKind() Kind {
	return Kind{
		Kind: declare.Kind{
			Name:   model.Forest,
			Doc:    "Random forest: the average of deep decision trees, each grown on rows and features drawn at random. A missing value goes the way that was best in training.",
			Fields: forestFields(),
		},
		Fit: func(ctx context.Context, rows *Rows, params Params, progress Progress) (model.Model, error) {
			return newForest(params).Fit(ctx, rows, progress)
		},
	}
}

// DefaultForest gives the settings of a spec that sets none.
func DefaultForest() Forest { return newForest(Defaults(forestKind().Kind)) }

func newForest(p Params) Forest {
	return Forest{Trees: p.Int("trees"), Depth: p.Int("depth"), Bins: p.Int("bins"),
		ColumnSample: p.Number("column_sample"), MinLeaf: p.Number("min_leaf"), Seed: p.Int("seed"),
		Categories: categoriesOf(p)}
}

func forestFields() []declare.Field {
	return append([]declare.Field{
		{Name: "trees", Type: declare.Int, Default: "100", Min: declare.Bound(1), Max: declare.Bound(maxTrees), Example: "300",
			Doc: "How many trees are averaged."},
		{Name: "depth", Type: declare.Int, Default: "64", Min: declare.Bound(1), Max: declare.Bound(maxDepth), Example: "12",
			Doc: "How many splits a row meets in a tree, at most."},
		{Name: "bins", Type: declare.Int, Default: "4096", Min: declare.Bound(2), Max: declare.Bound(MaxBins), Example: "1024",
			Doc: "Into how many bins a feature's values are cut before training. A feature with no more values than that keeps each apart; " +
				"otherwise the bins are finest towards both ends, where rare values are."},
		{Name: "column_sample", Type: declare.Number, Default: "0.5", Above: declare.Bound(0), Max: declare.Bound(1), Example: "0.3",
			Doc: "The share of the features drawn at random for each split, among those that differ within the node."},
		{Name: "min_leaf", Type: declare.Number, Default: "5", Min: declare.Bound(0), Example: "1",
			Doc: "The least weight of the training rows in a leaf."},
		{Name: "seed", Type: declare.Int, Default: "1", Min: declare.Bound(0), Example: "7",
			Doc: "Seeds the drawing of rows and features. The same seed and rows give the same model."},
	}, categoryFields("255", "1")...)
}
