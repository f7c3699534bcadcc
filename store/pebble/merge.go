package pebble

import (
	"bytes"
	"slices"
	"time"

	"orrery.dev/store"
)

// cursor walks over a section's items.
type cursor struct {
	run *run
	s   *section
	// next is the block that is read next, data and at the blocks that are read and
	// where in the file they are, left the records of the one under way.
	next    int
	data    []byte
	buffer  []byte
	left    reader
	hash    uint64
	key     []byte
	value   []byte
	removed bool
}

// readSize is how much a cursor reads at once.
const readSize = 64 << 10

// advance goes to the next item; false at the end. Key and value stay as they are
// until then.
func (c *cursor) advance() (bool, error) {
	for len(c.left.data) == 0 {
		if len(c.data) == 0 {
			if c.next == len(c.s.starts) {
				return false, nil
			}
			if err := c.read(); err != nil {
				return false, err
			}
		}
		from, to := c.s.place(c.next)
		records, ok := checked(c.data[:to-from])
		if !ok {
			return false, errBlock
		}
		c.left, c.data = reader{data: records}, c.data[to-from:]
		c.next++
	}
	c.key, c.value, c.removed = c.left.record()
	if c.left.bad {
		return false, errBlock
	}
	c.hash = hashOf(c.s.table, c.key)
	return true, nil
}

// read reads the next few blocks.
func (c *cursor) read() error {
	from, to := c.s.place(c.next)
	for i := c.next + 1; i < len(c.s.ends) && c.s.ends[i]-from <= readSize; i++ {
		to = c.s.ends[i]
	}
	if uint64(cap(c.buffer)) < to-from {
		c.buffer = make([]byte, max(to-from, readSize))
	}
	c.data = c.buffer[:to-from]
	return c.run.readAt(c.data, int64(from))
}

// compare orders items of one table.
func (c *cursor) compare(o *cursor) int {
	switch {
	case c.hash < o.hash:
		return -1
	case c.hash > o.hash:
		return 1
	}
	return bytes.Compare(c.key, o.key)
}

// merge writes what runs, the newest first, have together into one. last says that
// no older run is left, so what was removed need not be remembered. It gives nil
// where nothing is left, and errAbandoned once stop is closed.
func merge(runs []placed, w *runWriter, last bool, stop <-chan struct{}) (*run, error) {
	for _, table := range tablesOf(runs) {
		if err := mergeTable(runs, table, w, last, stop); err != nil {
			return nil, w.abandon(err)
		}
	}
	return w.finish()
}

// tablesOf gives the tables that runs have items of, in order.
func tablesOf(runs []placed) []store.TableID {
	var tables []store.TableID
	for i := range runs {
		for j := range runs[i].sections {
			if table := runs[i].sections[j].table; !slices.Contains(runs[i].dropped, table) {
				tables = append(tables, table)
			}
		}
	}
	slices.SortFunc(tables, compareTables)
	return slices.Compact(tables)
}

func compareTables(a, b store.TableID) int { return bytes.Compare(a[:], b[:]) }

func mergeTable(runs []placed, table store.TableID, w *runWriter, last bool, stop <-chan struct{}) error {
	var cursors []*cursor // the newest first
	items := 0
	for i := range runs {
		s := runs[i].sectionOf(table)
		if s == nil {
			continue
		}
		c := &cursor{run: runs[i].run, s: s}
		items += s.items
		if more, err := c.advance(); err != nil {
			return err
		} else if more {
			cursors = append(cursors, c)
		}
	}
	if err := w.begin(table, items); err != nil {
		return err
	}
	for n := 0; len(cursors) > 0; n++ {
		if n%1024 == 0 && closed(stop) {
			return errAbandoned
		}
		least := cursors[0]
		for _, c := range cursors[1:] {
			if c.compare(least) < 0 {
				least = c
			}
		}
		if !least.removed || !last {
			if err := w.add(least.hash, least.key, least.value, least.removed); err != nil {
				return err
			}
		}
		// Older items of the key go with it; its own bytes last until it advances.
		var err error
		if cursors, err = pass(cursors, least); err != nil {
			return err
		}
	}
	return nil
}

// pass advances the cursors that stand at the item of one of them, and drops those
// at their end.
func pass(cursors []*cursor, at *cursor) ([]*cursor, error) {
	ended := false
	for _, c := range cursors {
		if c == at || c.hash != at.hash || !bytes.Equal(c.key, at.key) {
			continue
		}
		more, err := c.advance()
		if err != nil {
			return nil, err
		}
		if !more {
			c.s, ended = nil, true
		}
	}
	more, err := at.advance()
	if !more {
		at.s, ended = nil, true
	}
	if ended {
		cursors = slices.DeleteFunc(cursors, func(c *cursor) bool { return c.s == nil })
	}
	return cursors, err
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

const (
	// tierFactor is how many times as large as those of the tier before the runs of a
	// tier are, and about how many there are of a tier before they are merged.
	tierFactor = 4
	firstTier  = 256 << 10
)

func tierOf(size int64) (tier int) {
	for limit := int64(firstTier); size >= limit && tier < 24; limit *= tierFactor {
		tier++
	}
	return tier
}

// toMerge gives how many of the newest runs are to be merged, by their sizes: those
// that together are about one of the next tier. It is 0 while there are few.
func toMerge(sizes []int64) int {
	for tier := range 25 {
		n, own := 0, 0
		for n < len(sizes) && tierOf(sizes[n]) <= tier {
			if tierOf(sizes[n]) == tier {
				own++
			}
			n++
		}
		if own >= tierFactor-1 && n >= tierFactor {
			return n
		}
	}
	return 0
}

// restOf gives how long to rest after work on what nobody waits for.
func restOf(worked time.Duration) time.Duration { return min(restsFor*worked, restAtMost) }
