package model

import (
	"encoding/binary"
	"math"

	"orrery.dev/text/ngram"
)

// Format 4 holds a linear model of a text.
//
//	payload     kind string, "text", features list of string, classes list of
//	            string, empty for one positive class, several uint8 0 or 1,
//	            n-grams uint8 [4]: most words, least and most characters, skip 0 or
//	            1; marks and negations, lists of string; n uint32, hashes uint32 [n], rarities float32 [n], weights
//	            float32 [n × outputs], then as in format 3 a logistic body for
//	            each output, and calibrators; cuts, a list of float64, empty or
//	            as many as classes
const formatText = 4

// AppendBinary appends the model's file to b. Equal models, number for number
// in their bits, give equal bytes.
func (m *textOutputs) AppendBinary(b []byte) ([]byte, error) {
	p := &m.parts
	return sealAs(b, formatText, func(b []byte) []byte {
		b = appendStrings(appendString(b, TextKind), m.Features())
		b = appendStrings(b, p.Classes)
		b = append(b, bit(p.Several), uint8(p.Grams.MaxWords), uint8(p.Grams.MinChars), uint8(p.Grams.MaxChars), bit(p.Grams.Skip))
		b = appendStrings(appendStrings(b, p.Marks), p.Negations)
		b = appendUint32(b, len(p.Hashes))
		for _, h := range p.Hashes {
			b = binary.LittleEndian.AppendUint32(b, h)
		}
		b = appendSingles(appendSingles(b, p.Rarity), p.Weights)
		for _, part := range p.Rest {
			b = part.appendBody(b)
		}
		b = appendUint32(b, len(p.Calibrators))
		for _, c := range p.Calibrators {
			b = c.append(appendString(b, c.Kind()))
		}
		return appendList(b, p.Cuts)
	})
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func appendSingles(b []byte, list []float32) []byte {
	for _, x := range list {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// text reads the payload of format 4. What it gives means nothing when the reader
// is short.
func (r *reader) text() (Model, error) {
	if kind := r.string(); kind != TextKind && !r.short {
		return nil, invalid("model_kind", "format %d holds a model of kind %q", formatText, kind)
	}
	features := r.strings()
	p := TextParts{Classes: r.strings()}
	if len(p.Classes) == 0 {
		p.Classes = nil
	}
	outputs := p.outputs()
	if outputs > MaxClasses {
		return nil, invalid("model_classes", "there are %d classes", outputs)
	}
	head := r.take(5, 1)
	if r.short {
		return nil, nil
	}
	if head[0] > 1 || head[4] > 1 {
		return nil, invalid("model_value", "a byte that is 0 or 1 is another")
	}
	p.Several = head[0] == 1
	p.Grams = ngram.Options{MaxWords: int(head[1]), MinChars: int(head[2]), MaxChars: int(head[3]), Skip: head[4] == 1}
	p.Marks, p.Negations = r.strings(), r.strings()
	n := r.count(8 + 4*outputs)
	p.Hashes = make([]uint32, n)
	for i, b := 0, r.take(n, 4); i < len(b)/4; i++ {
		p.Hashes[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	p.Rarity, p.Weights = r.singles(n), r.singles(n*outputs)
	for range outputs {
		part, err := r.body(Logistic, features)
		if err != nil || r.short {
			return nil, err
		}
		p.Rest = append(p.Rest, part.(*Linear))
	}
	var err error
	if p.Calibrators, err = r.calibrators(outputs); err != nil || r.short {
		return nil, err
	}
	if n := r.count(8); n > 0 {
		p.Cuts = r.floats(n)
	}
	if r.short {
		return nil, nil
	}
	m, err := NewText(p)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (r *reader) singles(n int) []float32 {
	b := r.take(n, 4)
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}
