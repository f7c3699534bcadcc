package onnx_test

import (
	"testing"

	"orrery.dev"
	"orrery.dev/model/onnx"
	"orrery.dev/model/onnx/onnxtest"
)

// FuzzNewText holds that no file makes the program panic, and that what is refused
// is refused as invalid.
func FuzzNewText(f *testing.F) {
	small := onnxtest.NewSmall(6, 2, 2, false, 1)
	whole := onnxtest.NewSmall(6, 2, 2, true, 1)
	whole.Types, whole.Sizes = true, [2]int{1, 4}
	for _, model := range [][]byte{small.Classifier(), small.Encoder(), whole.Classifier(), nil, []byte("x")} {
		f.Add(model, "", "first")
	}
	tok := onnxtest.Tokenizer("a", "b")
	f.Fuzz(func(t *testing.T, model []byte, output, pool string) {
		m, err := onnx.NewText(model, tok, onnx.Settings{Output: output, Pool: onnx.Pool(pool)})
		if err != nil {
			if orrery.KindOf(err) != orrery.Invalid {
				t.Fatal(err)
			}
			return
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
