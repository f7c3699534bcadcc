package quarantine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"orrery.dev"
)

// Store keeps a quarantine in a folder, as files of one JSON object a line:
//
//	DIR/00000001.ndjson   items, in the order in which they came
//	DIR/over              how many more there were
//
// A file is replaced as a whole, under another name first, and synced, so that a
// crash leaves the old one or the new one; and what is dropped is gone from the
// disk, as far as the file system lets go of it. One process has the folder: it
// lies in a data directory, whose lock that process holds.
type Store struct {
	dir string
	// The bounds, which a test makes small.
	maxItems, maxBytes, segmentBytes int

	// personal says of which types nothing of the input is kept.
	personal func(event string) bool

	mutex  sync.Mutex
	loaded bool
	// segments have the items by file, oldest first.
	segments []*segment
	ids      map[string]bool
	bytes    int
	over     int64
}

// segment is one file. Its lines are kept in memory: all of them together are
// bounded by MaxBytes.
type segment struct {
	number int
	lines  [][]byte
	ids    []string
	bytes  int
}

// segmentBytes is when a file is full: what a Put writes again at most.
const segmentBytes = 256 << 10

// In gives the quarantine in a folder, which need not be there yet; it is read
// when first asked for.
func In(dir string) *Store {
	return &Store{dir: dir, maxItems: MaxItems, maxBytes: MaxBytes, segmentBytes: segmentBytes, ids: map[string]bool{}}
}

// Without has the store keep nothing of the input of some types, those with
// personal fields, but what was wrong with it.
func (s *Store) Without(personal func(event string) bool) *Store {
	s.personal = personal
	return s
}

// Put keeps the items, durably, but for those that it has; over counts more that
// were refused and are not among the items. It returns how many it kept.
func (s *Store) Put(items []Item, over int64) (kept int, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.load(); err != nil {
		return 0, err
	}
	for i := range items {
		if err := items[i].check(); err != nil {
			return 0, err
		}
	}
	changed := map[*segment]bool{}
	for i := range items {
		if s.ids[items[i].ID] {
			continue
		}
		it := items[i]
		if s.personal != nil && s.personal(it.Event) {
			it = it.WithoutText()
		}
		line, err := encode(&it)
		if err != nil {
			return 0, err
		}
		if len(s.ids) >= s.maxItems || s.bytes+len(line)+1 > s.maxBytes {
			over++
			continue
		}
		seg := s.last()
		seg.add(items[i].ID, line)
		s.ids[items[i].ID] = true
		s.bytes += len(line) + 1
		changed[seg] = true
		kept++
	}
	for _, seg := range s.segments {
		if changed[seg] {
			if err := s.write(seg); err != nil {
				return 0, s.forget(err)
			}
		}
	}
	if over > 0 {
		if err := s.writeOver(s.over + over); err != nil {
			return 0, s.forget(err)
		}
	}
	return kept, nil
}

func encode(it *Item) ([]byte, error) { return json.Marshal(it) }

// last gives the segment that takes the next item.
func (s *Store) last() *segment {
	if n := len(s.segments); n > 0 && s.segments[n-1].bytes < s.segmentBytes {
		return s.segments[n-1]
	}
	number := 1
	if n := len(s.segments); n > 0 {
		number = s.segments[n-1].number + 1
	}
	seg := &segment{number: number}
	s.segments = append(s.segments, seg)
	return seg
}

func (g *segment) add(id string, line []byte) {
	g.ids, g.lines = append(g.ids, id), append(g.lines, line)
	g.bytes += len(line) + 1
}

// Size gives how many items there are, and how many more were refused while it was
// full.
func (s *Store) Size() (items int, over int64, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.load(); err != nil {
		return 0, 0, err
	}
	return len(s.ids), s.over, nil
}

// List gives the items that are selected (all for an empty selection), oldest
// first and at most limit (0 for all), and how many more were refused.
func (s *Store) List(sel Selection, limit int) (*Listing, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.load(); err != nil {
		return nil, err
	}
	for _, id := range sel.IDs {
		if !s.ids[id] {
			return nil, notFound(id)
		}
	}
	out := &Listing{Items: []Item{}, Over: s.over}
	for _, seg := range s.segments {
		for _, line := range seg.lines {
			var it Item
			if err := json.Unmarshal(line, &it); err != nil {
				return nil, err
			}
			if !sel.fits(&it) {
				continue
			}
			if out.Items = append(out.Items, it); len(out.Items) == limit {
				return out, nil
			}
		}
	}
	return out, nil
}

// Drop deletes items for good; ids that are not there are passed over. Without
// any left, the count of what was not kept begins anew.
func (s *Store) Drop(ids []string) (dropped int, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.load(); err != nil {
		return 0, err
	}
	gone := map[string]bool{}
	for _, id := range ids {
		if s.ids[id] {
			gone[id] = true
		}
	}
	for _, seg := range s.segments {
		if err := s.dropFrom(seg, gone); err != nil {
			return 0, s.forget(err)
		}
	}
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool { return len(g.lines) == 0 })
	if len(s.ids) == 0 && s.over > 0 {
		s.over = 0
		if err := s.remove("over"); err != nil {
			return 0, s.forget(err)
		}
	}
	return len(gone), nil
}

func (s *Store) dropFrom(seg *segment, gone map[string]bool) error {
	left := &segment{number: seg.number}
	for i, id := range seg.ids {
		if gone[id] {
			delete(s.ids, id)
			s.bytes -= len(seg.lines[i]) + 1
			continue
		}
		left.add(id, seg.lines[i])
	}
	if len(left.lines) == len(seg.lines) {
		return nil
	}
	*seg = *left
	return s.write(seg)
}

// forget makes the next call read the folder again, since memory may be ahead
// of it, and words the error.
func (s *Store) forget(err error) error {
	s.loaded = false
	return orrery.Errorf(orrery.Unavailable, "quarantine_unwritable", "the quarantine in %s cannot be written", s.dir).Because(err).
		WithNext("see that the disk has room and may be written")
}

func (s *Store) load() error {
	if s.loaded {
		return nil
	}
	s.segments, s.ids, s.bytes, s.over = nil, map[string]bool{}, 0, 0
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.unreadable(s.dir, err)
	}
	for _, entry := range entries {
		path := filepath.Join(s.dir, entry.Name())
		number, isSegment := strings.CutSuffix(entry.Name(), ".ndjson")
		if !isSegment && entry.Name() != "over" {
			continue // What a write that was cut short left is replaced by the next.
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return s.unreadable(path, err)
		}
		if isSegment {
			err = s.readSegment(number, text)
		} else {
			s.over, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		}
		if err != nil {
			return s.unreadable(path, err)
		}
	}
	s.loaded = true
	return nil
}

func (s *Store) readSegment(name string, text []byte) error {
	number, err := strconv.Atoi(name)
	if err != nil {
		return err
	}
	seg := &segment{number: number}
	for line := range bytes.Lines(text) {
		var it struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(line, &it); err != nil {
			return err
		}
		seg.add(it.ID, bytes.TrimSuffix(line, []byte("\n")))
		s.ids[it.ID] = true
	}
	s.bytes += seg.bytes
	s.segments = append(s.segments, seg)
	return nil
}

func (s *Store) unreadable(path string, err error) error {
	return orrery.Errorf(orrery.Damaged, "quarantine_damaged", "the quarantine's %s cannot be read", path).Because(err).
		WithNext("move the file away; the log does not need it")
}

// write replaces a segment's file, or removes it where nothing is left.
func (s *Store) write(seg *segment) error {
	name := fmt.Sprintf("%08d.ndjson", seg.number)
	if len(seg.lines) > 0 {
		return s.replace(name, append(bytes.Join(seg.lines, []byte("\n")), '\n'))
	}
	return s.remove(name)
}

func (s *Store) remove(name string) error {
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.sync()
}

func (s *Store) writeOver(n int64) error {
	s.over = n
	return s.replace("over", strconv.AppendInt(nil, n, 10))
}

func (s *Store) replace(name string, content []byte) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	temp := filepath.Join(s.dir, name+".new")
	file, err := os.OpenFile(temp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(temp, filepath.Join(s.dir, name))
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	return s.sync()
}

// sync makes the names in the folder durable.
func (s *Store) sync() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
