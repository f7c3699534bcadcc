package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"orrery.dev/api"
	"orrery.dev/builtin"
	"orrery.dev/perspective"
	"orrery.dev/serve"
	"orrery.dev/store/pebble"
)

// siteSpec is a system that a site moves to; RULES stands for those that it adds.
const siteSpec = `
orrery: 1
system: site
entities: [author]
events:
  comment:
    id: comment_id
    time: at
    fields: {comment_id: string, at: timestamp, author: {type: entity, optional: true}, text: string}
  verdict:
    id: verdict_id
    time: at
    fields: {verdict_id: string, at: timestamp, comment_id: string, label: string}
decide_on: comment
text: {of: comment.text, languages: [en]}
label: {from: verdict.label, classes: [bad, rude, good], match: comment_id, matures_after: 1h}
model: {kind: text, train: {range: 30d}}
policy:
  RULES
  - {action: allow}
perspective: {attributes: {TOXICITY: scores.bad + scores.rude, INSULT: 'class == "rude" ? scores.rude : 0'}}
`

// site is a directory with a trained system and a log of old scores.
func site(t *testing.T) (system string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	system = filepath.Join(dir, "system.yaml")
	if err := os.WriteFile(system, []byte(strings.Replace(siteSpec, "RULES", "- {when: score > 2, action: never}", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	words := map[string][]string{"bad": {"filth", "vermin", "scum", "hang"}, "rude": {"fool", "drat", "idiot", "moron"}, "good": {"bread", "noon", "game", "music"}}
	common := []string{"the", "is", "a", "of", "and", "you", "all", "we", "see", "it", "today", "here"}
	random := rand.New(rand.NewPCG(1, 2))
	var comments, verdicts, scores bytes.Buffer
	table := csv.NewWriter(&scores)
	_ = table.Write([]string{"text", "TOXICITY", "insult"})
	begin := time.Now().UTC().Add(-50 * time.Hour).Truncate(time.Hour)
	for i := range 500 {
		label := []string{"bad", "rude", "good", "good"}[random.IntN(4)]
		var text []string
		for range 6 {
			from := common
			if random.IntN(3) == 0 {
				from = words[label]
			}
			text = append(text, from[random.IntN(len(from))])
		}
		sentence, at := strings.Join(text, " "), begin.Add(time.Duration(i)*time.Minute).Format(time.RFC3339)
		if i < 300 {
			fmt.Fprintf(&comments, `{"comment_id": "c%d", "at": %q, "text": %q}`+"\n", i, at, sentence)
			fmt.Fprintf(&verdicts, `{"verdict_id": "c%d", "at": %q, "comment_id": "c%d", "label": %q}`+"\n", i, at, i, label)
			continue
		}
		old := map[string]float64{"bad": 0.5, "rude": 0.4, "good": 0.1}[label] + 0.4*random.Float64()
		_ = table.Write([]string{sentence, strconv.FormatFloat(old, 'f', 4, 64), strconv.FormatFloat(old/2, 'f', 4, 64)})
	}
	table.Flush()
	for name, text := range map[string]*bytes.Buffer{"comments.ndjson": &comments, "verdicts.ndjson": &verdicts, "scores.csv": &scores} {
		if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, statusOK, "ingest", system, "--events", "comment=comments.ndjson", "--events", "verdict=verdicts.ndjson")
	command(t, statusOK, "train", system)
	return system
}

// command runs the command line and gives what it prints.
func command(t *testing.T, status int, args ...string) (out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := Main(args, strings.NewReader(""), &stdout, &stderr); got != status {
		t.Fatalf("orrery %s: status %d\n%s%s", strings.Join(args, " "), got, &stdout, &stderr)
	}
	return stdout.String(), stderr.String()
}

func TestScoresKeepThePolicy(t *testing.T) {
	system := site(t)
	args := []string{"import", "perspective-scores", "scores.csv", "--system", system, "--threshold", "TOXICITY=0.7:remove,toxicity=0.5", "--threshold", "INSULT=0.99,INSULT=0.3"}
	text, _ := command(t, statusOK, append(args, "--json")...)
	var report ScoresReport
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	next, old := scoresBeside(t, system)
	if report.Texts != 200 || len(report.Attributes) != 2 || report.Attributes[0].RankCorrelation == nil || *report.Attributes[0].RankCorrelation < 0.3 {
		t.Fatalf("%+v", report)
	}
	for _, kept := range report.Attributes[0].Thresholds {
		before, now, same := 0, 0, 0
		for i := range old {
			was, is := old[i] >= kept.Old, next[i] >= *kept.New
			before, now, same = before+count(was), now+count(is), same+count(was == is)
		}
		if before != kept.OldAbove || now != kept.NewAbove || before != now || float64(same)/200 != kept.Agreement {
			t.Errorf("%+v: %d before, %d now, %d the same", kept, before, now, same)
		}
	}
	if insult := report.Attributes[1].Thresholds[0]; insult.New != nil || !strings.Contains(insult.Warning, "nothing says") {
		t.Errorf("nothing was insulting enough: %+v", insult)
	}
	if len(report.Rules) != 3 || report.Attributes[0].Thresholds[0].Old != 0.7 {
		t.Fatalf("%+v", report)
	}
	if printed, _ := command(t, statusOK, args...); !strings.Contains(printed, report.Rules[0]) || !strings.Contains(printed, "warning: INSULT 0.99") {
		t.Error(printed)
	}

	// The rules do in the policy what the report says.
	if err := os.WriteFile(system, []byte(strings.Replace(siteSpec, "RULES", strings.Join(report.Rules, "\n  "), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, statusOK, "check", system)
}

// scoresBeside scores the texts of the log by the plan in force, and gives the old
// scores too.
func scoresBeside(t *testing.T, system string) (next, old []float64) {
	t.Helper()
	a := &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, quiet: true}
	s, dir, err := a.existing(system, "")
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
	file, err := os.Open("scores.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	server := api.New(engine, nil, api.Options{})
	for _, row := range rows[1:] {
		answer, err := server.Analyze(t.Context(), &perspective.AnalyzeRequest{Comment: perspective.TextEntry{Text: row[0]}, DoNotStore: true,
			Requested: map[string]perspective.Parameters{"TOXICITY": {}}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		next = append(next, *answer.AttributeScores["TOXICITY"].SummaryScore.Value)
		x, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		old = append(old, x)
	}
	return next, old
}

func TestScoresThatAreAtFault(t *testing.T) {
	system := site(t)
	bad := "text,toxicity\ngood bread,0.9\nfilth and scum,high\n,0.5\nпривет как дела,0.5\n"
	if err := os.WriteFile("bad.csv", []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := command(t, statusFailed, "import", "perspective-scores", "bad.csv", "--system", system, "--threshold", "TOXICITY=0.7")
	for _, want := range []string{"line 3: the score of TOXICITY is no number", "line 4: there is no text", "1 texts with old scores", "1 texts are left out: they are in no language", "only 1 messages"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	_, errOut := command(t, statusFailed, "import", "perspective-scores", "bad.csv", "--system", system, "--threshold", "TOXICITY=2,SPAM=0.5,INSULT")
	for _, want := range []string{`"TOXICITY=2" is no`, "does not serve the attribute SPAM", `"INSULT" is no`, "it serves TOXICITY, INSULT"} {
		if !strings.Contains(errOut, want) {
			t.Errorf("%q is not in %s", want, errOut)
		}
	}
	cut := `{"request": {"comment": {"text": "good bread"}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.8}}}, "response": {}}`
	if err := os.WriteFile("cut.ndjson", []byte(cut), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = command(t, statusFailed, "import", "perspective-scores", "cut.ndjson", "--system", system, "--threshold", "TOXICITY=0.7")
	if !strings.Contains(out, "no score of TOXICITY below 0.8") {
		t.Error(out)
	}
	command(t, statusOK, "import", "perspective-scores", "cut.ndjson", "--system", system, "--threshold", "TOXICITY=0.9")
	command(t, statusUsage, "import", "perspective-scores", "cut.ndjson", "--system", system)
}
