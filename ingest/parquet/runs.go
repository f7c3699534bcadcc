package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// The encodings of a page's values say how many values follow before these come.
// The library sets memory aside for as many, and where fewer come it reads what
// was in that memory before. What is here compares them with what the page must
// hold.

// plainDictionary is how writers of the format's first version name the encoding
// of a dictionary and of the places in it.
const plainDictionary format.Encoding = 2

// padding is how many values beyond those of the page a run may hold: runs are
// packed by eights, and some writers fill up more.
const padding = 512

var errRuns = errors.New("its runs hold more values than the page")

// checkValues sees to it that b holds n values of a column's kind, encoded so,
// which may take size bytes when they are decoded.
func checkValues(encoding format.Encoding, t library.Type, b []byte, n, size int) error {
	switch encoding {
	case format.ByteStreamSplit:
		return checkCount(len(b)/width(t), n)
	case format.RLEDictionary, plainDictionary:
		if len(b) == 0 {
			return checkCount(0, n)
		}
		return eachRun(b[1:], uint(b[0]), n, nil)
	case format.DeltaLengthByteArray:
		_, err := deltaLength(b, n)
		return err
	case format.DeltaByteArray:
		return checkPrefixes(b, n, size)
	}
	return fmt.Errorf("the encoding %s is not known", encoding)
}

// checkCount compares a number of values with what it must be.
func checkCount(got, want int) error {
	if got != want {
		return fmt.Errorf("it holds %d values where %d are said to be there", got, want)
	}
	return nil
}

// cutPlain gives the first n of values that stand one after the other. There may be
// more: fastparquet writes some after the last of a page.
func cutPlain(t library.Type, b []byte, n int) ([]byte, error) {
	end := 0
	switch t.Kind() {
	case library.Boolean:
		end = (n + 7) / 8
	case library.ByteArray:
		for i := range n {
			_, rest, err := prefixed(b[end:])
			if err != nil { // There are fewer.
				return nil, checkCount(i, n)
			}
			end = len(b) - len(rest)
		}
	default:
		end = n * width(t)
	}
	if end > len(b) {
		return nil, fmt.Errorf("%d values take %d bytes, where there are %d", n, end, len(b))
	}
	return b[:end], nil
}

// booleans turns runs of n booleans into plain ones, eight to a byte.
func booleans(t library.Type, b []byte, n int) ([]byte, error) {
	if t.Kind() != library.Boolean {
		return nil, errors.New("only booleans are written in runs")
	}
	runs, _, err := prefixed(b)
	if err != nil {
		return nil, err
	}
	out, at := make([]byte, (n+7)/8), 0
	err = eachRun(runs, 1, n, func(run []byte, packed bool, values int) {
		for i := range values {
			bit := run[0] & 1
			if packed {
				bit = run[i/8] >> (i % 8) & 1
			}
			out[at/8] |= bit << (at % 8)
			at++
		}
	})
	return out, err
}

// width is how many bytes a plain value takes, which is no boolean and no text.
func width(t library.Type) int {
	switch t.Kind() {
	case library.Int64, library.Double:
		return 8
	case library.Int96:
		return 12
	case library.FixedLenByteArray:
		return max(t.Length(), 1)
	}
	return 4
}

// prefixed cuts off what has its length before it, in four bytes.
func prefixed(b []byte) (first, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	end := 4 + int64(binary.LittleEndian.Uint32(b))
	if end > int64(len(b)) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return b[4:end], b[end:], nil
}

// eachRun walks over a hybrid of runs and packed values, each of width bits, that
// must hold n of them. visit, which may be nil, gets the bytes of each run, whether
// they are packed, and how many of the n values it has.
// https://parquet.apache.org/docs/file-format/data-pages/encodings/
func eachRun(b []byte, width uint, n int, visit func(run []byte, packed bool, values int)) error {
	if width > 32 {
		return errors.New("a value has more than 32 bits")
	}
	at := 0
	for len(b) > 0 {
		head, size := binary.Uvarint(b)
		if size <= 0 {
			return io.ErrUnexpectedEOF
		}
		b = b[size:]
		packed, values, length := head&1 != 0, head>>1, uint64(width+7)/8
		if values > uint64(n+padding) {
			return errRuns
		}
		if packed {
			values, length = 8*values, values*uint64(width)
		}
		if at += int(values); at > n+padding {
			return errRuns
		}
		if length > uint64(len(b)) {
			return io.ErrUnexpectedEOF
		}
		if visit != nil {
			visit(b[:length], packed, max(int(values)-max(at-n, 0), 0))
		}
		b = b[length:]
	}
	if at < n {
		return checkCount(at, n)
	}
	return nil
}

// onesOf counts among the first n values of a run of single bits.
func onesOf(run []byte, packed bool, n int) int {
	switch {
	case n <= 0:
		return 0
	case !packed:
		return n * int(run[0]&1)
	}
	ones := 0
	for _, b := range run[:n/8] {
		ones += bits.OnesCount8(b)
	}
	if rest := n % 8; rest > 0 {
		ones += bits.OnesCount8(run[n/8] & (1<<rest - 1))
	}
	return ones
}

// eachMini walks over packed differences of n values, each of at most that many
// bits, and finds their length. visit, which may be nil, gets the first value by
// itself, packed nil; then for each miniblock the smallest difference of its block,
// and what is packed of each beyond that: so many, of width bits.
// https://parquet.apache.org/docs/file-format/data-pages/encodings/
func eachMini(b []byte, n int, bits byte, visit func(least int64, packed []byte, width, values int)) (int, error) {
	d := compact{b: b}
	var head [4]uint64 // Values a block, miniblocks a block, values, the first value.
	for i := range head {
		var err error
		if head[i], err = d.uvarint(); err != nil {
			return 0, err
		}
	}
	block, minis, values := head[0], head[1], head[2]
	if values > uint64(n) {
		return 0, errRuns
	}
	switch {
	case int(values) != n:
		return 0, checkCount(int(values), n)
	case block == 0 || block > 1<<16 || minis == 0 || minis > block || block%minis != 0 || block/minis%8 != 0:
		return 0, errors.New("its blocks have a size that is not known")
	}
	if visit != nil && n > 0 {
		visit(zigzag(head[3]), nil, 0, 1)
	}
	for left := n - 1; left > 0; {
		least, err := d.uvarint()
		if err != nil {
			return 0, err
		}
		widths := b[d.at:]
		if err := d.skip(minis); err != nil {
			return 0, err
		}
		for _, width := range widths[:minis] {
			if left == 0 {
				break // Those that are left hold nothing, and are not there.
			}
			if width > bits {
				return 0, fmt.Errorf("a difference has more than %d bits", bits)
			}
			packed := b[d.at:]
			if err := d.skip(uint64(width) * (block / minis) / 8); err != nil {
				return 0, err
			}
			values := min(left, int(block/minis))
			if visit != nil {
				visit(zigzag(least), packed, int(width), values)
			}
			left -= values
		}
	}
	return d.at, nil
}

// deltaLength finds the length of packed differences of n lengths of texts.
func deltaLength(b []byte, n int) (int, error) { return eachMini(b, n, 32, nil) }

// unpack turns packed differences of n whole numbers into plain numbers of that
// many bytes. DuckDB packs differences of more than 32 bits where numbers have 32,
// which the library would take for others.
func unpack(b []byte, n, size int) ([]byte, error) {
	if n*size > maxPageSize {
		return nil, fmt.Errorf("a page of %d numbers, where %d are read at most", n, maxPageSize/size)
	}
	var out []byte
	value := int64(0)
	_, err := eachMini(b, n, 64, func(least int64, packed []byte, width, values int) {
		for i := range values {
			value += least + int64(bitsAt(packed, i*width, width))
			out = appendPlain(out, value, size)
		}
	})
	return out, err
}

func zigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

// appendPlain appends a number's low bytes, four or eight.
func appendPlain(b []byte, value int64, size int) []byte {
	if size == 4 {
		return binary.LittleEndian.AppendUint32(b, uint32(value))
	}
	return binary.LittleEndian.AppendUint64(b, uint64(value))
}

// bitsAt gives that many bits, up to 64, from a place on, the lowest first.
func bitsAt(b []byte, from, width int) uint64 {
	if width == 0 {
		return 0
	}
	b = b[from/8:]
	shift, x := from%8, uint64(0)
	if len(b) >= 8 {
		x = binary.LittleEndian.Uint64(b)
	} else {
		for i, v := range b {
			x |= uint64(v) << (8 * i)
		}
	}
	x >>= shift
	if shift+width > 64 {
		x |= uint64(b[8]) << (64 - shift)
	}
	return x << (64 - width) >> (64 - width)
}

// checkPrefixes looks at texts that each share a prefix with the one before:
// how long they are all together.
func checkPrefixes(b []byte, n, size int) error {
	prefixes, err := deltaLength(b, n)
	if err != nil {
		return err
	}
	suffixes, err := deltaLength(b[prefixes:], n)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, part := range [][]byte{b[:prefixes], b[prefixes : prefixes+suffixes]} {
		lengths, err := library.DeltaBinaryPacked.DecodeInt32(nil, part)
		if err != nil {
			return err
		}
		for _, length := range lengths {
			total += int64(length)
			if length < 0 || total > int64(size) {
				return errors.New("its texts are longer than a page may be")
			}
		}
	}
	return nil
}

// countLevels counts the values that are there among n, of which the others are
// null: by the definition levels of a column at the top of the schema, 1 and 0.
func countLevels(encoding format.Encoding, b []byte, n int) (int, error) {
	if encoding != format.RLE {
		return 0, fmt.Errorf("the encoding %s of definition levels is not known", encoding)
	}
	ones := 0
	err := eachRun(b, 1, n, func(run []byte, packed bool, values int) { ones += onesOf(run, packed, values) })
	return ones, err
}
