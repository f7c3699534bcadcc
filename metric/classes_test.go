package metric

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"orrery.dev"
)

func TestClassesAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/classes.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Score, Weight              []float64
		Label                      []int
		Classes                    int
		Accuracy, Brier            float64
		MacroF1                    float64 `json:"macro_f1"`
		WeightedF1                 float64 `json:"weighted_f1"`
		LogLoss                    float64 `json:"log_loss"`
		Confusion                  [][]float64
		Precision, Recall, F1, AUC []float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		names := []string{"a", "b", "c", "d", "e"}[:c.Classes]
		got, err := Classify(ClassSet{Classes: names, Label: c.Label, Score: c.Score, Weight: c.Weight})
		if err != nil {
			t.Fatal(err)
		}
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-9 {
				t.Errorf("case %d: %s is %v, want %v", i, what, got, want)
			}
		}
		near("accuracy", got.Accuracy, c.Accuracy)
		near("macro F1", got.MacroF1, c.MacroF1)
		near("weighted F1", got.WeightedF1, c.WeightedF1)
		near("log loss", got.LogLoss, c.LogLoss)
		near("Brier", got.Brier, c.Brier)
		for k := range names {
			f := got.Classes[k]
			near("precision", f.Precision, c.Precision[k])
			near("recall", f.Recall, c.Recall[k])
			near("F1", f.F1, c.F1[k])
			near("AUC", *f.AUC, c.AUC[k])
			for j := range names {
				near("confusion", got.Confusion[k][j], c.Confusion[k][j])
			}
		}
	}
}

// The calibration of several classes is that of the likeliest: of rows whose
// likeliest class has 0.6, six in ten should be right.
func TestClassCalibration(t *testing.T) {
	s := ClassSet{Classes: []string{"a", "b", "c"}}
	for i := range 100 {
		label := 1
		if i%10 < 6 {
			label = 0
		}
		s.Label, s.Score = append(s.Label, label), append(s.Score, 0.6, 0.3, 0.1)
	}
	good, err := Classify(s)
	if err != nil || good.CalibrationError > 1e-12 || len(good.Reliability) != 1 || math.Abs(good.Reliability[0].Positive-0.6) > 1e-12 {
		t.Errorf("report %+v, error %v", good, err)
	}
	for i := range s.Label {
		s.Label[i] = 1
	}
	if bad, err := Classify(s); err != nil || math.Abs(bad.CalibrationError-0.6) > 1e-12 || bad.Classes[0].AUC != nil {
		t.Errorf("report %+v, error %v", bad, err)
	}
}

func TestClassesRefuse(t *testing.T) {
	for name, s := range map[string]ClassSet{
		"no rows":       {Classes: []string{"a", "b"}},
		"one class":     {Classes: []string{"a"}, Label: []int{0}, Score: []float64{1}},
		"few scores":    {Classes: []string{"a", "b"}, Label: []int{0}, Score: []float64{1}},
		"no such class": {Classes: []string{"a", "b"}, Label: []int{2}, Score: []float64{1, 0}},
		"no score":      {Classes: []string{"a", "b"}, Label: []int{1}, Score: []float64{1, math.NaN()}},
		"no weight":     {Classes: []string{"a", "b"}, Label: []int{1}, Score: []float64{1, 0}, Weight: []float64{0}},
		"bad weight":    {Classes: []string{"a", "b"}, Label: []int{1}, Score: []float64{1, 0}, Weight: []float64{-1}},
	} {
		if _, err := Classify(s); orrery.CodeOf(err) != "metric_input" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
