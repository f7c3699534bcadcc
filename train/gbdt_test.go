package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/numeric"
)

// rareRows have few positives, far out in some columns, as fraud has.
func rareRows(n, columns int, seed uint64) *Rows {
	r := rand.New(rand.NewPCG(seed, 7))
	rows := &Rows{Names: columnNames(columns)}
	for range n {
		risk := -5.0
		for f := range columns {
			x := r.NormFloat64()
			switch f % 3 {
			case 1:
				x = float64(r.IntN(40))
			case 2:
				x = math.Exp(x)
			}
			switch {
			case f == 0 && x > 2:
				risk += 4
			case f == 2 && x > 8:
				risk += 5
			case f == 1 && x > 37:
				risk += 2
			}
			if f == 3 && r.IntN(5) == 0 {
				x = math.NaN()
				risk++
			}
			rows.X = append(rows.X, x)
		}
		y := 0.0
		if r.Float64() < 1/(1+math.Exp(-risk)) {
			y = 1
		}
		rows.Y = append(rows.Y, y)
	}
	return rows
}

func small() GBDT {
	o := DefaultGBDT()
	o.Trees, o.Depth, o.MinChildWeight, o.L2, o.RowSample, o.ColumnSample = 10, 4, 1, 1, 1, 1
	return o
}

func fitGBDT(t testing.TB, o GBDT, rows *Rows) *model.Trees {
	t.Helper()
	m, err := o.Fit(context.Background(), rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*model.Trees)
}

func modelBytes(t testing.TB, m model.Model) []byte {
	t.Helper()
	b, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func logLoss(m model.Model, rows *Rows) float64 {
	sum, weight := 0.0, 0.0
	for i, y := range rows.Y {
		p := m.Score(rows.Row(i))
		if y == 0 {
			p = 1 - p
		}
		sum -= rows.weight(i) * math.Log(p)
		weight += rows.weight(i)
	}
	return sum / weight
}

// Whatever the number of cores, the bytes are the same.
func TestGBDTOnAnyCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rows := rareRows(12_000, 7, 1)
	sampled := small()
	sampled.RowSample, sampled.ColumnSample, sampled.Bins = 0.6, 0.5, 300
	stopped := small()
	stopped.EarlyStopping = 3
	for name, o := range map[string]GBDT{"plain": small(), "sampled": sampled, "stopped": stopped} {
		var want []byte
		for _, cores := range []int{1, 2, 3, 7} {
			runtime.GOMAXPROCS(cores)
			got := modelBytes(t, fitGBDT(t, o, rows))
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %d cores give other bytes", name, cores)
			}
		}
	}
}

func TestGBDTLearns(t *testing.T) {
	rows, later := rareRows(20_000, 5, 2), rareRows(20_000, 5, 3)
	o := small()
	o.Trees = 60
	m := fitGBDT(t, o, rows)
	constant := fitGBDT(t, GBDT{Trees: 1, Depth: 1, LearningRate: 1e-9, Bins: 2, L2: 1, RowSample: 1, ColumnSample: 1, ValidationShare: 0.5}, rows)
	if loss, without := logLoss(m, later), logLoss(constant, later); loss > 0.8*without {
		t.Errorf("a log loss of %v, where knowing nothing gives %v", loss, without)
	}
	if got, want := constant.Score(rows.Row(0)), positives(rows)/float64(rows.Len()); math.Abs(got-want) > 1e-6 {
		t.Errorf("knowing nothing gives %v, the share of positives is %v", got, want)
	}
}

func positives(rows *Rows) (n float64) {
	for _, y := range rows.Y {
		n += y
	}
	return n
}

// A leaf's value is -rate·G/(H+l2) of the gradients themselves, summed in the
// order of the rows.
func TestGBDTLeafValues(t *testing.T) {
	rows := rareRows(3000, 4, 4)
	o := small()
	o.Trees, o.L1, o.L2 = 1, 0.5, 3
	m := fitGBDT(t, o, rows)
	tree := &m.Trees()[0]
	p := numeric.Sigmoid(m.Base())
	g, h, cover := make([]float64, len(tree.Value)), make([]float64, len(tree.Value)), make([]float64, len(tree.Value))
	for i, y := range rows.Y {
		leaf := tree.Leaf(rows.Row(i))
		g[leaf] += p - y
		h[leaf] += p * (1 - p)
		cover[leaf]++
	}
	for i := range g {
		if want := -o.LearningRate * shrink(g[i], 0.5) / (h[i] + 3); tree.Value[i] != want || tree.Cover[i] != cover[i] {
			t.Errorf("leaf %d is %v of %v, want %v of %v", i, tree.Value[i], tree.Cover[i], want, cover[i])
		}
	}
}

// A row that weighs 3 is as good as three rows.
func TestGBDTWeightsAreRepeats(t *testing.T) {
	rows := rareRows(2000, 4, 5)
	r := rand.New(rand.NewPCG(1, 2))
	repeated := &Rows{Names: rows.Names}
	for i, y := range rows.Y {
		w := r.IntN(4)
		rows.Weight = append(rows.Weight, float64(w))
		for range w {
			repeated.X, repeated.Y = append(repeated.X, rows.Row(i)...), append(repeated.Y, y)
		}
	}
	o := small()
	o.Bins = MaxBins
	a, b := fitGBDT(t, o, rows), fitGBDT(t, o, repeated)
	for i := range rows.Len() {
		if x, y := a.Margin(rows.Row(i)), b.Margin(rows.Row(i)); math.Abs(x-y) > 1e-4 {
			t.Fatalf("row %d has the margin %v, repeated %v", i, x, y)
		}
	}
}

// Where a missing value is what tells, it goes the telling way; where none was
// seen in training, it goes with the greater part.
func TestGBDTMissing(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	for _, positive := range []float64{0, 1} {
		rows := &Rows{Names: columnNames(2)}
		for range 2000 {
			x, y := r.Float64(), 1-positive
			if r.IntN(2) == 0 {
				x, y = math.NaN(), positive
			}
			rows.X, rows.Y = append(rows.X, x, 0), append(rows.Y, y)
		}
		m := fitGBDT(t, small(), rows)
		missing, present := m.Score([]float64{math.NaN(), 0}), m.Score([]float64{0.5, 0})
		if (missing > present) != (positive == 1) || math.Abs(missing-present) < 0.4 {
			t.Errorf("missing scores %v, present %v, with %v where it is missing", missing, present, positive)
		}
	}
	rows := &Rows{Names: columnNames(1)}
	for i := range 1000 {
		x, y := 1.0, float64(i%10/9)
		if i < 200 {
			x, y = 0, float64(i%10/5)
		}
		rows.X, rows.Y = append(rows.X, x), append(rows.Y, y)
	}
	m := fitGBDT(t, small(), rows)
	if m.Score([]float64{math.NaN()}) != m.Score([]float64{1}) || m.Score([]float64{0}) == m.Score([]float64{1}) {
		t.Error("a value missing only later does not go with the greater part")
	}
}

// A column of nothing but missing values is no use and no harm.
func TestGBDTEmptyAndConstantColumns(t *testing.T) {
	rows := rareRows(2000, 3, 9)
	wide := &Rows{Names: columnNames(5), Y: rows.Y}
	for i := range rows.Len() {
		wide.X = append(append(wide.X, rows.Row(i)...), math.NaN(), 7)
	}
	a, b := fitGBDT(t, small(), rows), fitGBDT(t, small(), wide)
	for i := range rows.Len() {
		if a.Score(rows.Row(i)) != b.Score(wide.Row(i)) {
			t.Fatal("columns that tell nothing change the model")
		}
	}
	same := &Rows{Names: columnNames(1), X: []float64{3, 3, 3, 3}, Y: []float64{0, 1, 1, 1}}
	if m := fitGBDT(t, small(), same); math.Abs(m.Score([]float64{3})-0.75) > 1e-9 {
		t.Errorf("without a split the score is %v", m.Score([]float64{3}))
	}
}

func TestGBDTEarlyStopping(t *testing.T) {
	rows := rareRows(4000, 4, 10)
	o := small()
	o.Trees, o.LearningRate, o.MinChildWeight, o.EarlyStopping, o.ValidationShare = 400, 0.3, 0.01, 5, 0.25
	fit, held := rows.slice(0, 3000), rows.slice(3000, 4000)
	stopped := fitGBDT(t, o, rows)
	n := len(stopped.Trees())
	if n == 0 || n >= 400 {
		t.Fatalf("it stopped after %d trees", n)
	}
	o.EarlyStopping = 0
	loss := func(trees int) float64 { o.Trees = trees; return logLoss(fitGBDT(t, o, fit), held) }
	least := logLoss(stopped, held)
	if loss(n) != least {
		t.Error("the trees are not those of the earlier rows alone")
	}
	for _, other := range []int{n - 1, n + 1, n + 5} {
		if other > 0 && loss(other) < least {
			t.Errorf("%d trees have a lower loss than %d", other, n)
		}
	}
}

func TestGBDTSampling(t *testing.T) {
	rows := rareRows(3000, 6, 11)
	o := small()
	o.ColumnSample = 0.34
	for i, tree := range fitGBDT(t, o, rows).Trees() {
		used := slices.Clone(tree.Feature)
		slices.Sort(used)
		if len(slices.Compact(used)) > 2 {
			t.Errorf("tree %d uses more than two columns", i)
		}
	}
	o = small()
	o.RowSample = 0.5
	m := fitGBDT(t, o, rows)
	for i, tree := range m.Trees() {
		cover := 0.0
		for _, c := range tree.Cover {
			cover += c
		}
		if math.Abs(cover-1500) > 200 {
			t.Errorf("tree %d has seen %v rows", i, cover)
		}
	}
	again, other := fitGBDT(t, o, rows), o
	other.Seed++
	if !bytes.Equal(modelBytes(t, m), modelBytes(t, again)) || bytes.Equal(modelBytes(t, m), modelBytes(t, fitGBDT(t, other, rows))) {
		t.Error("the seed does not decide alone")
	}
}

// The sums in two words find what those in one do.
func TestGBDTUnpacked(t *testing.T) {
	rows := rareRows(3000, 4, 12)
	fit := func(packed bool) *boosting {
		b := newBoosting(small(), rows, nil)
		q := b.gradients()
		q.packed = packed
		random := numeric.NewRandom(1, 0)
		if err := b.grow(context.Background(), random, q); err != nil {
			t.Fatal(err)
		}
		return b
	}
	a, b := fit(true), fit(false)
	if !slices.Equal(a.margins[0], b.margins[0]) {
		t.Error("the trees differ")
	}
}

func TestTreesRefuse(t *testing.T) {
	good := func() *Rows {
		return &Rows{Names: columnNames(1), X: []float64{1, 2, 3, 4}, Y: []float64{0, 1, 0, 1}}
	}
	for code, change := range map[string]func(*Rows){
		"train_no_rows":     func(r *Rows) { r.X, r.Y = nil, nil },
		"train_no_features": func(r *Rows) { r.Names, r.X = nil, nil },
		"train_one_class":   func(r *Rows) { r.Y = []float64{1, 1, 1, 1} },
		"train_rows":        func(r *Rows) { r.X[2] = math.Inf(-1) },
	} {
		rows := good()
		change(rows)
		_, a := small().Fit(context.Background(), rows, nil)
		_, b := DefaultForest().Fit(context.Background(), rows, nil)
		for _, err := range []error{a, b} {
			var e *orrery.Error
			if !errors.As(err, &e) || e.Code != code || e.Kind != orrery.Invalid || e.Next == "" {
				t.Errorf("error %v, want code %s and what to do", err, code)
			}
		}
	}
	for name, o := range map[string]func(*GBDT){
		"trees": func(o *GBDT) { o.Trees = 0 }, "depth": func(o *GBDT) { o.Depth = 65 }, "bins": func(o *GBDT) { o.Bins = 65536 },
		"learning_rate": func(o *GBDT) { o.LearningRate = math.NaN() }, "row_sample": func(o *GBDT) { o.RowSample = 0 },
	} {
		bad := small()
		o(&bad)
		var e *orrery.Error
		if _, err := bad.Fit(context.Background(), good(), nil); !errors.As(err, &e) || e.Field != name {
			t.Errorf("error %v, want one for %s", err, name)
		}
	}
	late := good()
	o := small()
	o.EarlyStopping, o.ValidationShare = 1, 0.1
	if _, err := o.Fit(context.Background(), late, nil); orrery.CodeOf(err) != "train_no_rows" {
		t.Errorf("error %v, with no rows to watch", err)
	}
}

func TestTreesStopWhenTold(t *testing.T) {
	rows := rareRows(2000, 4, 13)
	for _, k := range []Kind{gbdtKind(), forestKind()} {
		ctx, cancel := context.WithCancel(context.Background())
		steps := 0
		_, err := k.Fit(ctx, rows, Defaults(k.Kind), func(done, total int) {
			if steps++; steps == 3 {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) || steps > 5 {
			t.Errorf("%s: error %v after %d steps", k.Name, err, steps)
		}
	}
}

// Every kind's defaults are within their own bounds.
func TestDefaultsFit(t *testing.T) {
	rows := rareRows(1000, 3, 14)
	for _, k := range Kinds() {
		if k.Heads {
			continue // it is made of files, which have no default
		}
		if k.ReadsText {
			rows.Text = make([]string, rows.Len())
		}
		m, err := k.Fit(context.Background(), rows, Defaults(k.Kind), nil)
		if err != nil {
			t.Errorf("%s: %v", k.Name, err)
		} else if m.Kind() != k.Name {
			t.Errorf("%s gives a %s", k.Name, m.Kind())
		}
	}
}
