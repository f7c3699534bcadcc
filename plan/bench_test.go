package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/train"
)

// wideSpec has 250 windowed features by two entities.
func wideSpec() string {
	var b strings.Builder
	b.WriteString(`
orrery: 1
system: wide
entities: [customer, terminal]
events:
  transaction:
    id: transaction_id
    time: at
    fields: {transaction_id: string, at: timestamp, customer: entity, terminal: entity, amount: {type: decimal, scale: 2}, fraud: {type: bool, optional: true}}
  report:
    id: report_id
    time: at
    fields: {report_id: string, at: timestamp, transaction_id: string, fraud: bool}
decide_on: transaction
features:
`)
	for _, entity := range []string{"customer", "terminal"} {
		for _, kind := range []string{"count: transaction", "sum: transaction.amount", "mean: transaction.amount", "max: transaction.amount", "stddev: transaction.amount"} {
			name, _, _ := strings.Cut(kind, ":")
			fmt.Fprintf(&b, "  %s_%s: {%s, by: %s, window: [", entity, name, kind, entity)
			for i := range 25 {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "%dh", 1+i*29)
			}
			b.WriteString("]}\n")
		}
	}
	b.WriteString(`
label: {from: report.fraud, match: transaction_id, matures_after: 7d}
model:
  kind: gbdt
  features: [customer_*, terminal_*]
  params: {trees: 100, depth: 5}
  train: {range: 7d}
policy:
  - {when: score >= 0.9, action: block}
  - {action: approve}
`)
	return b.String()
}

// BenchmarkWideDecision takes one event at a time through a plan of 250 windowed
// features and 100 trees: applied, asked, completed, scored and decided on. It
// reports the 99th percentile beside the mean.
func BenchmarkWideDecision(b *testing.B) {
	s := orrerytest.Spec(b, wideSpec())
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
			orrery.EntityValue(fmt.Sprint("t", random.IntN(terminals))), orrery.DecimalValue(random.Int64N(20_000)), {}}}
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
