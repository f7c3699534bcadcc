package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

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
	}
	if out, _ := command(t, statusOK, "eval", "system.yaml", "--events", "comment=labelled.csv", "--folds", "3"); !strings.Contains(out, "exact_match") || !strings.Contains(out, "calibration error") {
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
