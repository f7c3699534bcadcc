package pebble

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/store"
)

// placed is a run in the list of runs, with the tables of which nothing in it counts.
type placed struct {
	*run
	dropped []store.TableID
}

// sectionOf gives what counts of a table, nil where nothing does.
func (p placed) sectionOf(table store.TableID) *section {
	if len(p.dropped) > 0 && slices.Contains(p.dropped, table) {
		return nil
	}
	return p.section(table)
}

// contents is what state is made of: the runs, the newest first, and the marks.
type contents struct {
	runs  []placed
	marks map[store.TableID]orrery.Offset
}

// runs are the files of state. What they are is in the file RUNS, which is replaced
// whole: so a crash leaves all of a change or nothing.
type runs struct {
	fs  vfs.FS
	dir string
	// installing is held by whoever changes the contents.
	installing sync.Mutex
	// mutex guards contents and next.
	mutex    sync.RWMutex
	contents contents
	// next is the number of the next file.
	next uint64
}

const (
	runsName = "RUNS"
	runsTemp = "RUNS.new"
	runsHead = "orrery-state 1\n"
	runEnd   = ".run"
)

var (
	errBlock     = errors.New("a block does not check")
	errAbandoned = errors.New("the merge was abandoned")
)

// openRuns opens the files of state in a folder, and makes the folder unless it is
// only to be read. What is not listed in RUNS is removed: what a crash left behind,
// or the state of a version before this one, which is rebuilt from the log. there is
// false where there is nothing to be read.
func openRuns(disk vfs.FS, dir string, readOnly bool) (r *runs, there bool, err error) {
	r = &runs{fs: disk, dir: dir, next: 1, contents: contents{marks: map[store.TableID]orrery.Offset{}}}
	text, err := readFile(disk, disk.PathJoin(dir, runsName))
	there = err == nil
	switch {
	case there:
		if err := r.load(text); err != nil {
			r.close()
			return nil, true, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, true, err
	}
	if readOnly {
		return r, there, nil
	}
	return r, there, r.tidy()
}

// tidy makes the folder, and removes what is not listed.
func (r *runs) tidy() error {
	if err := (&directory{fs: r.fs, path: r.dir}).makeDir(r.dir); err != nil {
		return err
	}
	names, err := r.fs.List(r.dir)
	if err != nil {
		return err
	}
	listed := map[string]bool{runsName: true}
	for _, p := range r.contents.runs {
		listed[r.fs.PathBase(p.name)] = true
	}
	for _, name := range names {
		if listed[name] {
			continue
		}
		if err := r.fs.RemoveAll(r.fs.PathJoin(r.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// listing is the form of RUNS, which a CRC-32C of it follows.
type listing struct {
	Runs  []listedRun              `json:"runs"`
	Marks map[string]orrery.Offset `json:"marks"`
}

type listedRun struct {
	File    string   `json:"file"`
	Dropped []string `json:"dropped,omitempty"`
}

// encode writes the contents as they stand in RUNS.
func (c *contents) encode(disk vfs.FS) ([]byte, error) {
	l := listing{Runs: []listedRun{}, Marks: map[string]orrery.Offset{}}
	for _, p := range c.runs {
		one := listedRun{File: disk.PathBase(p.name)}
		for _, table := range p.dropped {
			one.Dropped = append(one.Dropped, hex.EncodeToString(table[:]))
		}
		l.Runs = append(l.Runs, one)
	}
	for table, offset := range c.marks {
		l.Marks[hex.EncodeToString(table[:])] = offset
	}
	text, err := json.Marshal(l)
	return sealed(append([]byte(runsHead), text...), 0), err
}

// load reads RUNS and opens what it lists.
func (r *runs) load(text []byte) error {
	var l listing
	text, ok := checked(text)
	body, ours := strings.CutPrefix(string(text), runsHead)
	if !ok || !ours || json.Unmarshal([]byte(body), &l) != nil {
		return damaged(r.dir, nil)
	}
	for name, offset := range l.Marks {
		table, ok := tableNamed(name)
		if !ok {
			return damaged(r.dir, nil)
		}
		r.contents.marks[table] = offset
	}
	for _, one := range l.Runs {
		opened, err := openRun(r.fs, r.dir, one.File)
		if errors.Is(err, fs.ErrNotExist) {
			err = damaged(r.dir, err)
		}
		if err != nil {
			return err
		}
		p := placed{run: opened}
		r.contents.runs = append(r.contents.runs, p)
		for _, name := range one.Dropped {
			table, ok := tableNamed(name)
			if !ok {
				return damaged(r.dir, nil)
			}
			p.dropped = append(p.dropped, table)
		}
		r.contents.runs[len(r.contents.runs)-1] = p
		number, err := strconv.ParseUint(strings.TrimSuffix(one.File, runEnd), 10, 63)
		if err != nil {
			return damaged(r.dir, err)
		}
		r.next = max(r.next, number+1)
	}
	return nil
}

func tableNamed(name string) (table store.TableID, ok bool) {
	b, err := hex.DecodeString(name)
	return table, err == nil && len(b) == copy(table[:], b) && len(b) == tableSize
}

// name gives the name of a new file.
func (r *runs) name() string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	name := fmt.Sprintf("%08d%s", r.next, runEnd)
	r.next++
	return name
}

// use gives the contents, of which the runs are in use until done is called.
func (r *runs) use() (c contents, done func()) {
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	return r.useLocked()
}

func (r *runs) useLocked() (c contents, done func()) {
	c = r.contents
	for _, p := range c.runs {
		p.use()
	}
	return c, func() {
		for _, p := range c.runs {
			p.done()
		}
	}
}

// install replaces the contents by what change makes of a copy of them, durably: new
// runs have been synced, but not their names. with is called at the moment at which
// readers see it, if it is not nil. Runs that are in it no more are removed once
// nobody reads them.
func (r *runs) install(change func(c *contents), with func()) error {
	r.installing.Lock()
	defer r.installing.Unlock()
	before := r.contents
	next := contents{runs: slices.Clone(before.runs), marks: maps.Clone(before.marks)}
	change(&next)
	text, err := next.encode(r.fs)
	if err == nil {
		err = syncDir(r.fs, r.dir)
	}
	if err == nil {
		err = writeFile(r.fs, r.dir, runsName, runsTemp, text)
	}
	if err != nil {
		return err
	}
	r.mutex.Lock()
	r.contents = next
	if with != nil {
		with()
	}
	r.mutex.Unlock()
	for _, p := range before.runs {
		if !slices.ContainsFunc(next.runs, func(q placed) bool { return q.run == p.run }) {
			p.gone.Store(true)
			p.done()
		}
	}
	return nil
}

// copyTo makes a folder with the same contents.
func (r *runs) copyTo(dir string) error {
	c, done := r.use()
	defer done()
	if err := (&directory{fs: r.fs, path: dir}).makeDir(dir); err != nil {
		return err
	}
	for _, p := range c.runs {
		if err := vfs.LinkOrCopy(r.fs, p.name, r.fs.PathJoin(dir, r.fs.PathBase(p.name))); err != nil {
			return err
		}
	}
	text, err := c.encode(r.fs)
	if err == nil {
		err = syncDir(r.fs, dir)
	}
	if err != nil {
		return err
	}
	return writeFile(r.fs, dir, runsName, runsTemp, text)
}

// count gives how many runs there are.
func (r *runs) count() int {
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	return len(r.contents.runs)
}

// close closes the files. Nobody may read them any more.
func (r *runs) close() {
	for _, p := range r.contents.runs {
		p.done()
	}
	r.contents.runs = nil
}

// readAll reads every block, so that its checksum is compared, and calls tick for
// each item.
func (r *runs) readAll(tick func() error) error {
	c, done := r.use()
	defer done()
	for _, p := range c.runs {
		for i := range p.sections {
			at := cursor{run: p.run, s: &p.sections[i]}
			for {
				more, err := at.advance()
				if err != nil {
					return err
				}
				if !more {
					break
				}
				if err := tick(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
