package pebble

import (
	"encoding/binary"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"orrery.dev"
	"orrery.dev/store"
)

// findFirst reads where the log begins.
func (l *logPort) findFirst() error {
	l.first.Store(1)
	value, ok, err := l.get([]byte{firstPrefix})
	if err != nil || !ok {
		return err
	}
	first, n := binary.Uvarint(value)
	if n != len(value) || first == 0 {
		return damaged(l.dir, nil)
	}
	l.first.Store(first)
	return nil
}

func (l *logPort) First() (orrery.Offset, error) { return orrery.Offset(l.first.Load()), nil }

// Cut is one batch, written to the write-ahead log in its order and not synced:
// the next synced Append makes it durable.
func (l *logPort) Cut(c *store.Cut) error {
	if err := l.err(); err != nil {
		return err
	}
	if err := store.CheckCut(c, orrery.Offset(l.first.Load()), orrery.Offset(l.last.Load())); err != nil {
		return err
	}
	if err := l.raise(); err != nil {
		return err
	}
	batch, err := l.fillCut(c)
	if err != nil {
		return l.set(err)
	}
	l.cutting.Lock()
	defer l.cutting.Unlock()
	if err := l.commit(batch, pebble.NoSync); err != nil {
		return err
	}
	l.first.Store(uint64(c.Before))
	return nil
}

func (l *logPort) fillCut(c *store.Cut) (*pebble.Batch, error) {
	batch := l.db.NewBatch()
	first := orrery.Offset(l.first.Load())
	err := batch.DeleteRange(appendRecordKey(nil, first, 0), appendRecordKey(nil, c.Before, 0), nil)
	var key []byte
	for i := 0; i < len(c.Forget) && err == nil; i++ {
		key = append(append(key[:0], entryPrefix), c.Forget[i]...)
		err = batch.Delete(key, nil)
	}
	for i := 0; i < len(c.Drop) && err == nil; i++ {
		prefix := appendTableKey(nil, basePrefix, c.Drop[i])
		err = batch.DeleteRange(prefix, after(prefix), nil)
	}
	for i := 0; i < len(c.Base) && err == nil; i++ {
		key = append(appendTableKey(key[:0], basePrefix, c.Base[i].Table), c.Base[i].Key...)
		err = batch.Set(key, c.Base[i].Value, nil)
	}
	for name, value := range c.Values {
		if err == nil {
			err = batch.Set(metaKey(name), value, nil)
		}
	}
	if err == nil {
		err = batch.Set([]byte{firstPrefix}, binary.AppendUvarint(nil, uint64(c.Before)), nil)
	}
	return batch, err
}

func (l *logPort) Base(table store.TableID, key string) ([]byte, bool, error) {
	return l.get(append(appendTableKey(make([]byte, 0, 64), basePrefix, table), key...))
}

func (l *logPort) ScanBase(table store.TableID) iter.Seq2[store.StateItem, error] {
	return l.scanTable(basePrefix, table)
}

// Size is of the sorted files, compressed as they are; what a cut has left in
// them before its own offsets does not count.
func (l *logPort) Size(from orrery.Offset) (int64, error) {
	from, last := max(from, orrery.Offset(l.first.Load())), orrery.Offset(l.last.Load())
	if from > last {
		return 0, nil
	}
	size, err := l.db.EstimateDiskUsage(appendRecordKey(nil, from, 0), append(appendRecordKey(nil, last, 255), 0))
	if err != nil {
		return 0, explain(l.dir, err)
	}
	return int64(size), nil
}

func appendTableKey(b []byte, prefix byte, table store.TableID) []byte {
	return append(append(b, prefix), table[:]...)
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
			going = yield(store.StateItem{Table: table, Key: string(it.Key()[1+tableSize:]),
				Value: append([]byte(nil), value...)}, nil)
		}
		if err := it.Close(); err != nil && going {
			yield(store.StateItem{}, explain(e.dir, err))
		}
	}
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
