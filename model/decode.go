package model

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"orrery.dev"
)

// Decode reads a model's file. It allocates no more than a small multiple of
// len(b), and keeps nothing of b but the files of an ONNX model, which can be
// large: b must not be changed afterwards. It opens no network: see Encoded.
//
// A file that is truncated, altered or no model's gives an error of kind
// Damaged and code model_damaged; one in a format newer than this program
// knows, of kind Damaged and code model_newer.
func Decode(b []byte) (Model, error) {
	payload, version, err := unseal(b)
	if err != nil {
		return nil, err
	}
	r := reader{b: payload}
	var m Model
	switch version {
	case formatGeneral:
		m, err = r.general()
	case formatText:
		m, err = r.text()
	case formatONNX:
		m, err = r.onnx()
	default:
		m, err = r.model()
		if version == formatCalibrated && err == nil && !r.short {
			m, err = r.calibrated(m)
		}
	}
	switch {
	case r.short:
		return nil, damaged("its payload ends early")
	case err != nil:
		return nil, damaged("what it holds is no model").Because(err)
	case len(r.b) > 0:
		return nil, damaged("%d bytes follow the model in its payload", len(r.b))
	}
	return m, nil
}

// unseal checks a file as a whole and gives its payload and format.
func unseal(b []byte) (payload []byte, version uint32, err error) {
	if len(b) < headerBytes+trailerBytes {
		return nil, 0, damaged("it is cut off after %d bytes", len(b))
	}
	if string(b[:len(magic)]) != magic {
		return nil, 0, damaged("it does not begin with %q", magic)
	}
	body, sum := b[:len(b)-trailerBytes], binary.LittleEndian.Uint32(b[len(b)-trailerBytes:])
	length := binary.LittleEndian.Uint64(body[headerBytes-8:])
	if have := uint64(len(body) - headerBytes); have != length {
		return nil, 0, damaged("it has a payload of %d bytes where %d are stated", have, length)
	}
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, 0, damaged("its checksum does not match")
	}
	v := binary.LittleEndian.Uint32(body[len(magic):])
	if v > format {
		return nil, 0, orrery.Errorf(orrery.Damaged, "model_newer",
			"the model's file has format %d, which is newer than format %d that this program reads", v, format).
			WithNext("use the version of orrery that wrote it, or a later one")
	} else if v < formatPlain {
		return nil, 0, damaged("it has the format %d, which never existed", v)
	}
	return body[headerBytes:], v, nil
}

func damaged(what string, args ...any) *orrery.Error {
	return orrery.Errorf(orrery.Damaged, "model_damaged", "the model's file is damaged: "+what, args...).
		WithNext("copy it again from where it was made, or train the model anew")
}

// reader takes a payload apart. Once something is missing it is short, and
// gives zeros and empty lists.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) model() (Model, error) {
	kind, features := r.string(), r.strings()
	if kind == Logistic {
		n := len(features)
		means, scales, weights := r.floats(n), r.floats(n), r.floats(n)
		bias := r.float()
		if r.short {
			return nil, nil
		}
		return asModel(NewLinear(features, means, scales, weights, bias))
	}
	base := r.float()
	trees := make([]Tree, r.count(minTreeBytes))
	for i := range trees {
		if err := r.tree(&trees[i]); err != nil {
			return nil, err
		}
	}
	if r.short {
		return nil, nil
	}
	return asModel(NewTrees(kind, features, base, trees))
}

// asModel keeps a nil pointer from becoming a Model that is not nil.
func asModel[M Model](m M, err error) (Model, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

const (
	splitBytes   = 4 + 8 + 4 + 4 + 1
	leafBytes    = 8 + 8
	minTreeBytes = 4 + leafBytes
)

func (r *reader) tree(t *Tree) error {
	if err := r.splits(t); err != nil {
		return err
	}
	t.Value, t.Cover = r.floats(len(t.Feature)+1), r.floats(len(t.Feature)+1)
	return nil
}

func (r *reader) splits(t *Tree) error {
	n := r.count(splitBytes + leafBytes)
	t.Feature, t.Threshold = r.ints(n), r.floats(n)
	t.Left, t.Right = r.ints(n), r.ints(n)
	t.MissingLeft = make([]bool, n)
	for i, bit := range r.take(n, 1) {
		if bit > 1 {
			return invalid("model_value", "split %d has the missing direction %d", i, bit)
		}
		t.MissingLeft[i] = bit == 1
	}
	return nil
}

// take gives the next n entries of size bytes.
func (r *reader) take(n, size int) []byte {
	if r.short || n > len(r.b)/size {
		r.short = true
		return nil
	}
	out := r.b[:n*size]
	r.b = r.b[n*size:]
	return out
}

// count reads the length of a list whose entries have at least size bytes each,
// which bounds it by what is left to read.
func (r *reader) count(size int) int {
	b := r.take(1, 4)
	if r.short {
		return 0
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n > len(r.b)/size {
		r.short = true
		return 0
	}
	return n
}

func (r *reader) string() string { return string(r.take(r.count(1), 1)) }

func (r *reader) strings() []string {
	out := make([]string, r.count(4))
	for i := range out {
		out[i] = r.string()
	}
	return out
}

func (r *reader) words(n int) []uint64 {
	b := r.take(n, 8)
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}

func (r *reader) float() float64 {
	b := r.take(1, 8)
	if r.short {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *reader) floats(n int) []float64 {
	b := r.take(n, 8)
	out := make([]float64, len(b)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return out
}

func (r *reader) ints(n int) []int32 {
	b := r.take(n, 4)
	out := make([]int32, len(b)/4)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}
