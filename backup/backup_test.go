package backup_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/klauspost/compress/zstd"

	"orrery.dev"
	"orrery.dev/backup"
)

var info = backup.Info{System: "fraud", Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Offset: 42}

// data is what a data directory could hold.
func data(change string) fstest.MapFS {
	noise := make([]byte, 3000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	return fstest.MapFS{"FORMAT": {Data: []byte("orrery-data 1\n")}, "log/000001.log": {Data: []byte("records " + change)}, "log/000002.sst": {Data: noise},
		"state/empty": {}, "blobs/" + strings.Repeat("a", 64): {Data: []byte("a model")}}
}

func stream(t testing.TB, from fs.FS, packed bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := backup.Write(&b, from, info); err != nil {
		t.Fatal(err)
	}
	if !packed {
		return b.Bytes()
	}
	zip, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return zip.EncodeAll(b.Bytes(), nil)
}

func contents(t testing.TB, from fs.FS) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(from, path)
		found[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t testing.TB, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestoreGivesWhatWasThere(t *testing.T) {
	for _, packed := range []bool{false, true} {
		path := write(t, filepath.Join(t.TempDir(), "archive"), stream(t, data("one"), packed))
		dir := filepath.Join(t.TempDir(), "new")
		looked := false
		m, err := backup.Restore(path, 0, dir, func(staging string) error {
			looked = true
			if got := contents(t, os.DirFS(staging)); !maps.Equal(got, contents(t, data("one"))) {
				t.Errorf("to be verified: %q", got)
			}
			if _, err := os.Stat(filepath.Join(dir, "FORMAT")); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the directory looks complete before it was verified")
			}
			return nil
		})
		if err != nil || !looked || m.Info != info {
			t.Fatalf("%+v %v", m, err)
		}
		if got := contents(t, os.DirFS(dir)); !maps.Equal(got, contents(t, data("one"))) {
			t.Errorf("restored %q", got)
		}
	}
}

func TestFolderKeepsEachContentOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backups")
	folder, err := backup.MakeFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, change := range []string{"one", "two", "two", "three"} {
		added, err := folder.Add(bytes.NewReader(stream(t, data(change), false)))
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{5, 1, 0, 1}[i]; added.NewFiles != want || added.Number != i+1 || added.Files != 5 {
			t.Errorf("backup %d: %+v, want %d new files", i+1, added, want)
		}
	}
	restore := func(number int, want string) {
		t.Helper()
		dir := t.TempDir()
		if _, err := backup.Restore(path, number, dir, nil); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, os.DirFS(dir)); !maps.Equal(got, contents(t, data(want))) {
			t.Errorf("backup %d: %q", number, got)
		}
	}
	restore(0, "three")
	restore(1, "one")
	restore(2, "two")
	if err := folder.Keep(2); err != nil {
		t.Fatal(err)
	}
	restore(0, "three")
	restore(3, "two")
	if _, err := backup.Restore(path, 1, t.TempDir(), nil); orrery.CodeOf(err) != "backup_missing" {
		t.Errorf("a backup that was removed: %v", err)
	}
	if objects, err := os.ReadDir(filepath.Join(path, "objects")); err != nil || len(objects) != 6 {
		t.Errorf("%d objects %v, want 6", len(objects), err)
	}
}

// read gives the files of a stream by name.
func read(altered []byte) (map[string]string, *backup.Manifest, error) {
	found := map[string]string{}
	m, err := backup.Read(bytes.NewReader(altered), "it", func(file backup.File, content io.Reader) (string, error) {
		var b bytes.Buffer
		sum, err := backup.Sum(io.TeeReader(content, &b))
		found[file.Name] = b.String()
		return sum, err
	})
	return found, m, err
}

// damages alters a stream at every byte, and cuts it at every fifth.
func damages(whole []byte, try func(what string, altered []byte)) {
	for at := range whole {
		altered := bytes.Clone(whole)
		altered[at] ^= 1 << (at % 8)
		try(fmt.Sprintf("byte %d of %d", at, len(whole)), altered)
		if at%5 == 0 {
			try(fmt.Sprintf("cut at %d of %d", at, len(whole)), whole[:at])
		}
	}
}

var damageCodes = []string{"backup_damaged", "not_a_backup", "backup_newer"}

// TestDamagedArchives reads streams that were altered: it gives what was there,
// or an error that says so.
func TestDamagedArchives(t *testing.T) {
	want := contents(t, data("one"))
	for _, packed := range []bool{false, true} {
		refused := 0
		damages(stream(t, data("one"), packed), func(what string, altered []byte) {
			got, _, err := read(altered)
			if err == nil && !maps.Equal(got, want) {
				t.Fatalf("packed %v, %s: something else was read: %q", packed, what, got)
			}
			if err != nil {
				refused++
				if !slices.Contains(damageCodes, orrery.CodeOf(err)) {
					t.Fatalf("packed %v, %s: %v", packed, what, err)
				}
			}
		})
		if refused < 3000 {
			t.Errorf("packed %v: only %d were refused", packed, refused)
		}
	}
}

// TestDamagedArchivesRestoreNothing does the same to the disk, here and there.
func TestDamagedArchivesRestoreNothing(t *testing.T) {
	want, dir, n := contents(t, data("one")), t.TempDir(), 0
	damages(stream(t, data("one"), true), func(what string, altered []byte) {
		if n++; n%61 != 0 {
			return
		}
		path, to := write(t, filepath.Join(dir, "archive"), altered), filepath.Join(dir, what)
		_, err := backup.Restore(path, 0, to, nil)
		got := contents(t, os.DirFS(to))
		if err == nil && !maps.Equal(got, want) || err != nil && len(got) > 0 {
			t.Fatalf("%s: %v, and %q is there", what, err, got)
		}
	})
}

func TestDamagedFolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backups")
	folder, err := backup.MakeFolder(path)
	if err == nil {
		_, err = folder.Add(bytes.NewReader(stream(t, data("one"), false)))
	}
	if err != nil {
		t.Fatal(err)
	}
	files := contents(t, os.DirFS(path))
	for name, text := range files {
		refuse := func(what string, codes ...string) {
			t.Helper()
			to := filepath.Join(t.TempDir(), "restored")
			_, err := backup.Restore(path, 0, to, nil)
			if !strings.Contains(strings.Join(codes, " "), orrery.CodeOf(err)) || err == nil {
				t.Errorf("%s of %s: %v", what, name, err)
			}
		}
		full := filepath.Join(path, name)
		for at := 0; at < len(text); at += 1 + len(text)/8 {
			altered := []byte(text)
			altered[at] ^= 4
			write(t, full, altered)
			refuse(fmt.Sprintf("byte %d", at), "backup_damaged", "not_a_backup")
		}
		if err := os.Remove(full); err != nil {
			t.Fatal(err)
		}
		refuse("the removal", "backup_damaged", "not_a_backup", "backup_missing")
		write(t, full, []byte(text))
	}
	// A damaged object is not taken for the content of the next backup.
	object := ""
	for name, text := range files {
		if text == "a model" {
			object = filepath.Join(path, name)
		}
	}
	write(t, object, []byte("a modem"))
	if _, err := folder.Add(bytes.NewReader(stream(t, data("one"), false))); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(path, 0, t.TempDir(), nil); err != nil {
		t.Errorf("after a backup that mends it: %v", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "archive"), stream(t, data("one"), false))
	full := t.TempDir()
	write(t, filepath.Join(full, "mine"), nil)
	if _, err := backup.Restore(path, 0, full, nil); orrery.CodeOf(err) != "restore_not_empty" {
		t.Errorf("into a directory that is not empty: %v", err)
	}
	if _, err := backup.Restore(filepath.Join(full, "mine"), 0, t.TempDir(), nil); orrery.CodeOf(err) != "not_a_backup" {
		t.Errorf("from an empty file: %v", err)
	}
	if _, err := backup.Restore(full, 0, t.TempDir(), nil); orrery.CodeOf(err) != "not_a_backup" {
		t.Errorf("from a directory that is no backup: %v", err)
	}
	if _, err := backup.MakeFolder(full); orrery.CodeOf(err) != "not_a_backup" {
		t.Errorf("to a directory that is no backup: %v", err)
	}
	mine := errors.New("it does not verify")
	dir := t.TempDir()
	if _, err := backup.Restore(path, 0, dir, func(string) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("what does not verify: %v", err)
	}
	if got := contents(t, os.DirFS(dir)); len(got) > 0 {
		t.Errorf("it left %q", got)
	}
}

// TestRestoreAgain begins anew over what a restore that was cut short has left.
func TestRestoreAgain(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "archive"), stream(t, data("one"), true))
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "restoring", "log"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "restoring", "log", "000001.log"), []byte("half"))
	if _, err := backup.Restore(path, 0, dir, nil); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, os.DirFS(dir)); !maps.Equal(got, contents(t, data("one"))) {
		t.Errorf("restored %q", got)
	}
}

// TestNamesStayInside refuses archives that would write elsewhere.
func TestNamesStayInside(t *testing.T) {
	for _, name := range []string{"../outside", "/outside", "a/../../outside"} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		_, err := backup.Restore(write(t, filepath.Join(dir, "archive"), b.Bytes()), 0, filepath.Join(dir, "new"), nil)
		if orrery.CodeOf(err) != "backup_damaged" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "outside")); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(stream(f, data("one"), false))
	f.Add(stream(f, data("one"), true))
	f.Fuzz(func(t *testing.T, altered []byte) {
		found, m, err := read(altered)
		if err == nil && len(found) != len(m.Files) {
			t.Errorf("%d files, and the manifest has %d", len(found), len(m.Files))
		}
		if err != nil && !slices.Contains(damageCodes, orrery.CodeOf(err)) {
			t.Error(err)
		}
	})
}
