// Package backup copies a data directory, and puts it back. A backup is a set of
// named files and a manifest with the SHA-256 of each, which is written last:
// what has no manifest is no backup. It comes in two forms of one content:
//
//   - a stream, tar or tar with zstd, whose last entry is the manifest;
//   - a folder that holds any number of backups, in which a content is kept
//     once: the next backup adds only what has changed.
//
// The package knows nothing of what is in the files: the store gives a
// consistent copy to read from (pebble.Store.Checkpoint), and who restores
// verifies the result by replay.
package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"time"

	"orrery.dev"
)

// Format is the version of the manifest that this package writes; it reads this
// one and those before it.
const Format = 1

// Manifest says what a backup holds.
type Manifest struct {
	Format int `json:"orrery_backup"`
	// Info is for a person: what was copied, and when.
	Info
	Files []File `json:"files"`
}

// Info describes the data that was copied.
type Info struct {
	System string `json:"system"`
	// Made is when the copy was taken.
	Made time.Time `json:"made"`
	// Offset is the log's end when the copy was begun: all up to there is in it.
	Offset orrery.Offset `json:"log_offset"`
}

// File is one file of a backup.
type File struct {
	// Name is relative to the data directory, with slashes.
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// encode gives the manifest's line of JSON, and a line with the SHA-256 of it.
func (m *Manifest) encode() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return append(append(text, '\n'), hex.EncodeToString(sum[:])+"\n"...), nil
}

// decode reads a manifest; where names it for messages.
func decode(where string, text []byte) (*Manifest, error) {
	line, sum, found := bytes.Cut(text, []byte("\n"))
	want := sha256.Sum256(line)
	if !found || string(sum) != hex.EncodeToString(want[:])+"\n" {
		return nil, damaged(where, "its manifest is not as it was written")
	}
	m := &Manifest{}
	if err := json.Unmarshal(line, m); err != nil {
		return nil, damaged(where, "its manifest cannot be read").Because(err)
	}
	if m.Format > Format {
		return nil, orrery.Errorf(orrery.Unavailable, "backup_newer", "%s was made by a newer version, in format %d; this one reads up to %d", where, m.Format, Format).
			WithNext("use the newer version")
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if !fs.ValidPath(f.Name) || f.Name == "." || seen[f.Name] {
			return nil, damaged(where, "its manifest names %q", f.Name)
		}
		seen[f.Name] = true
	}
	return m, nil
}

func damaged(where, format string, args ...any) *orrery.Error {
	return orrery.Errorf(orrery.Damaged, "backup_damaged", where+" is damaged: "+format, args...).WithNext("use another backup")
}

func notABackup(where, why string) error {
	return orrery.Errorf(orrery.Invalid, "not_a_backup", "%s is not a backup: %s", where, why).WithNext("name what orrery backup has written")
}
