package cli_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/cli"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
	"orrery.dev/systems/fraud"
)

// doctorData makes a data directory of some thousand decisions, with files of
// every sort in it.
func doctorData(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	st, err := pebble.Open(dir, pebble.Options{MemTableBytes: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	s := orrerytest.FraudSpec(t)
	engine, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry(), Clock: func() orrery.Instant {
		return orrery.InstantOf(time.Date(2018, 12, 1, 0, 0, 0, 0, time.UTC))
	}})
	if err != nil {
		t.Fatal(err)
	}
	var asked []orrery.Event
	for _, e := range orrerytest.FraudEvents(t, s, fraud.Options{Customers: 60, Terminals: 200, Days: 25, Seed: 3}) {
		if e.Type.Is(s.DecideOn) {
			asked = append(asked, e)
		}
	}
	if _, err := engine.Decide(t.Context(), asked, 0); err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents reads a tree: name to content.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

type doctored struct {
	OK       bool            `json:"ok"`
	Findings []serve.Finding `json:"findings"`
	Error    struct{ Code string }
}

// doctor runs the command, which must leave everything as it was.
func doctor(t *testing.T, dir string, args ...string) (int, doctored) {
	t.Helper()
	before := contents(t, dir)
	status, d := diagnose(t, dir, args...)
	if after := contents(t, dir); !maps.Equal(before, after) {
		t.Errorf("doctor changed the directory: %v before, %v after", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
	return status, d
}

func diagnose(t *testing.T, dir string, args ...string) (int, doctored) {
	t.Helper()
	var out, complaints bytes.Buffer
	status := cli.Main(append([]string{"doctor", dir, "--json", "-q"}, args...), strings.NewReader(""), &out, &complaints)
	var d doctored
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatalf("%v: %s %s", err, out.String(), complaints.String())
	}
	return status, d
}

// tables gives the sorted files of an instance, the largest first.
func tables(t *testing.T, dir, instance string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, instance, "*."+map[string]string{"log": "sst", "state": "run"}[instance]))
	if err != nil || len(found) == 0 {
		t.Fatal("no tables", err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	slices.SortFunc(found, func(a, b string) int { return int(size(b) - size(a)) })
	return found
}

func flipBit(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/3] ^= 4
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func blobsOf(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "blobs", "*"))
	if err != nil || len(found) == 0 {
		t.Fatal("no blobs", err)
	}
	return found
}

// change opens the directory and changes what is in it.
func change(f func(t *testing.T, st store.Store)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		st, err := pebble.Open(dir, pebble.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f(t, st)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDoctor damages a data directory in each way, and looks for the check that
// finds it.
func TestDoctor(t *testing.T) {
	source := doctorData(t)
	if status, d := doctor(t, source, "--spec", "../systems/fraud"); status != 0 || !d.OK || len(d.Findings) < 10 {
		t.Fatalf("status %d: %+v", status, d)
	}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	event := func(st store.Store) []byte {
		data, ok, err := st.Log().Get(2, store.EventRecord)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return data
	}
	last := func(st store.Store) orrery.Offset {
		last, err := st.Log().Last()
		check(err)
		return last
	}
	tests := []struct {
		name, finds string
		damage      func(t *testing.T, dir string)
	}{
		{"a bit of the log", "log files", func(t *testing.T, dir string) { flipBit(t, tables(t, dir, "log")[0]) }},
		{"a table of the log", "directory", func(t *testing.T, dir string) { check(os.Remove(tables(t, dir, "log")[0])) }},
		{"a table cut short", "directory", func(t *testing.T, dir string) {
			path := tables(t, dir, "log")[0]
			info, err := os.Stat(path)
			check(err)
			check(os.Truncate(path, info.Size()/2))
		}},
		{"a bit of the state", "state files", func(t *testing.T, dir string) { flipBit(t, tables(t, dir, "state")[0]) }},
		{"the state's manifest", "state files", func(t *testing.T, dir string) {
			flipBit(t, filepath.Join(dir, "state", "RUNS"))
		}},
		{"no manifest of the log", "directory", func(t *testing.T, dir string) {
			found, _ := filepath.Glob(filepath.Join(dir, "log", "MANIFEST-*"))
			check(os.Remove(found[0]))
		}},
		{"FORMAT", "directory", func(t *testing.T, dir string) {
			check(os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("orrery-data x\n"), 0o644))
		}},
		{"a blob", "releases", func(t *testing.T, dir string) {
			for _, path := range blobsOf(t, dir) {
				check(os.Remove(path))
			}
		}},
		{"a bit of a blob", "blobs", func(t *testing.T, dir string) { flipBit(t, blobsOf(t, dir)[0]) }},
		{"a decision without its event", "log", change(func(t *testing.T, st store.Store) {
			data, _, err := st.Log().Get(2, store.DecisionRecord)
			check(err)
			check(st.Log().Append(&store.Batch{Records: []store.Record{{Offset: last(st) + 1, Kind: store.DecisionRecord, Data: data}}}, true))
		})},
		{"a gap", "log", change(func(t *testing.T, st store.Store) {
			check(st.Log().Append(&store.Batch{Records: []store.Record{{Offset: last(st) + 5, Kind: store.EventRecord, Data: event(st)}}}, true))
		})},
		{"a record of nothing", "log", change(func(t *testing.T, st store.Store) {
			check(st.Log().Append(&store.Batch{Records: []store.Record{{Offset: last(st) + 1, Kind: store.EventRecord, Data: []byte{1, 1, 2}}}}, true))
		})},
		{"a contract that is not known", "log", change(func(t *testing.T, st store.Store) {
			data := event(st)
			data[3] ^= 1
			check(st.Log().Append(&store.Batch{Records: []store.Record{{Offset: last(st) + 1, Kind: store.EventRecord, Data: data}}}, true))
		})},
		{"an event without its identity", "identities", change(func(t *testing.T, st store.Store) {
			check(st.Log().Append(&store.Batch{Records: []store.Record{{Offset: last(st) + 1, Kind: store.EventRecord, Data: event(st)}}}, true))
		})},
		{"a mark ahead of the log", "state", change(func(t *testing.T, st store.Store) {
			e := serve.NewReader(st, builtin.Registry())
			_, d, err := e.Recorded(2)
			check(err)
			p, err := e.Plan(d.Release)
			check(err)
			check(st.State().Mark(last(st)+7, p.Tables()))
		})},
		{"a checkpoint ahead of the log", "state", change(func(t *testing.T, st store.Store) {
			check(st.Meta().Put(map[string][]byte{"summary": []byte(`{"offset": 99999999}`)}))
		})},
		{"a cut without a base", "state", change(func(t *testing.T, st store.Store) {
			check(st.Log().Cut(&store.Cut{Before: 10}))
		})},
		{"a contract that cannot be read", "contract", change(func(t *testing.T, st store.Store) {
			name, _, err := st.Meta().Get("contract")
			check(err)
			check(st.Meta().Put(map[string][]byte{"contract/" + string(name): []byte("{")}))
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			test.damage(t, dir)
			status, d := doctor(t, dir)
			at := slices.IndexFunc(d.Findings, func(f serve.Finding) bool { return f.Check == test.finds })
			if status != 1 || d.OK || at < 0 || d.Findings[at].OK || d.Findings[at].Next == "" {
				t.Errorf("status %d, want %q to find it: %+v", status, test.finds, d)
			}
		})
	}
}

// TestDoctorAndTheMarkThatIsGone: what can be rebuilt is no problem.
func TestDoctorAndTheMarkThatIsGone(t *testing.T) {
	dir := doctorData(t)
	if err := os.RemoveAll(filepath.Join(dir, "state")); err != nil {
		t.Fatal(err)
	}
	status, d := doctor(t, dir)
	at := slices.IndexFunc(d.Findings, func(f serve.Finding) bool { return f.Check == "state" })
	if status != 0 || at < 0 || !d.Findings[at].OK || !strings.Contains(d.Findings[at].Detail, "the next start replays") {
		t.Errorf("status %d: %+v", status, d)
	}
}

// TestDoctorRefusals: what it is asked to look at is in use, or is none.
func TestDoctorRefusals(t *testing.T) {
	dir := doctorData(t)
	if status, d := doctor(t, filepath.Dir(dir)); status != 1 || d.Error.Code != "data_dir_not_ours" {
		t.Errorf("status %d: %+v", status, d)
	}
	st, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	// The store at work may change its files meanwhile.
	if status, d := diagnose(t, dir); status != 1 || d.Error.Code != "data_dir_in_use" {
		t.Errorf("status %d: %+v", status, d)
	}
}
