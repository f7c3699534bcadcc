package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"orrery.dev"
)

// format is how a file's lines are read.
type format uint8

const (
	formatCSV format = iota
	formatNDJSON
	formatParquet
)

// file is an open input: its uncompressed text, from the first byte.
type file struct {
	path    string
	raw     raw
	size    int64
	packing packing
	read    atomic.Int64
	text    *bufio.Reader
	format  format
	regular bool
}

// raw is a file as it lies on disk.
type raw interface {
	io.Reader
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// Readable reports the first input that is missing, a directory, not allowed to
// be read, empty or of no known format, without reading further than its head.
func Readable(inputs []Input) error {
	for _, in := range inputs {
		f, err := in.open()
		if err != nil {
			return err
		}
		f.close()
	}
	return nil
}

// open opens the file and finds out its format by its name and its first bytes.
func (in Input) open() (*file, error) {
	f := &file{path: in.Path, raw: in.memory}
	if in.memory == nil {
		onDisk, err := os.Open(in.Path)
		if err != nil {
			return nil, openError(in.Path, err)
		}
		f.raw = onDisk
	}
	if err := f.begin(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func openError(path string, err error) error {
	var e *orrery.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e = orrery.Errorf(orrery.NotFound, "file_missing", "there is no file %s", path).WithNext("check the path")
	case errors.Is(err, fs.ErrPermission):
		e = orrery.Errorf(orrery.Invalid, "file_unreadable", "%s may not be read by this user", path).WithNext("change its permissions, or run as a user who may read it")
	default:
		e = orrery.Errorf(orrery.Unavailable, "file_unreadable", "%s cannot be read", path).Because(err)
	}
	return e
}

func (f *file) begin() error {
	info, err := f.raw.Stat()
	if err != nil {
		return openError(f.path, err)
	}
	if info.IsDir() {
		return orrery.Errorf(orrery.Invalid, "file_is_directory", "%s is a directory", f.path).WithNext("name a file in it")
	}
	if f.regular = info.Mode().IsRegular(); f.regular {
		f.size = info.Size()
	}
	f.text = bufio.NewReaderSize(counter{f}, 64<<10)
	if err := f.unpack(); err != nil {
		return err
	}
	return f.sniff()
}

// sniff finds the format and drops a byte order mark.
func (f *file) sniff() error {
	head, err := f.text.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return f.readError(err, 1, 0)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		head = head[3:]
		_, _ = f.text.Discard(3)
	}
	if len(head) == 0 {
		return orrery.Errorf(orrery.Invalid, "file_empty", "%s is empty", f.path).WithNext("check the program that writes it")
	}
	if f.packing == plain && isParquet(head) {
		f.format = formatParquet
		return f.seekable()
	}
	for _, known := range foreignFormats {
		if bytes.HasPrefix(head, []byte(known.magic)) && bytes.ContainsFunc(head, isBinary) {
			return orrery.Errorf(orrery.Invalid, "file_format", "%s is %s, none of CSV, NDJSON and Parquet", f.path, known.name).WithNext("%s", known.next)
		}
	}
	first := bytes.TrimLeft(head, " \t\r\n")
	name := f.name()
	switch {
	case strings.HasSuffix(name, ".csv"):
		f.format = formatCSV
	case bytes.HasPrefix(first, []byte("[")):
		return orrery.Errorf(orrery.Invalid, "file_format", "%s is a JSON array", f.path).WithNext("write one object a line: jq -c '.[]'")
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"), bytes.HasPrefix(first, []byte("{")):
		f.format = formatNDJSON
	}
	return nil
}

// isParquet knows a Parquet file by its first bytes, with an encrypted footer or not.
func isParquet(head []byte) bool {
	return (bytes.HasPrefix(head, []byte("PAR1")) || bytes.HasPrefix(head, []byte("PARE"))) && (len(head) == 4 || bytes.ContainsFunc(head, isBinary))
}

// seekable refuses what can be read from its beginning only.
func (f *file) seekable() error {
	if f.regular {
		return nil
	}
	return orrery.Errorf(orrery.Invalid, "file_not_regular", "%s is a Parquet file that can be read from its beginning only, and its table of contents is at its end", f.path).
		WithNext("write it to a file first")
}

func isBinary(r rune) bool { return r < '\t' }

// foreignFormats are recognised to say what to do, by their first bytes.
var foreignFormats = []struct{ magic, name, next string }{
	{"PAR1", "a Parquet file in a compressed one", "unpack it first: Parquet compresses by itself"},
	{"PK\x03\x04", "a zip archive", "unpack it first"},
	{"BZh", "compressed with bzip2", "unpack it first, or compress it with gzip or zstd"},
	{"\xfd7zXZ", "compressed with xz", "unpack it first, or compress it with gzip or zstd"},
	{"\xff\xfe", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
	{"\xfe\xff", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
}

// readError explains why the text could not be read beyond line, which begins
// offset bytes into the text.
func (f *file) readError(err error, line, offset int64) error {
	if f.packing != plain {
		return f.unpackError(err, line, offset)
	}
	return orrery.Errorf(orrery.Unavailable, "file_unreadable", "%s cannot be read from line %d on (byte %d)", f.path, line, offset).Because(err)
}

func (f *file) close() { f.raw.Close() }

// counter counts the bytes read of the file.
type counter struct{ f *file }

func (c counter) Read(b []byte) (int, error) {
	n, err := c.f.raw.Read(b)
	c.f.read.Add(int64(n))
	return n, err
}
