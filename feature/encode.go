package feature

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/big"
	"sort"

	"orrery.dev"
)

// formatVersion is that of a series's encoding. It is part of a table's
// definition, so that state of another version is state of another table.
//
// All integers are varints, signed ones zigzag, unless a width is given, which
// is then little-endian:
//
//	version (1 byte), applied, peak, dropped
//	if dropped > 0: the latest time dropped (signed); for each sum column the
//	    running sum (8 bytes) and with squares theirs (16 bytes)
//	rows; the first time (signed), then the differences of times
//	for each column:
//	    sum: each value (signed)
//	    raw: each value: a float's bits (8 bytes), a bool (1 byte), a timestamp (signed)
//	    id: the number of values; for each its length, bytes and 1 when it is old;
//	        then each row's index in them
//	    if dropped > 0, for a column kept over all time: its base
//	CRC-32C of all that (4 bytes)
const formatVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode appends the series to b. The bytes are a function of the table's
// definition and the log's prefix, like the series.
func (s *series) encode(t *table, b []byte) []byte {
	begin, stride := len(b), t.stride
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, uint64(s.applied))
	b = binary.AppendUvarint(b, s.peak)
	b = binary.AppendUvarint(b, uint64(s.dropped))
	if s.dropped > 0 {
		b = s.encodeHead(t, b)
	}
	first, end := s.first()*stride, len(s.buf)
	b = binary.AppendUvarint(b, uint64((end-first)/stride))
	b = binary.AppendVarint(b, s.buf[first])
	for i := first + stride; i < end; i += stride {
		b = binary.AppendUvarint(b, uint64(s.buf[i]-s.buf[i-stride]))
	}
	for i := range t.columns {
		b = s.encodeColumn(&t.columns[i], stride, b)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[begin:], castagnoli))
}

func (s *series) encodeHead(t *table, b []byte) []byte {
	head := s.buf[int(s.head)*t.stride:]
	b = binary.AppendVarint(b, head[0])
	for i := range t.columns {
		if c := &t.columns[i]; c.kind == sumColumn {
			for w := c.word; w < c.word+c.words(); w++ {
				b = binary.LittleEndian.AppendUint64(b, uint64(head[w]))
			}
		}
	}
	return b
}

func (s *series) encodeColumn(c *column, stride int, b []byte) []byte {
	if c.kind == idColumn {
		return s.encodeIDs(c, stride, b)
	}
	for i := s.first()*stride + c.word; i < len(s.buf); i += stride {
		x := s.buf[i]
		switch {
		case c.kind == sumColumn:
			b = binary.AppendVarint(b, x-s.buf[i-stride])
		case c.typ == orrery.Float:
			b = binary.LittleEndian.AppendUint64(b, uint64(x))
		case c.typ == orrery.Bool:
			b = append(b, byte(x))
		default:
			b = binary.AppendVarint(b, x)
		}
	}
	if c.ever && s.dropped > 0 {
		b = s.extra.bases[c.base].encode(c, b)
	}
	return b
}

// encodeIDs numbers the values by where they first are in the rows; those in no
// row follow in the order of their text.
func (s *series) encodeIDs(c *column, stride int, b []byte) []byte {
	d := &s.extra.dicts[c.base]
	index := make([]int, len(d.values))
	var order []uint32
	for i := s.first()*stride + c.word; i < len(s.buf); i += stride {
		if id := uint32(s.buf[i]); index[id] == 0 {
			order = append(order, id)
			index[id] = len(order)
		}
	}
	rest := len(order)
	for id := range d.values {
		if v := &d.values[id]; v.old && v.refs == 0 {
			order = append(order, uint32(id))
		}
	}
	alone := order[rest:]
	sort.Slice(alone, func(i, j int) bool { return d.values[alone[i]].text < d.values[alone[j]].text })
	b = binary.AppendUvarint(b, uint64(len(order)))
	for _, id := range order {
		v := &d.values[id]
		b = binary.AppendUvarint(b, uint64(len(v.text)))
		b = append(b, v.text...)
		b = append(b, boolByte(v.old))
	}
	for i := s.first()*stride + c.word; i < len(s.buf); i += stride {
		b = binary.AppendUvarint(b, uint64(index[s.buf[i]]-1))
	}
	return b
}

func (x *base) encode(c *column, b []byte) []byte {
	b = binary.AppendVarint(b, x.low)
	b = binary.AppendVarint(b, x.high)
	if c.kind == sumColumn {
		return appendBig(appendBig(b, &x.total), &x.squares)
	}
	for _, f := range []float64{x.sum, x.mean, x.m2} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b
}

// appendBig writes the sign (1 byte, 1 for negative), the length and the bytes,
// most significant first.
func appendBig(b []byte, x *big.Int) []byte {
	b = append(b, boolByte(x.Sign() < 0))
	b = binary.AppendUvarint(b, uint64(len(x.Bytes())))
	return append(b, x.Bytes()...)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
