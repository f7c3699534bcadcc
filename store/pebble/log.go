package pebble

import (
	"encoding/binary"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"orrery.dev"
	"orrery.dev/store"
)

// The log instance's keys begin with one of these. A record's key goes on with
// its offset, big-endian, and its kind, so that keys sort as records do.
const (
	recordPrefix = 'r'
	entryPrefix  = 'e'
	metaPrefix   = 'm'
	basePrefix   = 'b' // then the table and the key
	firstPrefix  = 'f' // alone: the first offset that is kept
)

const recordKeySize = 1 + 8 + 1

func appendRecordKey(b []byte, offset orrery.Offset, kind store.RecordKind) []byte {
	return append(binary.BigEndian.AppendUint64(append(b, recordPrefix), uint64(offset)), byte(kind))
}

func parseRecordKey(key []byte) (orrery.Offset, store.RecordKind) {
	return orrery.Offset(binary.BigEndian.Uint64(key[1:9])), store.RecordKind(key[9])
}

// logPort is the store's Log.
type logPort struct {
	*engine
	// last is the highest offset appended.
	last atomic.Uint64
	// lastKind is the kind of the last record; Append's caller alone uses it.
	lastKind store.RecordKind
	// known tells most keys that were never appended.
	known *known
	// first is the first offset that is kept.
	first atomic.Uint64
	// raise makes the directory one of a format that knows of cuts.
	raise func() error
	// end notes how far the log is durable.
	end *end
	// cutting is held while the log is cut, and while it is copied.
	cutting sync.Mutex
}

// findEnds reads where the log begins and ends.
func (l *logPort) findEnds() error {
	if err := l.findFirst(); err != nil {
		return err
	}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{recordPrefix}, UpperBound: []byte{recordPrefix + 1}})
	if err != nil {
		return explain(l.dir, err)
	}
	if it.Last() {
		offset, kind := parseRecordKey(it.Key())
		l.last.Store(uint64(offset))
		l.lastKind = kind
	}
	if err := it.Close(); err != nil {
		return explain(l.dir, err)
	}
	return nil
}

func (l *logPort) Append(b *store.Batch, sync bool) error {
	options := pebble.NoSync
	if sync {
		options = pebble.Sync
	}
	if err := l.append(b, func(batch *pebble.Batch) error { return l.commit(batch, options) }); err != nil || !sync || len(b.Records) == 0 {
		return err
	}
	return l.durable(orrery.Offset(l.last.Load()))
}

// durable notes that all up to offset is on disk.
func (l *logPort) durable(offset orrery.Offset) error {
	if err := l.end.note(offset); err != nil {
		return l.set(err)
	}
	return nil
}

func (l *logPort) Start(b *store.Batch) (wait func() error, err error) {
	var synced func() error
	err = l.append(b, func(batch *pebble.Batch) error {
		var err error
		synced, err = l.runInSteps(func() error { return l.db.ApplyNoSyncWait(batch, pebble.Sync) }, func() error {
			defer batch.Close()
			return batch.SyncWait()
		})
		return err
	})
	if err != nil || synced == nil {
		return func() error { return nil }, err
	}
	through := orrery.Offset(l.last.Load())
	return func() error {
		if err := synced(); err != nil {
			return err
		}
		return l.durable(through)
	}, nil
}

// append checks the batch and has write put it in the log.
func (l *logPort) append(b *store.Batch, write func(*pebble.Batch) error) error {
	if err := l.err(); err != nil {
		return err
	}
	if len(b.Records) == 0 && len(b.Entries) == 0 {
		return nil
	}
	if err := store.CheckOrder(b.Records, orrery.Offset(l.last.Load()), l.lastKind); err != nil {
		return err
	}
	batch, err := l.fill(b)
	if err != nil {
		return l.set(err)
	}
	if err := write(batch); err != nil {
		return err
	}
	if n := len(b.Records); n > 0 {
		l.lastKind = b.Records[n-1].Kind
		l.last.Store(uint64(b.Records[n-1].Offset))
	}
	return nil
}

// fill copies the batch into one of Pebble's.
func (l *logPort) fill(b *store.Batch) (*pebble.Batch, error) {
	size := 64
	for i := range b.Records {
		size += recordKeySize + len(b.Records[i].Data) + 8
	}
	for i := range b.Entries {
		size += len(b.Entries[i].Key) + 16
	}
	batch := l.db.NewBatchWithSize(size)
	var key, value []byte
	for i := range b.Records {
		r := &b.Records[i]
		key = appendRecordKey(key[:0], r.Offset, r.Kind)
		if err := batch.Set(key, r.Data, nil); err != nil {
			return nil, err
		}
	}
	for i := range b.Entries {
		e := &b.Entries[i]
		l.known.add(e.Key)
		key = append(append(key[:0], entryPrefix), e.Key...)
		value = binary.AppendUvarint(value[:0], uint64(e.Offset))
		if err := batch.Set(key, value, nil); err != nil {
			return nil, err
		}
	}
	return batch, nil
}

func (l *logPort) Get(offset orrery.Offset, kind store.RecordKind) ([]byte, bool, error) {
	if uint64(offset) < l.first.Load() {
		return nil, false, nil
	}
	return l.get(appendRecordKey(make([]byte, 0, recordKeySize), offset, kind))
}

// Lookup seeks rather than gets, since Pebble asks the filters of its lowest
// level, where nearly all entries are, only when seeking.
func (l *logPort) Lookup(key []byte) (orrery.Offset, bool, error) {
	if l.known.absent(key) {
		return 0, false, nil
	}
	it, err := l.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return 0, false, explain(l.dir, err)
	}
	full := append(append(make([]byte, 0, 64), entryPrefix), key...)
	ok, size, offset := it.SeekPrefixGE(full), 0, uint64(0)
	if ok {
		offset, size = binary.Uvarint(it.Value())
		if size <= 0 {
			err = damaged(l.dir, nil)
		}
	}
	if closeErr := it.Close(); closeErr != nil {
		err = explain(l.dir, closeErr)
	}
	return orrery.Offset(offset), ok && err == nil, err
}

// Scan needs no snapshot: the log only grows, so its end now bounds what is
// seen.
func (l *logPort) Scan(from orrery.Offset) iter.Seq2[store.Record, error] {
	last := orrery.Offset(l.last.Load())
	from = max(from, orrery.Offset(l.first.Load()))
	return func(yield func(store.Record, error) bool) {
		if from > last {
			return
		}
		it, err := l.db.NewIter(&pebble.IterOptions{
			LowerBound: appendRecordKey(nil, from, 0),
			UpperBound: append(appendRecordKey(nil, last, 255), 0),
		})
		if err != nil {
			yield(store.Record{}, explain(l.dir, err))
			return
		}
		going := true
		for ok := it.First(); ok && going; ok = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				break // The iterator keeps it for Close.
			}
			offset, kind := parseRecordKey(it.Key())
			going = yield(store.Record{Offset: offset, Kind: kind, Data: value}, nil)
		}
		if err := it.Close(); err != nil && going {
			yield(store.Record{}, explain(l.dir, err))
		}
	}
}

func (l *logPort) Last() (orrery.Offset, error) { return orrery.Offset(l.last.Load()), nil }
