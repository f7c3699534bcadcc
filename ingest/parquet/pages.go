package parquet

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// What a page may hold. Writers begin a new page at about a megabyte of encoded
// values, which may be a whole row group where all of them are alike.
const (
	maxPageSize   = 256 << 20
	maxPageValues = 64 << 20
	// headerBuffer is the longest header that is read.
	headerBuffer = 64 << 10
)

// source is one column of a row group as the library reads it: the pages as they
// stand in the file, but decompressed, and each looked at beforehand. The library
// believes the counts and sizes in a file, and sets memory aside for them; what
// comes from here is true. It is an io.ReaderAt that gives one page at a time
// and goes forward only.
type source struct {
	in     *bufio.Reader
	codec  format.CompressionCodec
	column *library.Column
	// left counts the values that the row group still has.
	left int64
	dict bool
	// head and page are the current page's header and what follows it. The first
	// byte of head is at that offset of what the library reads.
	head, page []byte
	at         int64
	// packed is a page as it stands in the file.
	packed []byte
}

// chunkStart is where the library is told that every column begins: 0 would mean
// that it is not there.
const chunkStart = 4

func newSource(r io.ReaderAt, chunk *format.ColumnMetaData, column *library.Column, rows int64) *source {
	from := chunk.DataPageOffset
	if chunk.DictionaryPageOffset != 0 {
		from = chunk.DictionaryPageOffset
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r, from, chunk.TotalCompressedSize), headerBuffer)
	return &source{in: in, codec: chunk.Codec, column: column, left: rows, at: chunkStart}
}

// ReadAt gives what is left of the current page, or the next one.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if off == s.at+int64(len(s.head)+len(s.page)) {
		s.at = off
		if err := s.next(); err != nil {
			s.head, s.page = s.head[:0], s.page[:0]
			if err != io.EOF {
				err = fmt.Errorf("the column %q: %w", s.column.Name(), err)
			}
			return 0, err
		}
	}
	if off < s.at || off >= s.at+int64(len(s.head)+len(s.page)) {
		return 0, errors.New("a dictionary is missing")
	}
	from := int(off - s.at)
	if from < len(s.head) {
		return copy(p, s.head[from:]), nil
	}
	return copy(p, s.page[from-len(s.head):]), nil
}

// next reads a page. It passes over indexes, which hold no values.
func (s *source) next() error {
	for {
		var header format.PageHeader
		if err := s.header(&header); err != nil {
			return err
		}
		packed, size := int(header.CompressedPageSize), int(header.UncompressedPageSize)
		if packed < 0 || packed > maxPageSize || size < 0 || size > maxPageSize {
			return fmt.Errorf("a page of %d bytes that are %d when decompressed, where %d are read at most", packed, size, maxPageSize)
		}
		if header.Type != format.IndexPage {
			return s.load(&header)
		}
		if _, err := s.in.Discard(packed); err != nil {
			return unexpected(err)
		}
	}
}

// load reads the page that follows its header.
func (s *source) load(header *format.PageHeader) (err error) {
	if s.packed, err = readSome(s.packed[:0], s.in, int(header.CompressedPageSize)); err != nil {
		return unexpected(err)
	}
	if sum := crc32.ChecksumIEEE(s.packed); header.CRC != 0 && sum != uint32(header.CRC) {
		return fmt.Errorf("a page has the checksum %08x where its header says %08x", sum, uint32(header.CRC))
	}
	if err := s.checkSize(int(header.UncompressedPageSize)); err != nil {
		return err
	}
	switch {
	case header.Type == format.DictionaryPage && header.DictionaryPageHeader.Valid:
		return s.dictionary(header)
	case header.Type == format.DataPage && header.DataPageHeader.Valid:
		return s.data(header)
	case header.Type == format.DataPageV2 && header.DataPageHeaderV2.Valid:
		return s.dataV2(header)
	}
	return fmt.Errorf("a page of type %s without its header", header.Type)
}

// header reads the header of the next page.
func (s *source) header(header *format.PageHeader) error {
	for size := 512; ; size *= 8 {
		b, err := s.in.Peek(min(size, headerBuffer))
		if len(b) == 0 {
			return err // io.EOF is where the column ends.
		}
		n, errLength := compactLength(b)
		switch {
		case errLength == nil:
			if err := thrift.Unmarshal(&thrift.CompactProtocol{}, b[:n], header); err != nil {
				return err
			}
			_, err := s.in.Discard(n)
			return err
		case !errors.Is(errLength, io.ErrUnexpectedEOF) || err != nil:
			return fmt.Errorf("the header of a page: %w", errLength)
		case size >= headerBuffer:
			return fmt.Errorf("the header of a page has more than %d bytes", headerBuffer)
		}
	}
}

// readSome appends n bytes to b, and makes it no longer than what there is.
func readSome(b []byte, r io.Reader, n int) ([]byte, error) {
	for n > 0 {
		step := min(n, max(cap(b)-len(b), 1<<20))
		b = append(b, make([]byte, step)...)
		if _, err := io.ReadFull(r, b[len(b)-step:]); err != nil {
			return b, err
		}
		n -= step
	}
	return b, nil
}

// room gives s.page that size.
func (s *source) room(size int32) []byte {
	s.page = slices.Grow(s.page[:0], int(size))[:size]
	return s.page
}

// put puts values in the place of those that end the page, and makes the header
// one of such a page, not compressed.
func (s *source) put(header *format.PageHeader, before int, values []byte) (err error) {
	s.page = append(s.page[:before], values...)
	size := int32(len(s.page))
	header.UncompressedPageSize, header.CompressedPageSize, header.CRC = size, size, 0
	s.head, err = thrift.Marshal(&thrift.CompactProtocol{}, header)
	return err
}

func (s *source) dictionary(header *format.PageHeader) error {
	h := &header.DictionaryPageHeader.V
	if h.Encoding != format.Plain && h.Encoding != plainDictionary {
		return fmt.Errorf("a dictionary with the encoding %s", h.Encoding)
	}
	if h.NumValues < 0 {
		return fmt.Errorf("a dictionary of %d values", h.NumValues)
	}
	s.dict = true
	values := s.room(header.UncompressedPageSize)
	if err := inflate(s.codec, values, s.packed); err != nil {
		return err
	}
	values, err := cutPlain(s.column.Type(), values, int(h.NumValues))
	if err != nil {
		return err
	}
	return s.put(header, 0, values)
}

// checkSize sees to it that the page can have that size when it is decompressed.
func (s *source) checkSize(size int) error {
	packed := len(s.packed)
	// What a byte can stand for at most. Zstandard and Brotli have no such bound.
	most := maxPageSize
	switch s.codec {
	case format.Uncompressed:
		most = packed
	case format.Snappy:
		most = 22 * packed // Three bytes copy 64.
	case format.Gzip:
		most = 1032 * packed // Two bits copy 258.
	}
	if size > most {
		return errSize
	}
	return nil
}

// count takes the values of a page from those of the row group.
func (s *source) count(values int32) (int, error) {
	if values < 0 || int64(values) > s.left {
		return 0, fmt.Errorf("a page of %d values where the row group has %d left", values, s.left)
	}
	if values > maxPageValues {
		return 0, fmt.Errorf("a page of %d values, where %d are read at most", values, maxPageValues)
	}
	s.left -= int64(values)
	return int(values), nil
}

func (s *source) data(header *format.PageHeader) error {
	h := &header.DataPageHeader.V
	h.Statistics = format.Statistics{}
	n, err := s.count(h.NumValues)
	if err != nil {
		return err
	}
	values := s.room(header.UncompressedPageSize)
	if err := inflate(s.codec, values, s.packed); err != nil {
		return err
	}
	if s.column.Optional() {
		levels, rest, err := prefixed(values)
		if err != nil {
			return err
		}
		if n, err = countLevels(h.DefinitionLevelEncoding, levels, n); err != nil {
			return err
		}
		values = rest
	}
	before := len(s.page) - len(values)
	if values, err = s.values(&h.Encoding, values, n); err != nil {
		return err
	}
	return s.put(header, before, values)
}

// dataV2 reads a page whose levels stand before what is compressed.
func (s *source) dataV2(header *format.PageHeader) error {
	h := &header.DataPageHeaderV2.V
	h.Statistics = format.Statistics{}
	n, err := s.count(h.NumValues)
	if err != nil {
		return err
	}
	repetition, definition := int64(h.RepetitionLevelsByteLength), int64(h.DefinitionLevelsByteLength)
	if repetition < 0 || definition < 0 || repetition+definition > int64(min(len(s.packed), int(header.UncompressedPageSize))) {
		return errors.New("a page's levels are said to be longer than the page")
	}
	compressed := !h.IsCompressed.Valid || h.IsCompressed.V
	h.IsCompressed = thrift.New(false)
	body := s.room(header.UncompressedPageSize)
	levels := int(repetition + definition)
	copy(body, s.packed[:levels])
	codec, values := s.codec, body[levels:]
	// A page of nulls has nothing to compress.
	if !compressed || len(values) == 0 && levels == len(s.packed) {
		codec = format.Uncompressed
	}
	if err := inflate(codec, values, s.packed[levels:]); err != nil {
		return err
	}
	present := n
	if s.column.Optional() && definition > 0 {
		if present, err = countLevels(format.RLE, body[repetition:levels], n); err != nil {
			return err
		}
	}
	if err := checkCount(n-int(h.NumNulls), present); err != nil {
		return err
	}
	if values, err = s.values(&h.Encoding, values, present); err != nil {
		return err
	}
	return s.put(header, levels, values)
}

// values looks at the n values of a page, and gives them as the library reads them.
func (s *source) values(encoding *format.Encoding, b []byte, n int) ([]byte, error) {
	switch t := s.column.Type(); *encoding {
	case format.Plain:
		return cutPlain(t, b, n)
	case format.RLE:
		// The library would take runs of a length that eight does not divide for others.
		*encoding = format.Plain
		return booleans(t, b, n)
	case format.DeltaBinaryPacked:
		if t.Kind() != library.Int32 && t.Kind() != library.Int64 {
			return nil, errors.New("only whole numbers are written as differences")
		}
		*encoding = format.Plain
		return unpack(b, n, width(t))
	case format.RLEDictionary, plainDictionary:
		if !s.dict {
			return nil, errors.New("a dictionary is missing")
		}
	}
	return b, checkValues(*encoding, s.column.Type(), b, n, maxPageSize)
}
