package model

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// The file of a model, little-endian:
//
//	magic    8 bytes  "orrymodl"
//	format   uint32   the version of what follows
//	length   uint64   of the payload, bytes
//	payload           by kind, see below
//	checksum uint32   CRC-32C of all that comes before
//
// A string is its length as uint32 and its bytes, a list its length as uint32
// and its entries. Every version keeps the first 20 bytes and the last 4.
//
//	payload    kind string, features list of string, then
//	tree kinds base float64, number of trees uint32, for each: splits uint32,
//	           feature int32 [splits], threshold float64 [splits],
//	           left int32 [splits], right int32 [splits],
//	           missing left uint8 0 or 1 [splits],
//	           value float64 [splits+1], cover float64 [splits+1]
//	logistic   means, scales, weights float64 [features], bias float64
const (
	magic        = "orrymodl"
	headerBytes  = len(magic) + 4 + 8
	trailerBytes = 4

	formatPlain      = 1
	formatCalibrated = 2 // see calibrate_file.go
	format           = formatONNX
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBinary appends the model's file to b. Equal models, number for number
// in their bits, give equal bytes.
func (m *Trees) AppendBinary(b []byte) ([]byte, error) {
	if general(m) {
		return appendGeneral(b, nil, []Model{m}, nil)
	}
	return seal(b, func(b []byte) []byte {
		b = appendStrings(appendString(b, m.kind), m.features)
		b = appendFloats(b, []float64{m.base})
		b = appendUint32(b, len(m.trees))
		for i := range m.trees {
			b = m.trees[i].append(b)
		}
		return b
	})
}

// AppendBinary appends the model's file to b. Equal models, number for number
// in their bits, give equal bytes.
func (m *Linear) AppendBinary(b []byte) ([]byte, error) {
	if general(m) {
		return appendGeneral(b, nil, []Model{m}, nil)
	}
	return seal(b, func(b []byte) []byte {
		b = appendStrings(appendString(b, Logistic), m.features)
		b = appendFloats(appendFloats(appendFloats(b, m.means), m.scales), m.weights)
		return appendFloats(b, []float64{m.bias})
	})
}

// seal appends a file around the payload that is appended by payload.
func seal(b []byte, payload func([]byte) []byte) ([]byte, error) {
	return sealAs(b, formatPlain, payload)
}

func sealAs(b []byte, version uint32, payload func([]byte) []byte) ([]byte, error) {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, 0)
	b = payload(b)
	file := b[start:]
	binary.LittleEndian.PutUint64(file[headerBytes-8:], uint64(len(file)-headerBytes))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(file, castagnoli)), nil
}

func (t *Tree) append(b []byte) []byte {
	return appendFloats(appendFloats(t.appendSplits(b), t.Value), t.Cover)
}

func (t *Tree) appendSplits(b []byte) []byte {
	b = appendUint32(b, len(t.Feature))
	b = appendInts(b, t.Feature)
	b = appendFloats(b, t.Threshold)
	b = appendInts(appendInts(b, t.Left), t.Right)
	for _, left := range t.MissingLeft {
		var bit byte
		if left {
			bit = 1
		}
		b = append(b, bit)
	}
	return b
}

func appendUint32(b []byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}

func appendString(b []byte, s string) []byte { return append(appendUint32(b, len(s)), s...) }

func appendStrings(b []byte, list []string) []byte {
	b = appendUint32(b, len(list))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func appendInts(b []byte, list []int32) []byte {
	for _, x := range list {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func appendFloats(b []byte, list []float64) []byte {
	for _, x := range list {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

func appendList(b []byte, list []float64) []byte {
	return appendFloats(appendUint32(b, len(list)), list)
}

func appendWords(b []byte, list []uint64) []byte {
	for _, x := range list {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b
}
