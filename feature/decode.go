package feature

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"orrery.dev"
)

// decoder reads an encoding. After the first fault it is bad, and what it gives
// has no meaning.
type decoder struct {
	data []byte
	bad  bool
}

// decode reads a series of the table. What encode cannot have written is an
// Error of kind Damaged.
func decode(t *table, data []byte) (*series, error) {
	s := decodeSeries(t, data)
	if s == nil {
		return nil, orrery.Errorf(orrery.Damaged, "state_damaged", "the feature state of a %s in table %x cannot be read as it was written", t.entity, t.id).
			WithNext("drop the table's state, and it is rebuilt from the log")
	}
	return s, nil
}

func decodeSeries(t *table, data []byte) *series {
	n := len(data) - 4
	if n < 1 || data[0] != formatVersion && data[0] != emptyVersion || crc32.Checksum(data[:n], castagnoli) != binary.LittleEndian.Uint32(data[n:]) {
		return nil
	}
	d := &decoder{data: data[1:n]}
	s := &series{loaded: true}
	s.applied = orrery.Offset(d.uvarint())
	if data[0] == emptyVersion {
		if d.bad || s.applied == 0 || len(d.data) > 0 {
			return nil
		}
		return s
	}
	s.peak = d.uvarint()
	s.dropped = int64(d.uvarint())
	tiled := d.bool()
	if tiled || t.dicts+t.bases > 0 || t.halving {
		s.addExtra(t)
		s.extra.tiled = tiled
	}
	head := d.head(t, s.dropped)
	rows := d.uvarint()
	// Each row takes a byte at least, which bounds what is asked for here.
	if d.bad || s.dropped < 0 || s.applied == 0 || rows > uint64(len(d.data)) || rows > uint64(t.most()) {
		return nil
	}
	s.buf = make([]int64, (int(rows)+1)*t.stride)
	copy(s.buf, head)
	d.times(s, t.stride)
	s.lookSecond(t)
	for i := range t.columns {
		c := &t.columns[i]
		d.column(s, c, t)
		if c.ever && c.kind != idColumn && s.dropped > 0 {
			d.cell(&s.extra.bases[c.base], c.parts)
		}
	}
	for i := range t.levels {
		if l := &t.levels[i]; tiled || l.halving {
			d.tiles(&s.extra.levels[i], l)
		}
	}
	if d.bad || len(d.data) > 0 {
		return nil
	}
	return s
}

func (d *decoder) fail() { d.bad, d.data = true, nil }

func (d *decoder) uvarint() uint64 {
	x, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return x
}

func (d *decoder) varint() int64 {
	x := d.uvarint()
	return int64(x>>1) ^ -int64(x&1)
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.data)) {
		d.fail()
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) word() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) bool() bool {
	b := d.bytes(1)
	if b == nil || b[0] > 1 {
		d.fail()
		return false
	}
	return b[0] == 1
}

// head reads the row that stands for what was dropped.
func (d *decoder) head(t *table, dropped int64) []int64 {
	row := make([]int64, t.stride)
	row[0] = never
	if dropped == 0 {
		return row
	}
	row[0] = d.varint()
	for i := range t.columns {
		if c := &t.columns[i]; c.kind == sumColumn {
			for w := c.word; w < c.word+c.words(); w++ {
				row[w] = int64(d.word())
			}
		}
	}
	return row
}

func (d *decoder) times(s *series, stride int) {
	if len(s.buf) == stride {
		return
	}
	time := d.varint()
	s.buf[stride] = time
	for i := 2 * stride; i < len(s.buf) && !d.bad; i += stride {
		next := int64(uint64(time) + d.uvarint())
		if next < time {
			d.fail()
		}
		s.buf[i], time = next, next
	}
}

func (d *decoder) column(s *series, c *column, t *table) {
	stride := t.stride
	if c.kind == idColumn {
		d.ids(s, c, t.stride, t.exact)
		return
	}
	for i := stride + c.word; i < len(s.buf) && !d.bad; i += stride {
		switch {
		case c.kind == sumColumn:
			x := d.varint()
			if magnitude(x) > s.peak {
				d.fail()
			}
			s.buf[i] = s.buf[i-stride] + x
			if c.squares {
				addSquare(s.buf[i+1:i+3], s.buf[i-stride+1:i-stride+3], x)
			}
		case c.typ == orrery.Float || c.kind == hashColumn:
			s.buf[i] = int64(d.word())
		case c.typ == orrery.Bool:
			s.buf[i] = int64(boolByte(d.bool()))
		default:
			s.buf[i] = d.varint()
		}
	}
}

// addSquare sets to = from + x², modulo 2^128, low word first.
func addSquare(to, from []int64, x int64) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(x))
	low, carry := bits.Add64(uint64(from[0]), lo, 0)
	to[0], to[1] = int64(low), from[1]+int64(hi+carry)
}

func (d *decoder) ids(s *series, c *column, stride, exact int) {
	dict := &s.extra.dicts[c.base]
	if d.bool() {
		dict.sketch = &hll{}
		dict.bytes += hllSize
		d.sketch(dict.sketch)
	}
	n := d.uvarint()
	tooMany := c.ever && dict.sketch == nil && n > uint64(exact)
	if tooMany || n > uint64(len(d.data)) { // each value takes two bytes at least
		d.fail()
	}
	for i := uint64(0); i < n && !d.bad; i++ {
		text := string(d.bytes(d.uvarint()))
		old := d.bool()
		if _, twice := dict.ids[text]; twice || old && (!c.ever || s.dropped == 0 || dict.sketch != nil) {
			d.fail()
			return
		}
		dict.restore(text, old)
	}
	for i := stride + c.word; i < len(s.buf) && !d.bad; i += stride {
		id := d.uvarint()
		if id >= n {
			d.fail()
			return
		}
		s.buf[i] = int64(id)
		dict.values[id].refs++
	}
	for i := range dict.values {
		if v := &dict.values[i]; v.refs == 0 && !v.old {
			d.fail()
		}
	}
}

// restore adds a value that no row holds yet.
func (d *dictionary) restore(text string, old bool) {
	id := d.insert(text)
	d.values[id].refs, d.values[id].old = 0, old
	if old {
		d.olds++
	}
}
