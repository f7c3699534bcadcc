package cases_test

import (
	"testing"

	"orrery.dev/cases"
	"orrery.dev/model"
	"orrery.dev/orrerytest"
	"orrery.dev/plan"
)

// TestReasonsThatAreExpected looks for features among the reasons of a trained
// model, which none of the command line's cases has.
func TestReasonsThatAreExpected(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	m, err := model.NewLinear([]string{"amount", "night"}, []float64{0, 0}, []float64{1, 1}, []float64{0.1, 0.5}, -3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile("", s, m)
	if err != nil {
		t.Fatal(err)
	}
	transaction := map[string]any{"transaction_id": "a", "at": "2018-04-02T12:00:00Z", "customer": "ann", "terminal": "t1", "amount": 57.16}
	c := cases.Case{Name: "reasons", Given: []map[string]map[string]any{{"transaction": transaction}}}
	for _, test := range []struct {
		reasons  []string
		fallback string
		got      string // what the first difference says, empty for none
	}{
		{[]string{"amount"}, "", ""},
		{[]string{"amount", "night"}, "", "amount"}, // it is noon: night is 0 and moves nothing
		{[]string{"amount"}, plan.FallbackDeadline, "none"},
	} {
		c.Expect.Reasons, c.Fallback = test.reasons, test.fallback
		r := cases.Run(p, &c)
		got := ""
		if len(r.Differences) > 0 {
			got = r.Differences[0].Got
		}
		if got != test.got || r.Passed != (test.got == "") || r.Error != "" || r.Skipped != "" {
			t.Errorf("%v: %+v", test.reasons, r)
		}
	}
}
