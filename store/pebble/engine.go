package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// pebbleFormat is the version of Pebble's own files. It is raised together with
// this package's, so that FORMAT alone says who can read a directory.
const pebbleFormat = pebble.FormatValueSeparation

// engine is one Pebble instance and what went wrong under it.
type engine struct {
	db *pebble.DB
	*fault
	pacer    *pacer
	readOnly bool
	// again counts what background was told.
	again atomic.Int32
}

// err gives why nothing can be written, nil while it can.
func (e *engine) err() error {
	if e.readOnly {
		return errReadOnly
	}
	return e.fault.err()
}

func logOptions(o Options, cache *pebble.Cache, exists bool) *pebble.Options {
	p := &pebble.Options{
		FS:                          o.FS,
		Cache:                       cache,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       layers,
		L0CompactionFileThreshold:   16 * layers,
		L0StopWritesThreshold:       4 * layers,
		FormatMajorVersion:          pebbleFormat,
		// One compaction at a time leaves the processors to the engine; a second
		// comes when the first falls behind.
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
		MaxOpenFiles:               512,
		ErrorIfNotExists:           exists,
	}
	p.Experimental.SpanPolicyFunc = onePrefixATable
	p.Experimental.EnableColumnarBlocks = func() bool { return true }
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	for i := range p.Levels {
		// Most look-ups are for what is not there: an event's id that never came
		// before, an entity's first event. Ten bits a key leave one in a hundred
		// of those a block to read.
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		// Looking one key up unpacks a block, and the store is asked for single
		// keys more often than it is scanned.
		p.Levels[i].BlockSize = 8 << 10
	}
	return p
}

// layers is how many layers of new tables there may be before they are compacted.
// Ids come in no order, so a compaction rewrites all of those that lie below, and
// should come seldom. What more layers cost is the look-up of an id that came
// before; of nearly all others known tells without a look.
const layers = 12

// onePrefixATable has no table reach over keys of two prefixes. Records come in
// the order of their keys, so tables of records alone never overlap and are never
// rewritten; ids come in any order, and a table that had both would have the
// records rewritten with them.
func onePrefixATable(start []byte) (policy pebble.SpanPolicy, end []byte, err error) {
	if len(start) == 0 {
		return policy, []byte{basePrefix}, nil
	}
	return policy, []byte{start[0] + 1}, nil
}

// openEngine opens the instance in a folder of the data directory.
func openEngine(d *directory, name string, p *pebble.Options) (*engine, error) {
	e := &engine{fault: newFault(d.join(name)), readOnly: p.ReadOnly, pacer: newPacer()}
	p.FS = frozenFS{p.FS, e.fault, d.join(checkpointName), e.pacer}
	p.Logger = logger{e.fault}
	p.EventListener = &pebble.EventListener{
		BackgroundError: e.background,
		DataCorruption:  func(info pebble.DataCorruptionInfo) { _ = e.set(info.Details) },
	}
	err := e.run(func() error {
		db, err := pebble.Open(e.dir, p)
		e.db = db
		return atOpen(e.dir, err)
	})
	if err != nil {
		return nil, err
	}
	e.pacer.watch(e.db)
	return e, nil
}

// background takes an error that Pebble met by itself. Pebble tries again at once,
// and for what it cannot read, such as the figures of a damaged table, for as long
// as it is open. So whoever brings the same fault again is kept waiting, each time
// twice as long.
func (e *engine) background(err error) {
	_ = e.set(err)
	if n := e.again.Add(1); n > 1 {
		time.Sleep(min(time.Second<<min(n-2, 16), mostRest))
	}
}

// mostRest bounds how long background waits.
const mostRest = time.Hour

// atOpen words what Pebble finds wrong with its files: all but a fault of the
// disk, which has an error of the operating system in it, is damage.
func atOpen(dir string, err error) error {
	var path *fs.PathError
	var number syscall.Errno
	if err == nil || errors.As(err, &path) || errors.As(err, &number) {
		return err
	}
	return damaged(dir, err)
}

// commit writes a batch that the caller has filled, and frees it.
func (e *engine) commit(b *pebble.Batch, o *pebble.WriteOptions) error {
	return e.run(func() error {
		defer b.Close()
		return b.Commit(o)
	})
}

// get copies the value of a key.
func (e *engine) get(key []byte) (value []byte, ok bool, err error) {
	found, closer, err := e.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, explain(e.dir, err)
	}
	value = append(make([]byte, 0, len(found)), found...)
	if err := closer.Close(); err != nil {
		return nil, false, explain(e.dir, err)
	}
	return value, true, nil
}

// close flushes and ends the instance; after a fault it leaves it as it is.
func (e *engine) close() error {
	if e == nil || e.fault.err() != nil {
		return nil // There is nothing to end, or nothing that may be touched.
	}
	e.pacer.watch(nil)
	return e.run(func() error {
		if e.readOnly {
			return e.db.Close()
		}
		if err := e.db.Flush(); err != nil {
			return err
		}
		return e.db.Close()
	})
}

// logger takes what Pebble has to say. It is quiet: errors come back from calls
// or through the event listener.
type logger struct{ fault *fault }

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}

// Fatalf is called where Pebble finds itself in a state that cannot be; it must
// not go on.
func (l logger) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("pebble in %s: ", l.fault.dir) + fmt.Sprintf(format, args...))
}
