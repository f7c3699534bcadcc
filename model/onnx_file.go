package model

import (
	"math"
	"slices"
)

// Format 5 holds an ONNX model with all that it needs: the network, its tokenizer
// and its head.
//
//	payload     kind string, "onnx", features list of string, classes list of
//	            string, several uint8 0 or 1, order int32, a list, columns uint32,
//	            most tokens uint32, batch uint32, output string, pool string, head
//	            uint32 length and file, empty for none, tokenizer uint32 length and
//	            bytes, network uint32 length and bytes
const formatONNX = 5

// AppendBinary appends the model's file to b. Equal models, number for number
// in their bits, give equal bytes.
func (m *onnxModel) AppendBinary(b []byte) ([]byte, error) {
	p := &m.parts
	var head []byte
	if p.Head != nil {
		var err error
		if head, err = p.Head.AppendBinary(nil); err != nil {
			return nil, err
		}
	}
	b = slices.Grow(b, len(p.Files.Network)+len(p.Files.Tokenizer)+len(head)+1<<12)
	return sealAs(b, formatONNX, func(b []byte) []byte {
		b = appendStrings(appendString(b, ONNXKind), p.Features)
		b = append(appendStrings(b, p.Classes), bit(p.Several))
		b = appendUint32(b, len(p.Order))
		for _, class := range p.Order {
			b = appendUint32(b, class)
		}
		b = appendUint32(appendUint32(appendUint32(b, p.Columns), p.Files.MaxTokens), p.Files.Batch)
		b = appendString(appendString(b, p.Files.Output), p.Files.Pool)
		for _, part := range [][]byte{head, p.Files.Tokenizer, p.Files.Network} {
			b = append(appendUint32(b, len(part)), part...)
		}
		return b
	})
}

// onnx reads the payload of format 5. The files are views of it. What it gives
// means nothing when the reader is short.
func (r *reader) onnx() (Model, error) {
	if kind := r.string(); kind != ONNXKind && !r.short {
		return nil, invalid("model_kind", "format %d holds a model of kind %q", formatONNX, kind)
	}
	p := ONNXParts{Features: r.strings(), Classes: r.strings()}
	if len(p.Classes) == 0 {
		p.Classes = nil
	}
	several := r.take(1, 1)
	if r.short {
		return nil, nil
	}
	if several[0] > 1 {
		return nil, invalid("model_value", "a byte that is 0 or 1 is another")
	}
	p.Several = several[0] == 1
	for _, class := range r.ints(r.count(4)) {
		p.Order = append(p.Order, int(class))
	}
	numbers := r.ints(3)
	p.Files.Output, p.Files.Pool = r.string(), r.string()
	head := r.bytes()
	p.Files.Tokenizer, p.Files.Network = r.bytes(), r.bytes()
	if r.short {
		return nil, nil
	}
	p.Columns, p.Files.MaxTokens, p.Files.Batch = int(numbers[0]), int(numbers[1]), int(numbers[2])
	if len(head) > 0 {
		if version := peekFormat(head); version == formatONNX {
			return nil, invalid("model_onnx", "the head of a network is a network")
		}
		var err error
		if p.Head, err = Decode(head); err != nil {
			return nil, err
		}
	}
	m, err := NewONNX(p)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// bytes gives what its length says is to come, a view.
func (r *reader) bytes() []byte {
	n := r.count(1)
	return slices.Clip(r.take(n, 1))
}

// peekFormat gives the format of a file that may be none.
func peekFormat(b []byte) uint32 {
	_, version, err := unseal(b)
	if err != nil {
		return math.MaxUint32
	}
	return version
}
