package fraud_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"orrery.dev/systems/fraud"
)

func TestFiles(t *testing.T) {
	names, err := fs.Glob(fraud.Files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if ext := path.Ext(name); ext != ".md" && ext != ".yaml" {
			t.Errorf("%s is embedded", name)
		}
	}
	readme, err := fs.ReadFile(fraud.Files, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	// What the README says of the files is what they have.
	for _, eventType := range []string{fraud.TransactionType, fraud.ReportType} {
		header := strings.TrimSpace(string(fraud.AppendCSVHeader(nil, eventType)))
		row := "| `" + eventType + "` | `" + strings.ReplaceAll(header, ",", "`, `") + "` |"
		if !strings.Contains(string(readme), row) {
			t.Errorf("the README lacks %s", row)
		}
	}
}
