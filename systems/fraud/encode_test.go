package fraud_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/systems/fraud"
)

// contract is the fraud system's, with a field that the sample data lacks.
func contract() *orrery.Contract {
	return &orrery.Contract{Entities: []string{"customer", "terminal"}, Events: []*orrery.EventType{
		{Name: "transaction", Index: 0, IDField: 1, TimeField: 0, Fields: []orrery.Field{
			{Name: "at", Type: orrery.Timestamp},
			{Name: "transaction_id", Type: orrery.String},
			{Name: "customer", Type: orrery.Entity, Entity: "customer"},
			{Name: "terminal", Type: orrery.Entity, Entity: "terminal"},
			{Name: "amount", Type: orrery.Decimal, Scale: 2},
			{Name: "currency", Type: orrery.String, Optional: true},
		}},
		{Name: "fraud_report", Index: 1, IDField: 0, TimeField: 1, Fields: []orrery.Field{
			{Name: "report_id", Type: orrery.String},
			{Name: "at", Type: orrery.Timestamp},
			{Name: "transaction_id", Type: orrery.String},
			{Name: "customer", Type: orrery.Entity, Entity: "customer"},
			{Name: "terminal", Type: orrery.Entity, Entity: "terminal"},
			{Name: "fraud", Type: orrery.Bool},
		}},
	}}
}

func newEncoder(t testing.TB) *fraud.Encoder {
	t.Helper()
	x, err := fraud.NewEncoder(contract())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

var (
	noon     = orrery.InstantOf(time.Date(2018, 4, 1, 12, 0, 1, 0, time.UTC))
	purchase = fraud.Event{Type: fraud.TransactionType, At: noon,
		Transaction: fraud.Transaction{ID: 12, At: noon, Customer: 596, Terminal: 3156, AmountCents: 5706, Scenario: fraud.StolenCard}}
	reported = fraud.Event{Type: fraud.ReportType, At: noon.Add(fraud.ReportDelay), Transaction: purchase.Transaction}
)

func TestLines(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"header", string(fraud.AppendCSVHeader(nil, fraud.TransactionType)), "transaction_id,at,customer,terminal,amount\n"},
		{"row", string(purchase.AppendCSV(nil)), "12,2018-04-01T12:00:01Z,596,3156,57.06\n"},
		{"report header", string(fraud.AppendCSVHeader(nil, fraud.ReportType)), "report_id,at,transaction_id,customer,terminal,fraud\n"},
		{"report row", string(reported.AppendCSV(nil)), "r12,2018-04-08T12:00:01Z,12,596,3156,true\n"},
		{"json", string(purchase.AppendJSON(nil)),
			`{"transaction_id":"12","at":"2018-04-01T12:00:01Z","customer":"596","terminal":"3156","amount":57.06}`},
		{"report json", string(reported.AppendJSON(nil)),
			`{"report_id":"r12","at":"2018-04-08T12:00:01Z","transaction_id":"12","customer":"596","terminal":"3156","fraud":true}`},
		{"parts of a second", string(purchase.Restamped(noon + 250_000).AppendCSV(nil)), "12,2018-04-01T12:00:01.25Z,596,3156,57.06\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s want %s", c.name, c.got, c.want)
		}
	}
}

// Every event reads back, by the standard library's decoders, as what it is.
func TestLinesReadBack(t *testing.T) {
	w := newWorld(t, town)
	from, _ := w.Bounds()
	for e := range w.Events(from, from.Add(9*orrery.Day)) {
		var object map[string]any
		if err := json.Unmarshal(e.AppendJSON(nil), &object); err != nil {
			t.Fatal(err)
		}
		header := strings.Split(strings.TrimSpace(string(fraud.AppendCSVHeader(nil, e.Type))), ",")
		row, err := csv.NewReader(strings.NewReader(string(e.AppendCSV(nil)))).Read()
		if err != nil || len(row) != len(header) || len(object) != len(header) {
			t.Fatalf("%v %v", row, err)
		}
		if at, err := time.Parse(time.RFC3339, object["at"].(string)); err != nil || orrery.InstantOf(at) != e.At {
			t.Fatalf("%v %v", object, err)
		}
		for i, name := range header {
			if text, ok := object[name].(string); ok && text != row[i] {
				t.Fatalf("%s is %s in JSON, %s in CSV", name, text, row[i])
			}
		}
	}
}

func TestEncode(t *testing.T) {
	x := newEncoder(t)
	got := x.Encode(purchase)
	want := []orrery.Value{orrery.TimestampValue(noon), orrery.StringValue("12"), orrery.EntityValue("596"),
		orrery.EntityValue("3156"), orrery.DecimalValue(5706), {}}
	if got.Type.Name != "transaction" || got.ID != "12" || got.Time != noon || got.Received != noon {
		t.Errorf("%+v", got)
	}
	for i := range want {
		if got.Values[i] != want[i] {
			t.Errorf("%s: %+v", got.Type.Fields[i].Name, got.Values[i])
		}
	}
	got = x.Encode(reported)
	if got.Type.Name != "fraud_report" || got.ID != "r12" || got.Time != noon.Add(orrery.Week) || !got.Values[5].Bool() || got.Values[2].Text() != "12" {
		t.Errorf("%+v", got)
	}
}

func TestEncodeIntoOtherTypes(t *testing.T) {
	c := contract()
	f := c.Events[0].Fields
	f[1].Type, f[2].Type, f[4].Scale = orrery.Int, orrery.String, 4
	x, err := fraud.NewEncoder(c)
	if err != nil {
		t.Fatal(err)
	}
	got := x.Encode(purchase)
	if got.ID != "12" || got.Values[1] != orrery.IntValue(12) || got.Values[2] != orrery.StringValue("596") || got.Values[4] != orrery.DecimalValue(570600) {
		t.Errorf("%+v", got)
	}
	f[4].Type = orrery.Float
	if x, err = fraud.NewEncoder(c); err != nil || x.Encode(purchase).Values[4] != orrery.FloatValue(57.06) {
		t.Error(err)
	}
}

func TestEncoderRefusesAContractThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*orrery.Contract)
		field  string
	}{
		{"no reports", func(c *orrery.Contract) { c.Events = c.Events[:1] }, ""},
		{"no transactions", func(c *orrery.Contract) { c.Events = c.Events[1:] }, ""},
		{"a field of its own", func(c *orrery.Contract) { c.Events[0].Fields[5].Optional = false }, "currency"},
		{"cents lost", func(c *orrery.Contract) { c.Events[0].Fields[4].Scale = 1 }, "amount"},
		{"amount of text", func(c *orrery.Contract) { c.Events[0].Fields[4].Type = orrery.String }, "amount"},
		{"report ids as numbers", func(c *orrery.Contract) { c.Events[1].Fields[0].Type = orrery.Int }, "report_id"},
	} {
		changed := contract()
		c.change(changed)
		_, err := fraud.NewEncoder(changed)
		e, ok := err.(*orrery.Error)
		if !ok || e.Code != "sample_contract" || e.Field != c.field || e.Next == "" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
