package main

import (
	"bytes"
	"os"
	"testing"
)

// TestTablesAreCurrent holds the tables to what made them.
func TestTablesAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("reads all of Unicode")
	}
	for path, generate := range map[string]func() ([]byte, error){
		"../unicode_tables.go": func() ([]byte, error) { return Generate("confusables.txt.gz") }, "../ngram/classes.go": GenerateClasses,
	} {
		want, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what go generate ./text makes", path)
		}
	}
}
