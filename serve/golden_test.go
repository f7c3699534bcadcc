package serve_test

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// TestGoldenLogs opens the data directories that earlier format versions left,
// in testdata/golden (make.sh there says how). Every decision reads as it was
// answered then and recomputes bit for bit, and a server goes on from there.
func TestGoldenLogs(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.tar.zst")
	if err != nil || len(files) == 0 {
		t.Fatalf("golden logs: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".tar.zst"), func(t *testing.T) {
			dir := t.TempDir()
			unpackGolden(t, file, dir)
			dir = filepath.Join(dir, "golden")
			st, err := pebble.Open(filepath.Join(dir, "data"), pebble.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			answers := goldenAnswers(t, dir)
			checkAnswers(t, st, answers)
			v, err := serve.NewReader(st, builtin.Registry()).Verify(t.Context(), nil)
			if err != nil || v.Different != 0 || v.Decisions != int64(len(answers)) {
				t.Fatalf("%d answers; verification %+v, %v", len(answers), v, err)
			}
			goOn(t, st, dir, answers[len(answers)-1], v.Events)
		})
	}
}

func unpackGolden(t *testing.T, file, dir string) {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unzip, err := zstd.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer unzip.Close()
	for archive := tar.NewReader(unzip); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, header.Name)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			var content []byte
			if content, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(path, content, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// goldenAnswer is what a client was told.
type goldenAnswer struct {
	Decision string           `json:"decision_id"`
	Event    string           `json:"event_id"`
	Score    *float64         `json:"score"`
	Action   string           `json:"action"`
	Rule     int              `json:"rule"`
	Release  orrery.ReleaseID `json:"release"`
	Fallback string           `json:"fallback"`
}

func goldenAnswers(t *testing.T, dir string) (answers []goldenAnswer) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "answers.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var a goldenAnswer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	return answers
}

func checkAnswers(t *testing.T, st store.Store, answers []goldenAnswer) {
	t.Helper()
	reader := serve.NewReader(st, builtin.Registry())
	for _, want := range answers {
		offset, err := serve.ParseDecisionID(want.Decision)
		if err != nil {
			t.Fatal(err)
		}
		event, decision, err := reader.Recorded(offset)
		if err != nil || decision == nil {
			t.Fatalf("%s: %v %v", want.Decision, decision, err)
		}
		got := goldenAnswer{Decision: want.Decision, Event: event.ID, Action: decision.Action, Rule: decision.Rule, Release: decision.Release, Fallback: decision.Fallback}
		sameScore := math.IsNaN(decision.Score)
		if want.Score != nil {
			sameScore = math.Float64bits(decision.Score) == math.Float64bits(*want.Score)
		}
		got.Score = want.Score
		if got != want || !sameScore {
			t.Fatalf("%s was %+v, and is %+v, score %v", want.Decision, want, got, decision.Score)
		}
	}
}

// goOn runs an engine of the last spec on the directory: what was sent before is
// a repeat, and the decisions that follow verify with those that were there.
func goOn(t *testing.T, st store.Store, dir string, last goldenAnswer, events int64) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(dir, "third.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := orrerytest.Spec(t, string(source))
	engine, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	offset, err := serve.ParseDecisionID(last.Decision)
	if err != nil {
		t.Fatal(err)
	}
	recorded, first, err := engine.Reader().Recorded(offset)
	if err != nil {
		t.Fatal(err)
	}
	again, err := engine.Decide(t.Context(), []orrery.Event{recorded}, 0)
	if err != nil || again[0].Err != nil || !again[0].Repeated || !sameDecision(again[0].Decision, first) {
		t.Errorf("a repeat: %+v %v", again, err)
	}
	latest, err := engine.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		fresh := recorded
		fresh.ID, fresh.Time = string(rune('A'+i)), latest.Add(orrery.Duration(i)*orrery.Hour)
		fresh.Values = append([]orrery.Value(nil), recorded.Values...)
		fresh.Values[fresh.Type.IDField], fresh.Values[fresh.Type.TimeField] = orrery.StringValue(fresh.ID), orrery.TimestampValue(fresh.Time)
		if results, err := engine.Decide(t.Context(), []orrery.Event{fresh}, 0); err != nil || results[0].Err != nil {
			t.Fatal(results, err)
		}
	}
	v, err := engine.Reader().Verify(t.Context(), nil)
	if err != nil || v.Different != 0 || v.Events != events+50 {
		t.Errorf("after going on: %+v %v", v, err)
	}
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
}
