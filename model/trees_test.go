package model

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/numeric"
)

// oracle is the definition of a tree, written as the documentation reads.
func oracle(t *Tree, row []float64) float64 {
	var down func(c int32) float64
	down = func(c int32) float64 {
		if c < 0 {
			return t.Value[^c]
		}
		x := row[t.Feature[c]]
		switch {
		case math.IsNaN(x) && t.MissingLeft[c], x <= t.Threshold[c]:
			return down(t.Left[c])
		}
		return down(t.Right[c])
	}
	if len(t.Feature) == 0 {
		return t.Value[0]
	}
	return down(0)
}

func oracleMargin(base float64, trees []Tree, row []float64) float64 {
	sum := base
	for i := range trees {
		sum += oracle(&trees[i], row)
	}
	return sum
}

// awkwardRow draws values that comparisons get wrong: missing, infinite, zeros
// of both signs, and thresholds met exactly or missed by one unit.
func awkwardRow(r *rand.Rand, features int, trees []Tree) []float64 {
	row := make([]float64, features)
	for i := range row {
		row[i] = r.NormFloat64()
		t := &trees[r.IntN(len(trees))]
		if n := len(t.Threshold); n > 0 {
			s := r.IntN(n)
			near := []float64{
				t.Threshold[s], math.Nextafter(t.Threshold[s], math.Inf(1)), math.Nextafter(t.Threshold[s], math.Inf(-1)),
			}
			row[t.Feature[s]] = near[r.IntN(3)]
		}
		special := []float64{
			math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), math.MaxFloat64,
			-math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(math.NaN(), -1),
		}
		if k := r.IntN(3 * len(special)); k < len(special) {
			row[i] = special[k]
		}
	}
	return row
}

// roughen replaces thresholds by the values at which keys could go wrong.
func roughen(r *rand.Rand, trees []Tree) {
	special := []float64{
		0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64,
		math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 1, -1,
	}
	for _, t := range trees {
		for s := range t.Threshold {
			if k := r.IntN(4 * len(special)); k < len(special) {
				t.Threshold[s] = special[k]
			}
		}
	}
}

func TestMarginEqualsOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for trial := range 300 {
		features := 1 + r.IntN(40)
		if trial%50 == 0 {
			features = maxFeatures + r.IntN(2) // the most that are walked at once, and one more
		}
		trees := growTrees(r, 1+r.IntN(30), features, 1+r.IntN(80), 1+r.IntN(20))
		roughen(r, trees)
		base := r.NormFloat64()
		m, err := NewTrees(GBDT, names(features), base, trees)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			row := awkwardRow(r, features, trees)
			want := oracleMargin(base, trees, row)
			if got := m.Margin(row); math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("trial %d: margin %v, want %v, of %v", trial, got, want, row)
			}
			if got := m.Score(row); got != numeric.Sigmoid(want) {
				t.Fatalf("trial %d: score %v, want the sigmoid of %v", trial, got, want)
			}
		}
	}
}

func TestForestScoreIsTheMean(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	trees := growTrees(r, 13, 4, 90, 30)
	m, err := NewTrees(Forest, names(4), 0, trees)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		row := awkwardRow(r, 4, trees)
		if got, want := m.Score(row), oracleMargin(0, trees, row)/13; got != want {
			t.Fatalf("score %v, want %v", got, want)
		}
	}
}

func TestTreesWithoutSplits(t *testing.T) {
	leaf := Tree{Value: []float64{0.25}, Cover: []float64{3}}
	m, err := NewTrees(GBDT, nil, -1, []Tree{leaf, leaf})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Margin(nil); got != -0.5 {
		t.Errorf("margin %v, want -0.5", got)
	}
	negative := math.Copysign(0, -1)
	if m, err = NewTrees(GBDT, nil, negative, nil); err != nil {
		t.Fatal(err)
	}
	if got := m.Margin(nil); !math.Signbit(got) || got != 0 {
		t.Errorf("margin of no trees is %v, want the base -0", got)
	}
}

// stump is a valid tree of one split on feature 0.
func stump() Tree {
	return Tree{
		Feature: []int32{0}, Threshold: []float64{1}, Left: []int32{^0}, Right: []int32{^1},
		MissingLeft: []bool{true}, Value: []float64{0, 1}, Cover: []float64{1, 1},
	}
}

// pair is a valid tree of two splits.
func pair() Tree {
	return Tree{
		Feature: []int32{0, 1}, Threshold: []float64{1, 2}, Left: []int32{1, ^0}, Right: []int32{^2, ^1},
		MissingLeft: []bool{true, false}, Value: []float64{0, 1, 0.5}, Cover: []float64{1, 1, 1},
	}
}

func TestNewTreesRefuses(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Tree)
		want   string
	}{
		{"short array", func(t *Tree) { t.Left = t.Left[:1] }, "arrays of splits"},
		{"leaf missing", func(t *Tree) { t.Value = t.Value[:2] }, "need 3 leaves"},
		{"cover missing", func(t *Tree) { t.Cover = nil }, "need 3 leaves"},
		{"feature too great", func(t *Tree) { t.Feature[1] = 2 }, "feature 2 of 2"},
		{"feature negative", func(t *Tree) { t.Feature[1] = -1 }, "feature -1 of 2"},
		{"threshold NaN", func(t *Tree) { t.Threshold[0] = math.NaN() }, "threshold NaN"},
		{"threshold infinite", func(t *Tree) { t.Threshold[0] = math.Inf(1) }, "threshold +Inf"},
		{"value infinite", func(t *Tree) { t.Value[0] = math.Inf(-1) }, "value -Inf"},
		{"cover negative", func(t *Tree) { t.Cover[0] = -1 }, "cover -1"},
		{"root reached", func(t *Tree) { t.Left[1] = 0 }, "split 0 is reached twice"},
		{"leaf reached twice", func(t *Tree) { t.Left[1] = ^1 }, "leaf 1 is reached twice"},
		{"split out of range", func(t *Tree) { t.Left[0] = 2 }, "split 2 of 2"},
		{"leaf out of range", func(t *Tree) { t.Left[1] = ^3 }, "leaf 3 of 3"},
		{"least index", func(t *Tree) { t.Left[1] = math.MinInt32 }, "of 3"},
		{"cycle apart", func(t *Tree) { t.Left[0], t.Left[1] = ^0, 1 }, "never reached"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tree := pair()
			c.change(&tree)
			_, err := NewTrees(GBDT, names(2), 0, []Tree{stump(), tree})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "tree 1 ") {
				t.Errorf("error %v, want one of tree 1 with %q", err, c.want)
			}
			if orrery.KindOf(err) != orrery.Invalid {
				t.Errorf("kind %v, want Invalid", orrery.KindOf(err))
			}
		})
	}
}

func TestNewTreesRefusesEnsembles(t *testing.T) {
	large := stump()
	large.Value[1] = 1.5
	cases := []struct {
		name, kind string
		features   []string
		base       float64
		trees      []Tree
		code       string
	}{
		{"kind", "bush", names(1), 0, []Tree{stump()}, "model_kind"},
		{"name twice", GBDT, []string{"a", "a"}, 0, []Tree{stump()}, "model_feature"},
		{"no name", GBDT, []string{""}, 0, []Tree{stump()}, "model_feature"},
		{"base", GBDT, names(1), math.NaN(), []Tree{stump()}, "model_value"},
		{"forest with a base", Forest, names(1), 1, []Tree{stump()}, "model_value"},
		{"forest without trees", Forest, names(1), 0, nil, "model_empty"},
		{"forest above one", Forest, names(1), 0, []Tree{large}, "model_tree"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewTrees(c.kind, c.features, c.base, c.trees); orrery.CodeOf(err) != c.code {
				t.Errorf("error %v, want code %s", err, c.code)
			}
		})
	}
}

func TestOrderedKey(t *testing.T) {
	least := math.SmallestNonzeroFloat64
	xs := []float64{
		math.Inf(-1), -math.MaxFloat64, -1, -least, 0, least, 1, math.MaxFloat64, math.Inf(1),
	}
	for i, a := range xs {
		for j, b := range xs {
			if (orderedKey(a) < orderedKey(b)) != (i < j) {
				t.Errorf("the keys of %v and %v are in the wrong order", a, b)
			}
		}
		if k := orderedKey(a); k == math.MinInt64 || k == math.MaxInt64 {
			t.Errorf("the key of %v is one of a missing value", a)
		}
	}
	if orderedKey(math.Copysign(0, -1)) != orderedKey(0) {
		t.Error("the zeros have different keys")
	}
}

func TestScoreDoesNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	m, err := NewTrees(GBDT, names(300), 0, growTrees(r, 150, 300, 31, 6))
	if err != nil {
		t.Fatal(err)
	}
	row := randomRows(r, 1, 300)
	if n := testing.AllocsPerRun(1000, func() { m.Score(row) }); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func TestScoreRows(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	m, err := NewTrees(GBDT, names(3), 0, growTrees(r, 10, 3, 8, 5))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, scoreBlock, 5*scoreBlock + 7} {
		rows, out := randomRows(r, n, 3), make([]float64, n)
		if err := ScoreRows(m, rows, nil, out); err != nil {
			t.Fatal(err)
		}
		for i, got := range out {
			if want := m.Score(rows[3*i : 3*i+3]); got != want {
				t.Fatalf("row %d of %d: %v, want %v", i, n, got, want)
			}
		}
	}
	if err := ScoreRows(m, make([]float64, 7), nil, make([]float64, 2)); orrery.CodeOf(err) != "model_shape" {
		t.Errorf("7 values for 2 rows of 3: %v", err)
	}
}
