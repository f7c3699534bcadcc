package pebble

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
)

// endName is the file that says how far the log was known to be durable.
const endName = "END"

// endSize is that of an offset and of a checksum of it.
const endSize = 16

// end notes beside the log how far it was durable. Pebble takes what it cannot
// read at the end of its write-ahead log for a write that a crash cut short, which
// nobody was told of; damage to what was acknowledged looks the same to it. The
// note is not synced: it is no further than the log, and what the system writes
// out of it in its own time tells the two apart.
type end struct {
	mutex  sync.Mutex
	file   vfs.File
	offset orrery.Offset
}

// openEnd opens the note, or begins one, and holds the log's last offset against it.
func openEnd(d *directory, last orrery.Offset) (*end, error) {
	path := d.join(endName)
	noted, err := readEnd(d.fs, path)
	if err != nil {
		return nil, explain(path, err)
	}
	if noted > last {
		return nil, orrery.Errorf(orrery.Damaged, "log_cut_short", "the log in %s ends at offset %d, and all up to offset %d had been recorded", d.path, last, noted).
			WithNext("restore the data directory from a backup; or remove %s to go on without the %d that are missing", path, noted-last)
	}
	file, err := d.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err == nil {
		err = syncDir(d.fs, d.path)
	}
	if err != nil {
		return nil, explain(path, err)
	}
	return &end{file: file}, nil
}

// readEnd gives what was noted, 0 where nothing is or the note itself was cut
// short.
func readEnd(disk vfs.FS, path string) (orrery.Offset, error) {
	file, err := disk.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil || len(text) != endSize {
		return 0, err
	}
	if binary.BigEndian.Uint64(text[8:]) != xxhash.Sum64(text[:8]) {
		return 0, nil
	}
	return orrery.Offset(binary.BigEndian.Uint64(text)), nil
}

// note writes that all up to offset is durable.
func (e *end) note(offset orrery.Offset) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if offset <= e.offset {
		return nil
	}
	e.offset = offset
	text := binary.BigEndian.AppendUint64(make([]byte, 0, endSize), uint64(offset))
	_, err := e.file.WriteAt(binary.BigEndian.AppendUint64(text, xxhash.Sum64(text)), 0)
	return err
}

func (e *end) close() error {
	if e == nil {
		return nil
	}
	return e.file.Close()
}
