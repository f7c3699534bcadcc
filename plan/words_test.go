package plan_test

import (
	"math"
	"testing"

	"orrery.dev"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
)

const worded = `
orrery: 1
system: worded
entities: [shopper]
events:
  order:
    id: order_id
    time: at
    fields: {order_id: string, at: timestamp, shopper: entity, kind: {type: string, about: the kind of goods},
             amount: {type: decimal, scale: 2, unit: EUR, about: The amount.}}
decide_on: order
features:
  count: {count: order, by: shopper, window: [1d, 7d, 90m], about: the shopper's number of orders}
  older: {count: order, by: shopper, window: [7d], lag: 2d}
  share: {ratio: [older, count_7d], about: the share of older orders}
  amount: order.amount
  night: {value: order.at.getHours() < 6, about: being at night}
  kind: order.kind
policy: [{action: go}]
`

func TestSentences(t *testing.T) {
	s := orrerytest.Spec(t, worded)
	p, err := plan.Compile("r", s, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := order(s, 1, 1_000_000, 4000)
	e.Values[3], e.Values[4] = orrery.StringValue("books"), orrery.DecimalValue(4000)
	for _, test := range []struct {
		feature string
		value   float64
		moved   float64
		want    string
	}{
		{"count_7d", 3, 0.5, "the shopper's number of orders in the last 7 days is 3, which raises the score"},
		{"count_1d", 12345678, -1, "the shopper's number of orders in the last day is 12345678, which lowers the score"},
		{"count_90m", math.NaN(), -1, "the shopper's number of orders in the last 90 minutes is missing, which lowers the score"},
		{"older_7d", 0, 1, "older in the 7 days before the last 2 days is 0, which raises the score"},
		{"share_7d", 0.3141592, 1, "the share of older orders in the 7 days before the last 2 days is 0.314159, which raises the score"},
		{"amount", 57.16, 1, "The amount is 57.16 EUR, which raises the score"},
		{"night", 1, 1, "being at night is true, which raises the score"},
		{"kind", orrery.CategoryOf("books"), 1, `the kind of goods is "books", which raises the score`},
		{"kind", orrery.CategoryOf("toys"), 1, "the kind of goods has a value, which raises the score"},
	} {
		slot := s.FeatureIndex(test.feature)
		if slot < 0 {
			t.Fatalf("there is no feature %s", test.feature)
		}
		d := &orrery.Decision{Vector: make([]float64, p.Width())}
		d.Vector[slot] = test.value
		if got := p.Sentence(orrery.Reason{Slot: slot, Contribution: test.moved}, d, e); got != test.want {
			t.Errorf("%s: %s\nwant %s", test.feature, got, test.want)
		}
	}
}
