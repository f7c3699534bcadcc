package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
	"orrery.dev/numeric"
)

func fitText(t *testing.T, rows *Rows, set Params) model.TextModel {
	t.Helper()
	params := Defaults(textKind().Kind)
	for name, value := range set {
		params[name] = value
	}
	m, err := textKind().Fit(context.Background(), rows, params, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(model.TextModel)
}

func TestTextAsScikitLearn(t *testing.T) {
	b, err := os.ReadFile("testdata/text.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Texts      []string
		Y          []float64
		Classes    int
		C, Balance float64
		Margins    [][]float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		rows := &Rows{Text: c.Texts, Y: c.Y}
		if c.Classes > 2 {
			rows.Classes = []string{"a", "b", "c"}[:c.Classes]
		}
		m := fitText(t, rows, Params{"c": c.C, "balance": c.Balance, "words": 2, "chars": 4, "folds": 0, "misspell": 0.0})
		worst := 0.0
		for r, text := range c.Texts {
			got := make([]float64, len(c.Margins))
			switch m := m.(type) {
			case *model.Text:
				m.Margins(text, nil, got)
			case *model.TextClassifier:
				m.Margins(text, nil, got)
			}
			for k := range got {
				worst = max(worst, math.Abs(got[k]-c.Margins[k][r]))
			}
		}
		if !(worst < dualTolerance) {
			t.Errorf("case %d: a margin is off by %v", i, worst)
		}
		t.Logf("case %d: margins are off by at most %.4f", i, worst)
	}
}

// chat makes messages of made-up words, in which the label can be read but for
// noise.
func chat(n int, classes []string, seed uint64) *Rows {
	r := rand.New(rand.NewPCG(seed, 7))
	rows := &Rows{Classes: classes}
	for range n {
		y := 0
		for y+1 < max(2, len(classes)) && r.IntN(3) > 0 {
			y++
		}
		var words []string
		for range 3 + r.IntN(8) {
			word := fmt.Sprintf("word%d", r.IntN(200))
			if r.IntN(4) == 0 {
				word = fmt.Sprintf("sign%d", y)
			}
			words = append(words, word)
		}
		if r.IntN(10) == 0 {
			y = r.IntN(max(2, len(classes)))
		}
		rows.Text, rows.Y = append(rows.Text, strings.Join(words, " ")), append(rows.Y, float64(y))
	}
	return rows
}

var three = []string{"kind", "rude", "vile"}

func TestTextLearnsClasses(t *testing.T) {
	rows, fresh := chat(2000, three, 1), chat(1000, three, 2)
	m := fitText(t, rows, nil).(*model.TextClassifier)
	right, sum := 0, make([]float64, 3)
	scores := make([]float64, 3)
	for i, text := range fresh.Text {
		m.ScoresText(text, nil, scores)
		if m.Choose(scores) == int(fresh.Y[i]) {
			right++
		}
		for k, s := range scores {
			sum[k] += s
		}
	}
	if right < 750 {
		t.Errorf("%d of 1000 are right", right)
	}
	for k := range three {
		if of := float64(count(fresh.Y, float64(k))); math.Abs(sum[k]-of) > 60 {
			t.Errorf("class %d: scores add up to %.0f of %v rows", k, sum[k], of)
		}
	}
	highlights := m.Highlights("word1 sign2 word3", nil, 2, 1)
	if len(highlights) != 1 || highlights[0].Start != 6 || highlights[0].Contribution <= 0 {
		t.Errorf("what speaks for the class is not found: %v", highlights)
	}
}

func count(list []float64, of float64) (n int) {
	for _, x := range list {
		if x == of {
			n++
		}
	}
	return n
}

// Of several labels each is learned by itself.
func TestTextLearnsSeveral(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	rows := &Rows{Classes: three, Several: true}
	for range 1500 {
		set, words := 0, []string{fmt.Sprint("word", r.IntN(50))}
		for k := range three {
			if r.IntN(3) == 0 {
				set |= 1 << k
				words = append(words, fmt.Sprint("sign", k))
			}
		}
		r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		rows.Text, rows.Y = append(rows.Text, strings.Join(words, " ")), append(rows.Y, float64(set))
	}
	m := fitText(t, rows, nil).(*model.TextClassifier)
	if !m.Several() {
		t.Fatal("the model is one of several classes that exclude each other")
	}
	scores := make([]float64, 3)
	m.ScoresText("sign0 word3 sign2", nil, scores)
	if scores[0] < m.Cut(0) || scores[1] >= m.Cut(1) || scores[2] < m.Cut(2) {
		t.Errorf("scores %v, cuts %v %v %v", scores, m.Cut(0), m.Cut(1), m.Cut(2))
	}
}

// Features beside the text are learned with it, categories and missing values too.
func TestTextBesideFeatures(t *testing.T) {
	rows := chat(1500, nil, 4)
	r := rand.New(rand.NewPCG(1, 2))
	rows.Names, rows.Categorical = []string{"strikes", "kind"}, []bool{false, true}
	for i := range rows.Text {
		rows.Text[i] = "nothing to see"
		strikes, kind := 2*rows.Y[i]+r.NormFloat64(), 1.5
		if r.IntN(2) == 0 {
			kind = 2.5 + rows.Y[i]
		}
		if r.IntN(5) == 0 {
			strikes, kind = math.NaN(), math.NaN()
		}
		rows.X = append(rows.X, strikes, kind)
	}
	m := fitText(t, rows, nil)
	nan := math.NaN()
	low, none, high := m.ScoreText("x", []float64{-1, 1.5}), m.ScoreText("x", []float64{nan, nan}), m.ScoreText("x", []float64{3, 1.5})
	if !(low < none && none < high && high > 0.8) {
		t.Errorf("scores %v, %v and %v", low, none, high)
	}
	if a, b := m.ScoreText("x", []float64{nan, 2.5}), m.ScoreText("x", []float64{nan, 3.5}); !(a+0.3 < b) {
		t.Errorf("scores %v and %v by category", a, b)
	}
}

func TestTextSameAtAnyNumberOfCores(t *testing.T) {
	rows := chat(1200, three, 3)
	rows.Weight = make([]float64, rows.Len())
	for i := range rows.Weight {
		rows.Weight[i] = float64(i%4) / 2
	}
	var first []byte
	for _, cores := range []int{1, 2, 3, 8} {
		before := runtime.GOMAXPROCS(cores)
		b, err := fitText(t, rows, nil).AppendBinary(nil)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(b, first) {
			t.Fatalf("with %d cores the model is another", cores)
		}
	}
}

// A row of weight 2 counts as two rows.
func TestTextWeightsCount(t *testing.T) {
	rows := chat(300, nil, 5)
	twice, weighed := *rows, *rows
	twice.Text, twice.Y = append(slices.Clone(rows.Text), rows.Text[:150]...), append(slices.Clone(rows.Y), rows.Y[:150]...)
	weighed.Weight = make([]float64, rows.Len())
	for i := range weighed.Weight {
		weighed.Weight[i] = 1
		if i < 150 {
			weighed.Weight[i] = 2
		}
	}
	set := Params{"folds": 0, "min_rows": 1, "chars": 0, "words": 1, "misspell": 0.0}
	a, b := fitText(t, &twice, set), fitText(t, &weighed, set)
	worst := 0.0
	for _, text := range rows.Text {
		worst = max(worst, math.Abs(a.ScoreText(text, nil)-b.ScoreText(text, nil)))
	}
	if worst > 0.1 { // how rare a word is is counted by rows
		t.Errorf("scores are apart by %v", worst)
	}
}

func TestTextEmptyAndTiny(t *testing.T) {
	rows := &Rows{Text: []string{"", "", "a", ""}, Y: []float64{0, 1, 1, 0}}
	m := fitText(t, rows, nil)
	if s := m.ScoreText("anything", nil); !(s > 0 && s < 1) {
		t.Errorf("score %v", s)
	}
}

func TestTextRefuses(t *testing.T) {
	good := chat(50, nil, 6)
	with := func(alter func(r *Rows)) *Rows {
		r := *good
		r.Y = slices.Clone(good.Y)
		alter(&r)
		return &r
	}
	for name, c := range map[string]struct {
		rows *Rows
		set  Params
		code string
	}{
		"no text":    {with(func(r *Rows) { r.Text = nil }), nil, "train_text"},
		"text short": {with(func(r *Rows) { r.Text = r.Text[1:] }), nil, "train_rows"},
		"no n-grams": {good, Params{"words": 0, "chars": 0}, "train_param"},
		"crossed":    {good, Params{"min_chars": 6}, "train_param"},
		"c":          {good, Params{"c": math.NaN()}, "train_param"},
		"folds":      {good, Params{"folds": 1000}, "train_param"},
		"one class":  {with(func(r *Rows) { clear(r.Y) }), nil, "train_one_class"},
		"no such":    {with(func(r *Rows) { r.Classes = three; clear(r.Y) }), nil, "train_class_missing"},
		"several, all": {with(func(r *Rows) {
			r.Classes, r.Several = three[:2], true
			for i := range r.Y {
				r.Y[i] = float64(1 + 2*(i%2))
			}
		}), nil, "train_one_class"},
		"several, label": {with(func(r *Rows) { r.Classes, r.Several = three[:2], true; r.Y[3] = 4 }), nil, "train_rows"},
		"monotone": {with(func(r *Rows) {
			r.Names, r.X, r.Monotone = []string{"a"}, make([]float64, 50), []int8{1}
		}), nil, "train_monotone"},
	} {
		params := Defaults(textKind().Kind)
		for name, value := range c.set {
			params[name] = value
		}
		_, err := textKind().Fit(context.Background(), c.rows, params, nil)
		if orrery.CodeOf(err) != c.code || orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("%s: error %v, want code %s", name, err, c.code)
		}
	}
	for _, kind := range []Kind{gbdtKind(), forestKind(), logisticKind()} {
		rows := &Rows{Names: []string{"a"}, X: make([]float64, 4), Y: []float64{0, 1, 2, 3}, Classes: three[:2], Several: true}
		if _, err := kind.Fit(context.Background(), rows, Defaults(kind.Kind), nil); orrery.CodeOf(err) != "train_several" {
			t.Errorf("%s: error %v, want code train_several", kind.Name, err)
		}
	}
}

func TestTextStopsAndReports(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	calls := 0
	_, err := textKind().Fit(ctx, chat(500, three, 8), Defaults(textKind().Kind), func(done, total int) {
		calls++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || calls == 0 {
		t.Errorf("error %v after %d reports", err, calls)
	}
}

// Calibration asked for in the spec finds the work done, or does it where there are
// no inner folds; the model still reads its text.
func TestTextCalibrated(t *testing.T) {
	for _, classes := range [][]string{nil, three} {
		for _, folds := range []int{0, 5} {
			fit := func(ctx context.Context, rows *Rows) (model.Model, error) {
				params := Defaults(textKind().Kind)
				params["folds"], params["balance"] = folds, 1.0
				return textKind().Fit(ctx, rows, params, nil)
			}
			m, report, err := RefitCalibrated(context.Background(), fit, chat(2000, classes, 10), 0)
			if err != nil {
				t.Fatal(err)
			}
			if (report.Method == innerFolds) != (folds > 0) || report.Method == noCalibration {
				t.Errorf("%d classes, %d folds: method %q", len(classes), folds, report.Method)
			}
			fresh := chat(1500, classes, 11)
			sum, last := 0.0, float64(max(1, len(classes)-1))
			for _, text := range fresh.Text {
				scores := make([]float64, len(classes)+1)
				scores[0] = m.(model.TextModel).ScoreText(text, nil)
				m.(model.TextModel).ScoresText(text, nil, scores)
				sum += scores[max(0, len(classes)-1)]
			}
			if of := float64(count(fresh.Y, last)); math.Abs(sum-of) > 0.12*of {
				t.Errorf("%d classes, %d folds: scores add up to %.0f of %v rows", len(classes), folds, sum, of)
			}
		}
	}
}

// A model that has seen tricks of spelling reads them.
func TestTextReadsTricks(t *testing.T) {
	rows, fresh := chat(2000, nil, 12), chat(600, nil, 13)
	names := strings.NewReplacer("sign0", "gentle", "sign1", "hostile")
	for _, r := range []*Rows{rows, fresh} {
		for i := range r.Text {
			r.Text[i] = names.Replace(r.Text[i])
		}
	}
	right := func(m model.TextModel, text func(string) string) (n int) {
		for i, y := range fresh.Y {
			if (m.ScoreText(text(fresh.Text[i]), nil) > 0.5) == (y == 1) {
				n++
			}
		}
		return n
	}
	plain := func(text string) string { return text }
	swap := strings.NewReplacer("gentle", "gnetle", "hostile", "hotsile").Replace
	taught, untaught := fitText(t, rows, Params{"misspell": 1.0}), fitText(t, rows, Params{"misspell": 0.0})
	if a, b := right(taught, swap), right(taught, plain); a < b-30 {
		t.Errorf("%d of 600 are right with letters swapped, %d as written", a, b)
	}
	if a, b := right(taught, plain), right(untaught, plain); a < b-20 {
		t.Errorf("%d of 600 are right, %d without tricks in training", a, b)
	}
}

func TestTrickKeepsSomething(t *testing.T) {
	seen := make(map[string]bool)
	for i := range 200 {
		text := trick(numeric.NewRandom(1, uint64(i)), "Some words, été 42 \xff!")
		if !strings.Contains(text, "42") || !strings.Contains(text, "!") {
			t.Fatalf("%q", text)
		}
		seen[text] = true
	}
	if len(seen) < 50 {
		t.Errorf("200 tricks make %d texts", len(seen))
	}
}

// What is learned of one mark holds for the others, and what is negated is told
// from what is not.
func TestTextMarksAndNegations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	rows := &Rows{}
	for range 800 {
		name, verb, y := fmt.Sprint("cat", r.IntN(40)), "adore", 0.0
		who := name
		if r.IntN(2) == 0 {
			who = fmt.Sprint("thing", r.IntN(40))
		}
		if r.IntN(2) == 0 {
			verb = "loathe"
		}
		not := ""
		if r.IntN(3) == 0 {
			not = "don't "
		}
		if who == name && (verb == "loathe") == (not == "") {
			y = 1
		}
		rows.Text, rows.Y = append(rows.Text, "we "+not+verb+" "+who), append(rows.Y, y)
	}
	var marks []string
	for i := range 50 {
		marks = append(marks, fmt.Sprint("Cat", i))
	}
	m := fitText(t, rows, Params{"marks": marks, "negations": "don't", "chars": 0})
	for text, want := range map[string]bool{
		"we loathe cat47": true, "we adore cat47": false, "we loathe thing47": false, "we don't loathe cat47": false, "we don't adore cat49": true,
	} {
		if s := m.ScoreText(text, nil); (s > 0.5) != want {
			t.Errorf("%q scores %.3f", text, s)
		}
	}
}

// Rows of a weight below 1 teach, and do not judge.
func TestTextLightRowsDoNotJudge(t *testing.T) {
	f := &textFit{own: 4, outputs: 1, rows: &Rows{Y: []float64{0, 1, 0, 1}, Weight: []float64{1, 2, 0.5, 0.5}}}
	if got := f.judging(); !slices.Equal(got, []float64{1, 2, 0, 0}) {
		t.Errorf("%v judge", got)
	}
	f.rows.Weight[1] = 0.9
	if got := f.judging(); !slices.Equal(got, f.rows.Weight) {
		t.Errorf("where one side is light only, %v judge", got)
	}
}
