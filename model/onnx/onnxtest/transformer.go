package onnxtest

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Transformer is an encoder of the shape of BERT (arXiv 1810.04805): embeddings of
// tokens and positions, then layers of attention by several heads and of a
// feed-forward part with GELU, each added to its input and normalised. Its weights
// are random, and the same for a seed.
type Transformer struct {
	Vocabulary, Positions, Width, Heads, Inner, Layers int
	// Labels makes it a classifier that gives logits [batch × Labels] of the first
	// token's state; with 0 it gives last_hidden_state [batch × tokens × Width].
	Labels int
	// Int8 has the matrices of whole numbers, as onnxruntime's quantize_dynamic writes
	// them, one scale a matrix.
	Int8 bool
	Seed uint64

	weights map[string][]float32
}

// epsilon keeps a normalisation from dividing by nothing.
const epsilon = 1e-5

func (t *Transformer) draw() {
	if t.weights != nil {
		return
	}
	r := rand.New(rand.NewPCG(t.Seed, 2))
	t.weights = map[string][]float32{}
	list := func(name string, n int, spread, middle float64) {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(middle + spread*r.NormFloat64())
		}
		t.weights[name] = out
	}
	matrix := func(name string, rows, columns int) {
		list(name, rows*columns, 1/math.Sqrt(float64(rows)), 0)
		list(name+"_bias", columns, 0.1, 0)
		if t.Int8 {
			scale := scaleOf(t.weights[name])
			for i, x := range t.weights[name] {
				t.weights[name][i] = float32(quantised(x, scale)) * scale
			}
		}
	}
	norm := func(name string) {
		list(name+"_gain", t.Width, 0.1, 1)
		list(name+"_shift", t.Width, 0.1, 0)
	}
	list("tokens", t.Vocabulary*t.Width, 1, 0)
	list("positions", t.Positions*t.Width, 1, 0)
	norm("start")
	for i := range t.Layers {
		for _, part := range []string{"query", "key", "value", "joined"} {
			matrix(fmt.Sprintf("l%d_%s", i, part), t.Width, t.Width)
		}
		norm(fmt.Sprintf("l%d_attended", i))
		matrix(fmt.Sprintf("l%d_wide", i), t.Width, t.Inner)
		matrix(fmt.Sprintf("l%d_narrow", i), t.Inner, t.Width)
		norm(fmt.Sprintf("l%d_done", i))
	}
	if t.Labels > 0 {
		matrix("labels", t.Width, t.Labels)
	}
}

// scaleOf spreads the steps of an int8 over a matrix.
func scaleOf(weights []float32) float32 {
	most := float32(0)
	for _, x := range weights {
		most = max(most, max(x, -x))
	}
	return most / 127
}

// Model gives the file. Its texts have no more tokens than Positions.
func (t *Transformer) Model() []byte {
	t.draw()
	g := &Graph{}
	g.Input("input_ids", Int64, -1, -1)
	g.Input("attention_mask", Int64, -1, -1)
	g.Weight("tokens", t.weights["tokens"], t.Vocabulary, t.Width)
	g.Weight("positions", t.weights["positions"], t.Positions, t.Width)
	g.Weight("zero", []int64{0})
	g.Weight("one", []int64{1})
	g.Weight("broad", []int64{1, 2}, 2)
	g.Weight("yes", []float32{1})
	g.Weight("never", []float32{-10000})
	g.Weight("half", []float32{0.5})
	g.Weight("root", []float32{math.Sqrt2})
	g.Weight("shrink", []float32{float32(1 / math.Sqrt(float64(t.Width/t.Heads)))})
	g.Weight("parted", []int64{0, 0, int64(t.Heads), int64(t.Width / t.Heads)}, 4)
	g.Weight("whole", []int64{0, 0, int64(t.Width)}, 3)

	g.Node("Cast", []string{"attention_mask"}, []string{"kept"}, IntAttribute("to", Float))
	g.Do("Sub", "gone", "yes", "kept")
	g.Do("Mul", "hidden", "gone", "never")
	g.Do("Unsqueeze", "mask", "hidden", "broad")
	g.Do("Shape", "shape", "input_ids")
	g.Do("Gather", "length", "shape", "one")
	g.Do("Range", "places", "zero", "length", "one")
	g.Do("Gather", "place", "positions", "places")
	g.Do("Gather", "token", "tokens", "input_ids")
	x := t.norm(g, "start", g.Do("Add", "placed", "token", "place"))
	for i := range t.Layers {
		name := func(part string) string { return fmt.Sprintf("l%d_%s", i, part) }
		quantisedInput(g, t.Int8, x)
		heads := func(part string, order ...int) string {
			in := g.Do("Reshape", name(part)+"_parted", t.matrix(g, name(part), x, t.Width, t.Width), "parted")
			g.Node("Transpose", []string{in}, []string{name(part) + "_heads"}, IntsAttribute("perm", order...))
			return name(part) + "_heads"
		}
		scores := g.Do("MatMul", name("products"), heads("query", 0, 2, 1, 3), heads("key", 0, 2, 3, 1))
		scores = g.Do("Add", name("masked"), g.Do("Mul", name("scaled"), scores, "shrink"), "mask")
		g.Node("Softmax", []string{scores}, []string{name("shares")}, IntAttribute("axis", -1))
		seen := g.Do("MatMul", name("seen"), name("shares"), heads("value", 0, 2, 1, 3))
		g.Node("Transpose", []string{seen}, []string{name("back")}, IntsAttribute("perm", 0, 2, 1, 3))
		seen = g.Do("Reshape", name("together"), name("back"), "whole")
		quantisedInput(g, t.Int8, seen)
		x = t.norm(g, name("attended"), g.Do("Add", name("first_sum"), x, t.matrix(g, name("joined"), seen, t.Width, t.Width)))
		quantisedInput(g, t.Int8, x)
		wide := t.gelu(g, name("gelu"), t.matrix(g, name("wide"), x, t.Width, t.Inner))
		quantisedInput(g, t.Int8, wide)
		x = t.norm(g, name("done"), g.Do("Add", name("second_sum"), x, t.matrix(g, name("narrow"), wide, t.Inner, t.Width)))
	}
	if t.Labels == 0 {
		g.Do("Identity", "last_hidden_state", x)
		g.Output("last_hidden_state", Float, -1, -1, t.Width)
		return g.Model()
	}
	g.Node("Gather", []string{x, "zero"}, []string{"opening"}, IntAttribute("axis", 1))
	quantisedInput(g, t.Int8, "opening")
	g.Do("Identity", "logits", t.matrix(g, "labels", "opening", t.Width, t.Labels))
	g.Output("logits", Float, -1, t.Labels)
	return g.Model()
}

func (t *Transformer) norm(g *Graph, name, in string) string {
	g.Weight(name+"_gain", t.weights[name+"_gain"], t.Width)
	g.Weight(name+"_shift", t.weights[name+"_shift"], t.Width)
	g.Node("LayerNormalization", []string{in, name + "_gain", name + "_shift"}, []string{name + "_normal"}, FloatAttribute("epsilon", epsilon))
	return name + "_normal"
}

func (t *Transformer) gelu(g *Graph, name, in string) string {
	g.Do("Div", name+"_in", in, "root")
	g.Do("Erf", name+"_erf", name+"_in")
	g.Do("Add", name+"_up", name+"_erf", "yes")
	g.Do("Mul", name+"_twice", in, name+"_up")
	return g.Do("Mul", name, name+"_twice", "half")
}

func (t *Transformer) matrix(g *Graph, name, in string, rows, columns int) string {
	if t.Int8 {
		quantisedProduct(g, name, in, t.weights[name], rows, columns, scaleOf(t.weights[name]))
	} else {
		g.Weight(name, t.weights[name], rows, columns)
		g.Do("MatMul", name+"_out", in, name)
	}
	g.Weight(name+"_bias", t.weights[name+"_bias"], columns)
	return g.Do("Add", name+"_sum", name+"_out", name+"_bias")
}

// Rows computes what the model gives for the tokens of a text that runs by itself:
// the states, a row a token, or one row of logits.
func (t *Transformer) Rows(ids []int32) [][]float64 {
	t.draw()
	x := make([][]float64, len(ids))
	for i, id := range ids {
		x[i] = make([]float64, t.Width)
		for j := range x[i] {
			x[i][j] = float64(t.weights["tokens"][int(id)*t.Width+j]) + float64(t.weights["positions"][i*t.Width+j])
		}
	}
	x = t.normed("start", x)
	for i := range t.Layers {
		name := func(part string) string { return fmt.Sprintf("l%d_%s", i, part) }
		in := t.quantised(x)
		seen := t.attended(t.product(name("query"), in), t.product(name("key"), in), t.product(name("value"), in))
		x = t.normed(name("attended"), sums(x, t.product(name("joined"), t.quantised(seen))))
		wide := t.product(name("wide"), t.quantised(x))
		for _, row := range wide {
			for j, v := range row {
				row[j] = v * 0.5 * (1 + math.Erf(v/math.Sqrt2))
			}
		}
		x = t.normed(name("done"), sums(x, t.product(name("narrow"), t.quantised(wide))))
	}
	if t.Labels > 0 {
		return t.product("labels", t.quantised(x[:1]))
	}
	return x
}

func (t *Transformer) attended(query, key, value [][]float64) [][]float64 {
	part := t.Width / t.Heads
	out := make([][]float64, len(query))
	for i := range query {
		out[i] = make([]float64, t.Width)
		for head := range t.Heads {
			from, to := head*part, (head+1)*part
			shares, whole := make([]float64, len(key)), 0.0
			for j := range key {
				score := 0.0
				for k := from; k < to; k++ {
					score += query[i][k] * key[j][k]
				}
				shares[j] = math.Exp(score / math.Sqrt(float64(part)))
				whole += shares[j]
			}
			for j := range value {
				for k := from; k < to; k++ {
					out[i][k] += value[j][k] * shares[j] / whole
				}
			}
		}
	}
	return out
}

func (t *Transformer) quantised(x [][]float64) [][]float64 {
	if t.Int8 {
		return dynamicallyQuantised(x)
	}
	return x
}

func (t *Transformer) product(name string, x [][]float64) [][]float64 {
	weights, bias := t.weights[name], t.weights[name+"_bias"]
	out := make([][]float64, len(x))
	for i, row := range x {
		out[i] = make([]float64, len(bias))
		for j := range bias {
			sum := float64(bias[j])
			for k, v := range row {
				sum += v * float64(weights[k*len(bias)+j])
			}
			out[i][j] = sum
		}
	}
	return out
}

func (t *Transformer) normed(name string, x [][]float64) [][]float64 {
	out := make([][]float64, len(x))
	for i, row := range x {
		mean, spread := 0.0, 0.0
		for _, v := range row {
			mean += v / float64(len(row))
		}
		for _, v := range row {
			spread += (v - mean) * (v - mean) / float64(len(row))
		}
		out[i] = make([]float64, len(row))
		for j, v := range row {
			out[i][j] = (v-mean)/math.Sqrt(spread+epsilon)*float64(t.weights[name+"_gain"][j]) + float64(t.weights[name+"_shift"][j])
		}
	}
	return out
}

func sums(x, y [][]float64) [][]float64 {
	out := make([][]float64, len(x))
	for i := range x {
		out[i] = make([]float64, len(x[i]))
		for j := range x[i] {
			out[i][j] = x[i][j] + y[i][j]
		}
	}
	return out
}
