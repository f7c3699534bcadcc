package fraud_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"orrery.dev"
	"orrery.dev/systems/fraud"
)

func unzip(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func TestWriteCSV(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "where missing")
	var heard []int64
	written, err := fraud.WriteCSV(context.Background(), dir, town, func(n int64) { heard = append(heard, n) })
	if err != nil {
		t.Fatal(err)
	}
	transactions := fraud.AppendCSVHeader(nil, fraud.TransactionType)
	reports := fraud.AppendCSVHeader(nil, fraud.ReportType)
	n := int64(0)
	for _, x := range history(t, town) {
		transactions = fraud.Event{Type: fraud.TransactionType, At: x.At, Transaction: x}.AppendCSV(transactions)
		if x.Fraud() {
			n++
			reports = fraud.Event{Type: fraud.ReportType, At: x.At.Add(fraud.ReportDelay), Transaction: x}.AppendCSV(reports)
		}
	}
	if unzip(t, filepath.Join(dir, fraud.TransactionsFile)) != string(transactions) {
		t.Error("the transactions differ from the world's")
	}
	if unzip(t, filepath.Join(dir, fraud.ReportsFile)) != string(reports) {
		t.Error("the reports differ from the world's")
	}
	lines := int64(bytes.Count(transactions, []byte("\n")) - 1)
	if written != (fraud.Written{Transactions: lines, Reports: n}) || len(heard) != town.Days || heard[len(heard)-1] != lines {
		t.Errorf("%+v, progress %v", written, heard)
	}
	if found := names(t, dir); len(found) != 2 {
		t.Errorf("%v", found)
	}
}

func TestWriteCSVKeepsWhatExists(t *testing.T) {
	for _, name := range []string{fraud.TransactionsFile, fraud.ReportsFile} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := fraud.WriteCSV(context.Background(), dir, town, nil)
		if orrery.KindOf(err) != orrery.Conflict {
			t.Errorf("%v", err)
		}
		if text, _ := os.ReadFile(path); string(text) != "mine" || len(names(t, dir)) != 1 {
			t.Errorf("%s is now %q beside %v", name, text, names(t, dir))
		}
	}
}

func TestWriteCSVLeavesNothingHalfDone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	_, err := fraud.WriteCSV(ctx, dir, town, func(int64) { cancel() })
	if !errors.Is(err, context.Canceled) || len(names(t, dir)) != 0 {
		t.Errorf("%v, left %v", err, names(t, dir))
	}
}

func TestWriteCSVSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fraud.WriteCSV(context.Background(), file, town, nil); orrery.CodeOf(err) != "cannot_write" {
		t.Errorf("a file as directory: %v", err)
	}
	if _, err := fraud.WriteCSV(context.Background(), t.TempDir(), fraud.Options{Days: -1}, nil); orrery.CodeOf(err) != "sample_option" {
		t.Errorf("no days: %v", err)
	}
}
