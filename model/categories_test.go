package model

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/numeric"
)

// categorical gives lists of categories to some features and turns the splits on
// these into random sets.
func categorical(r *rand.Rand, features int, trees []Tree) [][]float64 {
	lists := make([][]float64, features)
	for f := range lists {
		if r.IntN(2) == 0 {
			continue
		}
		for i := range 1 + r.IntN(3)*r.IntN(90) {
			lists[f] = append(lists[f], orrery.CategoryOf(fmt.Sprint("category ", i)))
		}
		slices.Sort(lists[f])
	}
	for i := range trees {
		t := &trees[i]
		for s, f := range t.Feature {
			if len(lists[f]) == 0 {
				continue
			}
			if t.Sets == nil {
				t.Sets = make([][]uint64, len(t.Feature))
			}
			t.Sets[s], t.Threshold[s] = make([]uint64, setWords(lists[f])), 0
			for c := range len(lists[f]) + 1 {
				t.Sets[s][c/64] |= uint64(r.IntN(2)) << (c % 64)
			}
		}
	}
	return lists
}

// categoryRow draws categories on and off the lists, and numbers.
func categoryRow(r *rand.Rand, lists [][]float64) []float64 {
	row := make([]float64, len(lists))
	for f, list := range lists {
		row[f] = r.NormFloat64()
		if n := len(list); n > 0 {
			choice := []float64{list[r.IntN(n)], list[r.IntN(n)], orrery.CategoryOf(fmt.Sprint(r.Uint64())), 0, -1, math.Inf(1), list[0] + 1}
			row[f] = choice[r.IntN(len(choice))]
		}
		if r.IntN(6) == 0 {
			row[f] = math.NaN()
		}
	}
	return row
}

// leftBySet is a split on categories by its definition.
func leftBySet(t *Tree, s int, list []float64, x float64) bool {
	if math.IsNaN(x) {
		return t.MissingLeft[s]
	}
	number := slices.Index(list, x) + 1
	return t.Sets[s][number/64]&(1<<(number%64)) != 0
}

// categoryOracle walks a tree by its definition.
func categoryOracle(t *Tree, lists [][]float64, row []float64, known uint, c int32) float64 {
	if c < 0 {
		return t.Value[^c]
	}
	f, x := t.Feature[c], row[t.Feature[c]]
	left := x <= t.Threshold[c] || math.IsNaN(x) && t.MissingLeft[c]
	if len(lists[f]) > 0 {
		left = leftBySet(t, int(c), lists[f], x)
	}
	if known>>f&1 == 1 {
		if left {
			return categoryOracle(t, lists, row, known, t.Left[c])
		}
		return categoryOracle(t, lists, row, known, t.Right[c])
	}
	l, r := cover(t, t.Left[c]), cover(t, t.Right[c])
	return (l*categoryOracle(t, lists, row, known, t.Left[c]) + r*categoryOracle(t, lists, row, known, t.Right[c])) / (l + r)
}

func root(t *Tree) int32 {
	if len(t.Feature) == 0 {
		return ^0
	}
	return 0
}

func TestCategoryMarginEqualsOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	for trial := range 200 {
		features := 1 + r.IntN(20)
		trees := growTrees(r, 1+r.IntN(30), features, 1+r.IntN(80), 1+r.IntN(20))
		lists := categorical(r, features, trees)
		m, err := NewCategoryTrees(GBDT, names(features), lists, 0.25, trees)
		if err != nil {
			t.Fatal(err)
		}
		slow := Trees{kind: m.kind, features: m.features, categories: m.categories, base: m.base, trees: m.trees}
		for range 20 {
			row := categoryRow(r, lists)
			want := 0.25
			for i := range trees {
				want += categoryOracle(&trees[i], lists, row, ^uint(0), root(&trees[i]))
			}
			if got, also := m.Margin(row), slow.Margin(row); got != want || also != want {
				t.Fatalf("trial %d: margin %v, one tree at a time %v, want %v, of %v", trial, got, also, want, row)
			}
		}
	}
}

// Reasons are the Shapley values over all subsets of known features.
func TestCategoryContributionsEqualShapley(t *testing.T) {
	r := rand.New(rand.NewPCG(32, 1))
	worst := 0.0
	for range 150 {
		features := 1 + r.IntN(6)
		trees := growTrees(r, 1+r.IntN(4), features, 1+r.IntN(24), 1+r.IntN(12))
		for _, tree := range trees {
			for i := range tree.Cover {
				tree.Cover[i] = math.Exp(3 * r.NormFloat64())
			}
		}
		lists := categorical(r, features, trees)
		m, err := NewCategoryTrees(GBDT, names(features), lists, 0, trees)
		if err != nil {
			t.Fatal(err)
		}
		row, got := categoryRow(r, lists), make([]float64, features)
		base := m.Contributions(row, got)
		worth := make([]float64, 1<<features)
		for known := range worth {
			for i := range trees {
				worth[known] += categoryOracle(&trees[i], lists, row, uint(known), root(&trees[i]))
			}
		}
		for i := range features {
			want := 0.0
			for known := range worth {
				if known>>i&1 == 0 {
					n := bits.OnesCount(uint(known))
					weight := math.Gamma(float64(n+1)) * math.Gamma(float64(features-n)) / math.Gamma(float64(features+1))
					want += weight * (worth[known|1<<i] - worth[known])
				}
			}
			worst = max(worst, math.Abs(got[i]-want))
		}
		worst = max(worst, math.Abs(base-worth[0]), math.Abs(base+sum(got)-m.Margin(row)))
	}
	if worst > 1e-9 {
		t.Errorf("a difference of %v", worst)
	}
	t.Logf("greatest difference %.2g", worst)
}

func TestCategoryScoresDoNotAllocate(t *testing.T) {
	if raced {
		t.Skip("pools allocate under the race detector")
	}
	r := rand.New(rand.NewPCG(33, 1))
	trees := growTrees(r, 10, 6, 20, 8)
	lists := categorical(r, 6, trees)
	m, err := NewCategoryTrees(GBDT, names(6), lists, 0, trees)
	if err != nil {
		t.Fatal(err)
	}
	row, out := categoryRow(r, lists), make([]float64, 6)
	if n := testing.AllocsPerRun(100, func() { m.Score(row); m.Contributions(row, out) }); n > 0.5 {
		t.Errorf("%v allocations", n)
	}
}

func TestCategoryTreesRefuse(t *testing.T) {
	good := func() (Tree, [][]float64) {
		tree := pair()
		tree.Threshold[0], tree.Sets = 0, [][]uint64{{2}, nil}
		return tree, [][]float64{{10, 20}, nil}
	}
	for name, change := range map[string]func(*Tree, [][]float64){
		"a set of another length":      func(t *Tree, _ [][]float64) { t.Sets[0] = []uint64{2, 0} },
		"a set of a category too many": func(t *Tree, _ [][]float64) { t.Sets[0] = []uint64{8} },
		"no set":                       func(t *Tree, _ [][]float64) { t.Sets[0] = nil },
		"no sets":                      func(t *Tree, _ [][]float64) { t.Sets = nil },
		"sets for one split":           func(t *Tree, _ [][]float64) { t.Sets = t.Sets[:1] },
		"a set on a number":            func(t *Tree, _ [][]float64) { t.Sets[1] = []uint64{1} },
		"a threshold beside the set":   func(t *Tree, _ [][]float64) { t.Threshold[0] = 1 },
		"categories out of order":      func(_ *Tree, lists [][]float64) { lists[0] = []float64{20, 10} },
		"a category that is no number": func(_ *Tree, lists [][]float64) { lists[0][1] = math.NaN() },
		"the same category twice":      func(_ *Tree, lists [][]float64) { lists[0][1] = 10 },
	} {
		tree, lists := good()
		change(&tree, lists)
		if _, err := NewCategoryTrees(GBDT, names(2), lists, 0, []Tree{tree}); orrery.KindOf(err) != orrery.Invalid || err == nil {
			t.Errorf("%s: error %v", name, err)
		}
	}
	tree, lists := good()
	if _, err := NewCategoryTrees(GBDT, names(2), lists[:1], 0, []Tree{tree}); orrery.CodeOf(err) != "model_shape" {
		t.Errorf("too few lists: error %v", err)
	}
	if _, err := NewCategoryTrees(GBDT, names(2), lists, 0, []Tree{tree}); err != nil {
		t.Error(err)
	}
}

func TestLinearCategories(t *testing.T) {
	m, err := NewCategoryLinear(names(2), []float64{1, 0}, []float64{2, 1}, []float64{3, 0}, 0.5,
		[]CategoryWeights{{}, {Values: []float64{5, 9}, Weights: []float64{-7, -1, 2, 4}}})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, 2)
	for value, want := range map[float64]float64{5: 2, 9: 4, 7: -1, math.Inf(1): -1} {
		row := []float64{3, value}
		if base := m.Contributions(row, out); base != 0.5 || out[0] != 3 || out[1] != want || m.Margin(row) != 3.5+want {
			t.Errorf("value %v: contributions %v from %v, margin %v", value, out, base, m.Margin(row))
		}
	}
	if got := m.Margin([]float64{math.NaN(), math.NaN()}); got != -6.5 {
		t.Errorf("of missing values the margin is %v", got)
	}
	if _, err := NewCategoryLinear(names(1), []float64{0}, []float64{1}, []float64{2}, 0, []CategoryWeights{{Values: []float64{1}, Weights: []float64{0, 0, 1}}}); err == nil {
		t.Error("a weight beside those of categories is taken")
	}
}

// multiclassSamples are models of several classes, and of categories.
func multiclassSamples(t testing.TB) map[string]Model {
	t.Helper()
	r := rand.New(rand.NewPCG(34, 1))
	out := map[string]Model{}
	lists := [][]float64{nil, {3, 8, 1e6}, nil}
	part := func(kind string) *Trees {
		trees := growTrees(r, 2, 3, 5, 4)
		for i := range trees {
			for s, f := range trees[i].Feature {
				if f == 1 {
					if trees[i].Sets == nil {
						trees[i].Sets = make([][]uint64, len(trees[i].Feature))
					}
					trees[i].Sets[s], trees[i].Threshold[s] = []uint64{uint64(r.IntN(16))}, 0
				}
			}
		}
		m, err := NewCategoryTrees(kind, names(3), lists, 0, trees)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	linear := func() *Linear {
		m, err := NewCategoryLinear(names(2), []float64{1, 0}, []float64{2, 1}, []float64{r.NormFloat64(), 0}, 0.5,
			[]CategoryWeights{{}, {Values: []float64{5, 9}, Weights: []float64{-7, -1, 2, r.NormFloat64()}}})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	classes := []string{"hate", "offensive", "neither"}
	add := func(name string, parts ...Part) *Multiclass {
		m, err := NewMulticlass(classes, parts)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = m
		return m
	}
	out["gbdt of categories"], out["logistic of categories"] = part(GBDT), linear()
	trees := add("gbdt of classes", part(GBDT), part(GBDT), part(GBDT))
	add("forest of classes", part(Forest), part(Forest), part(Forest))
	add("logistic of classes", linear(), linear(), linear())
	beta, err := NewBeta(0.8, 1.25, -0.5, 0)
	if err != nil {
		t.Fatal(err)
	}
	isotonic, err := NewIsotonic([]float64{0.1, 0.9}, []float64{0, 0.25})
	if err != nil {
		t.Fatal(err)
	}
	if out["gbdt of classes, calibrated"], err = trees.Calibrated([]Calibrator{beta, isotonic, beta}); err != nil {
		t.Fatal(err)
	}
	if out["gbdt of categories, calibrated"], err = NewCalibrated(part(GBDT), beta); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMulticlassScores(t *testing.T) {
	row, out := []float64{0.3, 8, math.NaN()}, make([]float64, 3)
	all := multiclassSamples(t)
	for name, m := range all {
		c, ok := m.(*Multiclass)
		if !ok {
			continue
		}
		row := row[:len(m.Features())]
		c.Scores(row, out)
		if total := sum(out); math.Abs(total-1) > 1e-12 || m.Score(row) != slices.Max(out) {
			t.Errorf("%s: scores %v sum to %v, and the greatest is said to be %v", name, out, total, m.Score(row))
		}
		if n := testing.AllocsPerRun(100, func() { c.Scores(row, out) }); n > 0.5 && !raced {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	c := all["gbdt of classes"].(*Multiclass)
	c.Scores(row, out)
	for i, got := range out {
		want := 0.0
		for j := range out {
			want += numeric.Exp(c.Part(j).Margin(row) - c.Part(i).Margin(row))
		}
		if math.Abs(got-1/want) > 1e-14 {
			t.Errorf("class %d scores %v, want %v", i, got, 1/want)
		}
	}
	before := slices.Clone(out)
	all["gbdt of classes, calibrated"].(*Multiclass).Scores(row, out)
	for i := range before {
		before[i] = all["gbdt of classes, calibrated"].(*Multiclass).Calibrators()[i].Calibrate(before[i])
	}
	for i, got := range out {
		if want := before[i] / sum(before); got != want {
			t.Errorf("class %d, calibrated, scores %v, want %v", i, got, want)
		}
	}
}

func TestMulticlassRefuses(t *testing.T) {
	all := multiclassSamples(t)
	trees, linear := all["gbdt of categories"].(Part), all["logistic of categories"].(Part)
	for name, make := range map[string]func() (*Multiclass, error){
		"one class":     func() (*Multiclass, error) { return NewMulticlass([]string{"a"}, []Part{trees}) },
		"no name":       func() (*Multiclass, error) { return NewMulticlass([]string{"a", ""}, []Part{trees, trees}) },
		"one name":      func() (*Multiclass, error) { return NewMulticlass([]string{"a", "a"}, []Part{trees, trees}) },
		"too few parts": func() (*Multiclass, error) { return NewMulticlass([]string{"a", "b"}, []Part{trees}) },
		"two kinds":     func() (*Multiclass, error) { return NewMulticlass([]string{"a", "b"}, []Part{trees, linear}) },
	} {
		if _, err := make(); orrery.CodeOf(err) != "model_classes" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
