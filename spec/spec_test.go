package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/expr"
)

// valid checks base with a change and gives the spec.
func valid(t *testing.T, change string) *Spec {
	t.Helper()
	s, diagnostics := Check("system.yaml", []byte(overlay(change)), testRegistry())
	if len(diagnostics) > 0 {
		t.Fatal(render(t, diagnostics))
	}
	checkSpec(t, s)
	return s
}

func TestAggregates(t *testing.T) {
	s := valid(t, `features:
  amount: order.amount
  spent: {mean: order.amount, by: buyer, window: [1d, ever], lag: 12h, unit: USD, about: What was spent.}
  before: {last: order.amount, by: seller, window: 2w}
  again: {last: order.amount, by: seller, window: 2w, current: true}
  bad: {count: refund, by: buyer, window: 90m, where: refund.bad}
model: -
policy: [{action: approve}]
`)
	order, refund := s.Contract.Event("order"), s.Contract.Event("refund")
	want := map[string]Aggregate{
		"spent_1d":   {Kind: "mean", Event: order, Field: 4, By: 2, Key: 2, Window: orrery.Day, Lag: 12 * orrery.Hour, Current: true},
		"spent_ever": {Kind: "mean", Event: order, Field: 4, By: 2, Key: 2, Lag: 12 * orrery.Hour, Current: true},
		"before":     {Kind: "last", Event: order, Field: 4, By: 3, Key: 3, Window: 2 * orrery.Week},
		"again":      {Kind: "last", Event: order, Field: 4, By: 3, Key: 3, Window: 2 * orrery.Week, Current: true},
		"bad":        {Kind: "count", Event: refund, Field: -1, By: 3, Key: 2, Window: 90 * orrery.Minute, Current: true},
	}
	for name, w := range want {
		f := s.Feature(name)
		if f == nil || f.Aggregate == nil {
			t.Fatalf("no aggregate %s among %v", name, s.FeatureNames())
		}
		got := *f.Aggregate
		if (got.Where != nil) != (name == "bad") {
			t.Errorf("%s: where %v", name, got.Where)
		}
		got.Where = nil
		if got != w {
			t.Errorf("%s: %+v, want %+v", name, got, w)
		}
	}
	if f := s.Feature("spent_1d"); f.Unit != "USD" || f.About != "What was spent." || f.Declared != "spent" {
		t.Errorf("%+v", f)
	}
}

func TestRatios(t *testing.T) {
	s := valid(t, `features:
  amount: order.amount
  risk: {ratio: [refunds, orders], empty: 0.5}
  share: {ratio: [amount, orders]}
  trend: {ratio: [orders_1d, orders_7d]}
  orders: {count: order, by: buyer, window: [7d, 1d]}
  refunds: {count: refund, by: buyer, window: [1d, 7d]}
`)
	read := func(name string) string {
		r := s.Feature(name).Ratio
		return fmt.Sprintf("%s/%s %v", s.Features[r.Numerator].Name, s.Features[r.Denominator].Name, r.Empty)
	}
	for name, want := range map[string]string{
		"risk_1d":  "refunds_1d/orders_1d 0.5",
		"risk_7d":  "refunds_7d/orders_7d 0.5",
		"share_7d": "amount/orders_7d NaN",
		"trend":    "orders_1d/orders_7d NaN",
	} {
		if got := read(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	want := "[amount refunds_1d refunds_7d orders_7d orders_1d risk_1d risk_7d share_7d share_1d trend]"
	if got := fmt.Sprint(s.FeatureNames()); got != want {
		t.Errorf("order %s\n want %s", got, want)
	}
}

// TestExpressionsReadTheirPlace checks that expressions are bound to the
// evaluation order and not to that of the file.
func TestExpressionsReadTheirPlace(t *testing.T) {
	s := valid(t, `features:
  orders_plus: extra + order.amount
  amount: order.amount
  extra: amount * 2
  orders: {count: order, by: buyer, window: [1d, 7d]}
policy:
  - {when: extra > 100 && score > 0.5, action: review}
  - {action: approve}
`)
	if got := fmt.Sprint(s.FeatureNames()); got != "[amount extra orders_plus orders_1d orders_7d]" {
		t.Fatal(got)
	}
	order := s.DecideOn
	e := &orrery.Event{Type: order, Values: make([]orrery.Value, len(order.Fields))}
	e.Values[order.Field("amount")] = orrery.DecimalValue(6000)
	vector := make([]float64, len(s.Features)+1)
	for i, f := range s.Features {
		if f.Expr != nil {
			vector[i] = f.Expr.Number(&expr.Input{Event: e, Vector: vector})
		}
	}
	if vector[0] != 60 || vector[1] != 120 || vector[2] != 180 {
		t.Errorf("vector %v", vector)
	}
	vector[len(s.Features)] = 0.6
	if holds, known := s.Policy[0].When.Bool(&expr.Input{Event: e, Vector: vector}); !holds || !known {
		t.Error("the policy does not read the score behind the features")
	}
}

func TestDefaults(t *testing.T) {
	s := valid(t, "evaluate: {leave_out_known: buyer}\n")
	if s.Dedupe.Within != 30*orrery.Day || s.Location.String() != "UTC" || s.Label.Absent {
		t.Errorf("%+v %v %+v", s.Dedupe, s.Location, s.Label)
	}
	if want := map[string]any{"trees": 100, "learning_rate": 0.1}; !reflect.DeepEqual(s.Model.Params, want) {
		t.Errorf("params %v, want %v", s.Model.Params, want)
	}
	if want := (Evaluate{LeaveOutKnown: 2, By: -1}); *s.Evaluate != want {
		t.Errorf("evaluate %+v, want %+v", *s.Evaluate, want)
	}
	s = valid(t, "dedupe: {within: 2w}\ntimezone: Europe/Paris\nmodel: {kind: gbdt, features: ['*'], params: {trees: 7}, train: {range: 4w}}\n")
	if s.Dedupe.Within != 14*orrery.Day || s.Location.String() != "Europe/Paris" || s.Model.Params["trees"] != 7 ||
		s.Model.Params["learning_rate"] != 0.1 || len(s.Model.Features) != len(s.Features) || s.Model.Train.Range != 28*orrery.Day {
		t.Errorf("%+v %v %+v", s.Dedupe, s.Location, s.Model)
	}
}

func TestContract(t *testing.T) {
	s := valid(t, `entities: [buyer, seller, member]
events:
  order:
    id: n
    time: at
    about: A sale.
    fields:
      n: int
      at: {type: timestamp}
      buyer: entity
      friend: {type: entity, entity: member, optional: true, about: Who asked.}
      amount: {type: decimal, scale: 2, min: -0.5, max: 1000, unit: EUR}
      weight: {type: float, max: 1e3}
      count: {type: int, min: 1}
features:
  amount: order.amount
label: -
model: -
policy: [{action: approve}]
`)
	e := s.Contract.Event("order")
	want := []orrery.Field{
		{Name: "n", Type: orrery.Int}, {Name: "at", Type: orrery.Timestamp}, {Name: "buyer", Type: orrery.Entity, Entity: "buyer"},
		{Name: "friend", Type: orrery.Entity, Entity: "member", Optional: true, About: "Who asked."},
		{Name: "amount", Type: orrery.Decimal, Scale: 2, Min: orrery.DecimalValue(-50), Max: orrery.DecimalValue(100000), Unit: "EUR"},
		{Name: "weight", Type: orrery.Float, Max: orrery.FloatValue(1000)},
		{Name: "count", Type: orrery.Int, Min: orrery.IntValue(1)},
	}
	if !reflect.DeepEqual(e.Fields, want) || e.IDField != 0 || e.TimeField != 1 || e.About != "A sale." {
		t.Errorf("%+v\nwant %+v", e, want)
	}
	if decoded, err := orrery.DecodeContract(s.Contract.Encode()); err != nil || decoded.Fingerprint() != s.Contract.Fingerprint() {
		t.Errorf("the contract does not survive its encoding: %v", err)
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]orrery.Duration{"250ms": 250 * orrery.Millisecond, "30s": 30 * orrery.Second, "5m": 5 * orrery.Minute,
		"12h": 12 * orrery.Hour, "7d": 7 * orrery.Day, "2w": 14 * orrery.Day, "36525d": maxDuration, "0s": 0} {
		if got, ok := ParseDuration(text); !ok || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "7", "d", "7 d", "-7d", "1.5h", "7days", "36526d", "999999999999w", "٣d", "7D"} {
		if got, ok := ParseDuration(text); ok {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"customer", "terminal", "amount", "by", "of"}
	for text, want := range map[string]string{"custmer": "customer", "terminals": "terminal", "amuont": "amount", "zebra": "", "bi": "", "Amount": "amount", "": ""} {
		if got := nearest(text, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", text, got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write(FileName, base)
	for _, path := range []string{dir, file} {
		if s, diagnostics, err := Load(path, testRegistry()); err != nil || len(diagnostics) > 0 || s.Path != file {
			t.Errorf("%s: %v %v", path, diagnostics, err)
		}
	}
	if s, diagnostics, err := Load(write("bad.yaml", "orrery: 2\n"), testRegistry()); err != nil || s != nil || !diagnostics.HasErrors() || diagnostics.Err() == nil {
		t.Errorf("%v %v", diagnostics, err)
	}
	for path, code := range map[string]string{
		filepath.Join(dir, "none.yaml"): "spec_not_found",
		t.TempDir():                     "spec_not_found",
		os.DevNull:                      "spec_unreadable",
		write("big.yaml", strings.Repeat("#", MaxSize+1)): "spec_too_large",
	} {
		if _, _, err := Load(path, testRegistry()); orrery.CodeOf(err) != code {
			t.Errorf("%s: %v, want code %s", path, err, code)
		}
	}
}

func TestDiagnosticAsData(t *testing.T) {
	_, diagnostics := Check("x.yaml", []byte(overlay("decide_on: odrer\n")), testRegistry())
	text, err := json.Marshal(diagnostics)
	if err != nil {
		t.Fatal(err)
	}
	want := "[{\"file\":\"x.yaml\",\"line\":13,\"column\":12,\"end_column\":17,\"severity\":\"error\",\"code\":\"unknown_event\",\"path\":\"decide_on\"," +
		"\"message\":\"there is no event `odrer`\",\"suggestion\":\"order\",\"excerpt\":\"decide_on: odrer\"}]"
	if string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	var e *orrery.Error
	if err := diagnostics.Err(); !errors.As(err, &e) || e.Kind != orrery.Invalid || e.Field != "decide_on" {
		t.Errorf("error %v", err)
	}
	if diagnostics[:0].Err() != nil {
		t.Error("no diagnostics are an error")
	}
}

func TestRenderColour(t *testing.T) {
	_, diagnostics := Check("x\x1b[2J.yaml", []byte(overlay("about: \"\x1b[2J\"\ndecide_on: odrer\n")), testRegistry())
	var plain, coloured bytes.Buffer
	if Render(&plain, diagnostics, false) != nil || Render(&coloured, diagnostics, true) != nil {
		t.Fatal("rendering fails")
	}
	if strings.Contains(plain.String(), "\x1b") || strings.Contains(coloured.String(), "\x1b[2J") {
		t.Error("a file writes to the terminal")
	}
	if !strings.Contains(coloured.String(), "\x1b[1;31m^^^^^\x1b[0m") {
		t.Errorf("no colour in %q", coloured.String())
	}
	if Render(&plain, diagnostics[:0], false) != nil {
		t.Error("nothing cannot be rendered")
	}
}

// TestDeclaration checks that every key is documented, that its default is a
// value of its own and that names are not declared twice by mistake.
func TestDeclaration(t *testing.T) {
	var visit func(f declare.Field, path string)
	visit = func(f declare.Field, path string) {
		if f.Doc == "" && !strings.Contains(path, "features.*") && !strings.Contains(path, ".params.") {
			t.Errorf("%s has no documentation", path)
		}
		if f.Default != "" {
			c := &checker{src: newSource("", nil)}
			if c.scalar(&node{shape: scalar, text: f.Default, plain: true, path: path}, f); len(c.diags) > 0 {
				t.Errorf("%s: the default is faulty: %s", path, c.diags[0].Message)
			}
		}
		if f.Required && f.Default != "" {
			t.Errorf("%s is required and has a default", path)
		}
		for i, inner := range f.Fields {
			for _, other := range f.Fields[:i] {
				if other.Name == inner.Name && inner.Type != declare.Mapping {
					t.Errorf("%s.%s is declared twice", path, inner.Name)
				}
			}
			visit(inner, join(path, inner.Name))
		}
	}
	visit(Declaration(testRegistry()), "")
	if n := len(Codes()); n < 40 {
		t.Errorf("%d codes", n)
	}
}

func TestEmptyIsMissing(t *testing.T) {
	s := valid(t, "features:\n  amount: order.amount\n  orders: {count: order, by: buyer, window: 1d}\n  each: {ratio: [amount, orders]}\nmodel: -\npolicy: [{action: a}]\n")
	if r := s.Feature("each").Ratio; !math.IsNaN(r.Empty) {
		t.Errorf("empty is %v", r.Empty)
	}
	if s.Feature("none") != nil {
		t.Error("a feature that is not there")
	}
}
