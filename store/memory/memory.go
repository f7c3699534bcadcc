// Package memory is a store that lasts as long as its process: for tests, and
// for a trial without a data directory. It keeps the promises of the ports by
// the plainest means, one lock and ordered slices.
package memory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"orrery.dev"
	"orrery.dev/store"
	"orrery.dev/vault"
)

// Store is a store in memory. The zero value is empty and ready.
type Store struct {
	log   log
	state state
	meta  meta
	blob  blob
	vault struct {
		sync.Mutex
		file *vault.Memory
		open *vault.Vault
	}
}

var _ store.Store = (*Store)(nil)

// New gives an empty store.
func New() *Store { return &Store{} }

// Log gives the records and their entries.
func (s *Store) Log() store.Log { return logPort{&s.log, &s.meta} }

// State gives feature state.
func (s *Store) State() store.State { return &s.state }

// Meta gives the named values.
func (s *Store) Meta() store.Meta { return &s.meta }

// Blob gives the immutable content.
func (s *Store) Blob() store.Blob { return &s.blob }

// Vault gives the secrets of subjects.
func (s *Store) Vault() (_ *vault.Vault, err error) {
	s.vault.Lock()
	defer s.vault.Unlock()
	if s.vault.open == nil {
		s.vault.file = vault.NewMemory(vault.New())
		s.vault.open, err = vault.Open(s.vault.file, s.vault.file.Size())
	}
	return s.vault.open, err
}

// Close does nothing: the store can be used again, as if opened again.
func (s *Store) Close() error { return nil }

type log struct {
	sync.RWMutex
	// records only grows, and is cut by making the slice shorter, so a reader
	// needs the lock for the slice alone.
	records []store.Record
	entries map[string]orrery.Offset
	// first is 0 before the first cut.
	first orrery.Offset
	base  map[store.TableID]map[string][]byte
}

// logPort is a log that can put values into the meta of its store.
type logPort struct {
	*log
	meta *meta
}

func (l *log) Append(b *store.Batch, _ bool) error {
	l.Lock()
	defer l.Unlock()
	last := store.Record{}
	if n := len(l.records); n > 0 {
		last = l.records[n-1]
	}
	if err := store.CheckOrder(b.Records, last.Offset, last.Kind); err != nil {
		return err
	}
	for _, r := range b.Records {
		r.Data = bytes.Clone(r.Data)
		l.records = append(l.records, r)
	}
	if l.entries == nil {
		l.entries = map[string]orrery.Offset{}
	}
	for _, e := range b.Entries {
		l.entries[string(e.Key)] = e.Offset
	}
	return nil
}

func (l *log) Start(b *store.Batch) (wait func() error, err error) {
	return func() error { return nil }, l.Append(b, true)
}

// at gives the records, and where the first at or after a place is.
func (l *log) at(offset orrery.Offset, kind store.RecordKind) ([]store.Record, int) {
	l.RLock()
	records := l.records
	l.RUnlock()
	return records, sort.Search(len(records), func(i int) bool {
		r := &records[i]
		return r.Offset > offset || r.Offset == offset && r.Kind >= kind
	})
}

func (l *log) Get(offset orrery.Offset, kind store.RecordKind) ([]byte, bool, error) {
	records, i := l.at(offset, kind)
	if i == len(records) || records[i].Offset != offset || records[i].Kind != kind {
		return nil, false, nil
	}
	return bytes.Clone(records[i].Data), true, nil
}

func (l *log) Lookup(key []byte) (orrery.Offset, bool, error) {
	l.RLock()
	defer l.RUnlock()
	offset, ok := l.entries[string(key)]
	return offset, ok, nil
}

func (l *log) Scan(from orrery.Offset) iter.Seq2[store.Record, error] {
	records, i := l.at(from, 0)
	return func(yield func(store.Record, error) bool) {
		for _, r := range records[i:] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (l *log) Last() (orrery.Offset, error) {
	l.RLock()
	defer l.RUnlock()
	if len(l.records) == 0 {
		return 0, nil
	}
	return l.records[len(l.records)-1].Offset, nil
}

func (l *log) First() (orrery.Offset, error) {
	l.RLock()
	defer l.RUnlock()
	return max(l.first, 1), nil
}

func (l logPort) Cut(c *store.Cut) error {
	l.Lock()
	defer l.Unlock()
	last := orrery.Offset(0)
	if n := len(l.records); n > 0 {
		last = l.records[n-1].Offset
	}
	if err := store.CheckCut(c, max(l.first, 1), last); err != nil {
		return err
	}
	l.first = c.Before
	l.records = l.records[sort.Search(len(l.records), func(i int) bool { return l.records[i].Offset >= c.Before }):]
	for _, key := range c.Forget {
		delete(l.entries, string(key))
	}
	for _, table := range c.Drop {
		delete(l.base, table)
	}
	for _, it := range c.Base {
		if l.base == nil {
			l.base = map[store.TableID]map[string][]byte{}
		}
		if l.base[it.Table] == nil {
			l.base[it.Table] = map[string][]byte{}
		}
		l.base[it.Table][it.Key] = bytes.Clone(it.Value)
	}
	return l.meta.Put(c.Values)
}

func (l *log) Base(table store.TableID, key string) ([]byte, bool, error) {
	l.RLock()
	defer l.RUnlock()
	value, ok := l.base[table][key]
	return bytes.Clone(value), ok, nil
}

func (l *log) ScanBase(table store.TableID) iter.Seq2[store.StateItem, error] {
	return func(yield func(store.StateItem, error) bool) {
		l.RLock()
		items := maps.Clone(l.base[table])
		l.RUnlock()
		yieldItems(table, items, yield)
	}
}

func (l *log) Size(from orrery.Offset) (int64, error) {
	records, i := l.at(from, 0)
	n := int64(0)
	for _, r := range records[i:] {
		n += int64(len(r.Data))
	}
	return n, nil
}

type state struct {
	sync.RWMutex
	tables map[store.TableID]map[string][]byte
	marks  map[store.TableID]orrery.Offset
}

func (s *state) Get(table store.TableID, key string) ([]byte, bool, error) {
	s.RLock()
	defer s.RUnlock()
	value, ok := s.tables[table][key]
	return bytes.Clone(value), ok, nil
}

func (s *state) Write(items []store.StateItem) error {
	s.Lock()
	defer s.Unlock()
	for _, it := range items {
		if s.tables == nil {
			s.tables = map[store.TableID]map[string][]byte{}
		}
		if s.tables[it.Table] == nil {
			s.tables[it.Table] = map[string][]byte{}
		}
		if it.Value == nil {
			delete(s.tables[it.Table], it.Key)
		} else {
			s.tables[it.Table][it.Key] = bytes.Clone(it.Value)
		}
	}
	return nil
}

func (s *state) Mark(offset orrery.Offset, tables []store.TableID) error {
	s.Lock()
	defer s.Unlock()
	if s.marks == nil {
		s.marks = map[store.TableID]orrery.Offset{}
	}
	for _, table := range tables {
		s.marks[table] = offset
	}
	return nil
}

func (s *state) Marked(table store.TableID) (orrery.Offset, error) {
	s.RLock()
	defer s.RUnlock()
	return s.marks[table], nil
}

func (s *state) Scan(table store.TableID) iter.Seq2[store.StateItem, error] {
	return func(yield func(store.StateItem, error) bool) {
		s.RLock()
		items := maps.Clone(s.tables[table])
		s.RUnlock()
		yieldItems(table, items, yield)
	}
}

func yieldItems(table store.TableID, items map[string][]byte, yield func(store.StateItem, error) bool) {
	for _, key := range slices.Sorted(maps.Keys(items)) {
		if !yield(store.StateItem{Table: table, Key: key, Value: bytes.Clone(items[key])}, nil) {
			return
		}
	}
}

func (s *state) Drop(table store.TableID) error {
	s.Lock()
	defer s.Unlock()
	delete(s.tables, table)
	delete(s.marks, table)
	return nil
}

type meta struct {
	sync.RWMutex
	values map[string][]byte
}

func (m *meta) Put(values map[string][]byte) error {
	m.Lock()
	defer m.Unlock()
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	for name, value := range values {
		m.values[name] = bytes.Clone(value)
	}
	return nil
}

func (m *meta) Get(name string) ([]byte, bool, error) {
	m.RLock()
	defer m.RUnlock()
	value, ok := m.values[name]
	return bytes.Clone(value), ok, nil
}

func (m *meta) List(prefix string) ([]string, error) {
	m.RLock()
	defer m.RUnlock()
	names := slices.Sorted(maps.Keys(m.values))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) }), nil
}

type blob struct {
	sync.RWMutex
	contents map[string][]byte
}

func (b *blob) Put(content []byte) (string, error) {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	b.Lock()
	defer b.Unlock()
	if b.contents == nil {
		b.contents = map[string][]byte{}
	}
	b.contents[digest] = bytes.Clone(content)
	return digest, nil
}

func (b *blob) Get(digest string) ([]byte, error) {
	b.RLock()
	defer b.RUnlock()
	content, ok := b.contents[digest]
	if !ok {
		return nil, store.BlobNotFound(digest)
	}
	return bytes.Clone(content), nil
}

func (b *blob) List() ([]string, error) {
	b.RLock()
	defer b.RUnlock()
	return slices.Sorted(maps.Keys(b.contents)), nil
}
