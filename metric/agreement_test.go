package metric

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"orrery.dev"
)

// ratings gives two raters' ratings of a table of counts, [classes × classes].
func ratings(table [][]int) (a, b []int) {
	for i, row := range table {
		for j, n := range row {
			for range n {
				a, b = append(a, i), append(b, j)
			}
		}
	}
	return a, b
}

// The example of Cohen (1960): 200 patients, agreement 0.70, by chance 0.41.
func TestCohenKappaAsPublished(t *testing.T) {
	a, b := ratings([][]int{{88, 14, 18}, {10, 40, 10}, {2, 6, 12}})
	got, err := CohenKappa(a, b, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "observed", got.Observed, 0.70)
	near(t, "expected", got.Expected, 0.41)
	near(t, "kappa", *got.Kappa, 0.29/0.59)
	if got.Items != 200 {
		t.Errorf("%d items", got.Items)
	}
}

func TestCohenKappaAsScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/agreement.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		A, B    []int
		Classes int
		Weight  []float64
		Kappa   float64
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got, err := CohenKappa(c.A, c.B, c.Classes, c.Weight)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "kappa", *got.Kappa, c.Kappa)
	}
}

// diagnoses is table 1 of Fleiss (1971): thirty patients, each put by six
// psychiatrists into depression, personality disorder, schizophrenia, neurosis or
// other.
var diagnoses = []int{
	0, 0, 0, 6, 0, 0, 3, 0, 0, 3, 0, 1, 4, 0, 1, 0, 0, 0, 0, 6, 0, 3, 0, 3, 0,
	2, 0, 4, 0, 0, 0, 0, 4, 0, 2, 2, 0, 3, 1, 0, 2, 0, 0, 4, 0, 0, 0, 0, 0, 6,
	1, 0, 0, 5, 0, 1, 1, 0, 4, 0, 0, 3, 3, 0, 0, 1, 0, 0, 5, 0, 0, 2, 0, 3, 1,
	0, 0, 5, 0, 1, 3, 0, 0, 1, 2, 5, 1, 0, 0, 0, 0, 2, 0, 4, 0, 1, 0, 2, 0, 3,
	0, 0, 0, 0, 6, 0, 1, 0, 5, 0, 0, 2, 0, 1, 3, 2, 0, 0, 4, 0, 1, 0, 0, 4, 1,
	0, 5, 0, 1, 0, 4, 0, 0, 0, 2, 0, 2, 0, 4, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 6,
}

func TestFleissKappaAsPublished(t *testing.T) {
	got, err := FleissKappa(diagnoses, 5, nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string][2]float64{
		"observed": {got.Observed, 0.5556}, "expected": {got.Expected, 0.2201}, "kappa": {*got.Kappa, 0.430},
	} {
		if math.Abs(v[0]-v[1]) > 0.0005 {
			t.Errorf("%s is %v, published %v", what, v[0], v[1])
		}
	}
}

// slowFleiss draws every pair of ratings of an item, and of all items.
func slowFleiss(counts []int, classes int, weight []float64) (observed, expected float64) {
	var total float64
	share := make([]float64, classes)
	for i := 0; i*classes < len(counts); i++ {
		var list []int
		for c, n := range counts[i*classes : (i+1)*classes] {
			for range n {
				list = append(list, c)
			}
		}
		if len(list) < 2 || weight[i] == 0 {
			continue
		}
		same, pairs := 0.0, 0.0
		for j := range list {
			share[list[j]] += weight[i] / float64(len(list))
			for k := range list {
				if j != k {
					pairs++
					same += zeroOrOne(list[j] == list[k])
				}
			}
		}
		observed += weight[i] * same / pairs
		total += weight[i]
	}
	for _, p := range share {
		expected += p / total * p / total
	}
	return observed / total, expected
}

func TestFleissKappaByBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 1))
	for range 300 {
		items, classes := 2+r.IntN(20), 2+r.IntN(3)
		counts, weight := make([]int, items*classes), make([]float64, items)
		for i := range counts {
			counts[i] = r.IntN(4)
		}
		for i := range weight {
			weight[i] = float64(r.IntN(4))
		}
		counts[0], counts[1], weight[0] = 1, 2, 1
		got, err := FleissKappa(counts, classes, weight)
		if err != nil {
			t.Fatal(err)
		}
		observed, expected := slowFleiss(counts, classes, weight)
		near(t, "observed", got.Observed, observed)
		near(t, "expected", got.Expected, expected)
		near(t, "kappa", *got.Kappa, (observed-expected)/(1-expected))
	}
}

// Whole weights are copies of an item.
func TestAgreementWeightsAreCopies(t *testing.T) {
	r := rand.New(rand.NewPCG(52, 1))
	var a, b, a2, b2, counts, counts2 []int
	var weight []float64
	for range 60 {
		x, y, w := r.IntN(3), r.IntN(3), r.IntN(4)
		c := []int{r.IntN(3), r.IntN(3), 1 + r.IntN(3)}
		a, b, counts, weight = append(a, x), append(b, y), append(counts, c...), append(weight, float64(w))
		for range w {
			a2, b2, counts2 = append(a2, x), append(b2, y), append(counts2, c...)
		}
	}
	one, _ := CohenKappa(a, b, 3, weight)
	two, _ := CohenKappa(a2, b2, 3, nil)
	near(t, "Cohen's kappa", *one.Kappa, *two.Kappa)
	one, _ = FleissKappa(counts, 3, weight)
	two, _ = FleissKappa(counts2, 3, nil)
	near(t, "Fleiss' kappa", *one.Kappa, *two.Kappa)
}

// A sample drawn by uncertainty misleads, unless each item weighs one over the
// chance that it was drawn.
func TestInverseProbabilityWeightsUndoTheSampling(t *testing.T) {
	r := rand.New(rand.NewPCG(53, 1))
	const n = 200_000
	type draw struct {
		a, b, label []int
		score       []float64
		weight      []float64
	}
	var all, sample draw
	add := func(d *draw, a, b, label int, p, w float64) {
		d.a, d.b, d.label = append(d.a, a), append(d.b, b), append(d.label, label)
		d.score, d.weight = append(d.score, 1-p, p), append(d.weight, w)
	}
	for range n {
		p := r.Float64()
		label := int(zeroOrOne(r.Float64() < p))
		a, b := label, label
		if r.Float64() < 0.5*(1-math.Abs(2*p-1)) { // reviewers differ over what is uncertain
			b = 1 - label
		}
		add(&all, a, b, label, p, 1)
		if chance := 0.02 + 0.3*(1-math.Abs(2*p-1)); r.Float64() < chance {
			add(&sample, a, b, label, p, 1/chance)
		}
	}
	kappa := func(d draw, w []float64) float64 {
		got, err := CohenKappa(d.a, d.b, 2, w)
		if err != nil {
			t.Fatal(err)
		}
		return *got.Kappa
	}
	figures := func(d draw, w []float64) [4]float64 {
		got, err := Classify(ClassSet{Classes: []string{"no", "yes"}, Label: d.label, Score: d.score, Weight: w})
		if err != nil {
			t.Fatal(err)
		}
		return [4]float64{got.Accuracy, got.MacroF1, got.WeightedF1, kappa(d, w)}
	}
	truth, plain, weighted := figures(all, nil), figures(sample, nil), figures(sample, sample.weight)
	for i, name := range []string{"accuracy", "macro-F1", "weighted F1", "kappa"} {
		if math.Abs(weighted[i]-truth[i]) > 0.02 || math.Abs(plain[i]-truth[i]) < 0.04 {
			t.Errorf("%s is %v, of the sample %v, weighted %v", name, truth[i], plain[i], weighted[i])
		}
	}
}

func TestAgreementAtTheEnds(t *testing.T) {
	got, err := CohenKappa([]int{1, 1}, []int{1, 1}, 2, nil)
	if err != nil || got.Kappa != nil || got.Observed != 1 || got.Expected != 1 {
		t.Errorf("of one class: %+v, %v", got, err)
	}
	got, err = CohenKappa([]int{0, 1}, []int{1, 0}, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "kappa of opposites", *got.Kappa, -1)
	got, err = FleissKappa([]int{3, 0, 1, 0, 0, 2}, 2, nil) // the second item was rated once
	if err != nil || got.Items != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	near(t, "kappa of the sure", *got.Kappa, 1)
}

func TestAgreementRefuses(t *testing.T) {
	nan := []float64{math.NaN()}
	for name, fail := range map[string]func() (Agreement, error){
		"lengths":       func() (Agreement, error) { return CohenKappa([]int{1}, nil, 2, nil) },
		"class":         func() (Agreement, error) { return CohenKappa([]int{2}, []int{0}, 2, nil) },
		"no classes":    func() (Agreement, error) { return CohenKappa([]int{0}, []int{0}, 0, nil) },
		"no items":      func() (Agreement, error) { return CohenKappa(nil, nil, -1, nil) },
		"weights":       func() (Agreement, error) { return CohenKappa([]int{0}, []int{0}, 2, []float64{1, 1}) },
		"no number":     func() (Agreement, error) { return CohenKappa([]int{0}, []int{0}, 2, nan) },
		"no weight":     func() (Agreement, error) { return FleissKappa([]int{2, 0}, 2, []float64{0}) },
		"rated once":    func() (Agreement, error) { return FleissKappa([]int{1, 0}, 2, nil) },
		"ragged":        func() (Agreement, error) { return FleissKappa([]int{1, 0, 2}, 2, nil) },
		"negative":      func() (Agreement, error) { return FleissKappa([]int{-1, 3}, 2, nil) },
		"no class":      func() (Agreement, error) { return FleissKappa(nil, 0, nil) },
		"nothing rated": func() (Agreement, error) { return FleissKappa(nil, 2, nil) },
	} {
		if _, err := fail(); orrery.CodeOf(err) != "metric_input" || orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
