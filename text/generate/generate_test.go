package main

import (
	"bytes"
	"os"
	"testing"
)

// TestTablesAreCurrent holds unicode_tables.go to what made it.
func TestTablesAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("reads all of Unicode")
	}
	want, err := Generate("confusables.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../unicode_tables.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("unicode_tables.go is not what go generate ./text makes")
	}
}
