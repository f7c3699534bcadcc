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
	case format.Plain, format.ByteStreamSplit:
		return checkPlain(t, b, n)
	case format.RLEDictionary, plainDictionary:
		if len(b) == 0 {
			return checkCount(0, n)
		}
		_, err := checkRuns(b[1:], uint(b[0]), n)
		return err
	case format.RLE:
		if t.Kind() != library.Boolean {
			return errors.New("only booleans are written in runs")
		}
		runs, _, err := prefixed(b)
		if err != nil {
			return err
		}
		_, err = checkRuns(runs, 1, n)
		return err
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
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

// checkPlain looks at values one after the other.
func checkPlain(t library.Type, b []byte, n int) error {
	switch t.Kind() {
	case library.Boolean:
		return checkCount(min(8*len(b), n), n)
	case library.ByteArray:
	default:
		return checkCount(min(len(b)/width(t), n), n)
	}
	texts := 0
	for ; len(b) > 0; texts++ {
		_, rest, err := prefixed(b)
		if err != nil {
			return err
		}
		b = rest
	}
	return checkCount(texts, n)
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

// deltaLength finds the length of packed differences of n values.
func deltaLength(b []byte, n int) (int, error) {
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
			if err := d.skip(uint64(width) * (block / minis) / 8); err != nil {
				return 0, err
			}
			left -= min(left-1, block/minis)
		}
	}
	return d.at, nil
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
	return checkRuns(b, 1, n)
}
