package model

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery.dev"
	"orrery.dev/model/onnx/onnxtest"
)

// letters is an encoder that counts: the letters a to h of a text, from which mean is
// taken. It fails on a text with "fail" and panics on one with "panic".
type letters struct {
	columns int
	ready   error
	runs    [][]string
	closed  bool
}

func (l *letters) Ready() error          { return l.ready }
func (l *letters) Columns() (int, error) { return l.columns, nil }
func (l *letters) Close() error          { l.closed = true; return nil }
func (l *letters) Run(texts []string, rows []float64) error {
	l.runs = append(l.runs, slices.Clone(texts))
	for i, text := range texts {
		switch {
		case strings.Contains(text, "fail"):
			return errors.New("the library is unwell")
		case strings.Contains(text, "panic"):
			panic("the library is gone")
		case strings.Contains(text, "nan"):
			rows[i*l.columns] = math.NaN()
			continue
		}
		for k := range l.columns {
			rows[i*l.columns+k] = float64(strings.Count(text, string(rune('a'+k)))) - 1
		}
	}
	return nil
}

var onnxFiles = ONNXFiles{Network: []byte("a network"), Tokenizer: []byte("{}"), MaxTokens: 12, Batch: 3, Output: "logits", Pool: "mean"}

// realFiles are a network and a tokenizer that package onnx reads.
func realFiles(columns int) ONNXFiles {
	words := []string{"aa", "bb"}
	return ONNXFiles{Network: onnxtest.NewSmall(len(words)+4, 2, columns, false, 3).Encoder(), Tokenizer: onnxtest.Tokenizer(words...), MaxTokens: 12, Batch: 3, Output: "last_hidden_state", Pool: "mean"}
}

// onnxSamples are an ONNX model of each shape, on an encoder of letters.
func onnxSamples(t testing.TB) map[string]Encoded {
	return onnxShapes(t, func(p *ONNXParts) { p.Files, p.Encoder = onnxFiles, &letters{columns: p.Columns} })
}

// onnxFileSamples are the same on files.
func onnxFileSamples(t testing.TB) map[string]Encoded {
	return onnxShapes(t, func(p *ONNXParts) { p.Files = realFiles(p.Columns) })
}

func onnxShapes(t testing.TB, on func(*ONNXParts)) map[string]Encoded {
	t.Helper()
	out := map[string]Encoded{}
	add := func(name string, p ONNXParts) {
		on(&p)
		m, err := NewONNX(p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = m
	}
	add("one output", ONNXParts{Columns: 1, Order: []int{1}})
	add("two outputs", ONNXParts{Columns: 2, Order: []int{1, 0}})
	add("classes", ONNXParts{Columns: 3, Classes: []string{"x", "y", "z"}, Order: []int{2, 0, 1}})
	add("several", ONNXParts{Columns: 2, Classes: []string{"x", "y"}, Several: true, Order: []int{1, 0}})
	inputs := append([]string{"strikes"}, ONNXColumns(2)...)
	linear := func(features []string, weights []float64, bias float64) *Linear {
		ones := slices.Repeat([]float64{1}, len(weights))
		m, err := NewLinear(features, make([]float64, len(weights)), ones, weights, bias)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	head := linear(inputs, []float64{0.5, 2, -1}, 0.25)
	add("head", ONNXParts{Columns: 2, Features: []string{"strikes"}, Head: head})
	beta, err := NewBeta(2, 1, 0.5, 0)
	if err != nil {
		t.Fatal(err)
	}
	calibrated, err := NewCalibrated(head, beta)
	if err != nil {
		t.Fatal(err)
	}
	add("calibrated head", ONNXParts{Columns: 2, Features: []string{"strikes"}, Head: calibrated})
	several, err := NewMulticlass([]string{"x", "y"}, []Part{head, linear(inputs, []float64{1, 0, 0}, 0)})
	if err != nil {
		t.Fatal(err)
	}
	add("head of classes", ONNXParts{Columns: 2, Features: []string{"strikes"}, Head: several})
	texts := textSamples(t)
	for name, m := range texts {
		parts := m.(interface{ Parts() TextParts }).Parts()
		for k, rest := range parts.Rest {
			parts.Rest[k] = linear(ONNXColumns(2), []float64{1, -float64(k)}, rest.Bias())
		}
		m, err := NewText(parts)
		if err != nil {
			t.Fatal(err)
		}
		add("head of kind text: "+name, ONNXParts{Columns: 2, Head: m})
	}
	return out
}

// A model's scores are those of its head, or of its outputs, for what the encoder
// gives.
func TestONNXScores(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	samples := onnxSamples(t)
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) < 1e-12) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("one output", samples["one output"].ScoreText("aaa", nil), sigmoid(2))
	// Output 0 stands for the positive class.
	near("two outputs", samples["two outputs"].ScoreText("aaab", nil), sigmoid(2))
	scores := make([]float64, 3)
	classes := samples["classes"].(*ONNXClassifier)
	classes.ScoresText("aabbbb", nil, scores) // outputs 1, 3, -1, of z, x and y
	sum := math.Exp(3) + math.Exp(-1) + math.Exp(1)
	for k, want := range []float64{math.Exp(3) / sum, math.Exp(-1) / sum, math.Exp(1) / sum} {
		near("class", scores[k], want)
	}
	if near("greatest", classes.ScoreText("aabbbb", nil), scores[0]); classes.Choose(scores) != 0 || classes.Several() {
		t.Error("the likeliest is not chosen")
	}
	several := samples["several"].(*ONNXClassifier)
	several.ScoresText("aaa", nil, scores[:2])
	near("x", scores[0], sigmoid(-1))
	if near("y", scores[1], sigmoid(2)); !several.Several() || several.Cut(0) != 0.5 || Labels(several, scores[:2]) != 2 {
		t.Error("the labels are not those above 0.5")
	}
	near("head", samples["head"].ScoreText("aab", []float64{3}), sigmoid(0.25+1.5+2))
	encoded := []float64{1, 0}
	if a, b := samples["head"].ScoreEncoded("aab", []float64{3}, encoded), samples["head"].ScoreText("aab", []float64{3}); a != b {
		t.Errorf("scored by what was encoded, %v, and by the text, %v", a, b)
	}
	samples["head of classes"].ScoresText("aab", []float64{3}, scores[:2])
	near("head of classes", scores[0], 1/(1+math.Exp(3-3.75)))
}

// What explains a score is what the features beside the text did to it, for which
// nothing has to be encoded.
func TestONNXPartExplainsTheFeatures(t *testing.T) {
	samples := onnxSamples(t)
	for _, name := range []string{"head", "calibrated head", "head of classes"} {
		out := make([]float64, 1)
		part := samples[name].(interface{ Part(int) Explainer }).Part(0)
		if base := part.Contributions([]float64{3}, out); base != 0.25 || out[0] != 1.5 {
			t.Errorf("%s: contributions %v from %v on", name, out, base)
		}
	}
	head := samples["head"].(*ONNX)
	if x, ok := head.TextContribution([]float64{1, 2}, 0); !ok || x != 0 {
		t.Errorf("the text gave %v, %v", x, ok)
	}
	if x, ok := head.TextContribution([]float64{3, 2}, 0); !ok || x != 4 {
		t.Errorf("the text gave %v, %v", x, ok)
	}
	if _, ok := samples["classes"].(*ONNXClassifier).TextContribution([]float64{1, 2, 3}, 0); ok {
		t.Error("a network by itself says what the text gave")
	}
	if part := samples["classes"].(interface{ Part(int) Explainer }).Part(0); part != nil {
		t.Errorf("a network explains itself by %v", part)
	}
}

// An encoder that fails, panics or gives no numbers gives an error where one can be
// taken.
func TestONNXEncoderFails(t *testing.T) {
	m := onnxSamples(t)["head"]
	out := make([]float64, 2)
	for _, text := range []string{"fail", "panic", "nan"} {
		if err := m.Encode([]string{text}, out); orrery.CodeOf(err) != "onnx_failed" || orrery.KindOf(err) != orrery.Unavailable {
			t.Errorf("%s: error %v", text, err)
		}
		if err := ScoreRows(m, []float64{1, 2}, []string{"a", text}, make([]float64, 2)); orrery.CodeOf(err) != "onnx_failed" {
			t.Errorf("rows with %s: error %v", text, err)
		}
	}
	if err := m.Encode([]string{"a", "b"}, out); orrery.CodeOf(err) != "model_shape" {
		t.Errorf("too short a row: error %v", err)
	}
	missing := errors.New("not here")
	for name, encoder := range map[string]*letters{"not ready": {columns: 2, ready: missing}, "other columns": {columns: 3}} {
		m, err := NewONNX(ONNXParts{Files: onnxFiles, Encoder: encoder, Columns: 2, Order: []int{0, 1}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Ready(); !errors.Is(err, missing) && orrery.CodeOf(err) != "model_onnx" {
			t.Errorf("%s: error %v", name, err)
		}
		if err := ScoreRows(m, nil, []string{"a"}, make([]float64, 1)); err == nil {
			t.Errorf("%s: it scores", name)
		}
	}
}

// Rows are encoded together, and scored as they are one by one.
func TestONNXRows(t *testing.T) {
	for name, m := range onnxSamples(t) {
		features := len(m.Features())
		n := scoreBlock + 3
		texts, rows := make([]string, n), make([]float64, n*features)
		for i := range texts {
			texts[i] = strings.Repeat("a", i%5) + strings.Repeat("b", i%3)
		}
		for i := range rows {
			rows[i] = float64(i % 7)
		}
		k, classified := 1, false
		if c, ok := m.(*ONNXClassifier); ok {
			k, classified = len(c.Classes()), true
		}
		out, want := make([]float64, n*k), make([]float64, k)
		var err error
		if classified {
			err = ClassRows(m.(Classifier), rows, texts, out)
		} else {
			err = ScoreRows(m, rows, texts, out)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, text := range texts {
			row := rows[i*features : (i+1)*features]
			if classified {
				m.ScoresText(text, row, want)
			} else {
				want[0] = m.ScoreText(text, row)
			}
			if !slices.Equal(out[i*k:(i+1)*k], want) {
				t.Fatalf("%s, row %d: %v, want %v", name, i, out[i*k:(i+1)*k], want)
			}
		}
	}
}

// What does not fit together is refused, and says so.
func TestONNXParts(t *testing.T) {
	head, err := NewLinear(ONNXColumns(2), make([]float64, 2), []float64{1, 1}, []float64{1, 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]ONNXParts{
		"no columns":              {Order: []int{1}},
		"too many columns":        {Columns: MaxONNXColumns + 1, Head: head},
		"order of one":            {Columns: 1, Order: []int{0}},
		"no order":                {Columns: 2},
		"twice":                   {Columns: 2, Order: []int{1, 1}},
		"no such class":           {Columns: 2, Order: []int{2, 0}},
		"more outputs":            {Columns: 3, Order: []int{0, 1}},
		"several of none":         {Columns: 1, Order: []int{1}, Several: true},
		"features without head":   {Columns: 1, Order: []int{1}, Features: []string{"a"}},
		"one class":               {Columns: 1, Order: []int{0}, Classes: []string{"a"}},
		"head and classes":        {Columns: 2, Head: head, Classes: []string{"a", "b"}},
		"head of other inputs":    {Columns: 2, Head: head, Features: []string{"a"}},
		"head that is a network":  {Columns: 1, Head: onnxSamples(t)["one output"]},
		"a feature that is twice": {Columns: 2, Head: head, Features: []string{"a", "a"}},
	} {
		p.Files, p.Encoder = onnxFiles, &letters{columns: p.Columns}
		if _, err := NewONNX(p); orrery.KindOf(err) != orrery.Invalid {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for name, files := range map[string]ONNXFiles{"no network": {Tokenizer: []byte("{}")}, "no tokenizer": {Network: []byte("n")}, "batch": {Network: []byte("n"), Tokenizer: []byte("{}"), Batch: -1}} {
		if _, err := NewONNX(ONNXParts{Files: files, Encoder: &letters{columns: 1}, Columns: 1, Order: []int{1}}); orrery.CodeOf(err) != "model_onnx" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A file is read as the model it was written from, whatever stood before it, and
// opens nothing.
func TestONNXFileRoundTrip(t *testing.T) {
	for name, m := range onnxFileSamples(t) {
		b := encode(t, m)
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(encode(t, got), b) {
			t.Errorf("%s: encoded again, the bytes differ", name)
		}
		if after, err := m.AppendBinary([]byte("before")); err != nil || !bytes.Equal(after, append([]byte("before"), b...)) {
			t.Errorf("%s: appended after something, the bytes differ: %v", name, err)
		}
		row, encoded := make([]float64, len(m.Features())), make([]float64, m.Columns())
		for i := range encoded {
			encoded[i] = float64(i) - 0.5
		}
		if a, b := got.(Encoded).ScoreEncoded(sampleText, row, encoded), m.ScoreEncoded(sampleText, row, encoded); a != b || !slices.Equal(got.Features(), m.Features()) {
			t.Errorf("%s: the score is %v, and was %v", name, a, b)
		}
		for i := 0; i < len(b); i += 1 + i/64 {
			for bit := range 8 {
				b[i] ^= 1 << bit
				if _, err := Decode(b); orrery.CodeOf(err) != "model_damaged" {
					t.Fatalf("%s, byte %d flipped: error %v", name, i, err)
				}
				b[i] ^= 1 << bit
			}
			if _, err := Decode(b[:i]); orrery.CodeOf(err) != "model_damaged" {
				t.Fatalf("%s, cut at %d: error %v", name, i, err)
			}
		}
	}
}

// With its checksum made right, an altered file either is refused as damaged or is
// another model; a length that it cannot hold is refused before it is allocated.
func TestONNXPayloads(t *testing.T) {
	for _, name := range []string{"classes", "calibrated head"} {
		whole := encode(t, onnxFileSamples(t)[name])
		for i := headerBytes; i+4 <= len(whole)-trailerBytes; i += 1 + i/128 {
			for _, x := range []uint32{1, 0x80, 0xfffffff0} {
				b := slices.Clone(whole)
				binary.LittleEndian.PutUint32(b[i:], x)
				if _, err := Decode(resum(b)); err != nil && orrery.CodeOf(err) != "model_damaged" {
					t.Fatalf("%s, byte %d: error %v", name, i, err)
				}
			}
		}
	}
}

// A network within a network's head is refused, however deep.
func TestONNXHeadIsNoNetwork(t *testing.T) {
	inner := onnxFileSamples(t)["one output"]
	b, err := sealAs(nil, formatONNX, func(b []byte) []byte {
		b = append(appendStrings(appendStrings(appendString(b, ONNXKind), nil), nil), 0)
		b = appendUint32(appendUint32(appendUint32(appendUint32(b, 0), 1), 1), 1)
		b = appendString(appendString(b, ""), "")
		for _, part := range [][]byte{encode(t, inner), []byte("{}"), []byte("n")} {
			b = append(appendUint32(b, len(part)), part...)
		}
		return b
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(b); orrery.CodeOf(err) != "model_damaged" || !strings.Contains(err.Error(), "head of a network is a network") {
		t.Errorf("error %v", err)
	}
}

// The file of a model that an earlier version wrote is read for ever.
func TestONNXGoldenFile(t *testing.T) {
	m := onnxFileSamples(t)["calibrated head"]
	path := filepath.Join("testdata", "files", "onnx-calibrated-head.model")
	if _, err := os.Stat(path); err != nil && *update {
		if err := os.WriteFile(path, encode(t, m), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, got), b) {
		t.Error("written again, the bytes differ")
	}
	row, encoded := []float64{3}, []float64{0.5, -2}
	if a, b := got.(Encoded).ScoreEncoded("", row, encoded), m.ScoreEncoded("", row, encoded); a != b {
		t.Errorf("the score is %v, and was %v", a, b)
	}
}

// Models of the same files have one encoder, whichever way they came about; it is
// closed when the last of them is gone.
func TestONNXEncoderIsShared(t *testing.T) {
	samples := onnxFileSamples(t)
	head, calibrated, classes := samples["head"].(*ONNX), samples["calibrated head"].(*ONNX), samples["classes"].(*ONNXClassifier)
	decoded, err := Decode(encode(t, head))
	if err != nil {
		t.Fatal(err)
	}
	if head.encoder != calibrated.encoder || head.encoder != decoded.(*ONNX).encoder || head.encoder == classes.encoder {
		t.Error("encoders of the same files are several, or those of others one")
	}
	if &decoded.(*ONNX).parts.Files.Network[0] != &head.parts.Files.Network[0] {
		t.Error("equal files are held twice")
	}
	key := head.parts.Files.key()
	runtime.KeepAlive(samples)
	samples, head, calibrated, decoded = nil, nil, nil, nil
	for range 100 {
		runtime.GC()
		encoders.Lock()
		_, held := encoders.of[key]
		encoders.Unlock()
		if !held {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the encoder of no model is still held")
}
