package feature

import (
	"math"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/declare"
)

func TestCompileRefuses(t *testing.T) {
	pay, note := shop()
	amount, person, till := pay.Field("amount"), pay.Field("from"), pay.Field("till")
	for code, a := range map[string]Aggregate{
		"feature_kind_unknown": {Kind: "median", Event: pay, Field: amount, By: person, Key: person},
		"event_unknown":        {Kind: "count", Field: -1, By: person, Key: person},
		"field_not_entity":     {Kind: "count", Event: pay, Field: -1, By: amount, Key: person},
		"entity_mismatch":      {Kind: "count", Event: pay, Field: -1, By: till, Key: person},
		"window_negative":      {Kind: "count", Event: pay, Field: -1, By: person, Key: person, Window: -1},
		"window_too_long":      {Kind: "count", Event: pay, Field: -1, By: person, Key: person, Window: math.MaxInt64},
		"where_empty":          {Kind: "count", Event: pay, Field: -1, By: person, Key: person, Where: &Predicate{Source: "x"}},
		"field_unexpected":     {Kind: "count", Event: pay, Field: amount, By: person, Key: person},
		"field_unknown":        {Kind: "sum", Event: pay, Field: -1, By: person, Key: person},
		"field_type":           {Kind: "sum", Event: pay, Field: pay.Field("tag"), By: person, Key: person},
	} {
		if _, err := Compile(pay, []Aggregate{a}, 0, DefaultExact); orrery.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	asked := Aggregate{Kind: "count", Event: note, Field: -1, By: 2, Key: amount}
	if _, err := Compile(pay, []Aggregate{asked}, 0, DefaultExact); orrery.CodeOf(err) != "field_not_entity" {
		t.Error(err)
	}
	if _, err := Compile(pay, nil, -1, DefaultExact); orrery.CodeOf(err) != "keep_negative" {
		t.Error(err)
	}
}

// TestTables checks what shares a table and what names one.
func TestTables(t *testing.T) {
	pay, note := shop()
	person, amount := pay.Field("from"), pay.Field("amount")
	odd := &Predicate{Source: "odd", Match: func(*orrery.Event) bool { return true }}
	base := Aggregate{Kind: "count", Event: pay, Field: -1, By: person, Key: person, Window: orrery.Day}
	change := func(f func(a *Aggregate)) Aggregate { a := base; f(&a); return a }
	shared := compile(t, pay, 0, base,
		change(func(a *Aggregate) { a.Kind, a.Field = "mean", amount }),
		change(func(a *Aggregate) { a.Current, a.Window = true, orrery.Hour }),
		change(func(a *Aggregate) { a.Key = pay.Field("to") }))
	if len(shared.Tables()) != 1 {
		t.Errorf("%d tables for aggregates of the same events", len(shared.Tables()))
	}
	seen := shared.Tables()
	for name, a := range map[string]Aggregate{
		"count alone": base,
		"window":      change(func(a *Aggregate) { a.Window *= 2 }),
		"lag":         change(func(a *Aggregate) { a.Lag = 1 }),
		"by":          change(func(a *Aggregate) { a.By = pay.Field("to") }),
		"event":       change(func(a *Aggregate) { a.Event, a.By = note, 2 }),
		"where":       change(func(a *Aggregate) { a.Where = odd }),
		"optional":    change(func(a *Aggregate) { a.Kind, a.Field = "sum", pay.Field("tip") }),
		"squares":     change(func(a *Aggregate) { a.Kind, a.Field = "stddev", amount }),
		"ids":         change(func(a *Aggregate) { a.Kind, a.Field = "distinct", amount }),
		"ever":        change(func(a *Aggregate) { a.Kind, a.Field, a.Lag, a.Window = "sum", amount, orrery.Day, 0 }),
	} {
		id := compile(t, pay, 0, a).Tables()[0]
		if slices.Contains(seen, id) {
			t.Errorf("%s: not a table of its own", name)
		}
		seen = append(seen, id)
		again, _ := shop() // the same contract, read again
		a.Event = []*orrery.EventType{again, note}[a.Event.Index]
		if compile(t, again, 0, a).Tables()[0] != id {
			t.Errorf("%s: the same definition has another name", name)
		}
	}
}

func TestKindsAreDeclared(t *testing.T) {
	for _, k := range Kinds() {
		if _, ok := kindOf(k.Name); !ok || !strings.HasSuffix(k.Doc, ".") || k.Operand == nil || k.Operand.Doc == "" {
			t.Errorf("%+v", k)
		}
		for _, name := range k.FieldTypes {
			if _, ok := orrery.FieldTypeOf(name); !ok || k.Operand.Type != declare.FieldRef {
				t.Errorf("%s takes %q", k.Name, name)
			}
		}
	}
	if Kinds()[0].Name = "other"; kinds[0].Name != "count" {
		t.Error("the declarations can be changed")
	}
}

func TestBadCalls(t *testing.T) {
	pay, note := shop()
	set := compile(t, pay, 0, Aggregate{Kind: "sum", Event: pay, Field: pay.Field("amount"), By: 2, Key: 2})
	st, out := NewState(nil), make([]float64, 1)
	good := payment(pay, 5, 0, "p")
	if err := set.Ask(st, good, out); err != nil {
		t.Fatal(err)
	}
	short, ill, changed := *good, payment(pay, 6, 0, "p"), *good
	short.Values = short.Values[:3]
	ill.Values[pay.Field("amount")] = orrery.Value{}
	other := *pay
	other.Fields = slices.Clone(pay.Fields)
	other.Fields[5].Scale = 3
	changed.Type = &other
	for code, err := range map[string]error{
		"vector_length":     set.Ask(st, good, nil),
		"event_type":        set.Ask(st, &orrery.Event{Type: note, Offset: 7}, out),
		"offset_missing":    set.Ask(st, payment(pay, 0, 0, "p"), out),
		"state_ahead":       set.Ask(st, payment(pay, 4, 0, "p"), out),
		"event_unchecked":   set.Apply(st, &short),
		"contract_mismatch": set.Apply(st, &changed),
	} {
		if orrery.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := set.Apply(st, ill); orrery.CodeOf(err) != "event_unchecked" {
		t.Error(err)
	}
	if err := set.Read(st, 0, nil, nil); orrery.CodeOf(err) != "vector_length" {
		t.Error(err)
	}
	more := *pay
	more.Fields = append(slices.Clone(pay.Fields), orrery.Field{Name: "new", Type: orrery.Int})
	grown := *payment(pay, 6, 0, "p")
	grown.Type, grown.Values = &more, append(grown.Values, orrery.IntValue(1))
	if err := set.Ask(st, &grown, out); err != nil || out[0] != -0.05 {
		t.Errorf("a field added to the type: %v, %v", out, err)
	}
}
