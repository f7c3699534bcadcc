package train

import (
	"cmp"
	"math"
	"slices"

	"orrery.dev/declare"
	"orrery.dev/model"
)

// A Categories says which categories of a column are told apart.
type Categories struct {
	// Most is how many of a column's categories are told apart, the most frequent,
	// 0 for as many as can be, and MinRows how many rows one must have. The others count as one, and so do
	// those that come up later.
	Most, MinRows int
	// Smoothing is the weight of a node's mean in the mean of each category, by
	// which categories are put in order.
	Smoothing float64
}

// maxMostCategories keeps the codes of a column below 2¹⁶.
const maxMostCategories = 60_000

func categoriesOf(p Params) Categories {
	return Categories{Most: p.Int("max_categories"), MinRows: p.Int("min_category_rows"), Smoothing: p.Number("category_smoothing")}
}

func (o Categories) check() error {
	return firstError(
		within("max_categories", float64(o.Most), 0, maxMostCategories),
		within("min_category_rows", float64(o.MinRows), 0, 1<<31),
		within("category_smoothing", o.Smoothing, 0, 1e9),
	)
}

// categoryFields declares what all kinds ask of a feature with categories;
// smoothing is the default of category_smoothing, empty for a kind without.
func categoryFields(most, smoothing string) []declare.Field {
	fields := []declare.Field{
		{Name: "max_categories", Type: declare.Int, Default: most, Min: declare.Bound(1), Max: declare.Bound(maxMostCategories), Example: "1000",
			Doc: "How many categories of a feature of texts are told apart: the most frequent in training. All others count as one, and so does a text never seen in training. " +
				"Raise it for a feature whose many categories have rows enough."},
		{Name: "min_category_rows", Type: declare.Int, Default: "10", Min: declare.Bound(1), Example: "50",
			Doc: "How many training rows a category must have to be told apart from the rare ones. Raise it where rare categories mislead the model."},
	}
	if smoothing == "" {
		return fields
	}
	return append(fields, declare.Field{Name: "category_smoothing", Type: declare.Number, Default: smoothing, Min: declare.Bound(0), Example: "20",
		Doc: "How strongly the mean of a category is drawn to the mean of all, as if so much weight of all were added to it, before a split orders the categories by it. " +
			"Raise it where categories are many and their rows few."})
}

// categories lists the categories of each column that are told apart, rising;
// nil where no column holds categories.
func (o Categories) categories(rows *Rows) [][]float64 {
	if !slices.Contains(rows.Categorical, true) {
		return nil
	}
	out := make([][]float64, len(rows.Names))
	for f := range rows.Names {
		if rows.categorical(f) {
			out[f] = o.frequent(sortColumn(rows, f))
		}
	}
	return out
}

// frequent gives the most frequent values, equals by value.
func (o Categories) frequent(sorted []sortedValue) []float64 {
	type group struct {
		value float64
		rows  int
	}
	var groups []group
	for from, to := 0, 0; from < len(sorted); from = to {
		to = runEnd(sorted, from)
		if to-from >= o.MinRows {
			groups = append(groups, group{sorted[from].value(), to - from})
		}
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.value, b.value))
	})
	most := min(len(groups), cmp.Or(o.Most, maxMostCategories))
	out := make([]float64, 0, most)
	for _, g := range groups[:most] {
		out = append(out, g.value)
	}
	slices.Sort(out)
	return out
}

// numbered gives the rows with the numbers of categories for their values.
func numbered(rows *Rows, categories [][]float64) *Rows {
	if categories == nil || rows == nil {
		return rows
	}
	out := *rows
	out.X = make([]float64, len(rows.X))
	for i := range rows.Len() {
		model.NumberCategories(categories, rows.Row(i), out.Row(i))
		for f, list := range categories {
			if rows.categorical(f) && len(list) == 0 {
				out.Row(i)[f] = math.NaN() // none is told apart from any other
			}
		}
	}
	return &out
}

// newCategoryColumn codes numbers of categories: code 0 is a missing value, and
// code n+1 category number n.
func newCategoryColumn(rows *Rows, f, categories int) column {
	n := categories + 2
	c := column{codes: make([]uint16, rows.Len()), low: make([]float64, n), high: make([]float64, n), categories: true}
	for i := range c.codes {
		if x := rows.X[i*len(rows.Names)+f]; x == x {
			c.codes[i] = uint16(x) + 1
		}
	}
	return c
}

// searchCategories finds the best split of a column of categories: put in the
// order of their smoothed means, one of the cuts between two is the best of all
// ways to part them (Fisher, "On Grouping for Maximum Homogeneity", JASA 53,
// 1958). A missing value counts as one more category. Whatever no row has goes
// the way of the greater part.
func (r *rule) searchCategories(entries []entry, total sums, codes int, best split) (split, bool) {
	order := r.ordered(entries, total)
	where, left := r.cutCategories(order, total, &best, func(r *rule, left, right sums) float64 { return r.score(left) + r.score(right) })
	if where < 0 {
		return best, false
	}
	best.left, best.set = left, newCodeSet(order, where, codes, 2*left.h >= total.h)
	return best, true
}

// ordered gives the entries in the order of their smoothed means.
func (r *rule) ordered(entries []entry, total sums) []entry {
	mean := total.g / total.h
	smoothed := func(e entry) float64 { return (e.g + float64(r.smoothing*mean)) / (e.h + r.smoothing) }
	order := slices.Clone(entries)
	slices.SortFunc(order, func(a, b entry) int {
		return cmp.Or(cmp.Compare(smoothed(a), smoothed(b)), cmp.Compare(a.code, b.code))
	})
	return order
}

// cutCategories finds the best cut of a list by a gain, the first of equals, and
// how much goes left by it; where is the last that does, -1 where none gains more
// than best.
func (r *rule) cutCategories(order []entry, total sums, best *split, gain func(r *rule, left, right sums) float64) (where int, at sums) {
	penalised := *r
	penalised.l2 += r.categoryL2
	where = -1
	var left sums
	for i := range order[:len(order)-1] {
		left.g += order[i].g
		left.h += order[i].h
		right := sums{total.g - left.g, total.h - left.h}
		if left.h < r.minHessian || right.h < r.minHessian {
			continue
		}
		if gain := gain(&penalised, left, right); gain > best.gain {
			best.gain, where, at = gain, i, left
		}
	}
	return where, at
}

// codeSet is a set of codes, one bit each.
type codeSet []uint64

func (s codeSet) has(code int) bool { return s[code>>6]>>(code&63)&1 == 1 }

// newCodeSet gives the codes that go left: those of order up to where, and those
// that no row has if rest says so.
func newCodeSet(order []entry, where, codes int, rest bool) codeSet {
	s := make(codeSet, (codes+63)/64)
	if rest {
		for code := range codes {
			s[code>>6] |= 1 << (code & 63)
		}
	}
	for i, e := range order {
		s[e.code>>6] &^= 1 << (e.code & 63)
		if i <= where {
			s[e.code>>6] |= 1 << (e.code & 63)
		}
	}
	return s
}

// numbers gives the set of the numbers of the categories: those of code n+1.
func (s codeSet) numbers(codes int) []uint64 {
	out := make([]uint64, (codes-1+63)/64)
	for n := range codes - 1 {
		if s.has(n + 1) {
			out[n>>6] |= 1 << (n & 63)
		}
	}
	return out
}

// addSplit writes a split to a tree; its sides are attached later.
func addSplit(t *model.Tree, s *split, c *column) {
	t.Feature = append(t.Feature, int32(s.column))
	t.Left, t.Right = append(t.Left, 0), append(t.Right, 0)
	if s.set == nil {
		t.Threshold, t.MissingLeft = append(t.Threshold, c.between(s.code, s.next)), append(t.MissingLeft, s.missing)
		if t.Sets != nil {
			t.Sets = append(t.Sets, nil)
		}
		return
	}
	for len(t.Sets) < len(t.Threshold) {
		t.Sets = append(t.Sets, nil)
	}
	t.Threshold, t.MissingLeft = append(t.Threshold, 0), append(t.MissingLeft, s.set.has(0))
	t.Sets = append(t.Sets, s.set.numbers(c.values()))
}
