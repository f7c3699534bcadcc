package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"orrery.dev/builtin"
	"orrery.dev/spec"
)

// compiled compiles the schema, which thereby is one.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text := spec.Schema(builtin.Registry())
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(spec.SchemaID, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(spec.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate checks a text against the schema as an editor would.
func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

// fraudText is the example's file.
func fraudText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "systems", "fraud", spec.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSchemaTakesTheExample(t *testing.T) {
	if err := validate(t, compiled(t), fraudText(t)); err != nil {
		t.Error(err)
	}
}

func TestSchemaTakesWhatCheckTakes(t *testing.T) {
	schema, fraud := compiled(t), fraudText(t)
	for _, edit := range [][2]string{
		{"[1d, 7d, 30d]}\n  customer_amount", "1d}\n  customer_amount"},
		{"[1d, 7d, 30d]}\n  customer_amount", "[1d, ever]}\n  customer_amount"},
		{"about: Approve", "about: 2018 # Approve"},
		{"amount: transaction.amount", "amount: 5"},
		{"amount: transaction.amount", "amount: {value: transaction.amount, unit: USD}"},
		{"min: 0}", "min: 0.5, max: 1000, optional: true, about: what was paid}"},
		{"kind: gbdt", "kind: logistic"},
		{"train: {range: 7d}", "train: {range: 7d}\n  params: {trees: 50}"},
		{"entities: [customer, terminal]", "dedupe: {within: 12h}\nentities: [customer, terminal]"},
	} {
		text := replaceOnce(t, fraud, edit)
		if _, diagnostics := spec.Check("system.yaml", []byte(text), builtin.Registry()); diagnostics.HasErrors() {
			t.Errorf("%q: not a sound case: %v", edit[1], diagnostics.Err())
		}
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%q: %v", edit[1], err)
		}
	}
}

func TestSchemaRefusesFaults(t *testing.T) {
	schema, fraud := compiled(t), fraudText(t)
	for _, edit := range [][2]string{
		{"system: fraud", "system: Fraud"},
		{"system: fraud", "sytem: fraud"},
		{"orrery: 1", "orrery: one"},
		{"decide_on: transaction\n", ""},
		{"amount: {type: decimal", "amount: {type: money"},
		{"scale: 2", "scale: 40"},
		{"scale: 2", "scale: two"},
		{"min: 0}", "min: 0, least: 0}"},
		{"fraud: bool}", "fraud: boolean}"},
		{"lag: 7d", "lag: 7 days"},
		{"lag: 7d", "lag: 0d"},
		{"lag: 7d", "leg: 7d"},
		{"{count: transaction, by: customer, window: [1d, 7d, 30d]}", "{count: transaction, window: [1d, 7d, 30d]}"},
		{"{count: transaction, by: customer, window: [1d, 7d, 30d]}", "{count: transaction, by: customer}"},
		{"{count: transaction, by: customer, window: [1d, 7d, 30d]}", "{cuont: transaction, by: customer, window: 1d}"},
		{"{count: transaction, by: customer, window: [1d, 7d, 30d]}", "{count: transaction, by: customer, window: []}"},
		{"empty: 0", "empty: none"},
		{"train: {range: 7d}", "train: {range: 7d, calibrate: no}"},
		{"matures_after: 7d", "matures_after: ever"},
		{"from: fraud_report.fraud", "from: fraud_report.fraud == true"},
		{"kind: gbdt", "kind: gdbt"},
		{"train: {range: 7d}", "train: {range: 7d}\n  params: {tress: 50}"},
		{"train: {range: 7d}", "train: {range: 7d}\n  params: {trees: 0}"},
		{"train: {range: 7d}", "train: {}"},
		{"action: block}", "action: Block it}"},
		{"{action: approve}", "{when: true}"},
		{"precision_at: 100", "precision_at: 0"},
	} {
		text := replaceOnce(t, fraud, edit)
		if _, diagnostics := spec.Check("system.yaml", []byte(text), builtin.Registry()); !diagnostics.HasErrors() {
			t.Errorf("%q: not a faulty case", edit[1])
		}
		if validate(t, schema, text) == nil {
			t.Errorf("the schema takes %q in place of %q", edit[1], edit[0])
		}
	}
}

func replaceOnce(t *testing.T, text string, edit [2]string) string {
	t.Helper()
	if !strings.Contains(text, edit[0]) {
		t.Fatalf("the example has no %q", edit[0])
	}
	return strings.Replace(text, edit[0], edit[1], 1)
}
