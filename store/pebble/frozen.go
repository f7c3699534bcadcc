package pebble

import (
	"io"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// frozenFS stops an instance at its first failed write. Pebble takes such a
// failure as the end of the process, and going on after it could lose what was
// acknowledged: a write-ahead log might be removed though the table that
// replaced it is not recorded. A server has better to do than to end: it refuses
// writes, answers reads and says what is wrong. So the goroutine that met the
// failure is never let go on, as if the power had gone; the disk is left as it
// was at that moment. Pebble holds no lock that a read needs while it writes.
// The goroutine and its memory stay until the process ends.
//
// Reads and removals that fail are passed on: Pebble copes with those. So are
// failures in a checkpoint: the copy is given up, and the data is as it was.
type frozenFS struct {
	vfs.FS
	fault *fault
	// copies is the folder of checkpoints.
	copies string
	pacer  *pacer
}

// spares reports whether a failure to write a file is not a fault of the
// instance.
func (f frozenFS) spares(name string) bool { return strings.HasPrefix(name, f.copies) }

// check lets an operation that went well pass, and no other; nor any once there
// was a fault, so that nothing is written after it.
func (f frozenFS) check(err error) {
	if err != nil {
		_ = f.fault.set(err)
	}
	if f.fault.err() != nil {
		select {}
	}
}

func (f frozenFS) file(name string, file vfs.File, err error) (vfs.File, error) {
	if f.spares(name) {
		return file, err
	}
	f.check(err)
	return frozenFile{file, f, f.pacer.of(name)}, nil
}

// done is the end of an operation on a name.
func (f frozenFS) done(name string, err error) error {
	if !f.spares(name) {
		f.check(err)
	}
	return err
}

// Create makes a file. A marker of Pebble's names another file by its own name,
// so the other's name is made durable first; Pebble syncs both at once and
// trusts the file system to keep their order.
func (f frozenFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(f.PathBase(name), "marker.") {
		if err := f.done(name, syncDir(f.FS, f.PathDir(name))); err != nil {
			return nil, err
		}
	}
	file, err := f.FS.Create(name, category)
	return f.file(name, file, err)
}

func (f frozenFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, category, opts...)
	return f.file(name, file, err)
}

func (f frozenFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.file(name, file, err)
}

func (f frozenFS) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, category)
	return f.file(to, file, err)
}

func (f frozenFS) Link(from, to string) error {
	return f.done(to, f.FS.Link(from, to))
}

func (f frozenFS) Rename(from, to string) error {
	return f.done(to, f.FS.Rename(from, to))
}

func (f frozenFS) MkdirAll(dir string, mode os.FileMode) error {
	return f.done(dir, f.FS.MkdirAll(dir, mode))
}

// Remove is refused once there was a fault: the file may be what recovery needs.
func (f frozenFS) Remove(name string) error {
	_ = f.done(name, nil)
	return f.FS.Remove(name)
}

// Lock does nothing: the store holds one lock for the whole data directory.
func (f frozenFS) Lock(string) (io.Closer, error) { return nothing{}, nil }

func (f frozenFS) Unwrap() vfs.FS { return f.FS }

type nothing struct{}

func (nothing) Close() error { return nil }

type frozenFile struct {
	vfs.File
	fs   frozenFS
	pace *pace
}

func (f frozenFile) Write(p []byte) (int, error) {
	f.pace.rest()
	n, err := f.File.Write(p)
	f.fs.check(err)
	return n, nil
}

func (f frozenFile) WriteAt(p []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(p, at)
	f.fs.check(err)
	return n, nil
}

func (f frozenFile) Sync() error {
	f.fs.check(f.File.Sync())
	return nil
}

func (f frozenFile) SyncData() error {
	f.fs.check(f.File.SyncData())
	return nil
}

func (f frozenFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	f.fs.check(err)
	return full, nil
}
