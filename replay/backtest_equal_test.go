package replay_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/replay"
	"orrery.dev/spec"
	"orrery.dev/systems/fraud"
	"orrery.dev/train"
)

// costly is the fraud system whose first rule comes from costs, with a feature
// more where one is given.
func costly(t *testing.T, feature string) *spec.Spec {
	t.Helper()
	source, err := fraud.Files.ReadFile("system.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return orrerytest.Spec(t, strings.NewReplacer("{when: score >= 0.9, action: block}",
		"{costs: {missed: transaction.amount, false_alarm: 5}, action: block}", "\nfeatures:", "\nfeatures:"+feature).Replace(string(source)))
}

// TestABacktestMeasuresAsAnEvaluationDoes holds the metrics of a week's backtest
// to those of an evaluation of that week, for one model, to the last bit.
func TestABacktestMeasuresAsAnEvaluationDoes(t *testing.T) {
	s := costly(t, "")
	events := orrerytest.FraudEvents(t, s, fraud.Options{Customers: 80, Terminals: 100, Days: 45, Seed: 11})
	m, err := model.NewLinear([]string{"amount", "terminal_risk_7d"}, []float64{0, 0}, []float64{1, 1}, []float64{0.004, 4}, -3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("", s, m)
	if err != nil {
		t.Fatal(err)
	}
	span := replay.Range{From: day(28), To: day(35)}
	protocol := replay.Protocol{Train: replay.TrainSpan(s, span.From), Test: span, Kind: "logistic",
		Fit: func(context.Context, *train.Rows) (model.Model, error) { return m, nil }}
	columns := []int{s.FeatureIndex("amount"), s.FeatureIndex("terminal_risk_7d")}
	x, err := replay.Collect(t.Context(), p, &history{events: events}, replay.Range{From: protocol.Train.From, To: span.To}, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replay.Evaluate(t.Context(), p, x, protocol)
	if err != nil {
		t.Fatal(err)
	}
	if want.Test.LeftOut == 0 || want.Test.Positives == 0 || len(want.Metrics) < 10 {
		t.Fatalf("the week tests too little: %+v", want)
	}
	got, err := replay.RunBacktest(t.Context(), &history{events: events}, p, p, span, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A plan that needs another table has a state of its own, and the same answers.
	wider, err := plan.Compile("", costly(t, "\n  most: {max: transaction.amount, by: customer, window: 45d}"), m)
	if err != nil {
		t.Fatal(err)
	}
	apart, err := replay.RunBacktest(t.Context(), &history{events: events}, p, wider, span, nil)
	if err != nil || apart.Changed != 0 || !maps.Equal(apart.After, want.Metrics) {
		t.Errorf("with a state of its own: %v, %d changed, %v", err, apart.Changed, apart.After)
	}
	if !maps.Equal(got.After, want.Metrics) || !maps.Equal(got.Before, want.Metrics) || got.Measured.Counts.Rows != want.Test.Rows || got.Measured.LeftOut != want.Test.LeftOut {
		t.Errorf("backtest\n%v\n%v\n%+v, evaluation\n%v\n%+v", got.Before, got.After, got.Measured, want.Metrics, want.Test)
	}
}
