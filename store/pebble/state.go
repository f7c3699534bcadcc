package pebble

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"orrery.dev"
	"orrery.dev/store"
)

// statePort is the store's State: what was written last is gathered in memory, goes to
// a run when it is much or is marked, and runs are merged beside all else. There is
// no write-ahead log, since the log is one. What survives a crash is the writes up
// to some moment, in their order and each whole.
//
// Pebble could keep it too, and did: but of ten million entities nearly every event
// asks for two at random places, and finds them in no cache. A look-up there took
// 13 µs, and here takes 2 (docs/benchmarks.md, Scale).
type statePort struct {
	*fault
	runs     *runs
	readOnly bool
	// writing is held by whoever changes what is gathered, or needs it in a run.
	writing sync.Mutex
	// filling takes what is written, and frozen is on its way to a run, nil when
	// nothing is. They are exchanged with runs.mutex held, and spare is the other.
	filling, frozen, spare *gathered
	// flushed has a token while nothing is on its way.
	flushed chan struct{}
	// most is how many bytes are gathered.
	most int
	// changed has a token when there may be runs to merge; stop ends the merging.
	changed, stop chan struct{}
	merging       sync.WaitGroup
}

// openState opens state in a folder. there is false where there is none to be read.
func openState(d *directory, o Options, readOnly bool) (s *statePort, there bool, err error) {
	dir := d.join("state")
	s = &statePort{fault: newFault(dir), readOnly: readOnly, most: 4 * int(o.MemTableBytes), filling: &gathered{}, spare: &gathered{},
		flushed: make(chan struct{}, 1), changed: make(chan struct{}, 1), stop: make(chan struct{})}
	s.flushed <- struct{}{}
	if s.runs, there, err = openRuns(d.fs, dir, readOnly); err != nil {
		return nil, there, s.fault.set(s.atOpen(err))
	}
	if !readOnly {
		s.merging.Go(s.mergeAll)
		s.changed <- struct{}{}
	}
	return s, there, nil
}

// atOpen words what is wrong with the files: all but a fault of the disk is damage.
func (s *statePort) atOpen(err error) error { return atOpen(s.dir, err) }

// err gives why nothing can be written, nil while it can.
func (s *statePort) err() error {
	if s.readOnly {
		return errReadOnly
	}
	return s.fault.err()
}

// explain words what went wrong in reading.
func (s *statePort) explain(err error) error {
	if errors.Is(err, errBlock) {
		return damaged(s.dir, err)
	}
	return explain(s.dir, err)
}

func (s *statePort) Get(table store.TableID, key string) ([]byte, bool, error) {
	var room [64]byte
	full := append(append(room[:0], table[:]...), key...)
	hash := xxhash.Sum64(full)
	s.runs.mutex.RLock()
	defer s.runs.mutex.RUnlock()
	value, ok := s.filling.get(hash, full)
	if !ok && s.frozen != nil {
		value, ok = s.frozen.get(hash, full)
	}
	if ok {
		return value, value != nil, nil
	}
	for _, p := range s.runs.contents.runs {
		section := p.sectionOf(table)
		if section == nil {
			continue
		}
		value, found, err := p.get(section, hash, key)
		if err != nil {
			return nil, false, s.explain(err)
		}
		if found {
			return value, value != nil, nil
		}
	}
	return nil, false, nil
}

func (s *statePort) Write(items []store.StateItem) error {
	if err := s.err(); err != nil || len(items) == 0 {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.filling.put(items)
	if s.filling.bytes() < s.most {
		return nil
	}
	if err := s.freeze(); err != nil {
		return err
	}
	go func() { _ = s.flush(nil) }()
	return nil
}

// freeze has what is gathered be on its way, which flush then brings to its end. It
// waits for what is on its way already. writing is held.
func (s *statePort) freeze() error {
	select {
	case <-s.flushed:
	case <-s.failed:
		return s.cause
	}
	s.runs.mutex.Lock()
	defer s.runs.mutex.Unlock()
	s.frozen, s.filling, s.spare = s.filling, s.spare, nil
	return nil
}

// flush writes what is frozen to a run, and makes it and what else changes in the
// contents durable.
func (s *statePort) flush(change func(c *contents)) error {
	made, err := s.writeRun()
	if err == nil {
		err = s.err()
	}
	if err == nil {
		err = s.runs.install(func(c *contents) {
			if made != nil {
				c.runs = slices.Insert(c.runs, 0, placed{run: made})
			}
			if change != nil {
				change(c)
			}
		}, func() { s.frozen, s.spare = nil, s.frozen })
	}
	if err != nil {
		return s.set(err)
	}
	s.spare.clear()
	s.flushed <- struct{}{}
	s.look()
	return nil
}

func (s *statePort) writeRun() (*run, error) {
	if len(s.frozen.items) == 0 {
		return nil, nil
	}
	// Where there is much to write, it comes in fast, and nobody gains by a rest.
	var rest func(time.Duration)
	if s.frozen.bytes() < s.most/2 {
		rest = s.rest
	}
	w, err := newRunWriter(s.runs.fs, s.runs.dir, s.runs.name(), rest)
	if err != nil {
		return nil, err
	}
	if err := s.frozen.writeTo(w); err != nil {
		return nil, w.abandon(err)
	}
	return w.finish()
}

// rest pauses the work on a run, so that requests need not wait for all of it.
func (s *statePort) rest(worked time.Duration) {
	if !closed(s.stop) {
		time.Sleep(restOf(worked))
	}
}

// settle brings what is gathered into a run, and makes a change of the contents
// durable after it.
func (s *statePort) settle(change func(c *contents)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.freeze(); err != nil {
		return err
	}
	return s.flush(change)
}

func (s *statePort) Mark(offset orrery.Offset, tables []store.TableID) error {
	if err := s.err(); err != nil || len(tables) == 0 {
		return err
	}
	return s.settle(func(c *contents) {
		for _, table := range tables {
			c.marks[table] = offset
		}
	})
}

func (s *statePort) Marked(table store.TableID) (orrery.Offset, error) {
	s.runs.mutex.RLock()
	defer s.runs.mutex.RUnlock()
	return s.runs.contents.marks[table], nil
}

// Drop has nothing count that is written of the table by now.
func (s *statePort) Drop(table store.TableID) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.settle(func(c *contents) {
		delete(c.marks, table)
		for i := range c.runs {
			c.runs[i].drop(table)
		}
	})
}

// drop has nothing count in the run of a table.
func (p *placed) drop(table store.TableID) {
	if p.section(table) != nil && !slices.Contains(p.dropped, table) {
		p.dropped = append(slices.Clone(p.dropped), table)
	}
}

// Scan reads the whole table before it yields the first item: runs have it in no
// order that a reader would know.
func (s *statePort) Scan(table store.TableID) iter.Seq2[store.StateItem, error] {
	return func(yield func(store.StateItem, error) bool) {
		found, err := s.table(table)
		if err != nil {
			yield(store.StateItem{}, s.explain(err))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(found)) {
			if found[key] != nil && !yield(store.StateItem{Table: table, Key: key, Value: found[key]}, nil) {
				return
			}
		}
	}
}

// table reads a table, with a nil value for what is removed.
func (s *statePort) table(table store.TableID) (map[string][]byte, error) {
	found := map[string][]byte{}
	add := func(key, value []byte) {
		if _, newer := found[string(key)]; newer {
			return
		}
		if value != nil {
			value = append([]byte{}, value...)
		}
		found[string(key)] = value
	}
	s.runs.mutex.RLock()
	s.filling.each(table, add)
	if s.frozen != nil {
		s.frozen.each(table, add)
	}
	c, done := s.runs.useLocked()
	s.runs.mutex.RUnlock()
	defer done()
	for _, p := range c.runs {
		section := p.sectionOf(table)
		if section == nil {
			continue
		}
		at := cursor{run: p.run, s: section}
		for {
			more, err := at.advance()
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			add(at.key, at.value)
		}
	}
	return found, nil
}

// look has the runs looked at.
func (s *statePort) look() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// mergeAll is the goroutine that merges runs as they come.
func (s *statePort) mergeAll() {
	for {
		select {
		case <-s.changed:
		case <-s.stop:
			return
		}
		for more := true; more && !closed(s.stop) && s.err() == nil; {
			var err error
			if more, err = s.mergeNewest(); err != nil && !errors.Is(err, errAbandoned) {
				_ = s.set(s.explain(err))
				return
			}
		}
	}
}

// manyRuns is how many runs there may be while merging rests.
const manyRuns = 12

// mergeNewest merges the newest runs, where there are enough for that.
func (s *statePort) mergeNewest() (bool, error) {
	c, done := s.runs.use()
	defer done()
	sizes := make([]int64, len(c.runs))
	for i, p := range c.runs {
		sizes[i] = p.size
	}
	n := toMerge(sizes)
	if n == 0 {
		return false, nil
	}
	from := c.runs[:n]
	w, err := newRunWriter(s.runs.fs, s.runs.dir, s.runs.name(), func(worked time.Duration) {
		if s.runs.count() <= manyRuns {
			s.rest(worked)
		}
	})
	if err != nil {
		return false, err
	}
	made, err := merge(from, w, n == len(c.runs), s.stop)
	if err != nil {
		return false, err
	}
	if err := s.err(); err != nil {
		return false, err
	}
	return true, s.runs.install(func(now *contents) { now.replace(from, made) }, nil)
}

// replace puts a run in the place of those it was merged from. What was dropped
// since then does not count in it either.
func (c *contents) replace(from []placed, made *run) {
	at := slices.IndexFunc(c.runs, func(p placed) bool { return p.run == from[0].run })
	var whole []placed
	if made != nil {
		p := placed{run: made}
		for i, was := range from {
			for _, table := range c.runs[at+i].dropped {
				if !slices.Contains(was.dropped, table) {
					p.drop(table)
				}
			}
		}
		whole = []placed{p}
	}
	c.runs = slices.Replace(c.runs, at, at+len(from), whole...)
}

// close keeps what is gathered, if it can, and ends the merging.
func (s *statePort) close() error {
	if s == nil {
		return nil
	}
	close(s.stop)
	s.merging.Wait()
	var err error
	if s.err() == nil {
		err = s.settle(nil)
	}
	if s.fault.err() == nil {
		s.runs.close()
	}
	return err
}

// copyTo makes a folder with what is in runs by now. A failure to write it is not a
// fault of the state.
func (s *statePort) copyTo(dir string) error {
	if err := s.err(); err != nil {
		return err
	}
	return explain(dir, s.runs.copyTo(dir))
}
