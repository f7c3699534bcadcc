package replay_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/train"
)

// An example of weight 3 is as good as three examples, in training and in the
// metrics of scores.
func TestAnExampleCountsByItsWeight(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	var events []orrery.Event
	for id := range 200 {
		made := transaction(s, id, day(0).Add(orrery.Duration(id)*orrery.Day/10), id)
		events = append(events, made)
		if id%5 == 0 || id%17 == 3 {
			events = append(events, report(s, &made, made.Time.Add(orrery.Hour), true))
		}
	}
	sortByTime(events)
	span := replay.Range{From: day(0), To: day(20)}
	var trained []*train.Rows
	protocol := replay.Protocol{Train: replay.Range{From: day(0), To: day(8)}, Test: replay.Range{From: day(10), To: day(20)}, Begun: time.Now(),
		Fit: func(_ context.Context, rows *train.Rows) (model.Model, error) {
			trained = append(trained, rows)
			return byAmount{rows.Names}, nil
		}}
	evaluate := func(weigh func(i int) int, repeat bool) *replay.Evaluation {
		p, x := collect(t, s, events, span)
		for i := range slices.Clone(x.List) {
			switch w := weigh(i); {
			case !repeat:
				x.List[i].Weight = float64(w)
			default:
				for range w - 1 {
					x.List, x.X = append(x.List, x.List[i]), append(x.X, x.Row(i)...)
				}
			}
		}
		e, err := replay.Evaluate(t.Context(), p, x, protocol)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	weigh := func(i int) int { return 1 + i%3 }
	weighted, repeated, plain := evaluate(weigh, false), evaluate(weigh, true), evaluate(func(int) int { return 1 }, false)
	for _, name := range []string{"auc", "average_precision", "log_loss", "brier"} {
		a, b, c := weighted.Metrics[name], repeated.Metrics[name], plain.Metrics[name]
		if diff := a - b; diff > 1e-12 || diff < -1e-12 || a == c {
			t.Errorf("%s is %v by weights, %v by repeats and %v without", name, a, b, c)
		}
	}
	if trained[2].Weight != nil {
		t.Error("rows of weight 1 have a list of weights")
	}
	sum := 0.0
	for _, w := range trained[0].Weight {
		sum += w
	}
	if int(sum) != trained[1].Len() {
		t.Errorf("the rows to train on weigh %v, and are %d when repeated", sum, trained[1].Len())
	}
}
