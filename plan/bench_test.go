package plan_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/train"
)

// BenchmarkWideDecision takes one event at a time through the plan of bench/wide, 250
// windowed features and 100 trees: applied, asked, completed, scored and decided on. It
// reports the 99th percentile beside the mean.
func BenchmarkWideDecision(b *testing.B) {
	source, err := os.ReadFile("../bench/wide/system.yaml")
	if err != nil {
		b.Fatal(err)
	}
	s := orrerytest.Spec(b, string(source))
	random := rand.New(rand.NewPCG(1, 1))
	rows := &train.Rows{Names: s.FeatureNames()}
	for range 2000 {
		for range rows.Names {
			rows.X = append(rows.X, random.NormFloat64())
		}
		rows.Y = append(rows.Y, float64(random.IntN(2)))
	}
	m, err := fitWide(b, rows)
	if err != nil {
		b.Fatal(err)
	}
	p, err := plan.Compile("r", s, m)
	if err != nil {
		b.Fatal(err)
	}
	if p.Width() != 250 {
		b.Fatalf("%d features", p.Width())
	}
	const customers, terminals, history = 2000, 4000, 400_000
	state, scratch, vector := plan.NewState(), p.NewScratch(), make([]float64, p.Width())
	event := func(i int) *orrery.Event {
		at := orrery.Instant(i) * orrery.Instant(45*orrery.Day/history)
		id := fmt.Sprint(i)
		return &orrery.Event{Type: s.DecideOn, ID: id, Time: at, Received: at, Offset: orrery.Offset(i + 1), Values: []orrery.Value{
			orrery.StringValue(id), orrery.TimestampValue(at), orrery.EntityValue(fmt.Sprint("c", random.IntN(customers))),
			orrery.EntityValue(fmt.Sprint("t", random.IntN(terminals))), orrery.DecimalValue(random.Int64N(20_000))}}
	}
	n := 0
	for ; n < history; n++ {
		if err := p.Apply(state, event(n)); err != nil {
			b.Fatal(err)
		}
	}
	var took []time.Duration
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		e := event(n)
		n++
		d := orrery.Decision{Offset: e.Offset, Vector: vector}
		b.StartTimer()
		begun := time.Now()
		if err := p.Ask(state, e, scratch, &d); err != nil {
			b.Fatal(err)
		}
		p.Decide(e, scratch, &d)
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
}

func fitWide(b *testing.B, rows *train.Rows) (model.Model, error) {
	for _, kind := range train.Kinds() {
		if kind.Name == "gbdt" {
			params := train.Defaults(kind.Kind)
			params["trees"], params["depth"] = 100, 5
			return kind.Fit(b.Context(), rows, params, nil)
		}
	}
	b.Fatal("there is no gbdt")
	return nil, nil
}
