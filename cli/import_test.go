package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/ingest"
	"orrery.dev/ingest/quarantine"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/spec"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

// flaky is a recorder that fails at a random call, before or after it has done
// what it was asked for, as a killed process would.
type flaky struct {
	directRecorder
	store *memory.Store
	left  int
	after bool
	t     rapid.TB
}

var errFlaky = errors.New("stopped here")

func (f *flaky) around(do func() error) error {
	f.left--
	if f.left == 0 && !f.after {
		return errFlaky
	}
	err := do()
	if f.left == 0 && err == nil {
		return errFlaky
	}
	return err
}

func (f *flaky) record(ctx context.Context, events []orrery.Event, live bool) (results []serve.Result, err error) {
	err = f.around(func() error {
		results, err = f.directRecorder.record(ctx, events, live)
		return err
	})
	return results, err
}

func (f *flaky) quarantine(ctx context.Context, items []quarantine.Item, over int64) error {
	return f.around(func() error { return f.directRecorder.quarantine(ctx, items, over) })
}

// setImported checks the promise: no position is ahead of what is kept.
func (f *flaky) setImported(ctx context.Context, name string, at ingest.Position) error {
	listing, err := f.refused.List(quarantine.Selection{}, 0)
	if err != nil {
		return err
	}
	logRefused := 0
	for _, it := range listing.Items {
		if it.Line == 0 {
			logRefused++
		}
	}
	if kept := int64(len(eventsOf(f.t, f.store)) + logRefused); at.Events > kept {
		f.t.Fatalf("the position says %d events, and %d are kept", at.Events, kept)
	}
	return f.around(func() error { return f.directRecorder.setImported(ctx, name, at) })
}

func newFlaky(t rapid.TB, s *spec.Spec, dir string) *flaky {
	t.Helper()
	st := memory.New()
	engine, err := serve.Open(context.Background(), st, s, serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	return &flaky{directRecorder: directRecorder{engine, quarantine.In(dir)}, store: st, t: t}
}

// eventsOf gives the event records of a log, without the offsets of controls.
func eventsOf(t rapid.TB, st *memory.Store) []string {
	var out []string
	for r, err := range st.Log().Scan(1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == store.EventRecord {
			out = append(out, fmt.Sprintf("%d %x", r.Offset, r.Data))
		}
	}
	return out
}

func idsOf(t rapid.TB, q *quarantine.Store) []string {
	listing, err := q.List(quarantine.Selection{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, it := range listing.Items {
		ids = append(ids, it.ID)
	}
	slices.Sort(ids)
	return ids
}

// writeImport writes two files with good lines, lines that are refused on reading,
// repeats, and events that the log refuses because they are too old.
func writeImport(t *rapid.T, dir string) (transactions, reports string) {
	random := rapid.IntRange(0, 9)
	var tx, fr bytes.Buffer
	tx.WriteString("transaction_id,at,customer,terminal,amount,learned\n")
	fr.WriteString("report_id,at,transaction_id,customer,terminal,fraud,learned\n")
	for i := range rapid.IntRange(1, 60).Draw(t, "lines") {
		learned := fmt.Sprintf("2018-06-01T00:%02d:00Z", i)
		at, id := learned, i
		switch random.Draw(t, "line") {
		case 0:
			at = "not a time"
		case 1:
			at = "2017-01-01T00:00:00Z" // The log refuses it as too old, unless it is the first.
		case 2:
			id = i / 2 // Perhaps a repeat, perhaps a conflict.
		}
		fmt.Fprintf(&tx, "%d,%s,c%d,t1,5.00,%s\n", id, at, i%3, learned)
		if i%4 == 0 {
			fmt.Fprintf(&fr, "r%d,%s,%d,c1,t1,true,%s\n", i, learned, i, learned)
		}
	}
	transactions, reports = filepath.Join(dir, "t.csv"), filepath.Join(dir, "r.csv")
	for path, text := range map[string][]byte{transactions: tx.Bytes(), reports: fr.Bytes()} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return transactions, reports
}

// TestImportsResume stops imports at random calls, again and again, and in the
// middle changes what is behind the position or before it: the log and the
// quarantine end as those of an import that was never stopped.
func TestImportsResume(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	root := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		dir := filepath.Join(root, fmt.Sprint(run))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		tx, fr := writeImport(t, dir)
		inputs := []ingest.Input{{Path: tx, Type: s.Contract.Event("transaction"), Received: "learned"}, {Path: fr, Type: s.Contract.Event("fraud_report"), Received: "learned"}}
		once := func(to *flaky) (*IngestSummary, error) {
			im := fileImport{app: &app{err: io.Discard, quiet: true}, spec: s, inputs: inputs, to: to,
				step: rapid.Int64Range(1, 9).Draw(t, "step"), every: rapid.Int64Range(1, 20).Draw(t, "every")}
			return im.run(context.Background())
		}
		whole, parts := newFlaky(t, s, filepath.Join(dir, "whole")), newFlaky(t, s, filepath.Join(dir, "parts"))
		defer func() { _ = errors.Join(whole.engine.Close(), parts.engine.Close()) }()
		want, err := once(whole)
		if err != nil {
			t.Fatal(err)
		}
		for {
			parts.left, parts.after = rapid.IntRange(1, 12).Draw(t, "calls"), rapid.Bool().Draw(t, "after")
			got, err := once(parts)
			if errors.Is(err, errFlaky) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Read != want.Read {
				t.Fatalf("%d events read, and %d in one run", got.Read, want.Read)
			}
			break
		}
		if a, b := eventsOf(t, whole.store), eventsOf(t, parts.store); !slices.Equal(a, b) {
			t.Fatalf("the log of a stopped import differs:\n%s\n\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
		if a, b := idsOf(t, whole.refused), idsOf(t, parts.refused); !slices.Equal(a, b) {
			t.Fatalf("the quarantine of a stopped import differs: %v %v", a, b)
		}
		// Again: all of it is passed over.
		parts.left = 0
		again, err := once(parts)
		if err != nil || again.Recorded != 0 || again.Skipped == 0 && want.Recorded > 0 {
			t.Fatalf("again: %+v %v", again, err)
		}
	})
}

// TestChangedFilesStartOver changes a line that was recorded: it is not passed over.
func TestChangedFilesStartOver(t *testing.T) {
	s := orrerytest.FraudSpec(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "t.csv")
	text := "transaction_id,at,customer,terminal,amount\n"
	for i := range 4000 {
		text += fmt.Sprintf("%d,2018-04-01T%02d:%02d:%02dZ,c1,t1,5.00\n", i, i/3600, i/60%60, i%60)
	}
	to := newFlaky(t, s, filepath.Join(dir, "q"))
	defer to.engine.Close()
	once := func(text string) *IngestSummary {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		im := fileImport{app: &app{err: io.Discard, quiet: true}, spec: s, to: to, step: sendBatch, every: importEvery,
			inputs: []ingest.Input{{Path: path, Type: s.Contract.Event("transaction")}}}
		summary, err := im.run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return summary
	}
	if got := once(text); got.Recorded != 4000 {
		t.Fatalf("first: %+v", got)
	}
	// Grown at its end: what is new is recorded, the rest passed over.
	grown := text + "4000,2018-04-02T00:00:00Z,c1,t1,5.00\n"
	if got := once(grown); got.Recorded != 1 || got.Skipped != 4000 {
		t.Fatalf("grown: %+v", got)
	}
	// Changed behind the first 64 KiB: noticed, and the changed event is a conflict.
	changed := strings.Replace(grown, "\n3900,2018-04-01T01:05:00Z,c1,t1,5.00\n", "\n3900,2018-04-01T01:05:00Z,c1,t1,6.00\n", 1)
	got := once(changed)
	if got.Skipped != 0 || got.Repeated != 4000 || got.Reasons["event_conflict"] != 1 || !strings.Contains(strings.Join(got.Notices, " "), "all are read again") {
		t.Fatalf("changed: %+v", got)
	}
	// Cut short: the same.
	if got := once(text[:len(text)/2]); got.Skipped != 0 || got.Recorded != 0 {
		t.Fatalf("cut: %+v", got)
	}
}
