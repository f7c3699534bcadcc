package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
)

func columnNames(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = string(rune('a' + i))
	}
	return out
}

func fitOne(t *testing.T, rows *Rows, c float64) *model.Linear {
	t.Helper()
	m, err := logisticKind().Fit(context.Background(), rows, Params{"c": c}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*model.Linear)
}

func TestLogisticAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/logistic.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		X, Y, Weight           []float64
		Columns                int
		C, Bias                float64
		Means, Scales, Weights []float64
		Scores                 []float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		rows := &Rows{Names: columnNames(c.Columns), X: c.X, Y: c.Y, Weight: c.Weight}
		m := fitOne(t, rows, c.C)
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
				t.Errorf("case %d: %s is %v, want %v", i, what, got, want)
			}
		}
		near("bias", m.Bias(), c.Bias)
		for f, want := range c.Weights {
			near("weight", m.Contribution(f, c.Means[f]+c.Scales[f]), want)
			near("contribution of the mean", m.Contribution(f, c.Means[f]), 0)
		}
		for r, want := range c.Scores {
			near("score", m.Score(rows.Row(r)), want)
		}
	}
}

// noisyRows has missing values, and labels that hang on the first two columns.
func noisyRows(n, columns int, seed uint64) *Rows {
	r := rand.New(rand.NewPCG(seed, 1))
	rows := &Rows{Names: columnNames(columns), X: make([]float64, n*columns), Y: make([]float64, n)}
	for i := range rows.X {
		rows.X[i] = 3*r.NormFloat64() + float64(i%columns)
		if r.IntN(20) == 0 {
			rows.X[i] = math.NaN()
		}
	}
	for i := range rows.Y {
		row := rows.Row(i)
		if row[0]-row[1]+2*r.NormFloat64() > 2 {
			rows.Y[i] = 1
		}
	}
	return rows
}

// At the minimum the gradient is zero, which no reference is needed to see.
func TestLogisticGradientVanishes(t *testing.T) {
	rows := noisyRows(5000, 6, 2)
	rows.Weight = make([]float64, rows.Len())
	for i := range rows.Weight {
		rows.Weight[i] = float64(i % 3)
	}
	m := fitOne(t, rows, 0.7)
	means, scales, err := standardisation(rows)
	if err != nil {
		t.Fatal(err)
	}
	gradient := make([]float64, 7)
	for f := range 6 {
		gradient[f] = m.Contribution(f, means[f]+scales[f]) // the penalty's part
	}
	for i, y := range rows.Y {
		d := 0.7 * rows.Weight[i] * (m.Score(rows.Row(i)) - y)
		gradient[6] += d
		for f, x := range rows.Row(i) {
			if x == x {
				gradient[f] += d * (x - means[f]) / scales[f]
			}
		}
	}
	for f, g := range gradient {
		if math.Abs(g) > 1e-5 {
			t.Errorf("gradient %d is %v", f, g)
		}
	}
}

func TestLogisticSameAtAnyNumberOfCores(t *testing.T) {
	rows := noisyRows(20_000, 5, 3)
	var first []byte
	for _, cores := range []int{1, 2, 3, 8} {
		before := runtime.GOMAXPROCS(cores)
		b, err := fitOne(t, rows, 1).AppendBinary(nil)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(b, first) {
			t.Fatalf("with %d cores the model is another", cores)
		}
	}
}

func TestLogisticSeparableAndEmptyColumns(t *testing.T) {
	nan := math.NaN()
	rows := &Rows{Names: columnNames(3), Y: []float64{0, 0, 1, 1}, X: []float64{
		1, nan, 1e-300,
		2, nan, 2e-300,
		3, nan, 3e-300,
		4, nan, 4e-300,
	}}
	m := fitOne(t, rows, 1)
	if low, high := m.Score(rows.Row(0)), m.Score(rows.Row(3)); !(low < 0.5 && high > 0.5) {
		t.Errorf("scores %v and %v of rows that one column separates", low, high)
	}
	if got := m.Contribution(1, 5); got != 0 {
		t.Errorf("a column without values contributes %v", got)
	}
	fitOne(t, rows, 1e8)
	none := &Rows{Names: nil, Y: []float64{0, 1, 1, 1}}
	if got := fitOne(t, none, 1).Score(nil); math.Abs(got-0.75) > 1e-9 {
		t.Errorf("score %v without columns, want the rate 0.75", got)
	}
}

func TestLogisticRefuses(t *testing.T) {
	rows := func(y, x, w []float64) *Rows { return &Rows{Names: columnNames(1), Y: y, X: x, Weight: w} }
	good, both := []float64{1, 2}, []float64{0, 1}
	cases := []struct {
		name string
		rows *Rows
		c    any
		code string
	}{
		{"c is 0", rows(both, good, nil), 0.0, "train_param"},
		{"c is NaN", rows(both, good, nil), math.NaN(), "train_param"},
		{"c is no number", rows(both, good, nil), "1", "train_param"},
		{"one class", rows([]float64{1, 1}, good, nil), 1.0, "train_one_class"},
		{"no rows", rows(nil, nil, nil), 1.0, "train_one_class"},
		{"weightless class", rows(both, good, []float64{0, 1}), 1.0, "train_one_class"},
		{"infinite", rows(both, []float64{1, math.Inf(-1)}, nil), 1.0, "train_rows"},
		{"too great", rows(both, []float64{1e300, -1e300}, nil), 1.0, "train_rows"},
		{"label", rows([]float64{0, 2}, good, nil), 1.0, "train_rows"},
		{"weight", rows(both, good, []float64{1, math.NaN()}), 1.0, "train_rows"},
		{"shape", rows(both, []float64{1}, nil), 1.0, "train_rows"},
	}
	for _, c := range cases {
		_, err := logisticKind().Fit(context.Background(), c.rows, Params{"c": c.c}, nil)
		if orrery.CodeOf(err) != c.code || orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("%s: error %v, want code %s", c.name, err, c.code)
		}
	}
}

func TestLogisticStopsAndReports(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	_, err := logisticKind().Fit(ctx, noisyRows(2000, 3, 4), Params{"c": 1.0}, func(done, total int) {
		calls++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("error %v after %d reports, want to be canceled after the first", err, calls)
	}
}

func BenchmarkLogistic67kx15(b *testing.B) {
	rows := noisyRows(67_000, 15, 5)
	for b.Loop() {
		if _, err := logisticKind().Fit(context.Background(), rows, Params{"c": 1.0}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
