package feature

import (
	"encoding/binary"
	"hash/crc32"
	"sort"

	"orrery.dev"
)

// formatVersion is that of a series's encoding. It is part of a table's
// definition, so that state of another version is state of another table.
//
// All integers are varints, signed ones zigzag, unless a width is given, which
// is then little-endian:
//
//	version (1 byte), applied, peak, dropped, 1 when there are tiles (1 byte)
//	if dropped > 0: the latest time dropped (signed); for each sum column the
//	    running sum (8 bytes) and with squares theirs (16 bytes)
//	rows; the first time (signed), then the differences of times
//	for each column:
//	    sum: each value (signed)
//	    raw: each value: a float's bits (8 bytes), a bool (1 byte), else signed
//	    hash: each value (8 bytes)
//	    id: 1 and a sketch, or 0 (1 byte); the number of values; for each its
//	        length, bytes and 1 when it is old; then each row's index in them
//	    if dropped > 0, for a column kept over all time: its base, a cell
//	for each level, if there are tiles or it has a half-life:
//	    lost (signed); the number of tiles; each tile
//	    unless it has a half-life: 1 and the seam, a tile, or 0 (1 byte)
//	    if it is over all time: the base, a tile
//	CRC-32C of all that (4 bytes)
//
// A tile is its index (signed), its number of events, and its cells. A cell has
// the parts that its declaration asks for, in their order:
//
//	a sum: the number of its words; with any, low (signed) and the words (8 bytes each)
//	least and greatest (signed)
//	first time and word (signed)
//	a sketch: 1 and the registers (1 byte each), or 0 (1 byte), the number of those
//	    that are not zero, and each as index<<8|rank
//	buckets: their number; for each its order (signed) and count
const formatVersion = 2

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode appends the series to b. The bytes are a function of the table's
// definition and the log's prefix, like the series.
func (s *series) encode(t *table, b []byte) []byte {
	if s.buf == nil {
		return encodeEmpty(s.applied, b)
	}
	begin, stride := len(b), t.stride
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, uint64(s.applied))
	b = binary.AppendUvarint(b, s.peak)
	b = binary.AppendUvarint(b, uint64(s.dropped))
	tiled := s.extra != nil && s.extra.tiled
	b = append(b, boolByte(tiled))
	if s.dropped > 0 {
		b = s.encodeHead(t, b)
	}
	first, end := s.first()*stride, len(s.buf)
	b = binary.AppendUvarint(b, uint64((end-first)/stride))
	if first < end { // corrections can take every row out
		b = binary.AppendVarint(b, s.buf[first])
	}
	for i := first + stride; i < end; i += stride {
		b = binary.AppendUvarint(b, uint64(s.buf[i]-s.buf[i-stride]))
	}
	for i := range t.columns {
		b = s.encodeColumn(&t.columns[i], stride, b)
	}
	for i := range t.levels {
		if l := &t.levels[i]; tiled || l.halving {
			b = s.extra.levels[i].encode(l, b)
		}
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
		case c.typ == orrery.Float || c.kind == hashColumn:
			b = binary.LittleEndian.AppendUint64(b, uint64(x))
		case c.typ == orrery.Bool:
			b = append(b, byte(x))
		default:
			b = binary.AppendVarint(b, x)
		}
	}
	if c.ever && s.dropped > 0 {
		b = s.extra.bases[c.base].encode(c.parts, b)
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
	b = append(b, boolByte(d.sketch != nil))
	if d.sketch != nil {
		b = d.sketch.encode(b)
	}
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

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
