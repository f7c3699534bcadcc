// Package pebble keeps a store in a data directory: on a Pebble instance the synced
// log with the records, their entries and the meta values; and in files of its own a
// state without a write-ahead log, since replaying the log rebuilds it.
//
//	DIR/FORMAT         the version of this layout
//	DIR/LOCK           held by the one process that has the directory open
//	DIR/log/           records, entries, meta values, and what stands for records
//	                   that were cut off: the truth
//	DIR/END            how far the log is known to be durable
//	DIR/state/         feature state and marks: a cache that may be removed
//	DIR/state/RUNS     which files it is made of, and the marks; replaced whole
//	DIR/state/N.run    items that do not change any more
//	DIR/blobs/DIGEST   immutable content by its SHA-256
//	DIR/vault          the secrets of subjects, where fields are personal: no part of
//	                   any copy of the data
//	DIR/checkpoint/    a copy of all this, while it is used
//
// A fault of the disk under an instance (a failed write or sync, no space left)
// is taken as if the power had gone at that moment: nothing more is written,
// what is in memory stays readable, and every later write is refused with the
// same error. What was acknowledged is there at the next Open.
package pebble

import (
	"errors"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/store"
)

// Options says how to keep the data. The zero value is for a server with a
// small share of a machine.
type Options struct {
	// CacheBytes is the memory for blocks of the log read from disk; 0 is 256 MiB. Pebble takes its memtables' memory out of it, and when
	// nothing is left every look-up reads its filter from disk.
	CacheBytes int64
	// MemTableBytes is the memory in which the log gathers writes before they go to
	// a sorted file; up to four such are held. State gathers four times as much, and
	// holds up to two such. 0 is 16 MiB.
	MemTableBytes uint64
	// FilterBytes bounds the memory of the filter that tells an event's id that never
	// came before from one that may have. 0 is 64 MiB, which is enough for 33 million.
	FilterBytes int
	// FS is the file system, nil for the machine's.
	FS vfs.FS
}

// ForMemory gives the options for a process that may take so many bytes in all:
// three eighths of them are for the store, at most, and the rest is for feature
// state and for what is under way.
func ForMemory(bytes int64) Options {
	const mib = 1 << 20
	return Options{
		CacheBytes:    min(max(bytes/6, 32*mib), 1<<30),
		MemTableBytes: uint64(min(max(bytes/128, 4*mib), 64*mib)),
		FilterBytes:   int(min(max(bytes/16, mib), 1<<30)),
	}
}

// OutsideHeap gives how much memory the store takes that Go's collector does not
// count: its cache, in a program that was built with cgo.
func (o Options) OutsideHeap() int64 {
	if cacheOnHeap {
		return 0
	}
	return o.withDefaults().CacheBytes
}

func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = 256 << 20
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = 16 << 20
	}
	if o.FilterBytes == 0 {
		o.FilterBytes = 64 << 20
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	return o
}

// Store is an open data directory.
type Store struct {
	dir  *directory
	lock io.Closer
	log  *engine
	// state is nil where there is none, in a store that is read only; stateErr is why.
	state    *statePort
	stateErr error

	records logPort
	values  metaPort
	blobs   *blobPort
	vault   vaultPort

	// checkpointing lets one checkpoint be there at a time.
	checkpointing sync.Mutex

	closing sync.Once
	closed  error
}

var _ store.Store = (*Store)(nil)

// Open opens the data directory, or makes one where dir does not exist or is
// empty. The error is one of these, and what is refused is left as it was:
//
//	data_dir_in_use      another process, or this one, has it open
//	data_dir_newer       a newer version wrote it
//	data_dir_not_ours    it holds something else
//	data_dir_damaged     it cannot be read as it was written
//	data_dir_permission  this user may not read or write it
//	disk_full, disk_failed
func Open(dir string, options Options) (*Store, error) {
	o := options.withDefaults()
	d, err := openDirectory(o.FS, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: d, lock: d.lock}
	if err := s.open(d, o); err != nil {
		// The cause of not opening is the one to report.
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(d *directory, o Options) (err error) {
	// What a crash left of a checkpoint costs room and is in nobody's way.
	_ = d.fs.RemoveAll(d.join(checkpointName))
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref()
	logExists := !d.fresh
	if s.log, err = openEngine(d, "log", logOptions(o, cache, logExists)); err != nil {
		return err
	}
	if s.state, _, err = openState(d, o, false); err != nil {
		return err
	}
	s.values = metaPort{s.log}
	if s.blobs, err = openBlobs(d); err != nil {
		return err
	}
	s.records.engine = s.log
	s.records.raise = d.raise
	if err := s.records.findEnds(); err != nil {
		return err
	}
	if s.records.end, err = openEnd(d, orrery.Offset(s.records.last.Load())); err != nil {
		return err
	}
	s.records.known, err = s.log.know(entryPrefix, bytesPerEntry, o.FilterBytes)
	return err
}

// Log gives the records and their entries.
func (s *Store) Log() store.Log { return &s.records }

// State gives feature state.
func (s *Store) State() store.State {
	if s.state == nil {
		return noState{}
	}
	return s.state
}

// Meta gives the named values.
func (s *Store) Meta() store.Meta { return s.values }

// Blob gives the immutable content.
func (s *Store) Blob() store.Blob { return s.blobs }

// Close writes out what is in memory, so that the next Open is fast, and
// releases the directory. No call may be under way, and none may follow, except
// another Close, which gives the same error.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.records.known.close()
		s.closed = errors.Join(s.vault.close(), s.state.close(), s.log.close(), s.records.end.close(), s.lock.Close())
	})
	return s.closed
}
