package train

import (
	"context"

	"orrery.dev"
	"orrery.dev/declare"
	"orrery.dev/model"
)

// onnxKind declares networks in the ONNX format. Its Fit cannot read files: see
// ONNX, which does the work once they are read.
func onnxKind() Kind {
	return Kind{
		Kind: declare.Kind{
			Name: model.ONNXKind, ReadsText: true, Several: true, Heads: true,
			Doc: "A network in the ONNX format that reads the text, run by ONNX Runtime: a classifier that is the whole model, or with `head` an encoder, over whose numbers a model is trained here. " +
				"A release holds the files. It needs a binary built with cgo, and the library of ONNX Runtime on the machine. " +
				"That library does not give the same bits everywhere, so `orrery replay --verify` takes the scores from the record, recomputes what follows from them bit by bit, and then scores again: scores further than 0.01 from the record are counted, and those that cannot be computed here too.",
			Keys: []declare.Field{
				{Name: "file", Type: declare.File, Required: true, Example: "model.onnx",
					Doc: "The network: an ONNX file, complete in itself, of at most 2 GiB. It takes input_ids and attention_mask, and token_type_ids if it likes. It is read when a release is made."},
				{Name: "tokenizer", Type: declare.File, Required: true, Example: "tokenizer.json",
					Doc: "The tokenizer.json that was exported with the network."},
				{Name: "max_tokens", Type: declare.Int, Min: declare.Bound(1), Max: declare.Bound(8192), Example: "256",
					Doc: "Texts of more tokens are cut off there. What the tokenizer says where this is left out, or 512."},
				{Name: "output", Type: declare.Text, Example: "last_hidden_state",
					Doc: "Which output of the network is taken; its first where this is left out."},
				{Name: "pool", Type: declare.Text, Enum: []string{"none", "first", "mean"}, Default: "none",
					Doc: "How an output for each token becomes one for the text: that of the first token, or the mean of all. `none` takes an output for the text as it is."},
				{Name: "batch", Type: declare.Int, Default: "1", Min: declare.Bound(1), Max: declare.Bound(1024), Example: "16",
					Doc: "How many texts run together, at most. More are faster where many come at once. With 1 the numbers of a text do not depend on what comes beside it; with more they do in their last digits, and those of a network with dynamic quantisation by more."},
				{Name: "outputs", Type: declare.Name, List: true, Example: "[neither, hate, offensive]",
					Doc: "What the outputs of a network without a head stand for, in order: each of the label's `classes` once, or `negative` and `positive`. The order of `classes` where this is left out; of a label of true and false, one output is `positive` and of two the second. " +
						"Outputs are log-odds, as they come before a softmax or sigmoid: scores are their softmax, or with `several`, or a single output, the sigmoid of each."},
			},
		},
		Fit: func(context.Context, *Rows, Params, Progress) (model.Model, error) {
			return nil, orrery.Errorf(orrery.Invalid, "onnx_files", "a model of kind %s is made of files, which the system's file names", model.ONNXKind).
				WithNext("give the system's model the kind %s, a file and a tokenizer", model.ONNXKind)
		},
	}
}

// ONNXOf gives the settings of a network from the params of its kind, without the
// files' bytes.
func ONNXOf(p Params) ONNX {
	return ONNX{Outputs: p.Strings("outputs"), Files: model.ONNXFiles{MaxTokens: p.Int("max_tokens"), Batch: p.Int("batch"), Output: p.String("output"), Pool: p.String("pool")}}
}
