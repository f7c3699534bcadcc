package onnx_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"orrery.dev"
	"orrery.dev/model/onnx"
	"orrery.dev/model/onnx/onnxtest"
	"orrery.dev/text/tokenizer"
)

// library skips a test where there is no ONNX Runtime, unless it must be there.
func library(t testing.TB) {
	t.Helper()
	if err := onnx.Available(); err != nil {
		if os.Getenv("ORRERY_ONNX") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

var words = []string{"the", "garden", "is", "green", "a", "cat", "sat", "on", "roof", "and", "slept", ".", "!", "rain", "fell"}

var vocabulary = len(words) + 4

// texts are of many lengths, in no order of them.
func texts(n int) []string {
	var out []string
	for i := range n {
		var b strings.Builder
		for j := range (i*7)%23 + i%2 {
			fmt.Fprintf(&b, "%s ", words[(i*5+j*3)%len(words)])
		}
		out = append(out, b.String())
	}
	return out
}

func ids(t testing.TB, text string) []int32 {
	t.Helper()
	tok, err := tokenizer.Decode(onnxtest.Tokenizer(words...))
	if err != nil {
		t.Fatal(err)
	}
	return tok.Encode(text).IDs
}

func open(t testing.TB, model []byte, s onnx.Settings) *onnx.Text {
	t.Helper()
	text, err := onnx.NewText(model, onnxtest.Tokenizer(words...), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { text.Close() })
	return text
}

func run(t testing.TB, m *onnx.Text, list []string) [][]float64 {
	t.Helper()
	columns, err := m.Columns()
	if err != nil {
		t.Fatal(err)
	}
	flat := make([]float64, len(list)*columns)
	if err := m.Run(list, flat); err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	for i := range list {
		rows = append(rows, flat[i*columns:(i+1)*columns])
	}
	return rows
}

func near(t testing.TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Fatalf("%s: column %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// pooled is the row that a pool makes of states.
func pooled(states [][]float64, pool onnx.Pool) []float64 {
	if pool == onnx.First {
		return states[0]
	}
	row := make([]float64, len(states[0]))
	for _, state := range states {
		for i, x := range state {
			row[i] += x / float64(len(states))
		}
	}
	return row
}

func TestRowsAreWhatTheModelSays(t *testing.T) {
	library(t)
	list := texts(40)
	for _, whole := range []bool{false, true} {
		for _, pool := range []onnx.Pool{onnx.None, onnx.First, onnx.Mean} {
			for _, batch := range []int{1, 8} {
				if whole && batch > 1 {
					continue // scales then come from the batch
				}
				t.Run(fmt.Sprintf("int8 %v, pool %s, batch %d", whole, pool, batch), func(t *testing.T) {
					small := onnxtest.NewSmall(vocabulary, 16, 5, whole, 3)
					model := small.Encoder()
					if pool == onnx.None {
						model = small.Classifier()
					}
					m := open(t, model, onnx.Settings{Pool: pool, Batch: batch})
					for i, row := range run(t, m, list) {
						want := small.Logits(ids(t, list[i]))
						if pool != onnx.None {
							want = pooled(small.States(ids(t, list[i])), pool)
						}
						// A whole number that falls the other way at a tie counts a step.
						near(t, list[i], row, want, map[bool]float64{false: 1e-5, true: 2e-3}[whole])
					}
				})
			}
		}
	}
}

func TestErrors(t *testing.T) {
	small := onnxtest.NewSmall(vocabulary, 4, 2, false, 1)
	tok := onnxtest.Tokenizer(words...)
	for _, c := range []struct {
		name, code, says string
		model, tokenizer []byte
		settings         onnx.Settings
	}{
		{"no model", "onnx_model", "no file in the ONNX format", nil, tok, onnx.Settings{}},
		{"text", "onnx_model", "no file in the ONNX format", []byte("<html>not here</html>"), tok, onnx.Settings{}},
		{"tokenizer", "tokenizer_unsupported", "version", small.Classifier(), []byte("{}"), onnx.Settings{}},
		{"pool", "onnx_settings", `"max"`, small.Classifier(), tok, onnx.Settings{Pool: "max"}},
		{"wrong pool", "onnx_model", "choose none", small.Classifier(), tok, onnx.Settings{Pool: onnx.Mean}},
		{"no pool", "onnx_model", "choose the pool first or mean", small.Encoder(), tok, onnx.Settings{}},
		{"output", "onnx_model", `no output "pooled", only logits`, small.Classifier(), tok, onnx.Settings{Output: "pooled"}},
		{"short", "tokenizer_length", "", small.Classifier(), tok, onnx.Settings{MaxTokens: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := onnx.NewText(c.model, c.tokenizer, c.settings)
			if orrery.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v (%s), want %s with %s", err, orrery.CodeOf(err), c.code, c.says)
			}
		})
	}
}

// TestWithoutTheLibrary holds that a model is read where it cannot be run.
func TestWithoutTheLibrary(t *testing.T) {
	if onnx.Available() == nil {
		t.Skip("ONNX Runtime is there")
	}
	m := open(t, onnxtest.NewSmall(vocabulary, 4, 2, false, 1).Classifier(), onnx.Settings{})
	if columns, err := m.Columns(); err != nil || columns != 2 {
		t.Errorf("%d columns, %v; want 2", columns, err)
	}
	for _, err := range []error{m.Ready(), m.Run([]string{"a"}, make([]float64, 2)), onnx.Available()} {
		if orrery.KindOf(err) != orrery.Unavailable || !strings.HasPrefix(orrery.CodeOf(err), "onnx_") {
			t.Errorf("%v (%s)", err, orrery.CodeOf(err))
		}
	}
}
