package onnxtest

import (
	"encoding/json"
	"math"
	"math/rand/v2"
)

// Tokenizer gives a tokenizer.json of kind WordPiece with the tokens [PAD], [UNK],
// [CLS] and [SEP], 0 to 3, and words behind them. A text is lower-cased, cut at
// white space and punctuation, and put between [CLS] and [SEP].
func Tokenizer(words ...string) []byte {
	special := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]"}
	vocabulary := map[string]int{}
	var added []any
	for i, token := range special {
		vocabulary[token] = i
		added = append(added, map[string]any{"id": i, "content": token, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false})
	}
	for i, word := range words {
		vocabulary[word] = len(special) + i
	}
	b, err := json.Marshal(map[string]any{
		"version":        "1.0",
		"added_tokens":   added,
		"normalizer":     map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true},
		"pre_tokenizer":  map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{"type": "BertProcessing", "sep": []any{"[SEP]", 3}, "cls": []any{"[CLS]", 2}},
		"padding":        map[string]any{"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": nil, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
		"model":          map[string]any{"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary},
	})
	if err != nil {
		panic(err) // of maps and texts alone
	}
	return b
}

// Small is a model of an embedding [Vocabulary × Width] and a layer [Width ×
// Columns] with a bias. As a classifier it takes the mean of a text's embeddings
// and gives logits [batch × Columns]; as an encoder it gives tanh of the layer for
// each token, last_hidden_state [batch × tokens × Columns].
type Small struct {
	Vocabulary, Width, Columns int
	// Int8 makes the layer one of whole numbers: its input is quantised at run time,
	// DynamicQuantizeLinear, and multiplied by MatMulInteger.
	Int8      bool
	Embedding []float32
	Layer     []float32 // of an int8 layer the whole numbers times LayerScale
	Bias      []float32
	// LayerScale is what an int8 layer's whole numbers count.
	LayerScale float32
	// Int32 has the inputs be int32 in place of int64, Types has token_type_ids be
	// asked for; each adds the type to the embedding.
	Int32, Types bool
	// Sizes binds the inputs to so many texts and tokens; 0 leaves them open.
	Sizes [2]int
}

// NewSmall makes a model of random numbers, the same for a seed.
func NewSmall(vocabulary, width, columns int, int8Layer bool, seed uint64) *Small {
	r := rand.New(rand.NewPCG(seed, 1))
	m := &Small{Vocabulary: vocabulary, Width: width, Columns: columns, Int8: int8Layer, LayerScale: 1.0 / 64}
	list := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(r.NormFloat64())
		}
		return out
	}
	m.Embedding, m.Layer, m.Bias = list(vocabulary*width), list(width*columns), list(columns)
	if int8Layer {
		for i, x := range m.Layer {
			m.Layer[i] = float32(quantised(x, m.LayerScale)) * m.LayerScale
		}
	}
	return m
}

func quantised(x, scale float32) int8 {
	return int8(math.RoundToEven(min(127, max(-128, float64(x/scale)))))
}

// Classifier gives the file of the classifier.
func (m *Small) Classifier() []byte {
	g := m.begin()
	g.Weight("last", []int64{2}, 1)
	g.Weight("first", []int64{1}, 1)
	g.Node("Cast", []string{"attention_mask"}, []string{"kept"}, IntAttribute("to", Float))
	g.Do("Unsqueeze", "weights", "kept", "last")
	g.Do("Mul", "weighted", "embedded", "weights")
	g.Node("ReduceSum", []string{"weighted", "first"}, []string{"sum"}, IntAttribute("keepdims", 0))
	g.Node("ReduceSum", []string{"weights", "first"}, []string{"count"}, IntAttribute("keepdims", 0))
	g.Do("Div", "mean", "sum", "count")
	m.layer(g, "mean", "logits")
	g.Output("logits", Float, -1, m.Columns)
	return g.Model()
}

// Encoder gives the file of the encoder.
func (m *Small) Encoder() []byte {
	g := m.begin()
	m.layer(g, "embedded", "linear")
	g.Do("Tanh", "last_hidden_state", "linear")
	g.Output("last_hidden_state", Float, -1, -1, m.Columns)
	return g.Model()
}

func (m *Small) begin() *Graph {
	g := &Graph{}
	element := Int64
	if m.Int32 {
		element = Int32
	}
	sizes := m.Sizes[:]
	if m.Sizes == [2]int{} {
		sizes = []int{-1, -1}
	}
	g.Input("input_ids", element, sizes...)
	g.Input("attention_mask", element, sizes...)
	g.Weight("embedding", m.Embedding, m.Vocabulary, m.Width)
	if !m.Types {
		g.Do("Gather", "embedded", "embedding", "input_ids")
		return g
	}
	g.Input("token_type_ids", element, sizes...)
	g.Weight("axis", []int64{2}, 1)
	g.Do("Gather", "found", "embedding", "input_ids")
	g.Node("Cast", []string{"token_type_ids"}, []string{"typed"}, IntAttribute("to", Float))
	g.Do("Unsqueeze", "type", "typed", "axis")
	g.Do("Add", "embedded", "found", "type")
	return g
}

func (m *Small) layer(g *Graph, in, out string) {
	if m.Int8 {
		quantisedInput(g, true, in)
		quantisedProduct(g, "layer", in, m.Layer, m.Width, m.Columns, m.LayerScale)
	} else {
		g.Weight("layer", m.Layer, m.Width, m.Columns)
		g.Do("MatMul", "layer_out", in, "layer")
	}
	g.Weight("bias", m.Bias, m.Columns)
	g.Do("Add", out, "layer_out", "bias")
}

// quantisedInput adds NAME_whole, NAME_scale and NAME_zero, what NAME is in whole
// numbers. Several products may share it.
func quantisedInput(g *Graph, wanted bool, name string) {
	if wanted {
		g.Node("DynamicQuantizeLinear", []string{name}, []string{name + "_whole", name + "_scale", name + "_zero"})
	}
}

// quantisedProduct adds NAME_out = in · weights, in whole numbers.
func quantisedProduct(g *Graph, name, in string, weights []float32, rows, columns int, scale float32) {
	whole := make([]int8, len(weights))
	for i, x := range weights {
		whole[i] = quantised(x, scale)
	}
	g.Weight(name+"_int8", whole, rows, columns)
	g.Weight(name+"_int8_zero", []int8{0})
	g.Weight(name+"_int8_scale", []float32{scale})
	g.Do("MatMulInteger", name+"_product", in+"_whole", name+"_int8", in+"_zero", name+"_int8_zero")
	g.Node("Cast", []string{name + "_product"}, []string{name + "_float"}, IntAttribute("to", Float))
	g.Do("Mul", name+"_both", in+"_scale", name+"_int8_scale")
	g.Do("Mul", name+"_out", name+"_float", name+"_both")
}

// Logits computes what the classifier gives for the tokens of a text that runs by
// itself.
func (m *Small) Logits(ids []int32) []float64 {
	mean := make([]float64, m.Width)
	for _, id := range ids {
		for i := range mean {
			mean[i] += float64(m.Embedding[int(id)*m.Width+i]) / float64(len(ids))
		}
	}
	return m.through([][]float64{mean})[0]
}

// States computes what the encoder gives for the tokens of a text that runs by
// itself: a row for each.
func (m *Small) States(ids []int32) [][]float64 {
	var embedded [][]float64
	for _, id := range ids {
		row := make([]float64, m.Width)
		for i := range row {
			row[i] = float64(m.Embedding[int(id)*m.Width+i])
		}
		embedded = append(embedded, row)
	}
	out := m.through(embedded)
	for _, row := range out {
		for i, x := range row {
			row[i] = math.Tanh(x)
		}
	}
	return out
}

// through takes rows through the layer.
func (m *Small) through(rows [][]float64) [][]float64 {
	if m.Int8 {
		rows = dynamicallyQuantised(rows)
	}
	var out [][]float64
	for _, row := range rows {
		y := make([]float64, m.Columns)
		for j := range y {
			y[j] = float64(m.Bias[j])
			for i, x := range row {
				y[j] += x * float64(m.Layer[i*m.Columns+j])
			}
		}
		out = append(out, y)
	}
	return out
}

// dynamicallyQuantised gives what rows count for after DynamicQuantizeLinear: 256
// steps over a range that has all numbers and 0 in it.
func dynamicallyQuantised(rows [][]float64) [][]float64 {
	least, most := 0.0, 0.0
	for _, row := range rows {
		for _, x := range row {
			least, most = min(least, x), max(most, x)
		}
	}
	scale := (most - least) / 255
	if scale == 0 {
		scale = 1
	}
	zero := math.RoundToEven(min(255, max(0, -least/scale)))
	var out [][]float64
	for _, row := range rows {
		whole := make([]float64, len(row))
		for i, x := range row {
			whole[i] = (min(255, max(0, math.RoundToEven(x/scale)+zero)) - zero) * scale
		}
		out = append(out, whole)
	}
	return out
}
