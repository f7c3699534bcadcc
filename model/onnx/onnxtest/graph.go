// Package onnxtest makes models in the ONNX format for tests and measurements:
// small ones whose rows it computes as well, by the book, and one of the shape of a
// transformer. Nothing that is trained ships with this program.
package onnxtest

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Element types of TensorProto.DataType.
const (
	Float   = 1
	Uint8   = 2
	Int8    = 3
	Int32   = 6
	Int64   = 7
	Float16 = 10
	Double  = 11
)

// Graph is a model that is being written: inputs, weights and nodes in the order of
// their computation, then outputs.
type Graph struct{ nodes, weights, inputs, outputs []byte }

// Input declares an input; a size of -1 is left open.
func (g *Graph) Input(name string, element int, sizes ...int) {
	g.inputs = message(g.inputs, 11, valueInfo(name, element, sizes))
}

// Output declares an output.
func (g *Graph) Output(name string, element int, sizes ...int) {
	g.outputs = message(g.outputs, 12, valueInfo(name, element, sizes))
}

// Node adds a computation of one or more outputs.
func (g *Graph) Node(operator string, inputs, outputs []string, attributes ...[]byte) {
	var b []byte
	for _, name := range inputs {
		b = message(b, 1, []byte(name))
	}
	for _, name := range outputs {
		b = message(b, 2, []byte(name))
	}
	b = message(b, 4, []byte(operator))
	for _, a := range attributes {
		b = message(b, 5, a)
	}
	g.nodes = message(g.nodes, 1, b)
}

// Do adds a computation of one output and gives its name.
func (g *Graph) Do(operator, output string, inputs ...string) string {
	g.Node(operator, inputs, []string{output})
	return output
}

// IntAttribute is an attribute of a node.
func IntAttribute(name string, n int) []byte {
	b := message(nil, 1, []byte(name))
	return number(number(b, 3, uint64(n)), 20, 2)
}

// FloatAttribute is an attribute of a node.
func FloatAttribute(name string, x float32) []byte {
	b := protowire.AppendTag(message(nil, 1, []byte(name)), 2, protowire.Fixed32Type)
	return number(protowire.AppendFixed32(b, math.Float32bits(x)), 20, 1)
}

// IntsAttribute is an attribute of a node.
func IntsAttribute(name string, list ...int) []byte {
	b := message(nil, 1, []byte(name))
	for _, n := range list {
		b = number(b, 8, uint64(n))
	}
	return number(b, 20, 7)
}

// TensorAttribute is an attribute of a node whose value is a tensor.
func TensorAttribute(name string, tensor []byte) []byte {
	return number(message(message(nil, 1, []byte(name)), 5, tensor), 20, 4)
}

// Weight adds a tensor and gives its name. Data is []float32, []int64, []int8 or
// []uint8; no sizes make a scalar.
func (g *Graph) Weight(name string, data any, sizes ...int) string {
	g.weights = message(g.weights, 5, Tensor(name, data, sizes...))
	return name
}

// Raw adds a TensorProto among the weights.
func (g *Graph) Raw(tensor []byte) { g.weights = message(g.weights, 5, tensor) }

// Tensor writes a TensorProto.
func Tensor(name string, data any, sizes ...int) []byte {
	var b, raw []byte
	element := 0
	switch list := data.(type) {
	case []float32:
		element = Float
		for _, x := range list {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
	case []int64:
		element = Int64
		for _, x := range list {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
		}
	case []int8:
		element = Int8
		for _, x := range list {
			raw = append(raw, byte(x))
		}
	case []uint8:
		element, raw = Uint8, list
	default:
		panic("onnxtest: a tensor of another type")
	}
	for _, n := range sizes {
		b = number(b, 1, uint64(n))
	}
	b = number(b, 2, uint64(element))
	return message(message(b, 8, []byte(name)), 9, raw)
}

// ExternalTensor writes a TensorProto whose numbers are in another file.
func ExternalTensor(name, file string, sizes ...int) []byte {
	var b []byte
	for _, n := range sizes {
		b = number(b, 1, uint64(n))
	}
	b = message(number(b, 2, Float), 8, []byte(name))
	b = message(b, 13, message(message(nil, 1, []byte("location")), 2, []byte(file)))
	return number(b, 14, 1)
}

// Model gives the file: a ModelProto of IR version 8 and operators of version 17.
func (g *Graph) Model() []byte {
	graph := message(append([]byte(nil), g.nodes...), 2, []byte("test"))
	graph = append(append(append(graph, g.weights...), g.inputs...), g.outputs...)
	b := number(nil, 1, 8)
	b = message(b, 8, number(message(nil, 1, nil), 2, 17))
	return message(b, 7, graph)
}

func valueInfo(name string, element int, sizes []int) []byte {
	var shape []byte
	for _, n := range sizes {
		var size []byte
		if n >= 0 {
			size = number(nil, 1, uint64(n))
		}
		shape = message(shape, 1, size)
	}
	tensor := message(number(nil, 1, uint64(element)), 2, shape)
	return message(message(nil, 1, []byte(name)), 2, message(nil, 1, tensor))
}

func message(b []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), value)
}

func number(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}
