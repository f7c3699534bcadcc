package pebble

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
)

// Format is the newest version of the data directory that this package reads
// and writes; it reads those before it. A directory is of version 2 from the
// first cut of its log on: a program that knows version 1 only would take what
// is left for the whole.
const Format = 2

// firstFormat is the version of a new directory.
const firstFormat = 1

const (
	formatName   = "FORMAT"
	formatTemp   = "FORMAT.new"
	formatPrefix = "orrery-data "
	lockName     = "LOCK"
)

// directory is a data directory that is locked and known to be ours.
type directory struct {
	fs   vfs.FS
	path string
	lock io.Closer
	// format is the version that FORMAT says.
	format int
	// fresh says that the log may not be there yet: what is made after it is not.
	fresh bool
}

func (d *directory) join(name string) string { return d.fs.PathJoin(d.path, name) }

// openDirectory looks before it touches: what is refused is left as it was.
func openDirectory(disk vfs.FS, path string) (*directory, error) {
	path, err := resolve(disk, path)
	if err != nil {
		return nil, explain(path, err)
	}
	d := &directory{fs: disk, path: path}
	if err := d.inspect(); err != nil {
		return nil, err
	}
	if err := d.makeDir(d.path); err != nil {
		return nil, explain(path, err)
	}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	// Between the look and the lock another process may have made it its own.
	if err = d.inspect(); err == nil && d.fresh {
		err = explain(path, d.writeFormat(firstFormat))
	}
	if err != nil {
		_ = d.lock.Close()
		return nil, err
	}
	return d, nil
}

// resolve gives one name to a directory that has several, since the lock goes
// by name within a process.
func resolve(disk vfs.FS, path string) (string, error) {
	if vfs.Root(disk) != vfs.Default {
		return path, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path, err
	}
	if real, err := filepath.EvalSymlinks(absolute); err == nil {
		return real, nil
	}
	return absolute, nil
}

// inspect decides whether the directory is ours, and whether it is new.
func (d *directory) inspect() error {
	names, err := d.fs.List(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		d.fresh = true
		return nil
	}
	if err != nil {
		return d.notReadable(err)
	}
	found, other := map[string]bool{}, ""
	for _, name := range names {
		found[name] = true
		// A new file system has a lost+found; the rest is what a start that was
		// cut short leaves behind.
		if name != lockName && name != formatTemp && name != "lost+found" {
			other = name
		}
	}
	if !found[formatName] {
		if other != "" {
			return d.notOurs("it holds " + strconv.Quote(other) + " and no " + formatName)
		}
		d.fresh = true
		return nil
	}
	if err := d.checkFormat(); err != nil {
		return err
	}
	d.fresh = !found["state"] && !found["blobs"]
	return nil
}

func (d *directory) notReadable(err error) error {
	if info, statErr := d.fs.Stat(d.path); statErr == nil && !info.IsDir() {
		return d.notOurs("it is a file")
	}
	return explain(d.path, err)
}

func (d *directory) notOurs(why string) error {
	return orrery.Errorf(orrery.Invalid, "data_dir_not_ours", "%s is not a data directory: %s", d.path, why).
		WithNext("name an empty directory, or one that does not exist")
}

func (d *directory) checkFormat() error {
	text, err := readFile(d.fs, d.join(formatName))
	if err != nil {
		return explain(d.join(formatName), err)
	}
	number, ours := strings.CutPrefix(strings.TrimSuffix(string(text), "\n"), formatPrefix)
	if !ours {
		return d.notOurs("its " + formatName + " is not one of ours")
	}
	version, err := strconv.ParseUint(number, 10, 31)
	if err != nil || version == 0 {
		return damaged(d.join(formatName), err)
	}
	if version > Format {
		return orrery.Errorf(orrery.Unavailable, "data_dir_newer", "%s was written by a newer version, in format %d; this one reads up to %d", d.path, version, Format).
			WithNext("use the newer version, or another directory")
	}
	d.format = int(version)
	return nil
}

// raise makes FORMAT say the newest version.
func (d *directory) raise() error {
	if d.format >= Format {
		return nil
	}
	if err := d.writeFormat(Format); err != nil {
		return explain(d.path, err)
	}
	d.format = Format
	return nil
}

func (d *directory) acquire() error {
	lock, err := d.fs.Lock(d.join(lockName))
	if err == nil {
		d.lock = lock
		return nil
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return explain(d.path, err)
	}
	return orrery.Errorf(orrery.Unavailable, "data_dir_in_use", "%s is in use by another server or command", d.path).Because(err).
		WithNext("stop that one first, or use another directory")
}

// writeFormat makes the directory ours, before anything else is put in it.
func (d *directory) writeFormat(version int) error {
	return writeFile(d.fs, d.path, formatName, formatTemp, fmt.Appendf(nil, "%s%d\n", formatPrefix, version))
}

// makeDir makes a directory with those above it, durably.
func (d *directory) makeDir(path string) error {
	var made []string
	for at := path; ; at = d.fs.PathDir(at) {
		if _, err := d.fs.Stat(at); err == nil || !errors.Is(err, fs.ErrNotExist) || at == d.fs.PathDir(at) {
			break
		}
		made = append(made, at)
	}
	if err := d.fs.MkdirAll(path, 0o755); err != nil {
		return err
	}
	for _, at := range made {
		if err := syncDir(d.fs, d.fs.PathDir(at)); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file whole or not at all: under another name, synced, then
// renamed, and the directory synced.
func writeFile(disk vfs.FS, dir, name, temp string, content []byte) (err error) {
	temp, name = disk.PathJoin(dir, temp), disk.PathJoin(dir, name)
	file, err := disk.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(append([]byte(nil), content...)) // Write may change what it is given.
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = disk.Rename(temp, name)
	}
	if err != nil {
		_ = disk.Remove(temp)
		return err
	}
	return syncDir(disk, dir)
}

func syncDir(disk vfs.FS, dir string) error {
	if dir == "" {
		dir = "."
	}
	handle, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}

func readFile(disk vfs.FS, name string) ([]byte, error) {
	file, err := disk.Open(name)
	if err != nil {
		return nil, err
	}
	// A release can hold hundreds of megabytes, which a growing buffer would have
	// several times.
	var content bytes.Buffer
	if info, statErr := file.Stat(); statErr == nil {
		content.Grow(int(info.Size()) + bytes.MinRead)
	}
	_, err = content.ReadFrom(file)
	return content.Bytes(), errors.Join(err, file.Close())
}
