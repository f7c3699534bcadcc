package onnx_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
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

var tokens = sync.OnceValues(func() (*tokenizer.Tokenizer, error) { return tokenizer.Decode(onnxtest.Tokenizer(words...)) })

func ids(t testing.TB, text string) []int32 {
	t.Helper()
	tok, err := tokens()
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

// graph is a model of given inputs and outputs whose sum is no text model's.
func graph(declare func(g *onnxtest.Graph)) []byte {
	g := &onnxtest.Graph{}
	declare(g)
	return g.Model()
}

func inputs(g *onnxtest.Graph) {
	g.Input("input_ids", onnxtest.Int64, -1, -1)
	g.Input("attention_mask", onnxtest.Int64, -1, -1)
}

func TestErrors(t *testing.T) {
	small := onnxtest.NewSmall(vocabulary, 4, 2, false, 1)
	tok := onnxtest.Tokenizer(words...)
	for _, c := range []struct {
		name, code string
		says       []string
		model      []byte
		tokenizer  []byte
		settings   onnx.Settings
	}{
		{"no model", "onnx_model", []string{"no file in the ONNX format"}, nil, tok, onnx.Settings{}},
		{"text", "onnx_model", []string{"no file in the ONNX format"}, []byte("<html>not here</html>"), tok, onnx.Settings{}},
		{"cut off", "onnx_model", []string{"no file in the ONNX format"}, small.Classifier()[:300], tok, onnx.Settings{}},
		{"tokenizer", "tokenizer_unsupported", []string{"version"}, small.Classifier(), []byte("{}"), onnx.Settings{}},
		{"pool", "onnx_settings", []string{`"max"`}, small.Classifier(), tok, onnx.Settings{Pool: "max"}},
		{"tokens", "onnx_settings", []string{"max_tokens"}, small.Classifier(), tok, onnx.Settings{MaxTokens: 1 << 20}},
		{"batch", "onnx_settings", []string{"batch"}, small.Classifier(), tok, onnx.Settings{Batch: 1 << 20}},
		{"threads", "onnx_settings", []string{"threads"}, small.Classifier(), tok, onnx.Settings{Threads: -1}},
		{"wrong pool", "onnx_model", []string{"choose none"}, small.Classifier(), tok, onnx.Settings{Pool: onnx.Mean}},
		{"no pool", "onnx_model", []string{"choose the pool first or mean"}, small.Encoder(), tok, onnx.Settings{}},
		{"output", "onnx_model", []string{`no output "pooled", only logits`}, small.Classifier(), tok, onnx.Settings{Output: "pooled"}},
		{"short", "tokenizer_length", nil, small.Classifier(), tok, onnx.Settings{MaxTokens: 2}},
		{"all faults at once", "onnx_model", []string{`"pixel_values"`, `no input "input_ids"`, `"attention_mask" as float`, "3 dimensions", "no output"}, graph(func(g *onnxtest.Graph) {
			g.Input("pixel_values", onnxtest.Float, -1, 3, 224, 224)
			g.Input("attention_mask", onnxtest.Float, -1, -1, -1)
		}), tok, onnx.Settings{}},
		{"half", "onnx_model", []string{"float16"}, graph(func(g *onnxtest.Graph) {
			inputs(g)
			g.Output("logits", onnxtest.Float16, -1, 2)
		}), tok, onnx.Settings{}},
		{"four dimensions", "onnx_model", []string{"4 dimensions"}, graph(func(g *onnxtest.Graph) {
			inputs(g)
			g.Output("logits", onnxtest.Float, -1, -1, 2, 2)
		}), tok, onnx.Settings{Pool: onnx.First}},
		{"weights elsewhere", "onnx_model", []string{`"embedding" in another file`}, graph(func(g *onnxtest.Graph) {
			inputs(g)
			g.Raw(onnxtest.ExternalTensor("embedding", "/etc/passwd", 2, 2))
			g.Output("logits", onnxtest.Float, -1, 2)
		}), tok, onnx.Settings{}},
		{"weights elsewhere, in a node", "onnx_model", []string{`"inner" in another file`}, graph(func(g *onnxtest.Graph) {
			inputs(g)
			g.Node("Constant", nil, []string{"c"}, onnxtest.TensorAttribute("value", onnxtest.ExternalTensor("inner", "../x", 1)))
			g.Output("logits", onnxtest.Float, -1, 2)
		}), tok, onnx.Settings{}},
		{"fixed batch", "onnx_model", []string{"exactly 8 texts"}, graph(func(g *onnxtest.Graph) {
			g.Input("input_ids", onnxtest.Int64, 8, -1)
			g.Input("attention_mask", onnxtest.Int64, 8, -1)
			g.Output("logits", onnxtest.Float, 8, 2)
		}), tok, onnx.Settings{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := onnx.NewText(c.model, c.tokenizer, c.settings)
			if err == nil || orrery.CodeOf(err) != c.code || orrery.KindOf(err) != orrery.Invalid {
				t.Fatalf("%v (%s), want %s", err, orrery.CodeOf(err), c.code)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\ndoes not say %s", err, part)
				}
			}
		})
	}
}

// TestModelsThatDoNotRun holds that what only running shows is found before a text
// comes.
func TestModelsThatDoNotRun(t *testing.T) {
	library(t)
	whole := onnxtest.NewSmall(vocabulary, 4, 2, false, 1)
	positions := transformer(0, false)
	positions.Positions = 16
	for _, c := range []struct {
		name, says string
		model      []byte
		settings   onnx.Settings
	}{
		{"a smaller vocabulary", "the tokenizer's greatest", onnxtest.NewSmall(vocabulary-1, 4, 2, false, 1).Classifier(), onnx.Settings{}},
		{"fewer positions", "a text of 20 tokens", positions.Model(), onnx.Settings{Pool: onnx.First, MaxTokens: 20}},
		{"damaged weights", "cannot load", []byte(strings.Replace(string(whole.Classifier()), "ReduceSum", "ReduceSun", 1)), onnx.Settings{}},
		{"a node without its input", "cannot load", graph(func(g *onnxtest.Graph) {
			inputs(g)
			g.Do("Identity", "logits", "nothing")
			g.Output("logits", onnxtest.Float, -1, 2)
		}), onnx.Settings{}},
		{"other sizes than said", "sizes", graph(func(g *onnxtest.Graph) {
			inputs(g)
			g.Weight("first", []int64{0})
			g.Node("Cast", []string{"input_ids"}, []string{"float"}, onnxtest.IntAttribute("to", onnxtest.Float))
			g.Node("Transpose", []string{"float"}, []string{"logits"}, onnxtest.IntsAttribute("perm", 1, 0))
			g.Output("logits", onnxtest.Float, -1, -1)
		}), onnx.Settings{Batch: 4, MaxTokens: 16}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := open(t, c.model, c.settings)
			for range 2 { // the same again
				err := m.Ready()
				if err == nil || orrery.CodeOf(err) != "onnx_model" || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("%v (%s), want %s", err, orrery.CodeOf(err), c.says)
				}
			}
		})
	}
}

// TestDamagedModels holds that a damaged file is refused, or runs, and never ends the
// program.
func TestDamagedModels(t *testing.T) {
	library(t)
	r := rand.New(rand.NewPCG(1, 2))
	sources := []struct {
		model []byte
		pool  onnx.Pool
		reach int // what of it is altered: the graph, and of a large one few weights
	}{
		{onnxtest.NewSmall(vocabulary, 4, 2, false, 1).Classifier(), onnx.None, 1 << 20},
		{onnxtest.NewSmall(vocabulary, 4, 2, true, 1).Encoder(), onnx.Mean, 1 << 20},
		{transformer(2, false).Model(), onnx.None, 3000},
	}
	refused := 0
	for i := range 900 {
		source := sources[i%len(sources)]
		b := slices.Clone(source.model)
		for range 1 + r.IntN(4) {
			b[r.IntN(min(len(b), source.reach))] = byte(r.IntN(256))
		}
		m, err := onnx.NewText(b, onnxtest.Tokenizer(words...), onnx.Settings{Pool: source.pool, MaxTokens: 32, Batch: 2})
		if err == nil {
			err = m.Ready()
			m.Close()
		}
		if err != nil {
			refused++
			if orrery.CodeOf(err) != "onnx_model" {
				t.Errorf("%v (%s)", err, orrery.CodeOf(err))
			}
		}
	}
	if refused < 450 {
		t.Errorf("%d of 900 damaged files are refused", refused)
	}
}

// TestKindsOfInputs runs models that ask for int32, for types, and for texts of a
// fixed length.
func TestKindsOfInputs(t *testing.T) {
	library(t)
	list := texts(12)
	for _, narrow := range []bool{false, true} {
		for _, types := range []bool{false, true} {
			small := onnxtest.NewSmall(vocabulary, 8, 3, false, 2)
			small.Int32, small.Types = narrow, types
			m := open(t, small.Classifier(), onnx.Settings{Batch: 4})
			for i, row := range run(t, m, list) {
				near(t, list[i], row, small.Logits(ids(t, list[i])), 1e-5)
			}
		}
	}
}

func TestFixedSizes(t *testing.T) {
	library(t)
	small := onnxtest.NewSmall(vocabulary, 8, 3, false, 2)
	small.Sizes = [2]int{1, 16}
	m := open(t, small.Classifier(), onnx.Settings{Batch: 4})
	list := texts(12)
	for i, row := range run(t, m, list) {
		of := ids(t, list[i])
		if len(of) > 16 {
			of = append(of[:15:15], 3) // cut, and [SEP] behind it
		}
		near(t, list[i], row, small.Logits(of), 1e-5)
	}
}

// TestDouble holds that an output in double precision keeps it, and that columns
// which the file does not say are found by running.
func TestDouble(t *testing.T) {
	library(t)
	m := open(t, graph(func(g *onnxtest.Graph) {
		inputs(g)
		g.Weight("axis", []int64{1}, 1)
		g.Weight("third", []float32{1.0 / 3})
		g.Node("Cast", []string{"input_ids"}, []string{"ids"}, onnxtest.IntAttribute("to", onnxtest.Double))
		g.Node("Cast", []string{"third"}, []string{"wide"}, onnxtest.IntAttribute("to", onnxtest.Double))
		g.Node("ReduceSum", []string{"ids", "axis"}, []string{"sum"})
		g.Do("Mul", "logits", "sum", "wide")
		g.Output("logits", onnxtest.Double, -1, -1)
	}), onnx.Settings{})
	row := run(t, m, []string{"garden"})[0]
	near(t, "sum", row, []float64{float64(float32(1.0/3)) * float64(2+5+3)}, 0)
}

// TestManyCallers has callers of one text and of many at once.
func TestManyCallers(t *testing.T) {
	library(t)
	small := onnxtest.NewSmall(vocabulary, 16, 3, false, 9)
	m := open(t, small.Classifier(), onnx.Settings{Batch: 8})
	list := texts(200)
	var group sync.WaitGroup
	for caller := range 12 {
		group.Go(func() {
			for from := caller; from < len(list); from += 12 {
				of := list[from:min(from+1+caller*caller, len(list))]
				rows := make([]float64, 3*len(of))
				if err := m.Run(of, rows); err != nil {
					t.Error(err)
					return
				}
				for i, text := range of {
					want := small.Logits(ids(t, text))
					for j := range want {
						if math.Abs(rows[i*3+j]-want[j]) > 1e-5 {
							t.Errorf("%q: %v, want %v", text, rows[i*3:i*3+3], want)
							return
						}
					}
				}
			}
		})
	}
	group.Wait()
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
