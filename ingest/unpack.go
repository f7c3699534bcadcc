package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"orrery.dev"
)

// packing is how a file is compressed.
type packing string

const (
	plain   packing = ""
	gzipped packing = "gzip"
	zstded  packing = "zstd"
)

// maxWindow bounds the memory that a zstd file can ask for, in bytes: what the
// zstd command itself accepts without --long.
const maxWindow = 128 << 20

// packingOf tells by the first bytes of a file how it is compressed, never by
// its name. A zstd file may begin with a frame to be skipped (RFC 8878, 3.1.2).
func packingOf(head []byte) packing {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}),
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return zstded
	}
	return plain
}

// unpack puts the decompression that the file's first bytes call for before its text.
func (f *file) unpack() error {
	head, err := f.text.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return openError(f.path, err)
	}
	var unpacked io.Reader
	switch f.packing = packingOf(head); f.packing {
	case plain:
		return nil
	case gzipped:
		unpacked, err = gzip.NewReader(f.text)
	case zstded:
		// One goroutine: the reader's own. It holds no more than the window and a block.
		unpacked, err = zstd.NewReader(f.text, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	}
	if err != nil {
		return f.unpackError(err, 1, 0)
	}
	f.text = bufio.NewReaderSize(unpacked, 64<<10)
	return nil
}

// name is the last part of the file's path in lower case, without the ending of
// a compressed file.
func (f *file) name() string {
	name := strings.ToLower(filepath.Base(f.path))
	for _, ending := range []string{".gz", ".zst", ".zstd"} {
		if rest, ok := strings.CutSuffix(name, ending); ok {
			return rest
		}
	}
	return name
}

// unpackError explains why a compressed file could not be read beyond line.
func (f *file) unpackError(err error, line, offset int64) error {
	place := fmt.Sprintf("in line %d, %d bytes of text and %d bytes of the file in", line, offset, f.read.Load())
	var system *fs.PathError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return orrery.Errorf(orrery.Damaged, string(f.packing)+"_truncated", "%s ends in the middle: its %s stream breaks off %s", f.path, f.packing, place).
			WithNext("copy or download the file again; the whole lines before were read")
	case errors.As(err, &system):
		return orrery.Errorf(orrery.Unavailable, "file_unreadable", "%s cannot be read %s", f.path, place).Because(err)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return orrery.Errorf(orrery.Invalid, "zstd_window", "%s needs more than %d MiB of memory to unpack", f.path, maxWindow>>20).
			WithNext("unpack it first, or compress it again without --long")
	}
	return orrery.Errorf(orrery.Damaged, string(f.packing)+"_damaged", "%s is damaged: its %s stream cannot be read %s", f.path, f.packing, place).
		WithNext("copy or download the file again; %s -t checks it", f.packing).Because(err)
}
