package record

import (
	"encoding/binary"
	"math"
)

// canonicalNaN is how a missing number is stored: one pattern, so that equal
// decisions have equal records.
var canonicalNaN = math.Float64bits(math.NaN())

// reader takes a record's body apart. The first fault is kept in fault, and
// from then on everything read is zero, so callers check once, at the end.
type reader struct {
	data  []byte
	fault string
}

func (r *reader) fail(fault string) {
	if r.fault == "" {
		r.fault = fault
	}
	r.data = nil
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail("it ends early")
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail("it has a bool that is neither true nor false")
	}
	return b == 1
}

// tail takes the last n bytes off, as a string.
func (r *reader) tail(n uint64) string {
	if n > uint64(len(r.data)) {
		r.fail("it ends early")
		return ""
	}
	split := len(r.data) - int(n)
	text := string(r.data[split:])
	r.data = r.data[:split]
	return text
}

// bytes gives the next n bytes, a view of the record.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.fail("it ends early")
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// text gives the next bytes with their length before them.
func (r *reader) text() []byte { return r.bytes(r.uvarint()) }

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// number reads a double; a NaN has one form.
func (r *reader) number() float64 {
	u := r.uint64()
	x := math.Float64frombits(u)
	if canonicalBits(x) != u {
		r.fail("it has a NaN of another form")
	}
	return x
}

func (r *reader) uvarint() uint64 {
	if len(r.data) > 0 && r.data[0] < 0x80 {
		x := r.data[0]
		r.data = r.data[1:]
		return uint64(x)
	}
	x, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail("it has a whole number without an end")
		return 0
	}
	if r.data[n-1] == 0 {
		r.fail("it has a whole number that is not in its shortest form")
		return 0
	}
	r.data = r.data[n:]
	return x
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// end gives the error of whatever went wrong, trailing bytes included.
func (r *reader) end() error {
	if r.fault != "" {
		return damaged("%s", r.fault)
	}
	if len(r.data) > 0 {
		return damaged("%d bytes follow its end", len(r.data))
	}
	return nil
}

func appendVarint(b []byte, x int64) []byte {
	return binary.AppendUvarint(b, uint64(x)<<1^uint64(x>>63))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
