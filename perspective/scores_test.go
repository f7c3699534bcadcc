package perspective_test

import (
	"strings"
	"testing"

	"orrery.dev/perspective"
)

func TestReadScoresOfEitherForm(t *testing.T) {
	table := "id,Comment_Text,toxicity,other,INSULT\n" +
		"1,\"a \"\"b\"\",\nc\",0.25,x,0.5\n" +
		"2,d,,y,1\n"
	lines := `{"request": {"comment": {"text": "a \"b\",\nc"}, "languages": ["en"], "requestedAttributes": {"TOXICITY": {}, "INSULT": {}}}, "response": {"attributeScores": {"TOXICITY": {"spanScores": [{"begin": 0, "end": 1, "score": {"value": 0.9}}], "summaryScore": {"value": 0.25, "type": "PROBABILITY"}}, "INSULT": {"summaryScore": {"value": 0.5}}}, "languages": ["en"]}}

{"text": "d", "insult": 1, "when": "2024"}
{"comment": {"text": "e"}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0.125}}}}
{"request": {"comment": {"text": "f"}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.3}}}, "response": {"languages": ["en"]}}
{"request": {"comment": {"text": "g"}, "requested_attributes": {"TOXICITY": {"scoreThreshold": 0.3}}}, "response": {"error": {"code": 400}}}`
	for _, c := range []struct {
		file  string
		lines []int
	}{{table, []int{2, 4}}, {"\uFEFF" + lines, []int{1, 3, 4, 5, 6}}} {
		got, faults, err := perspective.ReadScores(strings.NewReader(c.file), []string{"TOXICITY", "INSULT"})
		if err != nil || len(faults) > 0 || len(got) != len(c.lines) {
			t.Fatalf("%+v, %v, %v", got, faults, err)
		}
		for i, line := range c.lines {
			if got[i].Line != line {
				t.Errorf("%+v is not in line %d", got[i], line)
			}
		}
		if a := got[0]; a.Text != "a \"b\",\nc" || len(a.Scores) != 2 || a.Scores["TOXICITY"] != 0.25 || a.Scores["INSULT"] != 0.5 {
			t.Errorf("%+v", a)
		}
		if d := got[1]; d.Text != "d" || len(d.Scores) != 1 || d.Scores["INSULT"] != 1 || len(d.Cut) != 0 {
			t.Errorf("%+v", d)
		}
		if len(got) < 5 {
			continue
		}
		if got[0].Languages[0] != "en" || got[2].Scores["TOXICITY"] != 0.125 {
			t.Errorf("%+v", got)
		}
		if f := got[3]; len(f.Scores) != 0 || f.Cut["TOXICITY"] != 0.3 {
			t.Errorf("what was not returned is known to be below the request's threshold: %+v", f)
		}
		if g := got[4]; len(g.Scores) != 0 || len(g.Cut) != 0 {
			t.Errorf("an error says nothing of the score: %+v", g)
		}
	}
}

func TestReadScoresReportsEveryFault(t *testing.T) {
	for _, c := range []struct {
		file string
		want []string
	}{
		{"", []string{"line 1: the file is empty"}},
		{"id,words\n1,a\n", []string{"line 1: no column has the texts", "line 1: no column has the scores of TOXICITY", "line 1: no column has the scores of INSULT"}},
		{"text,TOXICITY,toxicity,INSULT\n", []string{"two columns of TOXICITY"}},
		{"text,toxicity,insult\na,high,0.5\nb,0.5\n\"\",0.1,0.1\nc,2,-1\nd,0.5,NaN\nok,0.1,0.2\nbad \"quote,1,1\n\xff,0,0\n", []string{
			"line 2: the score of TOXICITY is no number", "line 3: the line has 2 columns, and the header 3", "line 4: there is no text",
			"line 5: the score of INSULT is -1", "line 5: the score of TOXICITY is 2", "line 6: the score of INSULT is NaN", "line 8: the quotes", "line 9: the text is not UTF-8"}},
		{`{"text": "ok", "toxicity": 0.5}
{"text": 7, "toxicity": 0.5}
[1]
{"text": "a", "toxicity": "high"}
{"response": {}}
{"toxicity": 0.5}
{"text": "` + strings.Repeat("x", perspective.MaxText+1) + `"}
{"text": "` + strings.Repeat("x", 5<<20) + `"}`, []string{
			"line 2: text does not fit", "line 3: the line is no JSON object", "line 4: the score of TOXICITY does not fit", "line 5: there is no request",
			"line 6: there is no text", "line 7: the text has 20481 bytes", "line 8: the line has more than 4 MiB"}},
	} {
		got, faults, err := perspective.ReadScores(strings.NewReader(c.file), []string{"TOXICITY", "INSULT"})
		if err != nil {
			t.Fatal(err)
		}
		if len(faults) != len(c.want) {
			t.Errorf("%.40q: %v", c.file, faults)
			continue
		}
		for i, f := range faults {
			if !strings.Contains(f.String(), c.want[i]) {
				t.Errorf("%q does not say %q", f, c.want[i])
			}
		}
		if strings.Contains(c.file, "ok") && (len(got) != 1 || got[0].Text != "ok") {
			t.Errorf("%+v", got)
		}
	}
}

func FuzzReadScores(f *testing.F) {
	for _, seed := range []string{"text,toxicity\na,0.5\n", `{"text": "a", "toxicity": 0.5}`, `{"request": {"comment": {"text": "a"}}, "response": {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 0.5}}}}}`,
		"text,toxicity\n\"a\nb\",1\n\"", "{\n{}\n", "\uFEFF"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		got, faults, err := perspective.ReadScores(strings.NewReader(file), []string{"TOXICITY"})
		if err != nil {
			t.Fatal(err)
		}
		lines := 1 + strings.Count(file, "\n")
		for _, s := range got {
			if x, ok := s.Scores["TOXICITY"]; strings.TrimSpace(s.Text) == "" || ok && !(x >= 0 && x <= 1) || s.Line < 1 || s.Line > lines {
				t.Errorf("%+v", s)
			}
		}
		for _, f := range faults {
			if f.Line < 1 || f.Line > lines || f.Code == "" {
				t.Errorf("%+v", f)
			}
		}
	})
}
