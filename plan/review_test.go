package plan_test

import (
	"math"
	"slices"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/numeric"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
	"orrery.dev/review"
)

// asks has one input and a model whose score is the sigmoid of the amount less 5.
const asks = `
orrery: 1
system: asks
entities: [shopper]
events:
  order:
    id: order_id
    time: at
    fields: {order_id: string, at: timestamp, shopper: entity, amount: {type: decimal, scale: 2}, note: {type: string, optional: true}}
  refund:
    id: refund_id
    time: at
    fields: {refund_id: string, at: timestamp, order_id: string, bad: bool}
decide_on: order
features:
  amount: order.amount
label: {from: refund.bad, match: order_id, matures_after: 7d, unknown_when: action == "block"}
model: {kind: logistic, features: [amount], train: {range: 7d}}
policy:
  - {when: score >= 0.9, action: block}
  - {when: score >= 0.5 && amount < 6, action: look}
  - {action: go}
`

func compileAsking(t testing.TB, block string) *plan.Plan {
	t.Helper()
	m, err := model.NewLinear([]string{"amount"}, []float64{0}, []float64{1}, []float64{1}, -5)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("r", orrerytest.Spec(t, asks+"review: "+block+"\n"), m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWhatIsAskedAbout holds the share of each sort of decision that is asked about
// to what the spec says, and the sort to a reading of the policy.
func TestWhatIsAskedAbout(t *testing.T) {
	const margin, uncertainShare, random, second = 0.1, 0.3, 0.05, 0.2
	p := compileAsking(t, "{of: [block], uncertain: {margin: 0.1, share: 0.3}, random: 0.05, second: 0.2}")
	policy := func(score, amount float64) string {
		switch {
		case score >= 0.9:
			return "block"
		case score >= 0.5 && amount < 6:
			return "look"
		}
		return "go"
	}
	s := p.NewScratch()
	seen, asked, twice := map[review.Why]int{}, map[review.Why]int{}, 0
	const n = 60_000
	for i := range n {
		cents := int64(i % 1000)
		d := decide(t, p, plan.NewState(), order(p.Spec, i+1, 1_000_000, cents))
		amount := float64(cents) / 100
		score := numeric.Sigmoid(amount - 5)
		why, share := review.Random, random
		given := policy(score, amount)
		switch {
		case given == "block":
			why, share = review.ByAction, 1
		case policy(max(0, score-margin), amount) != given || policy(min(1, score+margin), amount) != given:
			why, share = review.Uncertain, uncertainShare
		}
		seen[why]++
		item, ok := p.Asked(order(p.Spec, i+1, 1_000_000, cents), s, d)
		if !ok {
			continue
		}
		asked[why]++
		if item.Why != why || item.Propensity != share || item.Action != given || item.Offset != orrery.Offset(i+1) || math.Abs(item.Doubt-(1-math.Abs(2*score-1))) > 1e-12 {
			t.Fatalf("%+v of score %v, want %s with %v", item, score, why, share)
		}
		if item.Second {
			twice++
		}
	}
	within := func(what string, got, of int, share float64) {
		t.Helper()
		// Five standard deviations of a binomial count.
		if far := 5 * math.Sqrt(float64(of)*share*(1-share)); math.Abs(float64(got)-float64(of)*share) > far {
			t.Errorf("%s: %d of %d, want a share of %v", what, got, of, share)
		}
	}
	within("by action", asked[review.ByAction], seen[review.ByAction], 1)
	within("uncertain", asked[review.Uncertain], seen[review.Uncertain], uncertainShare)
	within("random", asked[review.Random], seen[review.Random], random)
	within("twice", twice, asked[review.ByAction]+asked[review.Uncertain]+asked[review.Random], second)
	if len(seen) != 3 {
		t.Errorf("only %v were seen", seen)
	}
}

// TestWhoIsAskedIsPartOfTheRecord pins what is drawn: the next version must find
// the same, or weights would be of others.
func TestWhoIsAskedIsPartOfTheRecord(t *testing.T) {
	p := compileAsking(t, "{random: 0.01, second: 0.5}")
	var got []orrery.Offset
	var twice []bool
	s := p.NewScratch()
	for i := 1; len(got) < 5; i++ {
		e := order(p.Spec, i, 1_000_000, 100)
		if item, ok := p.Asked(e, s, decide(t, p, plan.NewState(), e)); ok {
			got, twice = append(got, item.Offset), append(twice, item.Second)
		}
	}
	if !slices.Equal(got, wantAsked) || !slices.Equal(twice, wantTwice) {
		t.Errorf("asked about are %v, %v", got, twice)
	}
}

var (
	wantAsked = []orrery.Offset{115, 139, 258, 349, 392}
	wantTwice = []bool{true, true, true, false, false}
)

func TestWithoutAScoreNothingIsUncertain(t *testing.T) {
	p := compileAsking(t, "{uncertain: {margin: 0.5}}")
	e := order(p.Spec, 1, 1_000_000, 500)
	d := decide(t, p, plan.NewState(), e)
	if _, ok := p.Asked(e, p.NewScratch(), d); !ok {
		t.Error("a score on the edge is certain")
	}
	d.Score = math.NaN()
	if item, ok := p.Asked(e, p.NewScratch(), d); ok {
		t.Errorf("without a score: %+v", item)
	}
}

func BenchmarkAsked(b *testing.B) {
	p := compileAsking(b, "{of: [block], uncertain: {margin: 0.05, share: 0.1}, random: 0.01}")
	e, s := order(p.Spec, 1, 1_000_000, 300), p.NewScratch()
	d := &orrery.Decision{Vector: make([]float64, p.Width())}
	if err := p.Ask(plan.NewState(), e, s, d); err != nil {
		b.Fatal(err)
	}
	p.Decide(e, s, d)
	b.ReportAllocs()
	for b.Loop() {
		p.Asked(e, s, d)
	}
}
