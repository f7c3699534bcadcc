package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/numeric"
	"orrery.dev/text/ngram"
)

var sampleGrams = ngram.Options{MaxWords: 2, MinChars: 2, MaxChars: 3}

const sampleText = "the quick brown fox, the lazy dog"

// textParts are those of a model that knows half of the n-grams of sampleText.
func textParts(t testing.TB, classes []string, features int) TextParts {
	t.Helper()
	r := rand.New(rand.NewPCG(5, uint64(len(classes))))
	p := TextParts{Classes: classes, Grams: sampleGrams}
	for i, g := range ngram.New(sampleGrams, nil).Extract([]byte(sampleText)) {
		if i%2 == 0 {
			p.Hashes = append(p.Hashes, g.Hash)
		}
	}
	slices.Sort(p.Hashes)
	p.Hashes = slices.Compact(p.Hashes)
	for range p.Hashes {
		p.Rarity = append(p.Rarity, 1+r.Float32())
	}
	for range len(p.Hashes) * p.outputs() {
		p.Weights = append(p.Weights, float32(r.NormFloat64()))
	}
	for range p.outputs() {
		some := func() (out []float64) {
			for range features {
				out = append(out, 0.5+r.Float64())
			}
			return out
		}
		rest, err := NewLinear(names(features), some(), some(), some(), r.NormFloat64())
		if err != nil {
			t.Fatal(err)
		}
		p.Rest = append(p.Rest, rest)
	}
	return p
}

func textSamples(t testing.TB) map[string]Model {
	t.Helper()
	out := make(map[string]Model)
	add := func(name string, p TextParts) {
		m, err := NewText(p)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = m
	}
	add("text", textParts(t, nil, 2))
	classes := textParts(t, []string{"a", "b", "c"}, 0)
	classes.Calibrators = []Calibrator{&Beta{A: 1, B: 2, C: 0.5}, &Beta{A: 1, B: 1}, &Beta{A: 0.5, B: 0.5, C: -1}}
	classes.Cuts = []float64{0.25, 1, 0.5}
	add("text of classes", classes)
	marked := textParts(t, []string{"a", "b"}, 0)
	marked.Marks, marked.Negations = []string{"brown fox", "dog"}, []string{"lazy"}
	lexicon, _ := ngram.NewLexicon(marked.Marks, marked.Negations)
	for i, g := range ngram.New(sampleGrams, lexicon).Extract([]byte(sampleText)) {
		if _, known := slices.BinarySearch(marked.Hashes, g.Hash); g.Block == ngram.Context && !known {
			at, _ := slices.BinarySearch(marked.Hashes, g.Hash)
			marked.Hashes = slices.Insert(marked.Hashes, at, g.Hash)
			marked.Rarity = slices.Insert(marked.Rarity, at, 1+float32(i)/10)
			marked.Weights = slices.Insert(marked.Weights, 2*at, float32(i), -float32(i))
		}
	}
	add("text with marks", marked)
	several := textParts(t, []string{"a", "b"}, 1)
	several.Several = true
	add("text of several", several)
	add("text, empty", TextParts{Grams: ngram.Options{MaxWords: 1}, Rest: textParts(t, nil, 0).Rest})
	return out
}

// slowMargin is the margin by the definition.
func slowMargin(p TextParts, text string, row []float64, output int) float64 {
	type key struct {
		block ngram.Block
		index int
	}
	counts := make(map[key]int)
	lexicon, _ := ngram.NewLexicon(p.Marks, p.Negations)
	for _, g := range ngram.New(p.Grams, lexicon).Extract([]byte(strings.ToLower(text))) {
		if i, ok := slices.BinarySearch(p.Hashes, g.Hash); ok {
			counts[key{g.Block, i}]++
		}
	}
	margin := p.Rest[output].Margin(row)
	for b := range ngram.Blocks {
		sum, squares := 0.0, 0.0
		for k, n := range counts {
			if k.block == b {
				x := (1 + math.Log(float64(n))) * float64(p.Rarity[k.index])
				squares += x * x
				sum += x * float64(p.Weights[k.index*p.outputs()+output])
			}
		}
		if squares > 0 {
			margin += sum / math.Sqrt(squares)
		}
	}
	return margin
}

func TestTextMargins(t *testing.T) {
	for name, m := range textSamples(t) {
		var p TextParts
		switch m := m.(type) {
		case *Text:
			p = m.Parts()
		case *TextClassifier:
			p = m.Parts()
		}
		row := []float64{0.3, math.NaN()}[:len(m.Features())]
		for _, text := range []string{sampleText, "The DOG", "dog dog dog the the", "", "nothing known 12345", strings.Repeat(sampleText+" ", 50)} {
			scores := make([]float64, p.outputs())
			m.(TextModel).ScoresText(text, row, scores)
			if p.Classes == nil {
				scores[0] = m.(TextModel).ScoreText(text, row)
			}
			want := make([]float64, p.outputs())
			for k := range want {
				want[k] = numeric.Sigmoid(slowMargin(p, text, row, k))
				if p.Calibrators != nil {
					want[k] = p.Calibrators[k].Calibrate(want[k])
				}
			}
			if p.Classes != nil && !p.Several {
				normalise(want)
			}
			for k := range want {
				if math.Abs(scores[k]-want[k]) > 1e-12 {
					t.Errorf("%s, %q: scores %v, want %v", name, text, scores, want)
				}
			}
		}
	}
}

// The words' contributions add up to what the text did to the margin.
func TestHighlightsAddUp(t *testing.T) {
	m := textSamples(t)["text of classes"].(*TextClassifier)
	text := "The QUICK fox; ünknown dog dog"
	for k := range 3 {
		all := m.Highlights(text, nil, k, 100)
		sum := 0.0
		for i, h := range all {
			if h.Start < 0 || h.End > len(text) || h.Start >= h.End {
				t.Errorf("place [%d, %d)", h.Start, h.End)
			}
			if i > 0 && math.Abs(h.Contribution) > math.Abs(all[i-1].Contribution) {
				t.Error("out of order")
			}
			sum += h.Contribution
		}
		want := slowMargin(m.Parts(), text, nil, k) - m.Parts().Rest[k].Bias()
		if math.Abs(sum-want) > 1e-9 {
			t.Errorf("class %d: highlights add up to %v, want %v", k, sum, want)
		}
		if got := m.Highlights(text, nil, k, 1); len(got) != 1 || got[0] != all[0] {
			t.Errorf("the first is %v, want %v", got, all[0])
		}
	}
	if got := m.Highlights(text, nil, 3, 5); got != nil {
		t.Errorf("a class that does not exist has %v", got)
	}
	found := m.Highlights("xyz DOG", nil, 0, 1)
	if len(found) != 1 || "xyz DOG"[found[0].Start:found[0].End] != "DOG" {
		t.Errorf("the known word is not found: %v", found)
	}
}

func TestChoose(t *testing.T) {
	m := textSamples(t)["text of classes"].(*TextClassifier) // cuts 0.25, 1, 0.5
	for _, c := range []struct {
		scores []float64
		want   int
	}{
		{[]float64{0.2, 0.7, 0.1}, 0},
		{[]float64{0.1, 0.7, 0.2}, 1},
		{[]float64{0.1, 0.4, 0.5}, 2},
		{[]float64{0, 0, 0}, 0},
	} {
		if got := m.Choose(c.scores); got != c.want {
			t.Errorf("of %v class %d is chosen, want %d", c.scores, got, c.want)
		}
	}
}

func TestTextScoringDoesNotAllocate(t *testing.T) {
	if raced {
		t.Skip("pools drop things under the race detector")
	}
	m := textSamples(t)["text of classes"].(*TextClassifier)
	out := make([]float64, 3)
	m.ScoresText(sampleText, nil, out)
	if n := testing.AllocsPerRun(100, func() { m.ScoresText(sampleText, nil, out) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNewTextRefuses(t *testing.T) {
	classes := []string{"a", "b"}
	for name, c := range map[string]struct {
		code  string
		alter func(p *TextParts)
	}{
		"one class":          {"model_classes", func(p *TextParts) { p.Classes = classes[:1] }},
		"no n-grams":         {"model_text", func(p *TextParts) { p.Grams = ngram.Options{} }},
		"hashes":             {"model_text", func(p *TextParts) { p.Hashes[1] = p.Hashes[0] }},
		"rarities":           {"model_shape", func(p *TextParts) { p.Rarity = p.Rarity[1:] }},
		"negative rarity":    {"model_value", func(p *TextParts) { p.Rarity[0] = -1 }},
		"rarity is NaN":      {"model_value", func(p *TextParts) { p.Rarity[0] = float32(math.NaN()) }},
		"weight is infinite": {"model_value", func(p *TextParts) { p.Weights[3] = float32(math.Inf(1)) }},
		"weights":            {"model_shape", func(p *TextParts) { p.Weights = p.Weights[1:] }},
		"biases":             {"model_shape", func(p *TextParts) { p.Rest = p.Rest[1:] }},
		"no bias":            {"model_classes", func(p *TextParts) { p.Rest[1] = nil }},
		"calibrators":        {"model_calibration", func(p *TextParts) { p.Calibrators = []Calibrator{nil, nil} }},
		"cuts":               {"model_shape", func(p *TextParts) { p.Cuts = []float64{1} }},
		"marks":              {"model_text", func(p *TextParts) { p.Marks = []string{"b", "a"} }},
		"no mark":            {"model_text", func(p *TextParts) { p.Marks = []string{""} }},
		"negation":           {"model_text", func(p *TextParts) { p.Negations = []string{"a b"} }},
		"cut of 0":           {"model_value", func(p *TextParts) { p.Cuts = []float64{0, 1} }},
	} {
		p := textParts(t, classes, 1)
		c.alter(&p)
		if _, err := NewText(p); orrery.CodeOf(err) != c.code {
			t.Errorf("%s: error %v, want code %s", name, err, c.code)
		}
	}
	p := textParts(t, nil, 0)
	p.Several = true
	if _, err := NewText(p); orrery.CodeOf(err) != "model_classes" {
		t.Errorf("several of no classes: error %v", err)
	}
}
