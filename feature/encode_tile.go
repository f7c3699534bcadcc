package feature

import (
	"encoding/binary"
	"math"
)

func (x *tiles) encode(l *level, b []byte) []byte {
	b = binary.AppendVarint(b, x.lost)
	b = binary.AppendUvarint(b, uint64(len(x.list)))
	for i := range x.list {
		b = x.list[i].encode(l, b)
	}
	if !l.halving {
		b = append(b, boolByte(x.seam.cells != nil))
		if x.seam.cells != nil {
			b = x.seam.encode(l, b)
		}
	}
	if l.ever {
		b = x.base.encode(l, b)
	}
	return b
}

func (t *tile) encode(l *level, b []byte) []byte {
	b = binary.AppendVarint(b, t.index)
	b = binary.AppendUvarint(b, uint64(t.n))
	for i := range t.cells {
		b = t.cells[i].encode(l.cells[i].parts, b)
	}
	return b
}

func (c *cell) encode(p parts, b []byte) []byte {
	if p&(sumPart|halvingPart) != 0 {
		b = c.sum.encode(b)
	}
	if p&squarePart != 0 {
		b = c.squares.encode(b)
	}
	if p&spanPart != 0 {
		b = binary.AppendVarint(binary.AppendVarint(b, c.low), c.high)
	}
	if p&firstPart != 0 {
		b = binary.AppendVarint(binary.AppendVarint(b, c.firstTime), c.firstWord)
	}
	if p&valuePart != 0 {
		b = c.values.encode(b)
	}
	if p&bucketPart != 0 {
		b = binary.AppendUvarint(b, uint64(len(c.buckets)))
		for _, x := range c.buckets {
			b = binary.AppendUvarint(binary.AppendVarint(b, int64(x.order)), x.n)
		}
	}
	return b
}

func (s *exactSum) encode(b []byte) []byte {
	s.trim()
	b = binary.AppendUvarint(b, uint64(len(s.words)))
	if len(s.words) > 0 {
		b = binary.AppendVarint(b, int64(s.low))
	}
	for _, w := range s.words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

func (h *hll) encode(b []byte) []byte {
	b = append(b, boolByte(h.dense != nil))
	if h.dense != nil {
		return append(b, h.dense...)
	}
	b = binary.AppendUvarint(b, uint64(len(h.sparse)))
	for _, e := range h.sparse {
		b = binary.AppendUvarint(b, uint64(e))
	}
	return b
}

func (d *decoder) tiles(x *tiles, l *level) {
	x.lost = d.varint()
	n := d.uvarint()
	if n > uint64(len(d.data)) { // a tile takes two bytes at least
		d.fail()
	}
	for i := uint64(0); i < n && !d.bad; i++ {
		t := d.tile(l)
		if t.n < 1 || t.index < x.lost || i > 0 && t.index <= x.list[i-1].index {
			d.fail()
			return
		}
		x.list = append(x.list, t)
		x.bytes += t.bytes()
	}
	if !l.halving && d.bool() {
		if x.seam = d.tile(l); x.seam.n < 1 {
			d.fail()
		}
		x.bytes += x.seam.bytes()
	}
	if l.ever {
		x.base = d.tile(l)
		x.bytes += x.base.bytes()
	}
}

func (d *decoder) tile(l *level) tile {
	t := newTile(l, d.varint())
	if t.n = int64(d.uvarint()); t.n < 0 {
		d.fail()
	}
	for i := range t.cells {
		d.cell(&t.cells[i], l.cells[i].parts)
	}
	return t
}

func (d *decoder) cell(c *cell, p parts) {
	c.reset()
	if p&(sumPart|halvingPart) != 0 {
		d.sum(&c.sum)
	}
	if p&squarePart != 0 {
		d.sum(&c.squares)
	}
	if p&spanPart != 0 {
		c.low, c.high = d.varint(), d.varint()
	}
	if p&firstPart != 0 {
		c.firstTime, c.firstWord = d.varint(), d.varint()
	}
	if p&valuePart != 0 {
		d.sketch(&c.values)
	}
	if p&bucketPart != 0 {
		d.buckets(&c.buckets)
	}
}

// maxPlace bounds the places of a sum's words: no value, square or weighted value
// of a double lies outside.
const maxPlace = 64

func (d *decoder) sum(s *exactSum) {
	n := d.uvarint()
	if n == 0 {
		return
	}
	low := d.varint()
	if n > 2*maxPlace || low < -maxPlace || low > maxPlace || 8*n > uint64(len(d.data)) {
		d.fail()
		return
	}
	s.low, s.words = int(low), make([]uint64, n)
	for i := range s.words {
		s.words[i] = d.word()
	}
	if sign := s.words[n-1]; sign != 0 && sign != math.MaxUint64 || s.words[0] == 0 || n > 1 && s.words[n-2] == sign {
		d.fail()
	}
}

func (d *decoder) sketch(h *hll) {
	if d.bool() {
		h.spread()
		for i, rank := range d.bytes(hllSize) {
			if rank > hllMost {
				d.fail()
				return
			}
			h.raise(uint32(i), rank)
		}
		if hllSize-h.counts[0] <= sparseMost {
			d.fail()
		}
		return
	}
	n := d.uvarint()
	if n > sparseMost {
		d.fail()
	}
	for i := uint64(0); i < n && !d.bad; i++ {
		e := d.uvarint()
		if e >= hllSize<<8 || e&0xff < 1 || e&0xff > hllMost || i > 0 && uint32(e)>>8 <= h.sparse[i-1]>>8 {
			d.fail()
			return
		}
		h.sparse = append(h.sparse, uint32(e))
	}
}

func (d *decoder) buckets(b *buckets) {
	n := d.uvarint()
	if n > uint64(len(d.data)) { // each takes two bytes
		d.fail()
	}
	for i := uint64(0); i < n && !d.bad; i++ {
		order, count := d.varint(), d.uvarint()
		if order != int64(int32(order)) || count == 0 || i > 0 && int32(order) <= (*b)[i-1].order {
			d.fail()
			return
		}
		*b = append(*b, bucket{int32(order), count})
	}
}
