package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
)

// shopRows have a column of categories, some rare, with an effect each, and two
// of numbers. Labels are of so many classes, or positive and negative for 0.
func shopRows(n, categories, classes int, seed uint64) *Rows {
	effects := rand.New(rand.NewPCG(99, 7)) // those of every seed are the same
	effect := make([]float64, (categories+1)*max(classes, 2))
	for i := range effect {
		effect[i] = 1.5 * effects.NormFloat64()
	}
	r := rand.New(rand.NewPCG(seed, 7))
	rows := &Rows{Names: []string{"amount", "shop", "age"}, Categorical: []bool{false, true, false}}
	for k := range classes {
		rows.Classes = append(rows.Classes, fmt.Sprint("class", k))
	}
	for range n {
		amount, age := r.ExpFloat64(), r.NormFloat64()
		shop := min(int(float64(categories)*math.Pow(r.Float64(), 2)), categories-1)
		value := orrery.CategoryOf(fmt.Sprint("shop ", shop))
		if r.IntN(20) == 0 {
			value, shop = math.NaN(), categories
		}
		best, most := 0, math.Inf(-1)
		for k := range max(classes, 2) {
			margin := effect[shop*max(classes, 2)+k] + float64(k)*(amount-1)*0.7 - math.Log(r.ExpFloat64())
			if margin > most {
				best, most = k, margin
			}
		}
		rows.X, rows.Y = append(rows.X, amount, value, age), append(rows.Y, float64(best))
	}
	return rows
}

func fitKind(t testing.TB, kind string, params Params, rows *Rows) model.Model {
	t.Helper()
	for _, k := range Kinds() {
		if k.Name == kind {
			p := Defaults(k.Kind)
			for name, value := range params {
				p[name] = value
			}
			m, err := k.Fit(context.Background(), rows, p, nil)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	t.Fatalf("no kind %s", kind)
	return nil
}

// classLoss is the log loss of a model of any number of classes.
func classLoss(m model.Model, rows *Rows) float64 {
	sum, weight := 0.0, 0.0
	for i, y := range rows.Y {
		var p float64
		if c, ok := m.(model.Classifier); ok {
			out := make([]float64, len(c.Classes()))
			c.Scores(rows.Row(i), out)
			p = out[int(y)]
		} else if p = m.Score(rows.Row(i)); y == 0 {
			p = 1 - p
		}
		sum -= rows.weight(i) * math.Log(max(p, 1e-12))
		weight += rows.weight(i)
	}
	return sum / weight
}

var kindNames = []string{model.GBDT, model.Forest, model.Logistic}

// A text says more as a category than as a number, whichever the kind.
func TestCategoriesAreLearned(t *testing.T) {
	for _, classes := range []int{0, 3} {
		rows, later := shopRows(4000, 100, classes, 1), shopRows(4000, 100, classes, 2)
		for _, kind := range kindNames {
			params := Params{}
			if kind != model.Logistic {
				params["trees"] = 25
			}
			with := classLoss(fitKind(t, kind, params, rows), later)
			numbers := *rows
			numbers.Categorical = nil
			if without := classLoss(fitKind(t, kind, params, &numbers), later); with > 0.99*without {
				t.Errorf("%s of %d classes: a loss of %.4f with categories, %.4f with the same as numbers", kind, classes, with, without)
			}
		}
	}
}

// The same bytes at any number of cores.
func TestCategoriesClassesAndConstraintsOnAnyCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, classes := range []int{0, 3} {
		rows := shopRows(9000, 300, classes, 3)
		rows.Weight = make([]float64, rows.Len())
		for i := range rows.Weight {
			rows.Weight[i] = float64(i%5) / 2
		}
		for _, kind := range kindNames {
			if rows.Monotone = nil; classes == 0 && kind != model.Forest {
				rows.Monotone = []int8{1, 0, -1}
			}
			params := Params{}
			if kind != model.Logistic {
				params["trees"] = 5
			}
			if kind == model.GBDT {
				params["early_stopping"], params["row_sample"] = 5, 0.7
			}
			var want []byte
			for _, cores := range []int{1, 2, 5} {
				runtime.GOMAXPROCS(cores)
				got := modelBytes(t, fitKind(t, kind, params, rows))
				if want == nil {
					want = got
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s of %d classes: %d cores give other bytes", kind, classes, cores)
				}
			}
		}
	}
}

// A stump's set is the best of all the ways to part the categories.
func TestStumpPartsCategoriesBest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for trial := range 40 {
		categories := 2 + r.IntN(7)
		rows := &Rows{Names: []string{"shop"}, Categorical: []bool{true}}
		positive, all := make([]float64, categories), make([]float64, categories)
		for i := range 60 + r.IntN(100) {
			c := r.IntN(categories)
			y := float64(r.IntN(2))
			if c%2 == 0 && r.IntN(3) > 0 || i == 0 {
				y = 1
			}
			rows.X, rows.Y = append(rows.X, orrery.CategoryOf(fmt.Sprint(c))), append(rows.Y, y)
			positive[c], all[c] = positive[c]+y, all[c]+1
		}
		o := GBDT{Trees: 1, Depth: 1, LearningRate: 1, Bins: 2, RowSample: 1, ColumnSample: 1, ValidationShare: 0.5}
		m := fitGBDT(t, o, rows)
		// The gain is by gradients about the share of all, whose hessian is alike.
		share := positives(rows) / float64(rows.Len())
		gain := func(set uint) float64 {
			var g, h [2]float64
			for c := range categories {
				side := set >> c & 1
				g[side] += positive[c] - share*all[c]
				h[side] += all[c]
			}
			if h[0] == 0 || h[1] == 0 {
				return 0
			}
			return g[0]*g[0]/h[0] + g[1]*g[1]/h[1]
		}
		most := 0.0
		for set := range uint(1) << categories {
			most = max(most, gain(set))
		}
		if len(m.Trees()[0].Feature) == 0 {
			if most > 1e-6 {
				t.Fatalf("trial %d: no split, where one gains %v", trial, most)
			}
			continue
		}
		var got uint
		for c := range categories {
			if m.Margin([]float64{orrery.CategoryOf(fmt.Sprint(c))}) > m.Base() {
				got |= 1 << c
			}
		}
		if math.Abs(gain(got)-most) > 1e-5*most {
			t.Errorf("trial %d: the set %b gains %v, and the best %v", trial, got, gain(got), most)
		}
	}
}

// Rare categories, those beyond the cap and those never seen are one and the
// same to a model.
func TestRareAndUnseenCategories(t *testing.T) {
	rows := shopRows(4000, 40, 0, 4)
	counts := map[float64]int{}
	for i := range rows.Len() {
		counts[rows.Row(i)[1]]++
	}
	for _, kind := range kindNames {
		m := fitKind(t, kind, Params{"max_categories": 8, "min_category_rows": 30}, rows)
		unseen := m.Score([]float64{1, orrery.CategoryOf("never"), 0})
		var kept, told int
		for value, n := range counts {
			same := m.Score([]float64{1, value, 0}) == unseen
			if value == value && n < 30 && !same {
				t.Errorf("%s: a category of %d rows is told apart", kind, n)
			}
			if value == value && !same {
				told++
			}
		}
		if trees, ok := m.(*model.Trees); ok {
			kept = len(trees.Categories()[1])
			list := trees.Categories()[1]
			for value, n := range counts {
				if _, on := slices.BinarySearch(list, value); !on && value == value {
					for _, other := range list {
						if counts[other] < n {
							t.Errorf("%s: a category of %d rows is kept, and one of %d is not", kind, counts[other], n)
						}
					}
				}
			}
			if kept != 8 {
				t.Errorf("%s: %d categories are kept", kind, kept)
			}
		}
		if told == 0 || told > 8 {
			t.Errorf("%s: %d categories are told apart", kind, told)
		}
	}
	few := shopRows(200, 150, 0, 5)
	for _, kind := range kindNames {
		m := fitKind(t, kind, Params{"min_category_rows": 1000}, few)
		if a, b := m.Score([]float64{1, few.X[1], 0}), m.Score([]float64{1, math.NaN(), 0}); a != b {
			t.Errorf("%s: with no category told apart the scores are %v and %v", kind, a, b)
		}
	}
}

// A row that weighs 3 is as good as three rows.
func TestClassWeightsAreRepeats(t *testing.T) {
	rows := shopRows(1500, 6, 3, 6)
	repeated := *rows
	repeated.X, repeated.Y = nil, nil
	for i, y := range rows.Y {
		w := i % 3
		rows.Weight = append(rows.Weight, float64(w))
		for range w {
			repeated.X, repeated.Y = append(repeated.X, rows.Row(i)...), append(repeated.Y, y)
		}
	}
	for _, kind := range []string{model.GBDT, model.Logistic} {
		params := Params{"min_category_rows": 1}
		if kind == model.GBDT {
			params["trees"], params["bins"] = 10, MaxBins
		}
		a, b := fitKind(t, kind, params, rows).(model.Classifier), fitKind(t, kind, params, &repeated).(model.Classifier)
		p, q := make([]float64, 3), make([]float64, 3)
		for i := range rows.Len() {
			a.Scores(rows.Row(i), p)
			b.Scores(rows.Row(i), q)
			for k := range p {
				if math.Abs(p[k]-q[k]) > 1e-4 {
					t.Fatalf("%s, row %d: scores %v, repeated %v", kind, i, p, q)
				}
			}
		}
	}
}

func TestLogisticClassesAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/classes.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Numbers, Y, Weight, Probabilities []float64
		Texts                             []int
		Classes                           int
		C                                 float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		rows := &Rows{Names: columnNames(3), Categorical: []bool{false, true, false}, Y: c.Y, Weight: c.Weight}
		for j, text := range c.Texts {
			value := orrery.CategoryOf(fmt.Sprint(text))
			if text == 5 {
				value = math.NaN()
			}
			rows.X = append(rows.X, c.Numbers[2*j], value, c.Numbers[2*j+1])
		}
		if c.Classes > 2 {
			rows.Classes = columnNames(c.Classes)
		}
		m := fitKind(t, model.Logistic, Params{"c": c.C, "min_category_rows": 1}, rows)
		scores := make([]float64, c.Classes)
		for j := range rows.Len() {
			if c.Classes > 2 {
				m.(model.Classifier).Scores(rows.Row(j), scores)
			} else {
				scores[1] = m.Score(rows.Row(j))
				scores[0] = 1 - scores[1]
			}
			for k, got := range scores {
				if want := c.Probabilities[j*c.Classes+k]; math.Abs(got-want) > 1e-5 {
					t.Fatalf("case %d, row %d, class %d: %v, want %v", i, j, k, got, want)
				}
			}
		}
	}
}

// The root of a forest of classes is the best split by Gini impurity, found by
// trying all, and its leaves are the shares of the rows that were drawn.
func TestForestOfClassesSplitsByGini(t *testing.T) {
	rows := shopRows(400, 5, 3, 8)
	rows.Categorical = nil
	f := &forest{Forest: Forest{Trees: 1, Depth: 1, Bins: MaxBins, ColumnSample: 1, MinLeaf: 1, Seed: 1}, rows: rows,
		data: newBinned(rows, nil, MaxBins, newTeam()), quanta: forestQuanta(rows), tries: 3}
	g := newClassGrower(f)
	trees := g.grow(context.Background(), 0)
	gini := func(tree *model.Tree) float64 {
		var side [2][4]float64
		for i, drawn := range g.drawn {
			leaf := tree.Leaf(rows.Row(i))
			side[leaf][int(rows.Y[i])] += float64(drawn)
			side[leaf][3] += float64(drawn)
		}
		sum := 0.0
		for _, s := range side {
			for k := range 3 {
				if s[3] > 0 {
					sum += s[k] * s[k] / s[3]
				}
			}
		}
		return sum
	}
	most, other := 0.0, trees[0]
	for f := range 3 {
		for i := range rows.Len() {
			for _, missing := range []bool{false, true} {
				other.Feature, other.Threshold, other.MissingLeft = []int32{int32(f)}, []float64{rows.Row(i)[f]}, []bool{missing}
				most = max(most, gini(&other))
			}
		}
	}
	if got := gini(&trees[0]); math.Abs(got-most) > 1e-9*most {
		t.Errorf("the split gives %v, the best %v", got, most)
	}
	for leaf := range 2 {
		var shares [3]float64
		weight := 0.0
		for i, drawn := range g.drawn {
			if trees[0].Leaf(rows.Row(i)) == leaf {
				shares[int(rows.Y[i])] += float64(drawn)
				weight += float64(drawn)
			}
		}
		for k := range shares {
			if got := trees[k].Value[leaf]; math.Abs(got-shares[k]/weight) > 1e-12 || trees[k].Cover[leaf] != weight {
				t.Errorf("leaf %d of class %d has %v of %v, want %v of %v", leaf, k, got, trees[k].Cover[leaf], shares[k]/weight, weight)
			}
		}
	}
}

func TestClassesRefuse(t *testing.T) {
	for _, kind := range kindNames {
		for code, change := range map[string]func(*Rows){
			"train_class_missing": func(r *Rows) {
				for i := range r.Y {
					r.Y[i] = min(r.Y[i], 1)
				}
			},
			"train_rows":     func(r *Rows) { r.Y[0] = 3 },
			"train_monotone": func(r *Rows) { r.Monotone = []int8{1, 0, 0} },
		} {
			rows := shopRows(200, 4, 3, 9)
			change(rows)
			for _, k := range Kinds() {
				if k.Name != kind {
					continue
				}
				if _, err := k.Fit(context.Background(), rows, Defaults(k.Kind), nil); orrery.CodeOf(err) != code {
					t.Errorf("%s: error %v, want %s", kind, err, code)
				}
			}
		}
	}
}

func TestGBDTOfClassesStopsEarly(t *testing.T) {
	rows := shopRows(3000, 10, 3, 10)
	m := fitKind(t, model.GBDT, Params{"trees": 400, "learning_rate": 0.3, "min_child_weight": 0.1, "early_stopping": 5}, rows).(*model.Multiclass)
	n := len(m.Part(0).(*model.Trees).Trees())
	if n == 0 || n >= 400 {
		t.Fatalf("it stopped after %d rounds", n)
	}
	held := rows.slice(2400, 3000)
	least := classLoss(m, held)
	for _, trees := range []int{n - 1, n + 1, n + 4} {
		other := fitKind(t, model.GBDT, Params{"trees": max(trees, 1), "learning_rate": 0.3, "min_child_weight": 0.1}, rows.slice(0, 2400))
		if loss := classLoss(other, held); loss < least-1e-12 {
			t.Errorf("%d rounds have a loss of %v, below %v of %d", trees, loss, least, n)
		}
	}
}
