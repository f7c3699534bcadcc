package onnx

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Element types of TensorProto.DataType.
const (
	elementFloat  = 1
	elementInt32  = 6
	elementInt64  = 7
	elementDouble = 11
)

var elementNames = map[int32]string{0: "unknown", 1: "float", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
	8: "string", 9: "bool", 10: "float16", 11: "double", 12: "uint32", 13: "uint64", 16: "bfloat16"}

func elementName(e int32) string {
	if name, known := elementNames[e]; known {
		return name
	}
	return fmt.Sprintf("type %d", e)
}

// input is an input or output of a model.
type input struct {
	name    string
	element int32
	// dims are its sizes, -1 for one that is left open; ranked says that the file
	// gives them.
	dims   []int64
	ranked bool
}

// signature is what the file of a model says of how to call it.
type signature struct {
	inputs []input // those to give, in the model's order
	output input
}

// What a text gives to a model.
const (
	inputIDs   = "input_ids"
	inputMask  = "attention_mask"
	inputTypes = "token_type_ids"
)

// readSignature reads of a ModelProto (onnx.proto, IR version 3 or later) what is
// asked of a text model, without the weights. It keeps nothing of b.
func readSignature(b []byte, output string, pool Pool) (signature, error) {
	g, err := readGraph(b)
	if err != nil {
		return signature{}, err
	}
	var s signature
	var faults []string
	complain := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, in := range g.inputs {
		if g.weights[in.name] { // files before IR version 4 list weights as inputs as well
			continue
		}
		s.inputs = append(s.inputs, in)
		switch {
		case in.name != inputIDs && in.name != inputMask && in.name != inputTypes:
			complain("asks for the input %q, and a text gives %s, %s and %s", in.name, inputIDs, inputMask, inputTypes)
			continue
		case in.element != elementInt64 && in.element != elementInt32:
			complain("asks for the input %q as %s, and tokens are int64 or int32", in.name, elementName(in.element))
		}
		if in.ranked && len(in.dims) != 2 {
			complain("asks for the input %q with %d dimensions, and tokens have two: batch and tokens", in.name, len(in.dims))
		}
	}
	for _, name := range []string{inputIDs, inputMask} {
		if !slices.ContainsFunc(s.inputs, func(in input) bool { return in.name == name }) {
			complain("has no input %q", name)
		}
	}
	var names []string
	at := -1
	for i, out := range g.outputs {
		names = append(names, out.name)
		if out.name == output || output == "" && i == 0 {
			at = i
		}
	}
	switch {
	case len(names) == 0:
		complain("has no output")
	case at < 0:
		complain("has no output %q, only %s", output, strings.Join(names, ", "))
	default:
		s.output = g.outputs[at]
		complainOfOutput(s.output, pool, complain)
	}
	if g.external != "" {
		complain("keeps %q in another file", g.external)
	}
	if len(faults) > 0 {
		next := "export a text model, with its weights in the one file"
		return s, unfit("it %s", strings.Join(faults, "; it ")).WithNext("%s", next)
	}
	return s, nil
}

func complainOfOutput(out input, pool Pool, complain func(string, ...any)) {
	if out.element != elementFloat && out.element != elementDouble {
		complain("gives the output %q as %s, and only float and double are read", out.name, elementName(out.element))
	}
	if fault := misfit(len(out.dims), pool); out.ranked && fault != "" {
		complain("gives the output %q with %s", out.name, fault)
	}
}

// misfit says why an output of so many dimensions does not go with a pool, "" where
// it does.
func misfit(dims int, pool Pool) string {
	switch {
	case pool == None && dims == 3:
		return "3 dimensions, a row for each token: choose the pool first or mean"
	case pool == None && dims != 2:
		return fmt.Sprintf("%d dimensions, and a row for each text has two", dims)
	case pool != None && dims == 2:
		return fmt.Sprintf("2 dimensions, a row for each text, and the pool %s wants a row for each token: choose none", pool)
	case pool != None && dims != 3:
		return fmt.Sprintf("%d dimensions, and a row for each token has three", dims)
	}
	return ""
}

// graph is what is read of a GraphProto.
type graph struct {
	inputs, outputs []input
	weights         map[string]bool
	external        string // a weight that is in another file
}

func readGraph(b []byte) (*graph, error) {
	var g *graph
	damage := ""
	err := fields(b, func(number protowire.Number, value []byte, _ uint64) error {
		if number != 7 {
			return nil
		}
		if g == nil {
			g = &graph{weights: map[string]bool{}}
		}
		return g.read(value)
	})
	if err != nil {
		damage = ": " + err.Error()
	}
	if err != nil || g == nil {
		return nil, unfit("this is no file in the ONNX format%s", damage).WithNext("use the .onnx file that was exported")
	}
	return g, nil
}

func (g *graph) read(b []byte) error {
	return fields(b, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 1:
			return g.readNode(value, 0)
		case 5:
			return g.readWeight(value, true)
		case 11, 12:
			in, err := readInput(value)
			if number == 11 {
				g.inputs = append(g.inputs, in)
			} else {
				g.outputs = append(g.outputs, in)
			}
			return err
		}
		return nil
	})
}

// mostNested bounds graphs within graphs.
const mostNested = 8

// readNode looks for weights of a node's attributes that are in another file.
func (g *graph) readNode(b []byte, depth int) error {
	if depth > mostNested {
		return fmt.Errorf("graphs are nested more than %d deep", mostNested)
	}
	return fields(b, func(number protowire.Number, value []byte, _ uint64) error {
		if number != 5 {
			return nil
		}
		return fields(value, func(number protowire.Number, value []byte, _ uint64) error {
			switch number {
			case 5, 10:
				return g.readWeight(value, false)
			case 6, 11:
				return fields(value, func(number protowire.Number, value []byte, _ uint64) error {
					switch number {
					case 1:
						return g.readNode(value, depth+1)
					case 5:
						return g.readWeight(value, false)
					}
					return nil
				})
			}
			return nil
		})
	})
}

func (g *graph) readWeight(b []byte, own bool) error {
	name, external := "", false
	err := fields(b, func(number protowire.Number, value []byte, n uint64) error {
		switch number {
		case 8:
			name = string(value)
		case 13:
			external = true
		case 14:
			external = external || n == 1
		}
		return nil
	})
	if own {
		g.weights[name] = true
	}
	if external && g.external == "" {
		g.external = name
	}
	return err
}

// readInput reads a ValueInfoProto.
func readInput(b []byte) (in input, err error) {
	return in, fields(b, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 1:
			in.name = string(value)
		case 2: // TypeProto
			return fields(value, func(number protowire.Number, value []byte, _ uint64) error {
				if number != 1 {
					return nil
				}
				return fields(value, func(number protowire.Number, value []byte, n uint64) error {
					switch number {
					case 1:
						in.element = int32(n)
					case 2:
						in.ranked = true
						return fields(value, func(number protowire.Number, value []byte, _ uint64) error {
							if number == 1 {
								size := int64(-1)
								if err := fields(value, func(number protowire.Number, _ []byte, n uint64) error {
									if number == 1 && int64(n) > 0 {
										size = int64(n)
									}
									return nil
								}); err != nil {
									return err
								}
								in.dims = append(in.dims, size)
							}
							return nil
						})
					}
					return nil
				})
			})
		}
		return nil
	})
}

// fields calls visit for the fields of a message: with the bytes of one that has a
// length, or the number of a varint.
func fields(b []byte, visit func(number protowire.Number, value []byte, n uint64) error) error {
	for len(b) > 0 {
		number, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		var value []byte
		var n uint64
		switch kind {
		case protowire.BytesType:
			value, size = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(b)
		default:
			size = protowire.ConsumeFieldValue(number, kind, b)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if err := visit(number, value, n); err != nil {
			return err
		}
	}
	return nil
}
