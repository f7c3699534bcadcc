package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/klauspost/compress/zstd"
)

// manifestName is the last entry of a stream.
const manifestName = "MANIFEST"

// Bounds on what reading takes of memory, in bytes: the manifest, and the
// decompressor's window.
const (
	manifestLimit = 64 << 20
	windowLimit   = 128 << 20
)

// Write writes the files of a directory as a stream. The directory must not
// change meanwhile.
func Write(w io.Writer, from fs.FS, info Info) error {
	m := &Manifest{Format: Format, Info: info}
	archive := tar.NewWriter(w)
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := writeEntry(archive, from, name)
		m.Files = append(m.Files, file)
		return err
	})
	if err != nil {
		return err
	}
	text, err := m.encode()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(header(manifestName, int64(len(text)))); err != nil {
		return err
	}
	if _, err := archive.Write(text); err != nil {
		return err
	}
	return archive.Close()
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)}
}

func writeEntry(archive *tar.Writer, from fs.FS, name string) (File, error) {
	content, err := from.Open(name)
	if err != nil {
		return File{}, err
	}
	defer content.Close()
	stat, err := content.Stat()
	if err != nil {
		return File{}, err
	}
	if err := archive.WriteHeader(header(name, stat.Size())); err != nil {
		return File{}, err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(archive, sum), content); err != nil {
		return File{}, err
	}
	return File{Name: name, Size: stat.Size(), SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// Read reads a stream, with zstd or without, to its end: keep is given the
// content of each file, of which it reads all, and the manifest when all of it
// was as the manifest says. where names the stream for messages. An error is of
// kind Damaged with code backup_damaged when the stream is not as it was
// written, of kind Invalid with code not_a_backup when it is something else;
// keep's own errors come back as they are.
func Read(r io.Reader, where string, keep func(f File, content io.Reader) (sum string, err error)) (*Manifest, error) {
	buffered := bufio.NewReaderSize(r, 1<<20)
	r = buffered
	if magic, _ := buffered.Peek(4); bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		unzip, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(windowLimit))
		if err != nil {
			return nil, err
		}
		defer unzip.Close()
		r = unzip
	}
	archive := tar.NewReader(r)
	var found []File
	for {
		entry, err := archive.Next()
		if err != nil {
			return nil, noManifest(where, len(found), err)
		}
		if entry.Typeflag != tar.TypeReg || !fs.ValidPath(entry.Name) {
			return nil, damaged(where, "it has an entry %q that is no file of a data directory", entry.Name)
		}
		if entry.Name == manifestName {
			return lastEntry(archive, r, where, found)
		}
		f := File{Name: entry.Name, Size: entry.Size}
		content := &reader{from: archive}
		if f.SHA256, err = keep(f, content); content.err != nil {
			return nil, damaged(where, "%s cannot be read", f.Name).Because(content.err)
		}
		if err != nil {
			return nil, err
		}
		found = append(found, f)
	}
}

// reader tells a failure to read from one to write.
type reader struct {
	from io.Reader
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

func noManifest(where string, files int, cause error) error {
	switch {
	case errors.Is(cause, io.EOF) && files > 0, errors.Is(cause, io.ErrUnexpectedEOF):
		return damaged(where, "it ends before its manifest")
	case files == 0 && (errors.Is(cause, tar.ErrHeader) || errors.Is(cause, io.EOF)):
		return notABackup(where, "it is no archive")
	}
	return damaged(where, "it cannot be read").Because(cause)
}

// lastEntry reads the manifest, holds what was found against it, and sees that
// nothing follows.
func lastEntry(archive *tar.Reader, r io.Reader, where string, found []File) (*Manifest, error) {
	text, err := io.ReadAll(io.LimitReader(archive, manifestLimit))
	if err != nil {
		return nil, damaged(where, "its manifest cannot be read").Because(err)
	}
	m, err := decode(where, text)
	if err != nil {
		return nil, err
	}
	if err := m.compare(where, found); err != nil {
		return nil, err
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return nil, damaged(where, "something follows its manifest")
	}
	// The compression has checksums of its own.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, damaged(where, "it cannot be read to its end").Because(err)
	}
	return m, nil
}

// compare finds that exactly the manifest's files are there, as it says.
func (m *Manifest) compare(where string, found []File) error {
	have := map[string]File{}
	for _, f := range found {
		if _, twice := have[f.Name]; twice {
			return damaged(where, "it has %s twice", f.Name)
		}
		have[f.Name] = f
	}
	for _, f := range m.Files {
		got, ok := have[f.Name]
		switch {
		case !ok:
			return damaged(where, "%s is missing", f.Name)
		case got != f:
			return damaged(where, "%s is not as it was written", f.Name)
		}
		delete(have, f.Name)
	}
	for name := range have {
		return damaged(where, "its manifest does not name %s", name)
	}
	return nil
}

// Sum reads a content and gives its SHA-256.
func Sum(content io.Reader) (string, error) {
	hash := sha256.New()
	_, err := io.Copy(hash, content)
	return hex.EncodeToString(hash.Sum(nil)), err
}
