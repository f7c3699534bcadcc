package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"orrery.dev/cli"
)

// TestReferenceIsFresh compares docs/reference with the declarations it is made
// from.
func TestReferenceIsFresh(t *testing.T) {
	const dir = "../docs/reference"
	pages := cli.ReferencePages()
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(dir, page.Name))
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != page.Text {
			t.Errorf("docs/reference/%s is stale: run go generate ./cli", page.Name)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(pages) {
		t.Errorf("docs/reference has %d files, and %d are made", len(files), len(pages))
	}
}
