package spec

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"orrery.dev/declare"
)

// testRegistry stands for the kinds that the other packages declare.
func testRegistry() *Registry {
	event := &declare.Field{Name: "of", Type: declare.EventRef, Example: "transaction"}
	field := &declare.Field{Name: "of", Type: declare.FieldRef, Example: "transaction.amount"}
	numeric := []string{"int", "decimal", "float"}
	return &Registry{
		Features: []declare.Kind{
			{Name: "count", Operand: event},
			{Name: "sum", Operand: field, FieldTypes: numeric},
			{Name: "mean", Operand: field, FieldTypes: numeric},
			{Name: "min", Operand: field, FieldTypes: numeric},
			{Name: "max", Operand: field, FieldTypes: numeric},
			{Name: "stddev", Operand: field, FieldTypes: numeric},
			{Name: "distinct", Operand: field, NeedsWindow: true},
			{Name: "last", Operand: field, WithoutCurrent: true, GivesValue: true, Fields: []declare.Field{
				{Name: "n", Type: declare.Int, Min: declare.Bound(1), Max: declare.Bound(100)}}},
			{Name: "quantile", Operand: field, FieldTypes: numeric, NeedsWindow: true, Fields: []declare.Field{
				{Name: "q", Type: declare.Number, Required: true, Min: declare.Bound(0), Max: declare.Bound(1)}}},
			{Name: "top", Operand: field, NeedsWindow: true, GivesValue: true, Fields: []declare.Field{
				{Name: "k", Type: declare.Int, Required: true, Min: declare.Bound(1), Max: declare.Bound(10)}}},
			{Name: "decayed_sum", Operand: field, FieldTypes: numeric, WithoutWindow: true, Fields: []declare.Field{
				{Name: "half_life", Type: declare.Duration, Required: true, Above: declare.Bound(0)}}},
			{Name: "repeats", Operand: field, FieldTypes: []string{"string"}, NeedsWindow: true, OfAsker: true, WithoutCurrent: true, Fields: []declare.Field{
				{Name: "distance", Type: declare.Int, Default: "12", Min: declare.Bound(0), Max: declare.Bound(20), Doc: "How far."}}},
			{Name: "time_since_last", Operand: event, WithoutCurrent: true},
		},
		Models: []declare.Kind{
			{Name: "gbdt", Doc: "Gradient-boosted trees.", Monotone: true, Fields: []declare.Field{
				{Name: "trees", Type: declare.Int, Default: "100", Min: declare.Bound(1), Max: declare.Bound(10000)},
				{Name: "learning_rate", Type: declare.Number, Default: "0.1", Above: declare.Bound(0), Max: declare.Bound(1)},
			}},
			{Name: "logistic", Doc: "Logistic regression.", Head: true, Fields: []declare.Field{
				{Name: "l2", Type: declare.Number, Default: "1", Min: declare.Bound(0)},
			}},
			{Name: "text", Doc: "A text classifier.", ReadsText: true, Several: true, Head: true, Fields: []declare.Field{
				{Name: "words", Type: declare.Int, Default: "2", Min: declare.Bound(1)},
				{Name: "marks", Type: declare.Text, List: true},
				{Name: "misspell", Type: declare.Number, Default: "0.5", Alone: true},
			}},
			{Name: "onnx", Doc: "A network.", ReadsText: true, Several: true, Heads: true, Keys: []declare.Field{
				{Name: "file", Type: declare.File, Required: true, Example: "model.onnx", Doc: "The network."},
				{Name: "tokenizer", Type: declare.File, Required: true, Example: "tokenizer.json", Doc: "Its tokenizer."},
				{Name: "pool", Type: declare.Text, Enum: []string{"none", "mean"}, Default: "none", Doc: "How."},
				{Name: "outputs", Type: declare.Name, List: true, Doc: "What for."},
			}},
		},
	}
}

// base is a valid spec. A case of testdata replaces some of its top-level keys.
const base = `orrery: 1
system: shop
entities: [buyer, seller]
events:
  order:
    id: order_id
    time: at
    fields: {order_id: string, at: timestamp, buyer: entity, seller: entity, amount: {type: decimal, scale: 2}, note: string, rush: bool}
  refund:
    id: refund_id
    time: at
    fields: {refund_id: string, at: timestamp, order_id: string, buyer: entity, bad: bool, seq: int}
decide_on: order
features:
  amount: order.amount
  orders: {count: order, by: buyer, window: [1d, 7d]}
  refunds: {count: refund, by: buyer, window: [1d, 7d]}
label: {from: refund.bad, match: order_id, matures_after: 7d}
model: {kind: gbdt, features: [amount, orders_*], train: {range: 7d}}
policy:
  - {when: score >= 0.5, action: review}
  - {action: approve}
`

// blocks splits a file at its top-level keys; each block begins with one.
func blocks(text string) []string {
	var out []string
	from, at := 0, 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		if at > from && line != "" && !strings.ContainsAny(line[:1], " #\n-}<") {
			out, from = append(out, text[from:at]), at
		}
		at += len(line)
	}
	return append(out, text[from:])
}

// overlay puts the blocks of a change in place of those of base with the same
// key, and others at the end. A key alone with "-" behind it is removed.
func overlay(change string) string {
	key := func(block string) string { k, _, _ := strings.Cut(block, ":"); return k }
	out := blocks(base)
	for _, b := range blocks(change) {
		i := slices.IndexFunc(out, func(o string) bool { return key(o) == key(b) })
		switch {
		case i >= 0 && strings.TrimSpace(b) == key(b)+": -":
			out = slices.Delete(out, i, i+1)
		case i >= 0:
			out[i] = b
		default:
			out = append(out, b)
		}
	}
	return strings.Join(out, "")
}

func render(t *testing.T, diagnostics Diagnostics) string {
	var b bytes.Buffer
	if err := Render(&b, diagnostics, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCheck runs the cases of testdata/check: "change" checks base with some of
// its keys replaced, "file" a whole file. Rewrite the expected output with
// -rewrite.
func TestCheck(t *testing.T) {
	datadriven.Walk(t, "testdata/check", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			text := d.Input + "\n"
			if d.Cmd == "change" {
				text = overlay(text)
			}
			for old, replacement := range map[string]string{"<TAB>": "\t", "<NUL>": "\x00", "<BYTE>": "\xff", "<CR>": "\r", "<LONG>": strings.Repeat("x", maxLine), "<WINDOWS>": manyWindows()} {
				text = strings.ReplaceAll(text, old, replacement)
			}
			s, diagnostics := Check("system.yaml", []byte(text), testRegistry())
			if (s == nil) != diagnostics.HasErrors() {
				t.Errorf("%s: spec %v with %d diagnostics", d.Pos, s != nil, len(diagnostics))
			}
			for i := range diagnostics {
				checkDiagnostic(t, &diagnostics[i], text)
			}
			if len(diagnostics) == 0 {
				return "ok\n"
			}
			return render(t, diagnostics)
		})
	})
}

// manyWindows lists one window more than a feature can have.
func manyWindows() string {
	var windows []string
	for i := range maxWindows + 1 {
		windows = append(windows, fmt.Sprintf("%dh", i+1))
	}
	return strings.Join(windows, ", ")
}

// checkDiagnostic checks what holds for every diagnostic.
func checkDiagnostic(t *testing.T, d *Diagnostic, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	if d.Line < 1 || d.Line > len(lines) || d.Column < 1 || d.EndColumn <= d.Column {
		t.Errorf("impossible place: %+v", d)
		return
	}
	if n := len([]rune(lines[d.Line-1])) + 1; d.Column > n+1 {
		t.Errorf("column %d of a line with %d: %+v", d.Column, n, d)
	}
	if _, ok := codes[d.Code]; !ok && !strings.HasPrefix(d.Code, "expression_") {
		t.Errorf("code %q is not among Codes", d.Code)
	}
	if d.Message == "" {
		t.Errorf("no message: %+v", d)
	}
}

// TestEveryCodeHasACase reads the expected output of testdata for the codes.
func TestEveryCodeHasACase(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for code := range Codes() {
		if !strings.Contains(all.String(), "["+code+"]\n") && !slices.Contains(untestedHere, code) {
			t.Errorf("no case has the code %s", code)
		}
	}
}

// untestedHere are codes whose cases are not text files, or are those of package
// cli, for the server's file.
var untestedHere = []string{"expression_scope", "secret_literal"}

func TestTheFraudExample(t *testing.T) {
	s, diagnostics, err := Load("../systems/fraud", testRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if len(diagnostics) > 0 {
		t.Fatal(render(t, diagnostics))
	}
	got := fmt.Sprint(s.FeatureNames())
	want := "[amount weekend night customer_count_1d customer_count_7d customer_count_30d customer_amount_1d customer_amount_7d customer_amount_30d " +
		"terminal_count_1d terminal_count_7d terminal_count_30d terminal_frauds_1d terminal_frauds_7d terminal_frauds_30d " +
		"terminal_risk_1d terminal_risk_7d terminal_risk_30d]"
	if got != want {
		t.Errorf("features %s\n want %s", got, want)
	}
	if got := fmt.Sprint(s.Model.Features); got != "[0 1 2 3 4 5 6 7 8 9 10 11 15 16 17]" {
		t.Errorf("model features %s", got)
	}
}
