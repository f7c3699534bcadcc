package expr

import (
	"math"
	"testing"
	"time"

	"orrery.dev"
)

// order is an event type with a field of every type.
var order = &orrery.EventType{Name: "order", Fields: []orrery.Field{
	{Name: "id", Type: orrery.String},
	{Name: "at", Type: orrery.Timestamp},
	{Name: "buyer", Type: orrery.Entity, Entity: "buyer"},
	{Name: "amount", Type: orrery.Decimal, Scale: 2},
	{Name: "items", Type: orrery.Int},
	{Name: "weight", Type: orrery.Float},
	{Name: "rush", Type: orrery.Bool},
	{Name: "shipped", Type: orrery.Timestamp, Optional: true},
}}

func testVars() []Var {
	vars := []Var{VectorVar("score", 0), VectorVar("risk", 1), TextVar("action", 0)}
	for i := range order.Fields {
		vars = append(vars, EventVar(order, i))
	}
	return vars
}

func testEnv(t testing.TB, location string) *Env {
	t.Helper()
	l, err := time.LoadLocation(location)
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEnv(Options{Location: l}, testVars())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustCompile(t testing.TB, e *Env, text string) *Program {
	t.Helper()
	p, issues := e.Compile(text)
	if p == nil {
		t.Fatalf("%s: %+v", text, issues)
	}
	return p
}

func at(text string) orrery.Instant {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return orrery.InstantOf(t)
}

// full has every variable, empty none.
func full() *Input {
	return &Input{
		Event: &orrery.Event{Type: order, Values: []orrery.Value{
			orrery.StringValue("Order-7"), orrery.TimestampValue(at("2018-07-01T05:06:07.089Z")), orrery.EntityValue("b1"),
			orrery.DecimalValue(1234), orrery.IntValue(3), orrery.FloatValue(0.5), orrery.BoolValue(true), orrery.TimestampValue(at("2018-07-04T00:00:00Z")),
		}},
		Vector: []float64{0.75, 2}, Text: []string{"block"},
	}
}

func empty() *Input {
	return &Input{
		Event:  &orrery.Event{Type: order, Values: make([]orrery.Value, len(order.Fields))},
		Vector: []float64{math.NaN(), math.Inf(1)}, Text: []string{""},
	}
}

func instantValue(instant string) orrery.Value { return orrery.TimestampValue(at(instant)) }
