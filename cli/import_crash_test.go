package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"orrery.dev/ingest/quarantine"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// logOf gives the events of a data directory's log with their offsets, and the
// ids of what is in quarantine.
func logOf(t *testing.T, dir string) (events, refused []string) {
	t.Helper()
	st, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range st.Log().Scan(1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == store.EventRecord {
			events = append(events, fmt.Sprintf("%d %x", r.Offset, r.Data))
		}
	}
	listing, err := quarantine.In(filepath.Join(dir, "quarantine")).List(quarantine.Selection{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range listing.Items {
		refused = append(refused, listing.Items[i].ID)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return events, refused
}

// TestKilledImportsGoOn kills an import again and again: its log is in the end
// that of an import that was never killed, byte for byte, and so is the quarantine.
func TestKilledImportsGoOn(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; left out with -short")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "transactions.csv")
	var text bytes.Buffer
	text.WriteString("transaction_id,at,customer,terminal,amount\n")
	begin := time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC)
	for i := range 150_000 {
		amount := fmt.Sprintf("%d.%02d", i%300, i%100)
		if i%5000 == 17 {
			amount = "much"
		}
		fmt.Fprintf(&text, "%d,%s,c%d,t%d,%s\n", i, begin.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i%701, i%503, amount)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(data string) (*exec.Cmd, *bytes.Buffer) {
		var output bytes.Buffer
		cmd := &exec.Cmd{Path: os.Args[0], Args: []string{"orrery", "ingest", "../systems/fraud", "--data", data, "--events", "transaction=" + path, "--json", "-q"}}
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, &output
	}
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	begun := time.Now()
	cmd, output := run(whole)
	_ = cmd.Wait()
	took := time.Since(begun)
	if cmd.ProcessState.ExitCode() != 1 { // Some lines are bad.
		t.Fatalf("%v: %s", cmd.ProcessState, output)
	}
	random := rand.New(rand.NewPCG(4, 4))
	kills := 0
	for range 8 {
		cmd, _ = run(parts)
		timer := time.AfterFunc(time.Duration(random.Float64()*0.6*float64(took)), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
		if cmd.ProcessState.ExitCode() == -1 {
			kills++
		}
	}
	cmd, output = run(parts)
	_ = cmd.Wait()
	var summary struct{ Read, Skipped int64 }
	if err := json.Unmarshal(output.Bytes(), &summary); err != nil || summary.Read != 150_000 {
		t.Fatalf("%v: %s", err, output)
	}
	wantEvents, wantRefused := logOf(t, whole)
	events, refused := logOf(t, parts)
	if !slices.Equal(events, wantEvents) {
		t.Fatalf("%d events after %d kills, %d without, or other ones", len(events), kills, len(wantEvents))
	}
	if !slices.Equal(refused, wantRefused) || len(refused) != 30 {
		t.Fatalf("in quarantine: %d and %d", len(refused), len(wantRefused))
	}
	t.Logf("%d kills; the last run passed over %d events", kills, summary.Skipped)
}
