package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/model"
)

// counting is an encoder that counts three words of a text, and how many texts it
// was asked for.
type counting struct {
	columns int
	missing error
	texts   int
}

func (c *counting) Ready() error          { return c.missing }
func (c *counting) Columns() (int, error) { return c.columns, nil }
func (c *counting) Close() error          { return nil }
func (c *counting) Run(texts []string, rows []float64) error {
	c.texts += len(texts)
	for i, text := range texts {
		if strings.Contains(text, "broken") {
			return errors.New("it broke")
		}
		for k, word := range []string{"good", "bad", "odd"}[:c.columns] {
			rows[i*c.columns+k] = float64(strings.Count(text, word))
		}
	}
	return nil
}

func network(c *counting, outputs ...string) *ONNX {
	return &ONNX{Files: model.ONNXFiles{Network: []byte("n"), Tokenizer: []byte("t")}, Outputs: outputs, Encoder: c}
}

// encodable are rows whose label hangs on the words of the text, and on a feature.
func encodable(n int, classes []string, several bool) *Rows {
	r := rand.New(rand.NewPCG(3, 4))
	rows := &Rows{Names: []string{"strikes"}, Classes: classes, Several: several}
	for range n {
		bad, odd, strikes := r.IntN(3), r.IntN(3), r.IntN(4)
		rows.Text = append(rows.Text, strings.Repeat("bad ", bad)+strings.Repeat("odd ", odd)+strings.Repeat("good ", r.IntN(3)))
		rows.X = append(rows.X, float64(strikes))
		y := 0.0
		switch {
		case several:
			y = float64(b2i(bad > 0) + 2*b2i(odd > 1))
		case classes == nil:
			y = float64(b2i(bad+strikes/2 > 1))
		case bad > 1:
			y = 2
		case odd > 1:
			y = 1
		}
		rows.Y = append(rows.Y, y)
	}
	return rows
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A head of every kind that can be one is fitted to what the network gives, beside
// features, and calibrated as it is by itself.
func TestONNXHeadLearns(t *testing.T) {
	for _, c := range []struct {
		kind    string
		classes []string
		several bool
	}{
		{kind: model.Logistic}, {kind: model.TextKind},
		{model.Logistic, []string{"fine", "odd", "bad"}, false}, {model.TextKind, []string{"fine", "odd", "bad"}, false},
		{model.TextKind, []string{"bad", "odd"}, true},
	} {
		rows, test := encodable(1500, c.classes, c.several), encodable(3000, c.classes, c.several)
		test = test.slice(1500, 3000)
		encoder := &counting{columns: 3}
		head := Kinds()[slices.IndexFunc(Kinds(), func(k Kind) bool { return k.Name == c.kind })]
		params := Defaults(head.Kind)
		if c.kind == model.TextKind {
			params["words"], params["chars"], params["misspell"] = 1, 0, 0.0
		}
		fit := func(ctx context.Context, rows *Rows) (model.Model, error) { return head.Fit(ctx, rows, params, nil) }
		calibrated := func(ctx context.Context, rows *Rows) (model.Model, error) {
			m, _, err := RefitCalibrated(ctx, fit, rows, 0)
			return m, err
		}
		m, err := network(encoder).Under(calibrated, head.ReadsText)(t.Context(), rows)
		if err != nil {
			t.Fatalf("%s: %v", c.kind, err)
		}
		distinct := map[string]bool{}
		for _, text := range append(slices.Clone(rows.Text), test.Text...) {
			distinct[text] = true
		}
		right := rightOf(t, m, test)
		if share := float64(right) / float64(test.Len()); share < 0.97 {
			t.Errorf("head %s, classes %v: right for %.3f of the rows", c.kind, c.classes, share)
		}
		if encoder.texts > len(distinct)+1 { // readiness may run one
			t.Errorf("%d texts were encoded, of %d", encoder.texts, len(distinct))
		}
		if !slices.Equal(m.Features(), rows.Names) || m.Kind() != model.ONNXKind {
			t.Errorf("a %s on %q", m.Kind(), m.Features())
		}
		again, err := network(&counting{columns: 3}).Under(calibrated, head.ReadsText)(t.Context(), rows)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := m.AppendBinary(nil)
		if b, _ := again.AppendBinary(nil); !slices.Equal(a, b) {
			t.Errorf("head %s: fitted again, the bytes differ", c.kind)
		}
	}
}

// What a network says counts once, however often it says it: a text's head on a
// network that gives each number forty times gives the scores of one that gives it
// once. Without the numbers sharing a prior, the wide one's would be held forty
// times less.
func TestTextHeadOnAWideNetwork(t *testing.T) {
	const times = 40
	set := Defaults(textKind().Kind)
	set["words"], set["chars"], set["misspell"], set["folds"], set["c"] = 1, 0, 0.0, 0, 0.1
	narrow := encodable(60, nil, false)
	narrow.Names, narrow.X = narrow.Names[:0], nil
	wide := &Rows{Y: narrow.Y, Text: narrow.Text, Encoded: 2 * times}
	narrow.Encoded = 2
	numbers := rand.New(rand.NewPCG(5, 6))
	for k := range 2 {
		narrow.Names = append(narrow.Names, fmt.Sprint("n", k))
	}
	for k := range 2 * times {
		wide.Names = append(wide.Names, fmt.Sprint("w", k))
	}
	for _, y := range narrow.Y {
		a, b := y+numbers.NormFloat64(), y+numbers.NormFloat64()
		narrow.X = append(narrow.X, a, b)
		for range times {
			wide.X = append(wide.X, a, b)
		}
	}
	var scores [2][]float64
	for i, rows := range []*Rows{narrow, wide} {
		m, err := newText(set).Fit(t.Context(), rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		scores[i] = make([]float64, rows.Len())
		if err := model.ScoreRows(m, rows.X, rows.Text, scores[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range scores[0] {
		if got := scores[1][i]; math.Abs(got-want) > 0.02 {
			t.Errorf("row %d: %.3f, and %.3f where each number stands once", i, got, want)
		}
	}
	narrow.Encoded = 3
	if _, err := newText(set).Fit(t.Context(), narrow, nil); orrery.CodeOf(err) != "train_rows" {
		t.Errorf("three numbers of a network in two columns: %v", err)
	}
}

// rightOf counts the rows that a model is right for.
func rightOf(t *testing.T, m model.Model, rows *Rows) (right int) {
	t.Helper()
	if rows.Classes == nil {
		scores := make([]float64, rows.Len())
		if err := model.ScoreRows(m, rows.X, rows.Text, scores); err != nil {
			t.Fatal(err)
		}
		for i, s := range scores {
			right += b2i((s >= 0.5) == (rows.Y[i] == 1))
		}
		return right
	}
	c := m.(model.Classifier)
	k := len(rows.Classes)
	scores := make([]float64, rows.Len()*k)
	if err := model.ClassRows(c, rows.X, rows.Text, scores); err != nil {
		t.Fatal(err)
	}
	for i, y := range rows.Y {
		row := scores[i*k : (i+1)*k]
		if model.Several(m) {
			right += b2i(model.Labels(c.(model.Labeller), row) == orrery.LabelSet(y))
		} else {
			right += b2i(model.Choose(c, row) == int(y))
		}
	}
	return right
}

// A network without a head is a model at once; its outputs stand for classes by
// name, or by their order.
func TestONNXWhole(t *testing.T) {
	m, err := network(&counting{columns: 3}, "c", "a", "b").Whole([]string{"a", "b", "c"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if order := m.(*model.ONNXClassifier).Parts().Order; !slices.Equal(order, []int{2, 0, 1}) {
		t.Errorf("order %v", order)
	}
	if m, err = network(&counting{columns: 3}).Whole([]string{"a", "b", "c"}, true); err != nil || !model.Several(m) {
		t.Errorf("several: %v", err)
	}
	one, err := network(&counting{columns: 1}).Whole(nil, false)
	if err != nil || one.(*model.ONNX).ScoreText("good", nil) < 0.7 {
		t.Errorf("one output: %v", err)
	}
	two, err := network(&counting{columns: 2}).Whole(nil, false)
	if err != nil || two.(*model.ONNX).ScoreText("bad", nil) < 0.7 { // the second output is the positive one
		t.Errorf("two outputs: %v", err)
	}
	if two, err = network(&counting{columns: 2}, "positive", "negative").Whole(nil, false); err != nil || two.(*model.ONNX).ScoreText("good", nil) < 0.7 {
		t.Errorf("two outputs, named: %v", err)
	}
	for name, o := range map[string]*ONNX{"three for two": network(&counting{columns: 3}), "two for one": network(&counting{columns: 2}, "positive"), "a name": network(&counting{columns: 2}, "positive", "other")} {
		if _, err := o.Whole(nil, false); orrery.CodeOf(err) != "onnx_outputs" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// What stands in the way of a fit is said, and not worked around.
func TestONNXFitFails(t *testing.T) {
	rows := encodable(200, nil, false)
	fit := func(ctx context.Context, rows *Rows) (model.Model, error) {
		return logisticKind().Fit(ctx, rows, Defaults(logisticKind().Kind), nil)
	}
	missing := errors.New("no library")
	if _, err := network(&counting{columns: 3, missing: missing}).Under(fit, false)(t.Context(), rows); !errors.Is(err, missing) {
		t.Errorf("without a library: error %v", err)
	}
	if _, err := network(&counting{columns: 3, missing: missing}).Whole(nil, false); !errors.Is(err, missing) {
		t.Errorf("whole, without a library: error %v", err)
	}
	silent := *rows
	silent.Text = nil
	if _, err := network(&counting{columns: 3}).Under(fit, false)(t.Context(), &silent); orrery.CodeOf(err) != "train_text" {
		t.Errorf("without texts: error %v", err)
	}
	broken := *rows
	broken.Text = slices.Clone(rows.Text)
	broken.Text[7] = "broken"
	if _, err := network(&counting{columns: 3}).Under(fit, false)(t.Context(), &broken); err == nil || err.Error() != "it broke" {
		t.Errorf("with a text that breaks the network: error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := network(&counting{columns: 3}).Under(fit, false)(ctx, rows); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	kind := onnxKind()
	if _, err := kind.Fit(t.Context(), rows, Defaults(kind.Kind), nil); orrery.CodeOf(err) != "onnx_files" {
		t.Errorf("without files: error %v", err)
	}
}
