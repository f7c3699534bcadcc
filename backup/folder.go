package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"orrery.dev"
)

// A folder of backups:
//
//	ORRERY_BACKUPS   the version of this layout
//	objects/SHA256   the content of files
//	000001.json      the manifest of the first backup, and so on
const (
	markName   = "ORRERY_BACKUPS"
	markText   = "orrery-backups 1\n"
	objectsDir = "objects"
	// newSuffix ends the name of what is not complete.
	newSuffix = ".new"
)

// Folder is a folder of backups.
type Folder struct{ path string }

// MakeFolder gives a folder of backups to add to: one that exists, or a new one
// where path does not exist or is empty.
func MakeFolder(path string) (*Folder, error) {
	f, err := OpenFolder(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(filepath.Join(path, objectsDir), 0o755); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(path, markName), []byte(markText)); err != nil {
		return nil, err
	}
	return &Folder{path}, nil
}

// OpenFolder gives a folder of backups that exists.
func OpenFolder(path string) (*Folder, error) {
	mark, err := os.ReadFile(filepath.Join(path, markName))
	if err == nil {
		if string(mark) != markText {
			return nil, notABackup(path, "its "+markName+" is not one that this version knows")
		}
		return &Folder{path}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries, listErr := os.ReadDir(path)
	for _, e := range entries {
		// An earlier start may have been cut short.
		if e.Name() != objectsDir && e.Name() != markName+newSuffix {
			return nil, notABackup(path, "it holds "+strconv.Quote(e.Name())+" and no "+markName)
		}
	}
	if listErr != nil && !errors.Is(listErr, fs.ErrNotExist) {
		return nil, listErr
	}
	return nil, orrery.Errorf(orrery.NotFound, "backup_missing", "there is no backup in %s", path).Because(err).WithNext("name what orrery backup has written")
}

// Added is what a backup has added to a folder.
type Added struct {
	Manifest *Manifest
	// Number counts the folder's backups from 1.
	Number int
	// Files and Bytes are all of the backup; NewFiles and NewBytes what the folder
	// did not have yet.
	Files, NewFiles int
	Bytes, NewBytes int64
}

// Add reads a stream and adds it as the folder's newest backup.
func (d *Folder) Add(r io.Reader) (*Added, error) {
	a := &Added{}
	m, err := Read(r, "the copy", func(f File, content io.Reader) (string, error) {
		sum, written, err := d.putObject(content)
		a.Files, a.Bytes = a.Files+1, a.Bytes+f.Size
		if written {
			a.NewFiles, a.NewBytes = a.NewFiles+1, a.NewBytes+f.Size
		}
		return sum, err
	})
	if err != nil {
		return nil, err
	}
	// The objects' names must be durable before a manifest says them.
	if err := syncDir(filepath.Join(d.path, objectsDir)); err != nil {
		return nil, err
	}
	numbers, err := d.Numbers()
	if err != nil {
		return nil, err
	}
	a.Manifest, a.Number = m, 1
	if len(numbers) > 0 {
		a.Number = numbers[len(numbers)-1] + 1
	}
	text, err := m.encode()
	if err != nil {
		return nil, err
	}
	return a, writeFile(d.manifest(a.Number), text)
}

func (d *Folder) manifest(number int) string {
	return filepath.Join(d.path, fmt.Sprintf("%06d.json", number))
}

func (d *Folder) object(sum string) string { return filepath.Join(d.path, objectsDir, sum) }

// putObject keeps a content under its sum, unless it is there undamaged.
func (d *Folder) putObject(content io.Reader) (sum string, written bool, err error) {
	temp, err := os.CreateTemp(filepath.Join(d.path, objectsDir), "*"+newSuffix)
	if err != nil {
		return "", false, err
	}
	defer func() {
		if !written {
			_ = os.Remove(temp.Name())
		}
	}()
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(temp, hash), content)
	sum = hex.EncodeToString(hash.Sum(nil))
	if err == nil && d.checkObject(sum) == nil {
		return sum, false, temp.Close()
	}
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return sum, false, err
	}
	if err := os.Rename(temp.Name(), d.object(sum)); err != nil {
		return sum, false, err
	}
	return sum, true, nil
}

func (d *Folder) checkObject(sum string) error {
	file, err := os.Open(d.object(sum))
	if err != nil {
		return err
	}
	defer file.Close()
	if is, err := Sum(file); err != nil || is != sum {
		return errors.Join(err, errors.New("it is damaged"))
	}
	return nil
}

// Numbers gives the numbers of the folder's backups, oldest first.
func (d *Folder) Numbers() ([]int, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if digits, ok := strings.CutSuffix(e.Name(), ".json"); ok {
			if n, err := strconv.Atoi(digits); err == nil && n > 0 {
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// read gives a backup's manifest; number 0 is the newest.
func (d *Folder) read(number int) (*Manifest, string, error) {
	numbers, err := d.Numbers()
	if err != nil {
		return nil, "", err
	}
	if number == 0 && len(numbers) > 0 {
		number = numbers[len(numbers)-1]
	}
	if !slices.Contains(numbers, number) {
		return nil, "", orrery.Errorf(orrery.NotFound, "backup_missing", "there is no such backup in %s", d.path).WithNext("it has %v", numbers)
	}
	where := d.manifest(number)
	text, err := os.ReadFile(where)
	if err != nil {
		return nil, "", err
	}
	m, err := decode(where, text)
	return m, where, err
}

// Keep removes all but the newest backups, and the objects that then belong to
// none.
func (d *Folder) Keep(newest int) error {
	numbers, err := d.Numbers()
	if err != nil || len(numbers) <= newest {
		return err
	}
	used := map[string]bool{}
	for _, n := range numbers[len(numbers)-newest:] {
		m, _, err := d.read(n)
		if err != nil {
			return err
		}
		for _, f := range m.Files {
			used[f.SHA256] = true
		}
	}
	for _, n := range numbers[:len(numbers)-newest] {
		if err := os.Remove(d.manifest(n)); err != nil {
			return err
		}
	}
	// No manifest may be left that names what goes now.
	if err := syncDir(d.path); err != nil {
		return err
	}
	objects, err := os.ReadDir(filepath.Join(d.path, objectsDir))
	if err != nil {
		return err
	}
	for _, o := range objects {
		if !used[o.Name()] {
			if err := os.Remove(d.object(o.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFile writes a file whole or not at all, durably.
func writeFile(path string, content []byte) error {
	file, err := os.Create(path + newSuffix)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(path+newSuffix, path)
	}
	if err != nil {
		_ = os.Remove(path + newSuffix)
		return err
	}
	return SyncParent(path)
}

// SyncParent makes the name of a file durable.
func SyncParent(path string) error { return syncDir(filepath.Dir(path)) }

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
