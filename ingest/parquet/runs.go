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
		_, err := checkRuns(b[1:], uint(b[0]), n)
		return err
	case format.DeltaLengthByteArray:
		_, err := deltaLength(b, n, 32)
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
	if _, err := checkRuns(runs, 1, n); err != nil {
		return nil, err
	}
	out := make([]byte, (n+7)/8)
	for at := 0; at < n; {
		head, size := binary.Uvarint(runs)
		runs = runs[size:]
		values, length := int(head>>1), 1
		if head&1 != 0 {
			values, length = 8*values, values
		}
		for i := range min(values, n-at) {
			bit := runs[0] & 1
			if head&1 != 0 {
				bit = runs[i/8] >> (i % 8) & 1
			}
			out[(at+i)/8] |= bit << ((at + i) % 8)
		}
		at += values
		runs = runs[length:]
	}
	return out, nil
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

// checkRuns sees to it that a hybrid of runs and packed values, each of width
// bits, holds n of them. It counts those among them that are 1, for a width of 1.
// https://parquet.apache.org/docs/file-format/data-pages/encodings/
func checkRuns(b []byte, width uint, n int) (ones int, err error) {
	if width > 32 {
		return 0, errors.New("a value has more than 32 bits")
	}
	at := 0
	for len(b) > 0 {
		head, size := binary.Uvarint(b)
		if size <= 0 {
			return 0, io.ErrUnexpectedEOF
		}
		b = b[size:]
		packed, values, length := head&1 != 0, head>>1, uint64(width+7)/8
		if values > uint64(n+padding) {
			return 0, errRuns
		}
		if packed {
			values, length = 8*values, values*uint64(width)
		}
		if at += int(values); at > n+padding {
			return 0, errRuns
		}
		if length > uint64(len(b)) {
			return 0, io.ErrUnexpectedEOF
		}
		if width == 1 {
			ones += onesOf(b[:length], packed, int(values)-max(at-n, 0))
		}
		b = b[length:]
	}
	if at < n {
		return 0, checkCount(at, n)
	}
	return ones, nil
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

// deltaLength finds the length of packed differences of n values, each of at most
// that many bits.
func deltaLength(b []byte, n int, bits byte) (int, error) {
	d := compact{b: b}
	head, err := d.deltaHead()
	if err != nil {
		return 0, err
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
	for left := values; left > 1; {
		if _, err := d.uvarint(); err != nil { // The smallest difference.
			return 0, err
		}
		widths := b[d.at:]
		if err := d.skip(minis); err != nil {
			return 0, err
		}
		for _, width := range widths[:minis] {
			if left <= 1 {
				break // Those that are left hold nothing, and are not there.
			}
			if width > bits {
				return 0, fmt.Errorf("a difference has more than %d bits", bits)
			}
			if err := d.skip(uint64(width) * (block / minis) / 8); err != nil {
				return 0, err
			}
			left -= min(left-1, block/minis)
		}
	}
	return d.at, nil
}

// deltaHead reads how many values a block has, how many miniblocks a block, how
// many values there are, and the first of them.
func (c *compact) deltaHead() (head [4]uint64, err error) {
	for i := range head {
		if head[i], err = c.uvarint(); err != nil {
			return head, err
		}
	}
	return head, nil
}

// unpack turns packed differences of n whole numbers into plain numbers of that
// many bytes. DuckDB packs differences of more than 32 bits where numbers have 32,
// which the library would take for others.
// https://parquet.apache.org/docs/file-format/data-pages/encodings/
func unpack(b []byte, n, size int) ([]byte, error) {
	if n*size > maxPageSize {
		return nil, fmt.Errorf("a page of %d numbers, where %d are read at most", n, maxPageSize/size)
	}
	if _, err := deltaLength(b, n, 64); err != nil || n == 0 {
		return nil, err
	}
	// All of it is there, so there are no errors from here on.
	d := compact{b: b}
	head, _ := d.deltaHead()
	minis, each := head[1], int(head[0]/head[1])
	out, value := make([]byte, 0, n*size), zigzag(head[3])
	out = appendPlain(out, value, size)
	for left := n - 1; left > 0; {
		least, _ := d.uvarint()
		widths := b[d.at:][:minis]
		_ = d.skip(minis)
		for _, width := range widths {
			if left == 0 {
				break
			}
			packed := b[d.at:][:int(width)*each/8]
			_ = d.skip(uint64(len(packed)))
			count := min(left, each)
			for i := range count {
				value += zigzag(least) + int64(bitsAt(packed, i*int(width), int(width)))
				out = appendPlain(out, value, size)
			}
			left -= count
		}
	}
	return out, nil
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
	prefixes, err := deltaLength(b, n, 32)
	if err != nil {
		return err
	}
	suffixes, err := deltaLength(b[prefixes:], n, 32)
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
	return checkRuns(b, 1, n)
}
