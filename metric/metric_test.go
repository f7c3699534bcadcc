package metric

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"orrery.dev"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// must gives a metric of a set that has one.
func must(t *testing.T, metric func(Set) (float64, error), s Set) float64 {
	t.Helper()
	v, err := metric(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Set
		AUC   float64
		AP    float64 `json:"average_precision"`
		Loss  float64 `json:"log_loss"`
		Brier float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		near(t, "AUC", must(t, AUC, c.Set), c.AUC)
		near(t, "average precision", must(t, AveragePrecision, c.Set), c.AP)
		near(t, "log loss", must(t, LogLoss, c.Set), c.Loss)
		near(t, "Brier", must(t, Brier, c.Set), c.Brier)
	}
}

// randomSet has ties, and weights half of the time.
func randomSet(r *rand.Rand) Set {
	n := 2 + r.IntN(40)
	s := Set{Label: make([]float64, n), Score: make([]float64, n)}
	if r.IntN(2) == 0 {
		s.Weight = make([]float64, n)
	}
	for i := range n {
		s.Label[i] = float64(r.IntN(2))
		s.Score[i] = float64(r.IntN(12)) / 11
		if s.Weight != nil {
			s.Weight[i] = float64(r.IntN(4)) / 2
		}
	}
	s.Label[0], s.Label[1] = 0, 1
	if s.Weight != nil {
		s.Weight[0], s.Weight[1] = 1, 0.5
	}
	return s
}

func TestAUCByPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		s := randomSet(r)
		var won, pairs float64
		for i, yi := range s.Label {
			for j, yj := range s.Label {
				if yi != 1 || yj != 0 {
					continue
				}
				w := s.weight(i) * s.weight(j)
				pairs += w
				switch {
				case s.Score[i] > s.Score[j]:
					won += w
				case s.Score[i] == s.Score[j]:
					won += w / 2
				}
			}
		}
		near(t, "AUC", must(t, AUC, s), won/pairs)
	}
}

func TestAveragePrecisionByThresholds(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		s := randomSet(r)
		var want, recall float64
		for cut := 11; cut >= 0; cut-- {
			var found, taken, positives float64
			for i, y := range s.Label {
				positives += y * s.weight(i)
				if s.Score[i] >= float64(cut)/11 {
					found += y * s.weight(i)
					taken += s.weight(i)
				}
			}
			if taken > 0 {
				want += (found/positives - recall) * found / taken
			}
			recall = found / positives
		}
		near(t, "average precision", must(t, AveragePrecision, s), want)
	}
}

func TestSureMistakesAreBounded(t *testing.T) {
	s := Set{Label: []float64{1, 0}, Score: []float64{0, 1}}
	near(t, "log loss", must(t, LogLoss, s), 52*math.Ln2)
	near(t, "AUC", must(t, AUC, s), 0)
}

func TestInfiniteScoresRank(t *testing.T) {
	s := Set{Label: []float64{1, 0, 0}, Score: []float64{math.Inf(1), math.Inf(-1), 0}}
	near(t, "AUC", must(t, AUC, s), 1)
}

func TestRefuses(t *testing.T) {
	one, two := []float64{1}, []float64{0, 1}
	nan := math.NaN()
	ranking := []func(Set) (float64, error){AUC, AveragePrecision}
	losses := []func(Set) (float64, error){LogLoss, Brier}
	both := append(append([]func(Set) (float64, error){}, ranking...), losses...)
	cases := []struct {
		name    string
		set     Set
		code    string
		metrics []func(Set) (float64, error)
	}{
		{"no rows", Set{}, "metric_input", both},
		{"fewer scores", Set{Label: two, Score: one}, "metric_input", both},
		{"fewer weights", Set{Label: two, Score: two, Weight: one}, "metric_input", both},
		{"no label", Set{Label: []float64{0.5}, Score: one}, "metric_input", both},
		{"label NaN", Set{Label: []float64{nan}, Score: one}, "metric_input", both},
		{"score NaN", Set{Label: one, Score: []float64{nan}}, "metric_input", both},
		{"weight negative", Set{Label: one, Score: one, Weight: []float64{-1}}, "metric_input", both},
		{"weight NaN", Set{Label: one, Score: one, Weight: []float64{nan}}, "metric_input", both},
		{"weight infinite", Set{Label: one, Score: one, Weight: []float64{math.Inf(1)}}, "metric_input", both},
		{"only positives", Set{Label: one, Score: one}, "metric_one_class", ranking[:1]},
		{"only negatives", Set{Label: []float64{0}, Score: one}, "metric_one_class", ranking},
		{"positives weigh nothing", Set{Label: two, Score: two, Weight: []float64{1, 0}}, "metric_one_class", ranking},
		{"nothing weighs", Set{Label: two, Score: two, Weight: []float64{0, 0}}, "metric_input", losses},
		{"above one", Set{Label: two, Score: []float64{0, 1.5}}, "metric_input", losses},
		{"below zero", Set{Label: two, Score: []float64{-0.5, 1}}, "metric_input", losses},
	}
	for _, c := range cases {
		for i, metric := range c.metrics {
			if _, err := metric(c.set); orrery.CodeOf(err) != c.code || orrery.KindOf(err) != orrery.Invalid {
				t.Errorf("%s, metric %d: error %v, want code %s", c.name, i, err, c.code)
			}
		}
	}
}

func TestOnlyPositivesHaveAnAveragePrecision(t *testing.T) {
	near(t, "average precision", must(t, AveragePrecision, Set{Label: []float64{1}, Score: []float64{0.2}}), 1)
}
