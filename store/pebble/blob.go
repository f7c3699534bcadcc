package pebble

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/store"
)

const blobTemp = ".new"

// blobPort is the store's Blob: one file for each content.
type blobPort struct {
	fs  vfs.FS
	dir string
	// readOnly has Put refused.
	readOnly bool
	// writing keeps two Puts of the same content from one another's file.
	writing sync.Mutex
}

// openBlobs makes the folder if need be, and clears what a crash left behind.
func openBlobs(d *directory) (*blobPort, error) {
	b := &blobPort{fs: d.fs, dir: d.join("blobs")}
	if err := d.makeDir(b.dir); err != nil {
		return nil, explain(b.dir, err)
	}
	names, err := b.fs.List(b.dir)
	if err != nil {
		return nil, explain(b.dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, blobTemp) {
			// One that cannot be removed is in nobody's way.
			_ = b.fs.Remove(b.fs.PathJoin(b.dir, name))
		}
	}
	return b, nil
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (b *blobPort) Put(content []byte) (string, error) {
	if b.readOnly {
		return "", errReadOnly
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	digest := digestOf(content)
	if _, err := b.Get(digest); err == nil {
		// It may be there without its name being durable yet.
		return digest, explain(b.dir, syncDir(b.fs, b.dir))
	}
	if err := writeFile(b.fs, b.dir, digest, digest+blobTemp, content); err != nil {
		return "", explain(b.dir, err)
	}
	return digest, nil
}

func (b *blobPort) Get(digest string) ([]byte, error) {
	if !isDigest(digest) {
		return nil, store.BlobNotFound(digest)
	}
	path := b.fs.PathJoin(b.dir, digest)
	content, err := readFile(b.fs, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, store.BlobNotFound(digest)
	}
	if err != nil {
		return nil, explain(path, err)
	}
	if digestOf(content) != digest {
		return nil, orrery.Errorf(orrery.Damaged, "blob_damaged", "%s does not hold what was stored in it", path).
			WithNext("restore the file from a copy")
	}
	return content, nil
}

func (b *blobPort) List() ([]string, error) {
	names, err := b.fs.List(b.dir)
	if err != nil {
		return nil, explain(b.dir, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !isDigest(name) })
	slices.Sort(names)
	return names, nil
}

// isDigest reports whether name is a SHA-256 in lower-case hex, and so no path.
func isDigest(name string) bool {
	return len(name) == 2*sha256.Size && strings.Trim(name, "0123456789abcdef") == ""
}
