package pebble

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev/store"
)

// run is a file of state that does not change any more: a section for each table,
// with the table's items by the hash of their keys, so that an item's place can be
// guessed. All integers are little-endian or varints.
//
//	blocks: records, then the CRC-32C of them (4 bytes)
//	index: the number of sections; for each the table (16 bytes), its number of items,
//	    the place of its first block, its number of blocks, for each the hash of the
//	    first key (8) and the place of its end (8); the number of the filter's blocks,
//	    and those (64 each)
//	CRC-32C of the index (4)
//	footer: the index's place (8), version (4), CRC-32C of those (4)
//
// A record is the length of its key, 1 + the length of its value or 0 where the item
// is removed, key and value. Items of one hash are in one block.
type run struct {
	fs       vfs.FS
	name     string
	file     vfs.File
	size     int64
	sections []section
	// users counts who may read it, the list of runs among them.
	users atomic.Int32
	// gone says that the file is to be removed once nobody reads it.
	gone atomic.Bool
}

const (
	runVersion   = 1
	runFooter    = 8 + 4 + 4
	runBlockSize = 1 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// section is what a run has of a table.
type section struct {
	table store.TableID
	items int
	// begin is the place of the first block; starts has the hash of each block's first
	// key, ends where it ends.
	begin        uint64
	starts, ends []uint64
	filter       filterBlocks
}

// filterBlocks is a Bloom filter like those of filter. A block's place goes by the
// hash's upper half, as an item's does, so filling it in their order is a walk.
type filterBlocks [][blockWords]uint64

// itemsPerBlock gives thirteen bits an item: 0.5 percent of those not there pass.
const itemsPerBlock = 40

func newFilterBlocks(items int) filterBlocks { return make(filterBlocks, items/itemsPerBlock+1) }

func (f filterBlocks) block(hash uint64) *[blockWords]uint64 {
	return &f[(hash>>32)*uint64(len(f))>>32]
}

func (f filterBlocks) add(hash uint64) {
	block := f.block(hash)
	for i := range block {
		block[i] |= bitOf(hash, i)
	}
}

func (f filterBlocks) has(hash uint64) bool {
	block := f.block(hash)
	for i := range block {
		if block[i]&bitOf(hash, i) == 0 {
			return false
		}
	}
	return true
}

// openRun opens a run and reads its index. An error is of the disk, or says that the
// file is damaged.
func openRun(disk vfs.FS, dir, name string) (r *run, err error) {
	path := disk.PathJoin(dir, name)
	file, err := disk.Open(path, vfs.RandomReadsOption)
	if err != nil {
		return nil, err
	}
	r = &run{fs: disk, name: path, file: file}
	r.users.Store(1)
	if err = r.readIndex(dir); err != nil {
		_ = file.Close()
		return nil, err
	}
	return r, nil
}

func (r *run) readIndex(dir string) error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	r.size = info.Size()
	footer := make([]byte, runFooter)
	if r.size < runFooter {
		return damaged(dir, nil)
	}
	if err := r.readAt(footer, r.size-runFooter); err != nil {
		return err
	}
	at := binary.LittleEndian.Uint64(footer)
	if binary.LittleEndian.Uint32(footer[12:]) != crc32.Checksum(footer[:12], castagnoli) || binary.LittleEndian.Uint32(footer[8:]) != runVersion ||
		at > uint64(r.size-runFooter) {
		return damaged(dir, nil)
	}
	index := make([]byte, uint64(r.size-runFooter)-at)
	if err := r.readAt(index, int64(at)); err != nil {
		return err
	}
	text, ok := checked(index)
	if ok {
		r.sections, ok = decodeIndex(text, at)
	}
	if !ok {
		return damaged(dir, nil)
	}
	return nil
}

func (r *run) readAt(b []byte, at int64) error {
	n, err := r.file.ReadAt(b, at)
	if n == len(b) || err == io.EOF {
		return nil // What is missing at a file's end does not check.
	}
	return err
}

// checked gives what stands before a checksum that is right.
func checked(b []byte) ([]byte, bool) {
	n := len(b) - 4
	if n < 0 || crc32.Checksum(b[:n], castagnoli) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, false
	}
	return b[:n], true
}

func sealed(b []byte, from int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// encodeIndex appends the index to b and calls full after each little piece, which
// takes what there is and gives what is left of it.
func encodeIndex(sections []section, b []byte, full func(b []byte) []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(sections)))
	for i := range sections {
		s := &sections[i]
		b = append(b, s.table[:]...)
		b = binary.AppendUvarint(b, uint64(s.items))
		b = binary.AppendUvarint(b, s.begin)
		b = binary.AppendUvarint(b, uint64(len(s.starts)))
		for j := range s.starts {
			b = full(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, s.starts[j]), s.ends[j]))
		}
		b = binary.AppendUvarint(b, uint64(len(s.filter)))
		for j := range s.filter {
			for _, word := range s.filter[j] {
				b = binary.LittleEndian.AppendUint64(b, word)
			}
			b = full(b)
		}
	}
	return b
}

// reader takes an encoding apart. After the first fault it is bad.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return x
}

// bytes gives the next n bytes, none where there are not so many.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// decodeIndex reads an index that stands behind blocks up to a place.
func decodeIndex(data []byte, blocksEnd uint64) ([]section, bool) {
	r := reader{data: data}
	n := r.uvarint()
	if n > uint64(len(data)) {
		return nil, false
	}
	sections := make([]section, n)
	at := uint64(0)
	for i := range sections {
		s := &sections[i]
		copy(s.table[:], r.bytes(uint64(tableSize)))
		s.items, s.begin = int(r.uvarint()), r.uvarint()
		blocks := r.uvarint()
		if r.bad || blocks == 0 || blocks > uint64(len(r.data))/16 || s.begin != at || s.items <= 0 || i > 0 && bytes.Compare(sections[i-1].table[:], s.table[:]) >= 0 {
			return nil, false
		}
		s.starts, s.ends = make([]uint64, blocks), make([]uint64, blocks)
		for j := range s.starts {
			word := r.bytes(16)
			s.starts[j], s.ends[j] = binary.LittleEndian.Uint64(word), binary.LittleEndian.Uint64(word[8:])
			if s.ends[j] < at+4 || s.ends[j] > blocksEnd || j > 0 && s.starts[j] <= s.starts[j-1] {
				return nil, false
			}
			at = s.ends[j]
		}
		filter := r.uvarint()
		if filter == 0 || filter > uint64(len(r.data))/blockBytes {
			return nil, false
		}
		s.filter = make(filterBlocks, filter)
		for j := range s.filter {
			for k := range s.filter[j] {
				s.filter[j][k] = binary.LittleEndian.Uint64(r.bytes(8))
			}
		}
	}
	return sections, !r.bad && len(r.data) == 0
}

// section gives what the run has of a table, nil where it has nothing.
func (r *run) section(table store.TableID) *section {
	for i := range r.sections {
		if r.sections[i].table == table {
			return &r.sections[i]
		}
	}
	return nil
}

// search gives the block that may have a hash, -1 where none has. It begins where
// the hash would be if hashes had equal distances, corrects that by what stands
// there, and looks around.
func (s *section) search(hash uint64) int {
	n := len(s.starts)
	if hash < s.starts[0] {
		return -1
	}
	width := float64(1<<63) * 2 / float64(n)
	guess := min(int(float64(hash)/width), n-1)
	guess += int((float64(hash) - float64(s.starts[guess])) / width)
	guess = min(max(guess, 0), n-1)
	low, high := 0, n // starts[low] <= hash, and starts[high] is more
	if s.starts[guess] <= hash {
		low = guess
		for step := 4; low+step < n; step *= 2 {
			if s.starts[low+step] > hash {
				high = low + step
				break
			}
			low += step
		}
	} else {
		high = guess
		for step := 4; high-step > 0; step *= 2 {
			if s.starts[high-step] <= hash {
				low = high - step
				break
			}
			high -= step
		}
	}
	for high-low > 1 {
		if mid := (low + high) / 2; s.starts[mid] <= hash {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func (s *section) place(block int) (from, to uint64) {
	if block == 0 {
		return s.begin, s.ends[0]
	}
	return s.ends[block-1], s.ends[block]
}

// blockBuffers has memory for single blocks.
var blockBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 2*runBlockSize); return &b }}

// get copies the value of a key in a section: nil where the item is removed. found is
// false where the run has nothing of it.
func (r *run) get(s *section, hash uint64, key string) (value []byte, found bool, err error) {
	if !s.filter.has(hash) {
		return nil, false, nil
	}
	block := s.search(hash)
	if block < 0 {
		return nil, false, nil
	}
	from, to := s.place(block)
	buffer := blockBuffers.Get().(*[]byte)
	defer blockBuffers.Put(buffer)
	if uint64(cap(*buffer)) < to-from {
		*buffer = make([]byte, to-from)
	}
	b := (*buffer)[:to-from]
	if err := r.readAt(b, int64(from)); err != nil {
		return nil, false, err
	}
	records, ok := checked(b)
	if !ok {
		return nil, false, errBlock
	}
	left := reader{data: records}
	for len(left.data) > 0 {
		k, v, removed := left.record()
		if string(k) != key {
			continue
		}
		if removed {
			return nil, true, nil
		}
		return append(make([]byte, 0, len(v)), v...), !left.bad, nil
	}
	if left.bad {
		return nil, false, errBlock
	}
	return nil, false, nil
}

// record reads a record.
func (r *reader) record() (key, value []byte, removed bool) {
	length, and1 := r.uvarint(), r.uvarint()
	key = r.bytes(length)
	if and1 == 0 {
		return key, nil, true
	}
	return key, r.bytes(and1 - 1), false
}

// use has the run stay as long as it is read; done is called for each use.
func (r *run) use() { r.users.Add(1) }

func (r *run) done() {
	if r.users.Add(-1) > 0 {
		return
	}
	_ = r.file.Close() // It was only read.
	if r.gone.Load() {
		_ = r.fs.Remove(r.name) // What stays is removed at the next Open.
	}
}
