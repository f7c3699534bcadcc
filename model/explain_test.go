package model

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// cover weighs the training rows below a child by its definition.
func cover(t *Tree, c int32) float64 {
	if c < 0 {
		return t.Cover[^c]
	}
	return cover(t, t.Left[c]) + cover(t, t.Right[c])
}

// knowing gives what the tree is expected to give when only the features whose
// bit is set in known are known, by definition.
func knowing(t *Tree, c int32, row []float64, known uint) float64 {
	if c < 0 {
		return t.Value[^c]
	}
	left, right := knowing(t, t.Left[c], row, known), knowing(t, t.Right[c], row, known)
	f := t.Feature[c]
	if known>>f&1 == 1 {
		if x := row[f]; x <= t.Threshold[c] || math.IsNaN(x) && t.MissingLeft[c] {
			return left
		}
		return right
	}
	l, r := cover(t, t.Left[c]), cover(t, t.Right[c])
	if l+r == 0 {
		l, r = 1, 1
	}
	return (l*left + r*right) / (l + r)
}

// shapley gives the Shapley values of the sum of trees, over all subsets.
func shapley(trees []Tree, row []float64) (base float64, out []float64) {
	n := len(row)
	worth := make([]float64, 1<<n)
	for known := range worth {
		for i := range trees {
			root := int32(0)
			if len(trees[i].Feature) == 0 {
				root = ^0
			}
			worth[known] += knowing(&trees[i], root, row, uint(known))
		}
	}
	weight := make([]float64, n) // k!(n−k−1)!/n!
	for k := range weight {
		weight[k] = 1 / float64(n)
		for i := 1; i <= k; i++ {
			weight[k] *= float64(i) / float64(n-i)
		}
	}
	out = make([]float64, n)
	for known := range worth {
		for i := range n {
			if known>>i&1 == 0 {
				out[i] += weight[bits.OnesCount(uint(known))] * (worth[known|1<<i] - worth[known])
			}
		}
	}
	return worth[0], out
}

// unevenly replaces covers by uneven ones, some of them zero.
func unevenly(r *rand.Rand, trees []Tree) {
	for _, t := range trees {
		for i := range t.Cover {
			t.Cover[i] = math.Exp(4 * r.NormFloat64())
			if r.IntN(4) == 0 {
				t.Cover[i] = 0
			}
		}
	}
}

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*max(1, math.Abs(a), math.Abs(b))
}

func sum(xs []float64) float64 {
	total := 0.0
	for _, x := range xs {
		total += x
	}
	return total
}

func TestContributionsEqualShapley(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	worst := 0.0
	for trial := range 400 {
		features, kind, base := 1+r.IntN(10), GBDT, r.NormFloat64()
		if trial%40 != 0 {
			features = 1 + r.IntN(7) // time doubles with each feature
		}
		if trial%3 == 0 {
			kind, base = Forest, 0
		}
		trees := growTrees(r, 1+r.IntN(4), features, 1+r.IntN(24), 1+r.IntN(12))
		unevenly(r, trees)
		roughen(r, trees)
		m, err := NewTrees(kind, names(features), base, trees)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			row, got := awkwardRow(r, features, trees), make([]float64, features)
			gotBase := m.Contributions(row, got)
			wantBase, want := shapley(trees, row)
			wantBase += base
			if kind == Forest {
				wantBase /= float64(len(trees))
			}
			for i := range want {
				if kind == Forest {
					want[i] /= float64(len(trees))
				}
				worst = max(worst, math.Abs(got[i]-want[i]))
			}
			worst = max(worst, math.Abs(gotBase-wantBase))
			if worst > 1e-12 {
				t.Fatalf("trial %d: %v and %v, want %v and %v, of %v", trial, gotBase, got, wantBase, want, row)
			}
		}
	}
	t.Logf("greatest difference %.2g", worst)
}

// answer is what base and contributions add up to.
func answer(m *Trees, row []float64) float64 {
	if m.Kind() == Forest {
		return m.Score(row)
	}
	return m.Margin(row)
}

// chain is a tree whose every split has a leaf on the left, n of them.
func chain(r *rand.Rand, n, features int) Tree {
	var t Tree
	for i := range int32(n) {
		t.Feature = append(t.Feature, i%int32(features))
		t.Threshold = append(t.Threshold, -2-r.Float64())
		t.Left, t.Right = append(t.Left, ^i), append(t.Right, i+1)
		t.MissingLeft = append(t.MissingLeft, r.IntN(8) == 0)
	}
	t.Right[n-1] = ^int32(n)
	for range n + 1 {
		t.Value, t.Cover = append(t.Value, r.Float64()), append(t.Cover, 1+9*r.Float64())
	}
	return t
}

func TestContributionsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	shapes := []struct {
		name                            string
		trees, features, leaves, depths int
	}{
		{"shallow", 100, 15, 31, 6},
		{"64 leaves", 100, 15, 64, 64},
		{"many features", 100, 250, 31, 30},
		{"too many to walk", 20, maxFeatures + 1, 31, 30},
		{"large", 10, 40, 3000, 64},
	}
	check := func(m *Trees, row []float64) {
		t.Helper()
		out := make([]float64, len(row))
		got := m.Contributions(row, out) + sum(out)
		if want := answer(m, row); !near(got, want, 1e-11) {
			t.Fatalf("base and contributions are %v, want %v", got, want)
		}
	}
	for _, s := range shapes {
		for _, kind := range []string{GBDT, Forest} {
			trees := growTrees(r, s.trees, s.features, s.leaves, s.depths)
			unevenly(r, trees)
			m, err := NewTrees(kind, names(s.features), 0, trees)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				check(m, awkwardRow(r, s.features, trees))
			}
		}
	}
	for _, depth := range []int{1, 2, 63, 64, 65, 1000, 3000} {
		for _, features := range []int{3, 64, 3000} {
			trees := []Tree{chain(r, depth, features), {Value: []float64{0.5}, Cover: []float64{0}}}
			m, err := NewTrees(GBDT, names(features), -1, trees)
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				check(m, randomRows(r, 1, features))
			}
		}
	}
}

// With every split on a feature of its own and every share and row alike, the
// Shapley values of the product Π x_i over 64 features follow by symmetry.
func TestContributionsOfDeepProduct(t *testing.T) {
	const n = 64
	tree := chain(rand.New(rand.NewPCG(25, 26)), n, n)
	clear(tree.Value)
	clear(tree.MissingLeft)
	tree.Value[n] = 1
	rest := 1.0
	for i := n - 1; i >= 0; i-- { // a quarter goes left at each split
		tree.Cover[i] = rest / 3
		rest += tree.Cover[i]
	}
	tree.Cover[n] = 1
	m, err := NewTrees(GBDT, names(n), 0, []Tree{tree})
	if err != nil {
		t.Fatal(err)
	}
	row, out := make([]float64, n), make([]float64, n)
	base := m.Contributions(row, out)
	if want := math.Pow(0.75, n); !near(base, want, 1e-15) {
		t.Errorf("base %v, want %v", base, want)
	}
	for i, got := range out {
		if want := (1 - math.Pow(0.75, n)) / n; !near(got, want, 1e-14) {
			t.Errorf("contribution %d is %v, want %v", i, got, want)
		}
	}
	row[5] = -10 // now the product is 0, and feature 5 takes it there
	base = m.Contributions(row, out)
	others := 0.0
	for i, got := range out {
		if i != 5 {
			others += got
			if got <= 0 || !near(got, out[0], 1e-14) {
				t.Errorf("contribution %d is %v, and that of 0 is %v", i, got, out[0])
			}
		}
	}
	if !near(base+others+out[5], 0, 1e-14) || out[5] >= 0 {
		t.Errorf("base %v, others %v, feature 5 %v", base, others, out[5])
	}
}

func TestContributionsWithoutTraining(t *testing.T) {
	one := stump()
	one.Value, one.Cover = []float64{1, 3}, []float64{0, 0}
	full := stump()
	full.Value, full.Cover = []float64{1, 3}, []float64{math.MaxFloat64, math.MaxFloat64}
	for _, tree := range []Tree{one, full} {
		m, err := NewTrees(GBDT, names(1), 10, []Tree{tree})
		if err != nil {
			t.Fatal(err)
		}
		out := []float64{99}
		if base := m.Contributions([]float64{tree.Threshold[0]}, out); base != 12 || !near(out[0], -1, 1e-15) {
			t.Errorf("covers %v: %v and %v, want 12 and -1", tree.Cover, base, out[0])
		}
	}
	none, err := NewTrees(GBDT, names(2), 0.25, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := []float64{99, 99}
	if base := none.Contributions([]float64{1, 2}, out); base != 0.25 || out[0] != 0 || out[1] != 0 {
		t.Errorf("no trees: %v and %v", base, out)
	}
}

func TestContributionsAtOnce(t *testing.T) {
	const features, n = 15, 50
	r := rand.New(rand.NewPCG(27, 28))
	trees := growTrees(r, 30, features, 31, 12)
	unevenly(r, trees)
	m, err := NewTrees(GBDT, names(features), 0, trees)
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewTrees(GBDT, names(features), 0, trees)
	if err != nil {
		t.Fatal(err)
	}
	rows, want := randomRows(r, n, features), make([]float64, n*features)
	for i := range n {
		again.Contributions(rows[i*features:(i+1)*features], want[i*features:(i+1)*features])
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			got := make([]float64, n*features)
			for i := range n {
				m.Contributions(rows[i*features:(i+1)*features], got[i*features:(i+1)*features])
			}
			if !slices.Equal(got, want) {
				t.Error("contributions differ between goroutines")
			}
		})
	}
	all.Wait()
}

func TestContributionsDoNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(29, 30))
	m, err := NewTrees(Forest, names(20), 0, growTrees(r, 50, 20, 31, 12))
	if err != nil {
		t.Fatal(err)
	}
	row, out := randomRows(r, 1, 20), make([]float64, 20)
	if n := testing.AllocsPerRun(200, func() { m.Contributions(row, out) }); n >= 1 {
		t.Errorf("%v allocations a row", n)
	}
}

func TestLinearContributions(t *testing.T) {
	m, err := NewLinear(names(3), []float64{1, -2, 0}, []float64{2, 0.5, 1}, []float64{3, -1, 7}, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	row, out := []float64{3, -1.5, math.NaN()}, []float64{9, 9, 9}
	if base := m.Contributions(row, out); base != 0.25 || !slices.Equal(out, []float64{3, -1, 0}) {
		t.Errorf("%v and %v", base, out)
	}
	r := rand.New(rand.NewPCG(31, 32))
	for range 1000 {
		row = awkwardRow(r, 3, []Tree{stump()})
		total := m.Contributions(row, out)
		for _, c := range out {
			total += c
		}
		if want := m.Margin(row); total != want {
			t.Fatalf("base and contributions are %v, want %v, of %v", total, want, row)
		}
	}
}

func TestTop(t *testing.T) {
	c := []float64{0.5, -2, 0, 2, math.NaN(), -0.5, 3}
	for n, want := range map[int][]int{
		-1: {}, 0: {}, 1: {6}, 3: {6, 1, 3}, 5: {6, 1, 3, 0, 5}, 99: {6, 1, 3, 0, 5, 2, 4},
	} {
		if got := Top(c, n); !slices.Equal(got, want) {
			t.Errorf("top %d is %v, want %v", n, got, want)
		}
	}
	if got := Top(nil, 3); len(got) != 0 {
		t.Errorf("top of nothing is %v", got)
	}
}

// A rule of n points integrates every power of t up to 2n−1 exactly.
func TestGaussLegendre(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 8, 31, 32, 33, 100, maxPoints} {
		rule := gaussLegendre(n)
		if len(rule) != (n+3)/4 {
			t.Fatalf("%d points in %d blocks", n, len(rule))
		}
		for _, power := range []int{0, 1, n, 2*n - 1} {
			for _, mirrored := range []bool{false, true} {
				got := 0.0
				for _, b := range rule {
					at := [4]float64{b.t.a, b.t.b, b.t.c, b.t.d}
					if mirrored {
						at = [4]float64{b.rest.a, b.rest.b, b.rest.c, b.rest.d}
					}
					for i, w := range [4]float64{b.weight.a, b.weight.b, b.weight.c, b.weight.d} {
						got += w * math.Pow(at[i], float64(power))
					}
				}
				if want := 1 / float64(power+1); math.Abs(got-want) > 1e-13*want {
					t.Errorf("%d points: the integral of t^%d is off by %.2g of it", n, power, (got-want)/want)
				}
			}
		}
	}
}
