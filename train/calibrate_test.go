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
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/metric"
	"orrery.dev/model"
	"orrery.dev/numeric"
)

func fitBeta(t *testing.T, s metric.Set) *model.Beta {
	t.Helper()
	c, err := FitBeta(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fitIsotonic(t *testing.T, s metric.Set) *model.Isotonic {
	t.Helper()
	c, err := FitIsotonic(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCalibratorsAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/calibrate.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		metric.Set
		Beta         [3]float64
		At, Isotonic []float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		near := func(what string, got, want, within float64) {
			t.Helper()
			if !(math.Abs(got-want) <= within*max(1, math.Abs(want))) {
				t.Errorf("case %d: %s is %v, want %v", i, what, got, want)
			}
		}
		beta := fitBeta(t, c.Set)
		for j, got := range []float64{beta.A, beta.B, beta.C} {
			near(string(rune('a'+j)), got, c.Beta[j], 1e-5)
		}
		isotonic := fitIsotonic(t, c.Set)
		for j, at := range c.At {
			near("isotonic", isotonic.Calibrate(at), c.Isotonic[j], 1e-12)
		}
	}
}

// scoredSet has scores whose truth is another probability, in time order.
func scoredSet(n int, seed uint64, truth func(s float64) float64) metric.Set {
	r := rand.New(rand.NewPCG(seed, 7))
	s := metric.Set{Label: make([]float64, n), Score: make([]float64, n)}
	for i := range n {
		s.Score[i] = numeric.Sigmoid(2*r.NormFloat64() - 1)
		if r.Float64() < truth(s.Score[i]) {
			s.Label[i] = 1
		}
	}
	return s
}

func loss(t *testing.T, c model.Calibrator, s metric.Set) float64 {
	t.Helper()
	after := s
	after.Score = nil
	for _, score := range s.Score {
		after.Score = append(after.Score, c.Calibrate(score))
	}
	v, err := metric.LogLoss(after)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// No step away from the fit, within what is allowed, lowers the log loss; where
// the truth is a beta calibration its parameters are found.
func TestBetaIsTheMinimum(t *testing.T) {
	want, _ := model.NewBeta(0.6, 1.5, -0.7, 0)
	s := scoredSet(200_000, 1, want.Calibrate)
	got := fitBeta(t, s)
	for _, d := range []float64{got.A - want.A, got.B - want.B, got.C - want.C} {
		if math.Abs(d) > 0.05 {
			t.Errorf("%+v, want about %+v", got, want)
		}
	}
	truths := []func(float64) float64{
		want.Calibrate,
		func(s float64) float64 { return 1 - s },                 // falls: nothing is left of a and b
		func(s float64) float64 { return 0.9 - 0.8*(1-s)*(1-s) }, // b would be negative
		func(s float64) float64 { return 0.1 + 0.8*s*s*s },       // a would be negative
	}
	for i, truth := range truths {
		s := scoredSet(3000, uint64(i), truth)
		c := fitBeta(t, s)
		least := loss(t, c, s)
		for _, step := range [][3]float64{{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}, {1, -1, 0}, {-1, 1, 0}} {
			other := model.Beta{A: c.A + step[0]/100, B: c.B + step[1]/100, C: c.C + step[2]/100, Floor: c.Floor}
			if other.A >= 0 && other.B >= 0 && loss(t, &other, s) < least {
				t.Errorf("truth %d: %+v has a lower loss than %+v", i, other, c)
			}
		}
		if i == 1 && (c.A != 0 || c.B != 0) {
			t.Errorf("of scores upside down, %+v", c)
		}
	}
}

func TestBetaOfSharpCutsAndExactEnds(t *testing.T) {
	cut := metric.Set{Label: []float64{0, 0, 1, 1}, Score: []float64{0.1, 0.2, 0.3, 0.4}}
	c := fitBeta(t, cut)
	if low, high := c.Calibrate(0.2), c.Calibrate(0.3); !(low < 0.01 && high > 0.99) {
		t.Errorf("%+v: a cut between the classes gives %v and %v", c, low, high)
	}
	ends := scoredSet(2000, 3, func(s float64) float64 { return s })
	for i := range 200 {
		ends.Score[i], ends.Label[i] = float64(i%2), float64(i%2)
	}
	ends.Label[0], ends.Label[1] = 1, 0 // one of each end turned out otherwise
	c = fitBeta(t, ends)
	if c.Floor == 0 || c.Calibrate(0) >= c.Calibrate(1e-3) || c.Calibrate(0) < 1e-6 {
		t.Errorf("%+v: 0 becomes %v", c, c.Calibrate(0))
	}
	if plain := fitBeta(t, scoredSet(100, 4, func(s float64) float64 { return s })); plain.Floor != 0 {
		t.Errorf("without scores of 0 or 1 the floor is %v", plain.Floor)
	}
}

// The isotonic fit at a point is max over starts ≤ it of min over ends ≥ it of
// the mean between, by its definition.
func TestIsotonicByMinimax(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		n := 1 + r.IntN(30)
		s := metric.Set{Label: make([]float64, n), Score: make([]float64, n), Weight: make([]float64, n)}
		for i := range n {
			s.Label[i], s.Score[i], s.Weight[i] = float64(r.IntN(2)), float64(r.IntN(12))/11, float64(r.IntN(4))/2
		}
		s.Weight[0] = 1
		c := fitIsotonic(t, s)
		for i := range n {
			if s.Weight[i] == 0 {
				continue
			}
			want := math.Inf(-1)
			for from := range 12 {
				least := math.Inf(1)
				for to := from; to < 12; to++ {
					low, high := float64(from)/11, float64(to)/11
					var positive, weight float64
					for j := range n {
						if s.Score[j] >= low && s.Score[j] <= high {
							positive += s.Weight[j] * s.Label[j]
							weight += s.Weight[j]
						}
					}
					if high >= s.Score[i] && weight > 0 {
						least = min(least, positive/weight)
					}
				}
				if float64(from)/11 <= s.Score[i] {
					want = max(want, least)
				}
			}
			if got := c.Calibrate(s.Score[i]); math.Abs(got-want) > 1e-12 {
				t.Fatalf("%v becomes %v, want %v, of %+v", s.Score[i], got, want, s)
			}
		}
	}
}

// Whole weights are copies of a row, and the order of rows says nothing.
func TestCalibratorWeightsAreCopies(t *testing.T) {
	s := scoredSet(400, 6, func(s float64) float64 { return s * s })
	var copies metric.Set
	s.Weight = make([]float64, len(s.Label))
	for i := range s.Label {
		s.Weight[i] = float64(i % 3)
		for range i % 3 {
			copies.Label, copies.Score = append(copies.Label, s.Label[i]), append(copies.Score, s.Score[i])
		}
	}
	a, b := fitBeta(t, s), fitBeta(t, copies)
	if math.Abs(a.A-b.A)+math.Abs(a.B-b.B)+math.Abs(a.C-b.C) > 1e-4 {
		t.Errorf("beta: %+v and, by copies, %+v", a, b)
	}
	great := s
	great.Weight = make([]float64, len(s.Weight))
	for i, w := range s.Weight {
		great.Weight[i] = w * 0x1p1000
	}
	if b := fitBeta(t, great); *b != *a {
		t.Errorf("beta: %+v and, by great weights, %+v", a, b)
	}
	x, y := fitIsotonic(t, s), fitIsotonic(t, copies)
	for _, score := range s.Score {
		if math.Abs(x.Calibrate(score)-y.Calibrate(score)) > 1e-12 {
			t.Errorf("isotonic: %v becomes %v and, by copies, %v", score, x.Calibrate(score), y.Calibrate(score))
		}
	}
}

func TestChooseCalibrator(t *testing.T) {
	identity := func(s float64) float64 { return s }
	steps := func(s float64) float64 { return 0.05 + 0.9*math.Floor(3*s)/3 } // no beta calibration is like it
	few := scoredSet(5000, 1, func(s float64) float64 { return 0.2 * steps(s) })
	rare := scoredSet(5000, 2, func(float64) float64 { return 0 })
	rare.Label[10] = 1
	early := scoredSet(5000, 3, identity)
	for i := range 2500 {
		early.Label[i] = 0
	}
	cases := []struct {
		name           string
		set            metric.Set
		method, reason string
	}{
		{"too few rows", scoredSet(99, 4, identity), "none", "there are 99 rows"},
		{"one class", scoredSet(500, 5, func(float64) float64 { return 1 }), "none", "500 of them positive"},
		{"one positive", rare, "none", "1 of them positive"},
		{"upside down", scoredSet(5000, 6, func(s float64) float64 { return 1 - s }), "none", "higher scores do not"},
		{"few positives", few, "beta", "takes 1000 positives"},
		{"half of one class", early, "beta", "of one class"},
		{"a beta truth", scoredSet(20_000, 7, identity), "beta", "log loss"},
		{"a truth in steps", scoredSet(20_000, 8, steps), "isotonic", "log loss"},
	}
	for _, c := range cases {
		calibrator, report, err := ChooseCalibrator(context.Background(), c.set)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if report.Method != c.method || !strings.Contains(report.Reason, c.reason) {
			t.Errorf("%s: %s, because %s", c.name, report.Method, report.Reason)
		}
		if (calibrator == nil) != (c.method == "none") || calibrator != nil && calibrator.Kind() != c.method {
			t.Errorf("%s: calibrator %v", c.name, calibrator)
		}
		if measured := report.After != nil; measured != strings.Contains("few positives, a beta truth, a truth in steps", c.name) {
			t.Errorf("%s: measured %v", c.name, measured)
		}
	}
}

func TestCalibrationRefuses(t *testing.T) {
	ctx := context.Background()
	bad := scoredSet(200, 9, func(s float64) float64 { return s })
	bad.Score[3] = 2
	if _, err := FitIsotonic(bad); orrery.CodeOf(err) != "metric_input" {
		t.Errorf("isotonic: error %v", err)
	}
	if _, _, err := ChooseCalibrator(ctx, bad); orrery.CodeOf(err) != "metric_input" {
		t.Errorf("choice: error %v", err)
	}
	if _, err := FitBeta(ctx, metric.Set{Label: []float64{1, 0}, Score: []float64{0.5, 0.5}, Weight: []float64{1, 0}}); orrery.CodeOf(err) != "train_one_class" {
		t.Errorf("beta: error %v", err)
	}
	rows := noisyRows(500, 3, 1)
	for _, share := range []float64{-0.1, 0.95, math.NaN()} {
		if _, _, err := FitCalibrated(ctx, fitPlain, rows, share); orrery.CodeOf(err) != "train_param" {
			t.Errorf("share %v: error %v", share, err)
		}
	}
	if _, _, err := FitCalibrated(ctx, fitPlain, &Rows{Names: rows.Names, X: rows.X[:5], Y: rows.Y}, 0.2); orrery.CodeOf(err) != "train_rows" {
		t.Errorf("rows cut short: error %v", err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := FitBeta(stopped, scoredSet(200, 10, func(s float64) float64 { return s })); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: error %v", err)
	}
}

func fitPlain(ctx context.Context, rows *Rows) (model.Model, error) {
	return logisticKind().Fit(ctx, rows, Params{"c": 1.0}, nil)
}

func TestFitCalibrated(t *testing.T) {
	rows := noisyRows(10_000, 4, 11)
	seen := 0
	fit := func(ctx context.Context, rows *Rows) (model.Model, error) {
		seen = rows.Len()
		return fitPlain(ctx, rows)
	}
	for share, want := range map[float64]int{0: 8000, 0.2: 8000, 0.5: 5000} {
		m, report, err := FitCalibrated(context.Background(), fit, rows, share)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.(*model.Calibrated); !ok || seen != want || report.Rows != 10_000-want || m.Kind() != model.Logistic {
			t.Errorf("share %v: fitted to %d rows, want %d; report %+v", share, seen, want, report)
		}
	}
}

// A model fitted once more has the calibrator of the first fit and ranks as one
// without.
func TestRefitCalibrated(t *testing.T) {
	ctx, rows := context.Background(), noisyRows(5000, 4, 15)
	plain, err := fitPlain(ctx, rows)
	if err != nil {
		t.Fatal(err)
	}
	once, _, err := FitCalibrated(ctx, fitPlain, rows, 0)
	if err != nil {
		t.Fatal(err)
	}
	again, report, err := RefitCalibrated(ctx, fitPlain, rows, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := once.(*model.Calibrated).Calibrator()
	for i := range rows.Len() {
		if got, want := again.Score(rows.Row(i)), c.Calibrate(plain.Score(rows.Row(i))); got != want {
			t.Fatalf("row %d: score %v, want %v", i, got, want)
		}
	}
	if report.Rows != 1000 {
		t.Errorf("calibrated on %d rows, want 1000", report.Rows)
	}
	if _, _, err := RefitCalibrated(ctx, fitPlain, rows, 2); orrery.CodeOf(err) != "train_param" {
		t.Errorf("share 2: error %v", err)
	}
}

// With nothing to calibrate on, no row is kept from the model.
func TestFitCalibratedWithoutCalibration(t *testing.T) {
	late := noisyRows(10_000, 4, 14)
	for i := range 9000 {
		late.Y[i] = 0
	}
	for name, rows := range map[string]*Rows{"small slice": noisyRows(300, 4, 12), "one class before": late} {
		seen := 0
		m, report, err := FitCalibrated(context.Background(), func(ctx context.Context, rows *Rows) (model.Model, error) {
			seen = rows.Len()
			return fitPlain(ctx, rows)
		}, rows, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.(*model.Linear); !ok || report.Method != "none" || seen != rows.Len() || report.After != nil {
			t.Errorf("%s: %T of %d rows, %+v", name, m, seen, report)
		}
	}
}

func TestFitCalibratedSameAtAnyNumberOfCores(t *testing.T) {
	rows := noisyRows(30_000, 4, 13)
	rows.Weight = make([]float64, rows.Len())
	for i := range rows.Weight {
		rows.Weight[i] = 1 + float64(i%3)/3
	}
	var first, firstReport []byte
	for _, cores := range []int{1, 2, 7} {
		before := runtime.GOMAXPROCS(cores)
		m, report, err := FitCalibrated(context.Background(), fitPlain, rows, 0.3)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		said, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first, firstReport = b, said
		}
		if !bytes.Equal(b, first) || !bytes.Equal(said, firstReport) {
			t.Fatalf("with %d cores the model or its report is another", cores)
		}
	}
}
