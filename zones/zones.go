// Package zones gives time zones by their names in the IANA database, from a copy
// of it that is part of the program. The system's own copy, which package time
// prefers, may be another version: two machines would then tell an event's hour
// differently, and a replay on one would differ from the other.
package zones

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Version is that of the database.
const Version = "2025c"

// The file is Go's, which is made from the IANA's and in the public domain.
//
//go:generate sh -c "cp \"$(go env GOROOT)/lib/time/zoneinfo.zip\" zoneinfo.zip"
//go:embed zoneinfo.zip
var zoneinfo []byte

var files = sync.OnceValues(func() (map[string]*zip.File, error) {
	r, err := zip.NewReader(bytes.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*zip.File, len(r.File))
	for _, f := range r.File {
		if f.Mode().IsRegular() {
			byName[f.Name] = f
		}
	}
	return byName, nil
})

// ErrUnknown says that there is no zone of a name.
var ErrUnknown = errors.New("no such time zone")

// Load gives the zone of a name, such as UTC or Europe/Paris. What the empty name
// and Local mean depends on the machine: they are unknown, as is any other that the
// database does not have.
func Load(name string) (*time.Location, error) {
	if name == "UTC" {
		return time.UTC, nil
	}
	byName, err := files()
	if err != nil {
		return nil, err
	}
	f, ok := byName[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	content, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}
