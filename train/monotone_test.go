package train

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
)

// wavyRows hang on their columns up and down, against what is asked of a model.
func wavyRows(n int, seed uint64) *Rows {
	r := rand.New(rand.NewPCG(seed, 3))
	rows := &Rows{Names: []string{"a", "b", "c", "shop"}, Categorical: []bool{false, false, false, true}, Monotone: []int8{1, -1, 0, 0}}
	for range n {
		a, b, c := 3*r.NormFloat64(), 3*r.NormFloat64(), r.Float64()
		shop := r.IntN(8)
		risk := a/2 + 2*math.Sin(2*a) - b/2 + 2*math.Sin(2*b) + 3*c*math.Sin(a+b) + float64(shop%3) - 1
		if r.IntN(15) == 0 {
			a = math.NaN()
		}
		y := 0.0
		if r.Float64() < 1/(1+math.Exp(-risk)) {
			y = 1
		}
		rows.X, rows.Y = append(rows.X, a, b, c, orrery.CategoryOf(string(rune('a'+shop)))), append(rows.Y, y)
	}
	return rows
}

// On random grids no score falls as a constrained column rises, or rises as one
// the other way does.
func TestConstraintsHoldOnGrids(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, o := range []GBDT{
		{Trees: 60, Depth: 6, LearningRate: 0.2, Bins: 200, L2: 1, MinChildWeight: 0.1, RowSample: 1, ColumnSample: 1, ValidationShare: 0.5},
		{Trees: 40, Depth: 9, LearningRate: 0.3, Bins: 60, L1: 0.5, L2: 0.5, RowSample: 0.5, ColumnSample: 0.5, ValidationShare: 0.5, Seed: 2},
	} {
		rows := wavyRows(5000, 1)
		m := fitGBDT(t, o, rows)
		free := *rows
		free.Monotone = nil
		plain := fitGBDT(t, o, &free)
		broken := 0
		for range 150 {
			row := []float64{3 * r.NormFloat64(), 3 * r.NormFloat64(), r.Float64(), rows.X[4*r.IntN(rows.Len())+3]}
			for f, way := range []float64{1, -1} {
				row := append([]float64(nil), row...)
				last, lastPlain := math.Inf(-1), math.Inf(-1)
				for step := range 200 {
					row[f] = way * (float64(step)/10 - 10)
					margin := m.Margin(row)
					if margin < last {
						t.Fatalf("column %d: the margin goes from %v to %v", f, last, margin)
					}
					if last = margin; plain.Margin(row) < lastPlain {
						broken++
					}
					lastPlain = plain.Margin(row)
				}
			}
		}
		if broken == 0 {
			t.Error("the rows would keep the constraints by themselves, so the test shows nothing")
		}
		if loss, none := logLoss(m, rows), 0.65; loss > none {
			t.Errorf("a loss of %v under constraints", loss)
		}
	}
}

// Constraints that the rows would keep anyway cost nothing.
func TestHarmlessConstraintsChangeLittle(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 7))
	rows := &Rows{Names: []string{"a", "b"}}
	for range 4000 {
		a, b := r.NormFloat64(), r.NormFloat64()
		y := 0.0
		if r.Float64() < 1/(1+math.Exp(-2*a+b)) {
			y = 1
		}
		rows.X, rows.Y = append(rows.X, a, b), append(rows.Y, y)
	}
	later := rows.slice(3000, 4000)
	rows = rows.slice(0, 3000)
	without := logLoss(fitGBDT(t, small(), rows), later)
	rows.Monotone = []int8{1, -1}
	if with := logLoss(fitGBDT(t, small(), rows), later); with > without+0.01 {
		t.Errorf("a loss of %v under constraints, %v without", with, without)
	}
}

// At the minimum under constraints, the gradient vanishes for a weight that is
// free and draws one at 0 to the wrong side (the conditions of Karush, Kuhn and
// Tucker).
func TestLogisticUnderConstraintsIsTheMinimum(t *testing.T) {
	rows := noisyRows(3000, 6, 5) // rises with the first column, falls with the second
	rows.Monotone = []int8{-1, -1, 1, 1, -1, 0}
	m := fitOne(t, rows, 0.7)
	means, scales, err := standardisation(rows)
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for f := range 6 {
		weight := m.Contribution(f, means[f]+scales[f])
		gradient := weight
		for i, y := range rows.Y {
			if x := rows.Row(i)[f]; x == x {
				gradient += 0.7 * (m.Score(rows.Row(i)) - y) * (x - means[f]) / scales[f]
			}
		}
		sign := float64(rows.Monotone[f])
		switch {
		case weight*sign < 0:
			t.Errorf("weight %d is %v, of the wrong sign", f, weight)
		case weight == 0 && sign != 0:
			held++
			if gradient*sign < 0 {
				t.Errorf("weight %d is 0, and %v would lower the loss", f, -gradient)
			}
		case math.Abs(gradient) > 1e-4:
			t.Errorf("gradient %d is %v", f, gradient)
		}
	}
	if held == 0 || m.Contribution(0, means[0]+1) != 0 {
		t.Error("no constraint binds, so the test shows nothing")
	}
}

func TestConstraintsRefuse(t *testing.T) {
	rows := wavyRows(300, 2)
	if _, err := DefaultForest().Fit(context.Background(), rows, nil); orrery.CodeOf(err) != "train_monotone" {
		t.Errorf("a forest: error %v", err)
	}
	rows.Monotone[3] = 1
	for _, kind := range []string{model.GBDT, model.Logistic} {
		for _, k := range Kinds() {
			if k.Name == kind {
				if _, err := k.Fit(context.Background(), rows, Defaults(k.Kind), nil); orrery.CodeOf(err) != "train_monotone" {
					t.Errorf("%s of categories: error %v", kind, err)
				}
			}
		}
	}
}
