package pebble_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"orrery.dev"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// tree reads every file under a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// filled gives a data directory with a little in it, closed.
func filled(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir, small)
	batch := &store.Batch{Records: []store.Record{{Offset: 1, Kind: store.EventRecord, Data: []byte("event")}}}
	if err := s.Log().Append(batch, true); err != nil {
		t.Fatal(err)
	}
	if err := s.State().Write([]store.StateItem{{Table: store.TableID{1}, Key: "k", Value: []byte("state")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.State().Mark(1, []store.TableID{{1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Blob().Put([]byte("model")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refused checks that Open gives the code, with what to do, and that nothing in
// the directory has changed.
func refused(t *testing.T, dir, code string) *orrery.Error {
	t.Helper()
	before := tree(t, dir)
	_, err := pebble.Open(dir, small)
	var known *orrery.Error
	if !errors.As(err, &known) || known.Code != code || known.Next == "" {
		t.Fatalf("got %v, want code %s and what to do", err, code)
	}
	if !maps.Equal(before, tree(t, dir)) {
		t.Fatalf("the directory changed by a refusal with %s", code)
	}
	return known
}

// atRest waits until an open store has ended what it does to its files behind: it
// deletes those that it has no use for after it has opened.
func atRest(t *testing.T, dir string) {
	t.Helper()
	last, since := tree(t, dir), time.Now()
	for time.Since(since) < 200*time.Millisecond {
		time.Sleep(5 * time.Millisecond)
		if now := tree(t, dir); !maps.Equal(last, now) {
			last, since = now, time.Now()
		}
	}
}

func TestDirectoryRefused(t *testing.T) {
	tests := []struct {
		name, code string
		damage     func(t *testing.T, dir string)
	}{
		{"newer", "data_dir_newer", func(t *testing.T, dir string) { write(t, dir+"/FORMAT", "orrery-data 3\n") }},
		{"far newer", "data_dir_newer", func(t *testing.T, dir string) { write(t, dir+"/FORMAT", "orrery-data 2000000000\n") }},
		{"no number", "data_dir_damaged", func(t *testing.T, dir string) { write(t, dir+"/FORMAT", "orrery-data x\n") }},
		{"format 0", "data_dir_damaged", func(t *testing.T, dir string) { write(t, dir+"/FORMAT", "orrery-data 0\n") }},
		{"another's FORMAT", "data_dir_not_ours", func(t *testing.T, dir string) { write(t, dir+"/FORMAT", "something\n") }},
		{"no FORMAT", "data_dir_not_ours", func(t *testing.T, dir string) { remove(t, dir+"/FORMAT") }},
		{"no log", "data_dir_damaged", func(t *testing.T, dir string) { remove(t, dir+"/log") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filled(t)
			test.damage(t, dir)
			refused(t, dir, test.code)
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func TestDirectoryOfAnother(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/photos/1.jpg", "a photo")
	refused(t, dir, "data_dir_not_ours")
	refused(t, dir+"/photos/1.jpg", "data_dir_not_ours")
}

// TestDirectoryMade opens what does not exist, what is empty, a new file
// system's root and what a start that was cut short left.
func TestDirectoryMade(t *testing.T) {
	for _, before := range []string{"", "lost+found/nothing", "LOCK", "FORMAT.new"} {
		dir := filepath.Join(t.TempDir(), "some", "where")
		if before != "" {
			write(t, filepath.Join(dir, before), "")
		}
		s := open(t, dir, small)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := open(t, dir, small).Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDirectoryInUse opens a directory twice, by any of its names.
func TestDirectoryInUse(t *testing.T) {
	dir := filled(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	s := open(t, dir, small)
	atRest(t, dir)
	for _, name := range []string{dir, dir + "/.", link} {
		refused(t, name, "data_dir_in_use")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, link, small).Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDirectoryInUseElsewhere has another process, this test's own program,
// try to open a directory that is open here.
func TestDirectoryInUseElsewhere(t *testing.T) {
	const variable = "ORRERY_TEST_OPEN"
	if dir := os.Getenv(variable); dir != "" {
		_, err := pebble.Open(dir, small)
		os.Stdout.WriteString(orrery.CodeOf(err) + "\n")
		return
	}
	dir := filled(t)
	s := open(t, dir, small)
	defer s.Close()
	child := exec.Command(os.Args[0], "-test.run=^TestDirectoryInUseElsewhere$")
	child.Env = append(os.Environ(), variable+"="+dir)
	output, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "data_dir_in_use\n") {
		t.Fatalf("the other process says %s, %v", output, err)
	}
}

// TestDirectoryDamaged changes files of a data directory. What is no longer
// readable is said to be damaged, at the start or when it is read.
func TestDirectoryDamaged(t *testing.T) {
	for instance, patterns := range map[string][]string{"log": {"MANIFEST-*", "*.sst"}, "state": {"RUNS", "*.run"}} {
		for _, pattern := range patterns {
			dir := filled(t)
			names, err := filepath.Glob(filepath.Join(dir, instance, pattern))
			if err != nil || len(names) == 0 {
				t.Fatalf("no %s/%s: %v", instance, pattern, err)
			}
			for _, name := range names {
				content, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				write(t, name, strings.Repeat("damage", len(content)/6))
			}
			err = use(dir)
			if orrery.KindOf(err) != orrery.Damaged || orrery.CodeOf(err) != "data_dir_damaged" {
				t.Errorf("%s/%s: %v", instance, pattern, err)
			}
			if instance == "state" {
				// The state is a cache, and the advice is to remove it.
				remove(t, filepath.Join(dir, "state"))
				if err := use(dir); err != nil {
					t.Errorf("without the state: %v", err)
				}
			}
		}
	}
}

// use opens a store and reads everything in it.
func use(dir string) error {
	s, err := pebble.Open(dir, small)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, err := range s.Log().Scan(0) {
		if err != nil {
			return err
		}
	}
	_, err = s.State().Marked(store.TableID{1})
	return err
}

func TestBlobDamaged(t *testing.T) {
	dir := filled(t)
	s := open(t, dir, small)
	defer s.Close()
	digests, err := s.Blob().List()
	if err != nil || len(digests) != 1 {
		t.Fatalf("%q, %v", digests, err)
	}
	write(t, filepath.Join(dir, "blobs", digests[0]), "other")
	if _, err := s.Blob().Get(digests[0]); orrery.CodeOf(err) != "blob_damaged" || orrery.KindOf(err) != orrery.Damaged {
		t.Fatalf("a damaged content: %v", err)
	}
	if _, err := s.Blob().Put([]byte("model")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Blob().Get(digests[0]); err != nil {
		t.Fatalf("content that was put again: %v", err)
	}
}

// TestOpenFaults has every kind of operation on the disk refused while a
// directory is opened.
func TestOpenFaults(t *testing.T) {
	codes := map[error]string{fs.ErrPermission: "data_dir_permission", syscall.ENOSPC: "disk_full", syscall.EROFS: "data_dir_permission"}
	for fault, code := range codes {
		for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpMkdirAll, errorfs.OpFileWrite, errorfs.OpLock, errorfs.OpList} {
			o := small
			o.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == kind {
					return &fs.PathError{Op: "test", Path: op.Path, Err: fault}
				}
				return nil
			}))
			_, err := pebble.Open("/data", o)
			if orrery.CodeOf(err) != code {
				t.Errorf("%v at operation %d: %v, want code %s", fault, kind, err, code)
			}
		}
	}
}
