package pebble

import (
	"encoding/binary"
	"iter"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"orrery.dev"
	"orrery.dev/store"
)

// The state instance's keys begin with one of these, then the table.
const (
	itemPrefix = 's'
	markPrefix = 'k'
)

// statePort is the store's State. Without a write-ahead log, what survives a
// crash is the writes up to some moment, in their order and each batch whole:
// memory is written out in the order in which it was filled.
type statePort struct {
	*engine
	// known tells most keys that were never written.
	known *known
	// writing is held by whoever changes what is gathered, or needs it in Pebble.
	writing  sync.Mutex
	gathered gathered
	// most is how many bytes are gathered.
	most int
}

// newState makes the port of an instance, which may be nil.
func newState(e *engine, o Options) *statePort {
	return &statePort{engine: e, most: 4 * int(o.MemTableBytes)}
}

func appendTableKey(b []byte, prefix byte, table store.TableID) []byte {
	return append(append(b, prefix), table[:]...)
}

const itemKeyStart = 1 + tableSize

func (s *statePort) Get(table store.TableID, key string) ([]byte, bool, error) {
	full := append(appendTableKey(make([]byte, 0, 64), itemPrefix, table), key...)
	if s.known.absent(full[1:]) {
		return nil, false, nil
	}
	if value, ok := s.gathered.get(full[1:]); ok {
		return value, value != nil, nil
	}
	return s.get(full)
}

func (s *statePort) Write(items []store.StateItem) error {
	if err := s.err(); err != nil || len(items) == 0 {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	var key []byte
	for i := range items {
		key = append(append(key[:0], items[i].Table[:]...), items[i].Key...)
		s.known.add(key)
	}
	s.gathered.put(items)
	if s.gathered.bytes() < s.most {
		return nil
	}
	return s.writeOut()
}

// settle hands over to Pebble what is gathered.
func (s *statePort) settle() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.writeOut()
}

// close keeps what is gathered, if it can, and ends the instance.
func (s *statePort) close() error {
	if s == nil || s.engine == nil {
		return nil
	}
	s.known.close()
	if s.err() == nil {
		if err := s.settle(); err != nil {
			return err
		}
	}
	return s.engine.close()
}

// writeOut hands over to Pebble what is gathered; writing is held.
func (s *statePort) writeOut() error {
	if err := s.err(); err != nil || len(s.gathered.items) == 0 {
		return err
	}
	batch := s.db.NewBatchWithSize(s.gathered.bytes())
	if err := s.gathered.sorted(batch); err != nil {
		return s.set(err)
	}
	if err := s.commit(batch, pebble.NoSync); err != nil {
		return err
	}
	s.gathered.clear()
	return nil
}

// Mark writes the marks behind everything written so far and then flushes. As
// writes survive in their order, a mark never does without what it covers.
func (s *statePort) Mark(offset orrery.Offset, tables []store.TableID) error {
	if err := s.err(); err != nil || len(tables) == 0 {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.writeOut(); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	value := binary.AppendUvarint(nil, uint64(offset))
	for _, table := range tables {
		if err := batch.Set(appendTableKey(nil, markPrefix, table), value, nil); err != nil {
			return s.set(err)
		}
	}
	if err := s.commit(batch, pebble.NoSync); err != nil {
		return err
	}
	return s.run(s.db.Flush)
}

func (s *statePort) Marked(table store.TableID) (orrery.Offset, error) {
	value, ok, err := s.get(appendTableKey(nil, markPrefix, table))
	if err != nil || !ok {
		return 0, err
	}
	offset, n := binary.Uvarint(value)
	if n != len(value) {
		return 0, damaged(s.dir, nil)
	}
	return orrery.Offset(offset), nil
}

func (s *statePort) Scan(table store.TableID) iter.Seq2[store.StateItem, error] {
	return func(yield func(store.StateItem, error) bool) {
		if err := s.settle(); err != nil {
			yield(store.StateItem{}, err)
			return
		}
		s.scanTable(itemPrefix, table)(yield)
	}
}

// scanTable yields what lies under a prefix and a table.
func (e *engine) scanTable(prefix byte, table store.TableID) iter.Seq2[store.StateItem, error] {
	return func(yield func(store.StateItem, error) bool) {
		start := appendTableKey(nil, prefix, table)
		it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: after(start)})
		if err != nil {
			yield(store.StateItem{}, explain(e.dir, err))
			return
		}
		going := true
		for ok := it.First(); ok && going; ok = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				break // The iterator keeps it for Close.
			}
			going = yield(store.StateItem{Table: table, Key: string(it.Key()[itemKeyStart:]),
				Value: append([]byte(nil), value...)}, nil)
		}
		if err := it.Close(); err != nil && going {
			yield(store.StateItem{}, explain(e.dir, err))
		}
	}
}

// Drop forgets items and mark in one batch, so a crash forgets both or neither.
func (s *statePort) Drop(table store.TableID) error {
	if err := s.err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.writeOut(); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	prefix := appendTableKey(nil, itemPrefix, table)
	if err := batch.DeleteRange(prefix, after(prefix), nil); err != nil {
		return s.set(err)
	}
	if err := batch.Delete(appendTableKey(nil, markPrefix, table), nil); err != nil {
		return s.set(err)
	}
	return s.commit(batch, pebble.NoSync)
}

// after gives the least key that is greater than every key with the prefix,
// whose first byte is not 255.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 255 {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}
