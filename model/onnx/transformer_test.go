package onnx_test

import (
	"fmt"
	"math"
	"testing"

	"orrery.dev/model/onnx"
	"orrery.dev/model/onnx/onnxtest"
)

func transformer(labels int, whole bool) *onnxtest.Transformer {
	return &onnxtest.Transformer{Vocabulary: vocabulary, Positions: 64, Width: 32, Heads: 4, Inner: 64, Layers: 2, Labels: labels, Int8: whole, Seed: 7}
}

// TestTransformer holds a model with attention to what it is by the book, in
// batches whose texts are padded too.
func TestTransformer(t *testing.T) {
	library(t)
	list := texts(30)
	for _, labels := range []int{0, 3} {
		for _, batch := range []int{1, 8} {
			m := open(t, transformer(labels, false).Model(), onnx.Settings{MaxTokens: 64, Batch: batch, Pool: map[bool]onnx.Pool{true: onnx.Mean, false: onnx.None}[labels == 0]})
			for i, row := range run(t, m, list) {
				near(t, fmt.Sprintf("%d labels, batch %d, %q", labels, batch, list[i]), row, pooled(transformer(labels, false).Rows(ids(t, list[i])), onnx.Mean), 1e-4)
			}
		}
	}
}

// TestTransformerInt8 holds the same model of whole numbers to the book: a number
// that rounds the other way moves what follows by a step, so what is bounded is how
// far rows are apart for their length.
func TestTransformerInt8(t *testing.T) {
	library(t)
	list := texts(30)
	book := transformer(0, true)
	m := open(t, book.Model(), onnx.Settings{MaxTokens: 64, Pool: onnx.Mean})
	for i, row := range run(t, m, list) {
		want := pooled(book.Rows(ids(t, list[i])), onnx.Mean)
		apart, length := 0.0, 0.0
		for j := range row {
			apart += (row[j] - want[j]) * (row[j] - want[j])
			length += want[j] * want[j]
		}
		if ratio := math.Sqrt(apart / length); !(ratio < 0.01) {
			t.Errorf("%q: the row is %v of its length from what it should be", list[i], ratio)
		}
	}
}
