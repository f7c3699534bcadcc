package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"orrery.dev"
	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/replay"
	"orrery.dev/review"
	"orrery.dev/serve"
	"orrery.dev/store/pebble"
)

// labelsSpec is a system of which several labels can be right.
const labelsSpec = `
orrery: 1
system: labels
entities: [author]
events:
  comment:
    id: comment_id
    time: at
    fields: {comment_id: string, at: timestamp, author: {type: entity, optional: true}, text: string}
  verdict:
    id: verdict_id
    time: at
    fields: {verdict_id: string, at: timestamp, comment_id: string, labels: string}
decide_on: comment
text: comment.text
label: {from: verdict.labels, classes: [toxic, threat, insult], several: true, match: comment_id, matures_after: 1h}
model: {kind: text, train: {range: 30d}}
policy:
  - {when: chosen.threat && chosen.insult, action: ban}
  - {when: chosen.threat, action: remove}
  - {when: chosen.toxic || chosen.insult, action: flag}
  - {action: allow}
review: {of: [ban]}
perspective: {attributes: {TOXICITY: scores.toxic, THREAT: scores.threat, INSULT: scores.insult}}
`

// TestSeveralLabels takes labels of which several can be right from labelled files to
// metrics, and from events to a release, its decisions and their verification.
func TestSeveralLabels(t *testing.T) {
	t.Chdir(t.TempDir())
	words := map[string]string{"toxic": "filth", "threat": "hang", "insult": "moron"}
	random := rand.New(rand.NewPCG(5, 5))
	var table, comments, verdicts bytes.Buffer
	table.WriteString("comment_id,text,labels\n")
	begin := time.Now().UTC().Add(-50 * time.Hour).Truncate(time.Hour)
	for i := range 600 {
		var text, labels []string
		for _, label := range []string{"threat", "toxic", "insult"} {
			if random.IntN(3) == 0 {
				text, labels = append(text, words[label]), append(labels, label)
			}
		}
		for range 3 {
			text = append(text, []string{"the", "you", "see", "bread", "noon", "game"}[random.IntN(6)])
		}
		random.Shuffle(len(text), func(a, b int) { text[a], text[b] = text[b], text[a] })
		outcome := strings.Join(labels, "|")
		if labels == nil {
			outcome = "none"
		}
		at := begin.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
		fmt.Fprintf(&table, "c%d,%s,%s\n", i, strings.Join(text, " "), outcome)
		fmt.Fprintf(&comments, `{"comment_id": "c%d", "at": %q, "text": %q}`+"\n", i, at, strings.Join(text, " "))
		fmt.Fprintf(&verdicts, `{"verdict_id": "c%d", "at": %q, "comment_id": "c%d", "labels": %q}`+"\n", i, at, i, outcome)
	}
	for name, text := range map[string]string{"system.yaml": labelsSpec, "labelled.csv": table.String(), "comments.ndjson": comments.String(), "verdicts.ndjson": verdicts.String(),
		"odd.csv": "comment_id,text,labels\na,filth here,foul\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, how := range [][]string{{"--folds", "3"}, {"--test", "comment=labelled.csv"}} {
		out, _ := command(t, statusOK, append([]string{"eval", "system.yaml", "--events", "comment=labelled.csv", "--hate", "threat", "--json"}, how...)...)
		var e replay.Evaluation
		if err := json.Unmarshal([]byte(out), &e); err != nil {
			t.Fatal(err)
		}
		if e.Labels == nil || e.Classes != nil || e.Metrics["macro_f1"] < 0.98 || e.Metrics["exact_match"] < 0.95 || len(e.Labels.Classes) != 3 || e.Test.Rows != 600 || e.Test.Classes[0].Rows < 150 {
			t.Fatalf("%s", out)
		}
		models := map[string]int{"--folds": 3, "--test": 1}[how[0]]
		for _, f := range e.Labels.Classes {
			if len(f.Cuts) != models || slices.Min(f.Cuts) <= 0 || slices.Max(f.Cuts) >= 1 {
				t.Errorf("%s: the cuts of %s are %v", how[0], f.Class, f.Cuts)
			}
		}
	}
	if out, _ := command(t, statusOK, "eval", "system.yaml", "--events", "comment=labelled.csv", "--folds", "3"); !strings.Contains(out, "exact_match") || !strings.Contains(out, "calibration error") ||
		!regexp.MustCompile(`(?m)^threat .* 0\.\d{4}$`).MatchString(out) {
		t.Error(out)
	}
	if out, _ := command(t, statusOK, "eval", "system.yaml", "--events", "comment=labelled.csv", "--functional", "--hate", "toxic"); !strings.Contains(out, "negated_hate") {
		t.Error(out)
	}
	_, errOut := command(t, statusFailed, "eval", "system.yaml", "--events", "comment=labelled.csv", "--test", "comment=odd.csv")
	if !strings.Contains(errOut, `"foul"`) || !strings.Contains(errOut, "NAME=none") {
		t.Error(errOut)
	}
	command(t, statusOK, "eval", "system.yaml", "--events", "comment=labelled.csv", "--test", "comment=odd.csv", "--map", "foul=toxic")

	command(t, statusOK, "ingest", "system.yaml", "--events", "comment=comments.ndjson", "--events", "verdict=verdicts.ndjson")
	if out, _ := command(t, statusOK, "train", "system.yaml"); !strings.Contains(out, "of 3 classes") {
		t.Error(out)
	}
	decideOnLabels(t)
	exportLabels(t, verdicts.String())
	backtestLabels(t)
	if out, _ := command(t, statusOK, "replay", "system.yaml", "--verify"); !strings.Contains(out, "4 decisions recomputed, 0 differ") {
		t.Error(out)
	}
}

// decideOnLabels decides on four comments, and judges the one that people are asked
// about.
func decideOnLabels(t *testing.T) {
	t.Helper()
	a := &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, quiet: true}
	s, dir, err := a.existing("system.yaml", "")
	if err != nil {
		t.Fatal(err)
	}
	st, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	engine, err := serve.Open(t.Context(), st, s, serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	on := s.DecideOn
	for i, want := range []struct{ text, action, classes string }{
		{"the bread game", "allow", ""}, {"you filth moron", "flag", "toxic insult"}, {"hang you filth", "remove", "toxic threat"}, {"hang the moron", "ban", "threat insult"},
	} {
		id := fmt.Sprint("new", i)
		e := orrery.Event{Type: on, ID: id, Time: engine.Now(), Values: []orrery.Value{orrery.StringValue(id), orrery.TimestampValue(engine.Now()), {}, orrery.StringValue(want.text)}}
		results, err := engine.Decide(t.Context(), []orrery.Event{e}, 0)
		if err == nil {
			err = results[0].Err
		}
		if err != nil {
			t.Fatal(err)
		}
		answer := api.AnswerOf(engine.Plan(), &results[0])
		if answer.Action != want.action || strings.Join(answer.Classes, " ") != want.classes || answer.Class != "" || len(answer.Scores) != 3 || answer.Classes == nil {
			t.Errorf("%q: %+v", want.text, answer)
		}
		if want.action != "ban" {
			continue
		}
		for verdict, valid := range map[string]bool{"rude": false, "threat|rude": false, "": false} {
			if _, err := engine.GiveVerdict(t.Context(), serve.Verdict{Ruling: review.Ruling{Decision: results[0].Event.Offset, Reviewer: "ann", Verdict: verdict}}); (err == nil) != valid {
				t.Errorf("the verdict %q: %v", verdict, err)
			}
		}
		if _, err := engine.GiveVerdict(t.Context(), serve.Verdict{Ruling: review.Ruling{Decision: results[0].Event.Offset, Reviewer: "ann", Verdict: "insult|threat"}}); err != nil {
			t.Error(err)
		}
	}
}

// exportLabels writes rows for a notebook, and reads them with the library.
func exportLabels(t *testing.T, verdicts string) {
	t.Helper()
	want := map[string]string{"new0": "", "new1": "", "new2": "", "new3": "threat|insult"}
	for line := range strings.Lines(verdicts) {
		var v struct{ CommentID, Labels string }
		if err := json.Unmarshal([]byte(strings.NewReplacer("comment_id", "CommentID", "labels", "Labels").Replace(line)), &v); err != nil {
			t.Fatal(err)
		}
		// Files may name classes in any order; rows have them in that of the spec.
		var named []string
		for _, class := range []string{"toxic", "threat", "insult"} {
			if slices.Contains(strings.Split(v.Labels, "|"), class) {
				named = append(named, class)
			}
		}
		want[v.CommentID] = cmp.Or(strings.Join(named, "|"), "none")
	}
	command(t, statusOK, "rows", "system.yaml", "--out", "rows.parquet")
	rows, err := parquet.ReadFile[struct {
		ID    string `parquet:"event_id"`
		Label string `parquet:"label"`
	}]("rows.parquet")
	if err != nil || len(rows) != len(want) {
		t.Fatalf("%d rows, want %d: %v", len(rows), len(want), err)
	}
	for _, r := range rows {
		if label, known := want[r.ID]; !known || r.Label != label {
			t.Errorf("%s has the label %q, want %q", r.ID, r.Label, label)
		}
	}
}

// backtestLabels changes what is done about two of the classes.
func backtestLabels(t *testing.T) {
	t.Helper()
	changed := strings.Replace(labelsSpec, "chosen.toxic || chosen.insult, action: flag", "chosen.insult, action: hide", 1)
	if err := os.WriteFile("changed.yaml", []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := command(t, statusOK, "backtest", "system.yaml", "--spec", "changed.yaml", "--since", "3d", "--json")
	var b replay.Backtest
	if err := json.Unmarshal([]byte(out), &b); err != nil {
		t.Fatal(err)
	}
	if b.Decisions != 604 || b.Labelled < 590 || b.Measured.Rows != b.Labelled || len(b.Measured.Classes) != 3 {
		t.Errorf("%d decisions, %d labelled, measured %+v", b.Decisions, b.Labelled, b.Measured)
	}
	// The model is the same, so what it chooses is, and what is measured of it.
	for _, name := range []string{"exact_match", "macro_f1"} {
		if b.Before[name] < 0.95 || b.Before[name] != b.After[name] {
			t.Errorf("%s was %v and would be %v", name, b.Before[name], b.After[name])
		}
	}
	moved := 0
	for _, c := range b.Changes {
		moved += c.Decisions
		if c.From != "flag" || c.To != "hide" && c.To != "allow" {
			t.Errorf("from %s to %s", c.From, c.To)
		}
		for _, e := range c.Examples {
			// Comments of the end have no outcome yet.
			if text, known := e.Outcome.(string); known && (c.To == "hide") != strings.Contains(text, "insult") || strings.HasPrefix(e.EventID, "new") == known {
				t.Errorf("from %s to %s: %+v", c.From, c.To, e)
			}
		}
	}
	if len(b.Changes) != 2 || moved != b.Changed {
		t.Errorf("%d changed: %+v", b.Changed, b.Changes)
	}
	if out, _ = command(t, statusOK, "backtest", "system.yaml", "--spec", "changed.yaml", "--since", "3d"); !strings.Contains(out, "hide") || !strings.Contains(out, "macro_f1") {
		t.Error(out)
	}
}

// A reviewer at work names several verdicts by their numbers, where several can be
// given.
func TestVerdictsByNumber(t *testing.T) {
	r := &api.Review{Verdicts: []string{"toxic", "threat", "none"}}
	for _, test := range []struct {
		choice, verdict string
		several, known  bool
	}{
		{"1", "toxic", false, true}, {"3", "none", true, true}, {"2,1", "threat|toxic", true, true}, {"1,2", "", false, false},
		{"0", "", true, false}, {"4", "", false, false}, {"1,", "", true, false}, {"", "", false, false}, {"x", "", true, false}, {"1,9", "", true, false},
	} {
		r.Several = test.several
		if verdict, known := verdictOf(r, test.choice); known != test.known || known && verdict != test.verdict {
			t.Errorf("%q (several: %t): %q %t", test.choice, test.several, verdict, known)
		}
	}
}
