package train

import (
	"math"
	"slices"

	"orrery.dev"
	"orrery.dev/model"
)

// Rows is a labelled training set.
type Rows struct {
	// Names has one entry for each column.
	Names []string
	// X is [rows × columns], row-major; NaN is a missing value.
	X []float64
	// Text is [rows], the text of each row's event for a kind that reads one, empty
	// where it is missing; nil for the others.
	Text []string
	// Y is [rows], 1 for positive and 0 for negative; where there are Classes, the
	// index of the row's class, and where several of them can be right, the
	// orrery.LabelSet of the row's classes.
	Y []float64
	// Weight is [rows], finite and at least 0, or nil where every row weighs 1: a
	// row of weight 2 counts as two rows. Rows drawn with a known probability weigh
	// one over it.
	Weight []float64
	// Categorical is [columns], true for one that holds categories, as
	// orrery.CategoryOf gives them; nil where all are numbers.
	Categorical []bool
	// Monotone is [columns]: 1 where the score must not fall as the column rises,
	// all else equal, -1 where it must not rise, and 0 for no constraint; nil where
	// there is none at all. A missing value is not constrained.
	Monotone []int8
	// Encoded says how many columns, the last ones, are numbers that a network gave
	// for the text, none of them a category.
	Encoded int
	// Classes names the classes of a label of several; nil for positive and
	// negative. Several says that any number of them can be right at once.
	Classes []string
	Several bool
}

// Len gives the number of rows.
func (r *Rows) Len() int { return len(r.Y) }

// Row gives row i, a view of X.
func (r *Rows) Row(i int) []float64 {
	n := len(r.Names)
	return r.X[i*n : (i+1)*n : (i+1)*n]
}

// slice gives rows [from, to), a view.
func (r *Rows) slice(from, to int) *Rows {
	out, n := *r, len(r.Names)
	out.X, out.Y = r.X[from*n:to*n:to*n], r.Y[from:to:to]
	if r.Weight != nil {
		out.Weight = r.Weight[from:to:to]
	}
	if r.Text != nil {
		out.Text = r.Text[from:to:to]
	}
	return &out
}

// weight gives the weight of row i.
func (r *Rows) weight(i int) float64 {
	if r.Weight == nil {
		return 1
	}
	return r.Weight[i]
}

// categorical says whether a column holds categories.
func (r *Rows) categorical(column int) bool { return r.Categorical != nil && r.Categorical[column] }

// monotone gives the constraint on a column.
func (r *Rows) monotone(column int) int8 {
	if r.Monotone == nil {
		return 0
	}
	return r.Monotone[column]
}

// weighted gives the rows that weigh something.
func weighted(rows *Rows) *Rows {
	zero := 0
	for _, w := range rows.Weight {
		if w == 0 {
			zero++
		}
	}
	if zero == 0 {
		return rows
	}
	out := *rows
	out.X, out.Y, out.Weight, out.Text = nil, nil, nil, nil
	for i, w := range rows.Weight {
		if w > 0 {
			if rows.Text != nil {
				out.Text = append(out.Text, rows.Text[i])
			}
			out.X = append(out.X, rows.Row(i)...)
			out.Y, out.Weight = append(out.Y, rows.Y[i]), append(out.Weight, w)
		}
	}
	return &out
}

// check refuses rows that no model can be fitted to.
func (r *Rows) check() error {
	n := len(r.Names)
	if len(r.X) != r.Len()*n || r.Weight != nil && len(r.Weight) != r.Len() {
		return orrery.Errorf(orrery.Invalid, "train_rows", "%d values and %d weights do not make %d rows of %d columns",
			len(r.X), len(r.Weight), r.Len(), n)
	}
	if r.Categorical != nil && len(r.Categorical) != n || r.Monotone != nil && len(r.Monotone) != n {
		return orrery.Errorf(orrery.Invalid, "train_rows", "%d columns have %d marks of categories and %d constraints", n, len(r.Categorical), len(r.Monotone))
	}
	if r.Encoded < 0 || r.Encoded > n || r.Categorical != nil && slices.Contains(r.Categorical[n-r.Encoded:], true) {
		return orrery.Errorf(orrery.Invalid, "train_rows", "%d columns do not end in %d numbers of a network", n, r.Encoded)
	}
	if r.Text != nil && len(r.Text) != r.Len() {
		return orrery.Errorf(orrery.Invalid, "train_rows", "%d rows have %d texts", r.Len(), len(r.Text))
	}
	if err := r.checkLabels(); err != nil {
		return err
	}
	for i, x := range r.X {
		if math.IsInf(x, 0) {
			return orrery.Errorf(orrery.Invalid, "train_rows", "row %d has an infinite %s", i/n, r.Names[i%n]).
				WithField(r.Names[i%n]).WithNext("make the feature give a number, or nothing, there")
		}
	}
	for f, name := range r.Names {
		if r.categorical(f) && r.monotone(f) != 0 {
			return orrery.Errorf(orrery.Invalid, "train_monotone", "%s has categories, which have no order to be monotone in", name).
				WithField(name).WithNext("take the feature out of monotone")
		}
	}
	return nil
}

// checkLabels asks for labels of at least two classes, each with some weight; of
// several that can be right, each has to be right somewhere and wrong elsewhere.
func (r *Rows) checkLabels() error {
	classes := max(2, len(r.Classes))
	most := float64(classes - 1)
	if r.Several {
		if classes > orrery.MostLabels {
			return orrery.Errorf(orrery.Invalid, "train_rows", "the label has %d classes that can be right at once", classes).
				WithNext("name at most %d", orrery.MostLabels)
		}
		most = float64(uint64(1)<<classes - 1)
	}
	of, all := make([]float64, classes), 0.0
	for i, y := range r.Y {
		w := r.weight(i)
		if !(y >= 0 && y <= most && y == math.Trunc(y)) || !(w >= 0 && w <= math.MaxFloat64) {
			return orrery.Errorf(orrery.Invalid, "train_rows", "row %d has the label %v and the weight %v", i, y, w).
				WithNext("labels are whole numbers from 0 to %v, weights finite and at least 0", most)
		}
		all += w
		for k := range of {
			if r.is(i, k) {
				of[k] += w
			}
		}
	}
	if r.Classes == nil && (of[0] == 0 || of[1] == 0) {
		return orrery.Errorf(orrery.Invalid, "train_one_class", "the rows to train on are all of one class").
			WithNext("train on a range that has both positives and negatives")
	}
	for k, class := range r.Classes {
		if of[k] == 0 {
			return orrery.Errorf(orrery.Invalid, "train_class_missing", "none of the rows to train on is of the class %s", class).
				WithNext("train on a longer range, or leave the class out of the label")
		}
		if r.Several && of[k] == all {
			return orrery.Errorf(orrery.Invalid, "train_one_class", "all rows to train on are of the class %s", class).
				WithNext("train on a longer range, or leave the class out of the label")
		}
	}
	return nil
}

// is says whether a row is of a class by its index.
func (r *Rows) is(i, class int) bool {
	if r.Several {
		return orrery.LabelSet(r.Y[i]).Has(class)
	}
	return int(r.Y[i]) == class
}

// oneLabel refuses rows of which several classes can be right, for a kind of model
// that tells one class from the others.
func (r *Rows) oneLabel() error {
	if !r.Several {
		return nil
	}
	return orrery.Errorf(orrery.Invalid, "train_several", "several classes of the label can be right at once, which this kind of model does not learn").
		WithNext("use a model of kind %s, or a label of which one class is right", model.TextKind)
}

// unconstrained refuses constraints, for a kind of model that cannot keep them.
func (r *Rows) unconstrained(why string) error {
	for f, name := range r.Names {
		if r.monotone(f) != 0 {
			return orrery.Errorf(orrery.Invalid, "train_monotone", "%s is to be monotone, and %s", name, why).
				WithField(name).WithNext("take out monotone, or use a gbdt or logistic model of two outcomes")
		}
	}
	return nil
}
