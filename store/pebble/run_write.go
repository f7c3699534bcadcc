package pebble

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev/store"
)

// runWriter writes a run, whose items come in its order.
type runWriter struct {
	run  *run
	file vfs.File
	// at is the place of the block that is begun, pending what is not written yet of
	// those before it.
	at             uint64
	block, pending []byte
	last           uint64
	rest           func(worked time.Duration)
	since          time.Time
}

const (
	// writeSize is how much is written at once, syncEvery after how much the system
	// is asked to begin to write out, so that the sync at the end is short.
	writeSize = 128 << 10
	syncEvery = 512 << 10
)

// newRunWriter makes a file. rest, which may be nil, is called now and then with how
// long the work has gone on.
func newRunWriter(disk vfs.FS, dir, name string, rest func(time.Duration)) (*runWriter, error) {
	path := disk.PathJoin(dir, name)
	file, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	file = vfs.NewSyncingFile(file, vfs.SyncingFileOptions{BytesPerSync: syncEvery})
	w := &runWriter{run: &run{fs: disk, name: path}, file: file, rest: rest, since: time.Now()}
	w.run.users.Store(1)
	return w, nil
}

// begin begins a table's section, of at most so many items.
func (w *runWriter) begin(table store.TableID, items int) error {
	if err := w.end(); err != nil {
		return err
	}
	w.run.sections = append(w.run.sections, section{table: table, begin: w.at, filter: newFilterBlocks(items)})
	return nil
}

// end ends the section that is begun; one without items is none.
func (w *runWriter) end() error {
	n := len(w.run.sections)
	if n == 0 {
		return nil
	}
	if w.run.sections[n-1].items == 0 {
		w.run.sections = w.run.sections[:n-1]
		return nil
	}
	return w.endBlock()
}

// add adds an item, or with removed that it is none any more.
func (w *runWriter) add(hash uint64, key, value []byte, removed bool) error {
	s := &w.run.sections[len(w.run.sections)-1]
	if len(w.block) >= runBlockSize && hash != w.last {
		if err := w.endBlock(); err != nil {
			return err
		}
	}
	if len(w.block) == 0 {
		s.starts = append(s.starts, hash)
	}
	w.last = hash
	w.block = binary.AppendUvarint(w.block, uint64(len(key)))
	if removed {
		w.block = append(w.block, 0)
	} else {
		w.block = binary.AppendUvarint(w.block, uint64(len(value))+1)
	}
	w.block = append(append(w.block, key...), value...)
	s.filter.add(hash)
	s.items++
	return nil
}

func (w *runWriter) endBlock() error {
	if len(w.block) == 0 {
		return nil
	}
	s := &w.run.sections[len(w.run.sections)-1]
	w.block = sealed(w.block, 0)
	w.at += uint64(len(w.block))
	s.ends = append(s.ends, w.at)
	w.pending = append(w.pending, w.block...)
	w.block = w.block[:0]
	if worked := time.Since(w.since); w.rest != nil && worked >= workFor {
		w.rest(worked)
		w.since = time.Now()
	}
	if len(w.pending) < writeSize {
		return nil
	}
	return w.write()
}

func (w *runWriter) write() error {
	_, err := w.file.Write(w.pending)
	w.pending = w.pending[:0]
	return err
}

// finish makes the file durable, but not its name, and gives the run; nil where it
// would have no items.
func (w *runWriter) finish() (*run, error) {
	err := w.end()
	if err == nil && len(w.run.sections) == 0 {
		return nil, w.abandon(nil)
	}
	if err == nil {
		err = w.writeIndex()
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return nil, w.abandon(err)
	}
	if err := w.file.Close(); err != nil {
		return nil, err
	}
	w.run.file, err = w.run.fs.Open(w.run.name, vfs.RandomReadsOption)
	return w.run, err
}

// writeIndex writes what is left of the blocks, the index and the footer.
func (w *runWriter) writeIndex() error {
	failure := w.write()
	sum, size := uint32(0), 0
	put := func(b []byte) []byte {
		sum, size = crc32.Update(sum, castagnoli, b), size+len(b)
		if w.pending = b; failure == nil {
			failure = w.write()
		}
		return w.pending[:0]
	}
	put(encodeIndex(w.run.sections, w.pending[:0], func(b []byte) []byte {
		if len(b) < writeSize {
			return b
		}
		return put(b)
	}))
	b := binary.LittleEndian.AppendUint32(w.pending[:0], sum)
	footer := len(b)
	b = binary.LittleEndian.AppendUint64(b, w.at)
	w.pending = sealed(binary.LittleEndian.AppendUint32(b, runVersion), footer)
	w.run.size = int64(w.at) + int64(size+len(w.pending))
	return errors.Join(failure, w.write())
}

// abandon removes the file.
func (w *runWriter) abandon(cause error) error {
	return errors.Join(cause, w.file.Close(), w.run.fs.Remove(w.run.name))
}

// hashOf gives the hash that an item stands by.
func hashOf(table store.TableID, key []byte) uint64 {
	var room [64]byte
	return xxhash.Sum64(append(append(room[:0], table[:]...), key...))
}
