package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"orrery.dev"
)

// stagingName is the folder, within the directory to be restored, that holds
// what is not known to be whole. The store takes a directory with it, and without
// a FORMAT, for none of its own.
const stagingName = "restoring"

// lastName is the file that makes a directory one of the store's: it is put in
// place last.
const lastName = "FORMAT"

// Restore puts a backup into a directory that does not exist or is empty: a
// stream in a file, or backup number of a folder, 0 for the newest. verify looks
// at the restored data before it becomes the directory's; it may be nil. When
// anything fails the directory is left empty.
func Restore(from string, number int, dir string, verify func(dir string) error) (m *Manifest, err error) {
	if err := requireEmpty(dir); err != nil {
		return nil, err
	}
	staging := filepath.Join(dir, stagingName)
	if err := os.MkdirAll(staging, 0o755); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(staging)
		}
	}()
	if m, err = unpack(from, number, staging); err != nil {
		return nil, err
	}
	if verify != nil {
		if err = verify(staging); err != nil {
			return nil, err
		}
	}
	return m, adopt(staging, dir)
}

// requireEmpty refuses a directory with something in it, except what a restore
// that was cut short has left.
func requireEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() != stagingName && e.Name() != "lost+found" {
			return orrery.Errorf(orrery.Conflict, "restore_not_empty", "%s is not empty: it holds %s", dir, strconv.Quote(e.Name())).
				WithNext("name a directory that does not exist, or an empty one")
		}
	}
	return os.RemoveAll(filepath.Join(dir, stagingName))
}

func unpack(from string, number int, staging string) (*Manifest, error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, orrery.Errorf(orrery.NotFound, "backup_missing", "there is no backup at %s", from).Because(err).WithNext("name what orrery backup has written")
	}
	if info.IsDir() {
		folder, err := OpenFolder(from)
		if err != nil {
			return nil, err
		}
		return folder.unpack(number, staging)
	}
	if number != 0 {
		return nil, orrery.Errorf(orrery.Invalid, "backup_single", "%s holds one backup", from).WithNext("leave the number out")
	}
	file, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return Read(file, from, func(f File, content io.Reader) (string, error) { return place(staging, f.Name, content) })
}

// unpack copies the objects of a backup to where they came from.
func (d *Folder) unpack(number int, staging string) (*Manifest, error) {
	m, where, err := d.read(number)
	if err != nil {
		return nil, err
	}
	var found []File
	for _, f := range m.Files {
		object, err := os.Open(d.object(f.SHA256))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, damaged(where, "%s, the content of %s, is missing", d.object(f.SHA256), f.Name)
		}
		if err != nil {
			return nil, err
		}
		content := &counter{from: object}
		sum, err := place(staging, f.Name, content)
		_ = object.Close()
		if err != nil {
			return nil, err
		}
		if sum != f.SHA256 {
			return nil, damaged(where, "%s, the content of %s, is not as it was written", d.object(f.SHA256), f.Name)
		}
		found = append(found, File{f.Name, content.size, sum})
	}
	return m, m.compare(where, found)
}

type counter struct {
	from io.Reader
	size int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.size += int64(n)
	return n, err
}

// place writes one file, durably, and gives the sum of what was written.
func place(dir, name string, content io.Reader) (string, error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, hash), content)
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, file.Sync(), file.Close())
}

// adopt moves what was restored to its place, the file that makes it complete
// last.
func adopt(staging, dir string) error {
	folders := []string{}
	err := filepath.WalkDir(staging, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	for _, folder := range folders {
		err = errors.Join(err, syncDir(folder))
	}
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(staging)
	if err != nil {
		return err
	}
	move := func(name string) error { return os.Rename(filepath.Join(staging, name), filepath.Join(dir, name)) }
	for _, e := range entries {
		if e.Name() != lastName {
			if err := move(e.Name()); err != nil {
				return err
			}
		}
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	if err := move(lastName); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(staging), syncDir(dir))
}
