// Package store declares the ports that the engine keeps its data behind: the
// Log, the State, the Meta and the Blob. Package store/storetest is the one
// conformance and crash suite that every engine runs; store/pebble is the
// default engine.
package store

import (
	"iter"

	"orrery.dev"
	"orrery.dev/vault"
)

// RecordKind says what a record of the log is.
type RecordKind uint8

// The kinds of record. The numbers are part of the format on disk.
const (
	EventRecord    RecordKind = 1
	DecisionRecord RecordKind = 2
	ControlRecord  RecordKind = 3
)

// Record is one entry of the log. An event and the decision on it share an
// offset and differ in kind; a control takes an offset of its own.
type Record struct {
	Offset orrery.Offset
	Kind   RecordKind
	// Data is the record's encoding, opaque to the store. It begins with a
	// format version and the contract's fingerprint (see package record).
	Data []byte
}

// Entry is what the log remembers by a key: an event by its identity, so that a
// repeat can be recognised, or the newest correction of an event. A Key that is
// appended again, in a later batch or later in its own, has the later Offset.
type Entry struct {
	// Key is opaque to the store.
	Key    []byte
	Offset orrery.Offset
}

// Batch is what one append makes durable, all of it or nothing.
type Batch struct {
	Records []Record
	Entries []Entry
}

// Cut says what a log forgets, and what stands in its place.
type Cut struct {
	// Before is the first offset that is kept; all before it go.
	Before orrery.Offset
	// Forget has the keys of entries that go with them.
	Forget [][]byte
	// Base replaces the base of entities: their state as of the last offset that
	// goes. Drop are tables of which the base goes, before Base is written.
	Base []StateItem
	Drop []TableID
	// Values are put into Meta with the rest.
	Values map[string][]byte
}

// Log is one partition's durable, ordered sequence of records. Append has one
// caller at a time, and so has Cut; reads run beside them.
//
// A log may have been cut: what it no longer has is summed up in its base, the
// state that its first record was applied to.
type Log interface {
	// Append writes the batch, of which it keeps nothing. With sync, it returns
	// when the batch is durable, and with it all that was appended before. Records
	// come in order, by offset and then kind, after all in the log: others are
	// refused with code log_out_of_order, and nothing happens. After any other
	// error the batch may or may not be there, and the log refuses every later
	// Append with the same error. A crash loses whole batches that were not
	// synced, the newest first.
	Append(b *Batch, sync bool) error
	// Start is Append with sync in two steps: it returns when the batch is in the
	// log, where reads find it and a crash may still lose it, and wait, which must
	// be called once, returns when it is durable. The next batch can be started
	// meanwhile, so that the disk need not stand still between two syncs.
	Start(b *Batch) (wait func() error, err error)
	// Get gives the data of one record, which the caller owns; ok is false where
	// there is none.
	Get(offset orrery.Offset, kind RecordKind) (data []byte, ok bool, err error)
	// Lookup gives the offset with which an entry's key was appended last.
	Lookup(key []byte) (offset orrery.Offset, ok bool, err error)
	// Scan yields the records from an offset on, by offset and then kind, as of
	// the moment of the call: every batch whose Append has returned, and none
	// that comes later. A record's Data is valid until the next is asked for. An
	// error ends the sequence.
	Scan(from orrery.Offset) iter.Seq2[Record, error]
	// Last gives the highest offset appended, 0 when the log is empty.
	Last() (orrery.Offset, error)
	// First gives the first offset that is kept: 1 unless the log has been cut.
	First() (orrery.Offset, error)
	// Cut forgets the oldest records, all that it says or nothing. It need not
	// wait for the disk: a crash may undo the newest cuts, but none before a
	// synced Append that came after it. A cut that goes back, or beyond Last, is
	// refused with code cut_out_of_range, and nothing happens. After any other
	// error, what it names may or may not be there until the store is opened again.
	// A Scan under way may or may not see what is cut.
	Cut(c *Cut) error
	// Base gives the base of an entity in a table, which the caller owns; ok is
	// false where there is none.
	Base(table TableID, key string) (value []byte, ok bool, err error)
	// ScanBase yields the base of one table in key order, as of when the sequence
	// begins to be read. The caller owns the items.
	ScanBase(table TableID) iter.Seq2[StateItem, error]
	// Size gives about how many bytes the records from an offset on take, 0 where
	// they have not been written out yet.
	Size(from orrery.Offset) (int64, error)
}

// TableID names the state of one feature table by the hash of its definition.
type TableID [16]byte

// StateItem is the state of one entity in one table.
type StateItem struct {
	Table TableID
	Key   string
	Value []byte
}

// State is a cache of the log. It may lose its newest writes in a crash, never
// part of a Write that a later Mark covers. Writes have one caller at a time;
// reads run beside them.
type State interface {
	// Get gives an entity's state; ok is false where there is none. The caller
	// owns the value.
	Get(table TableID, key string) (value []byte, ok bool, err error)
	// Write replaces the state of the items, all or none, without waiting for the
	// disk. An item whose Value is nil is removed.
	Write(items []StateItem) error
	// Mark makes everything written so far durable, then records that every
	// table in tables has applied the log up to and including offset.
	Mark(offset orrery.Offset, tables []TableID) error
	// Marked gives the offset of the table's last Mark, 0 when there is none.
	Marked(table TableID) (orrery.Offset, error)
	// Scan yields the state of one table in key order, as of when the sequence
	// begins to be read. The caller owns the items.
	Scan(table TableID) iter.Seq2[StateItem, error]
	// Drop forgets a table and its mark. It may run beside writes of others.
	Drop(table TableID) error
}

// Meta keeps a few small, named, durable values: the data format's version,
// the contracts by fingerprint, the release in force.
type Meta interface {
	// Put writes the values, all or none, and returns when they are durable.
	Put(values map[string][]byte) error
	Get(name string) (value []byte, ok bool, err error)
	// List yields the names with a prefix, in order.
	List(prefix string) ([]string, error)
}

// Blob keeps immutable content under the hex SHA-256 of it: releases, models.
type Blob interface {
	// Put stores the content and returns its digest, once it is durable.
	Put(content []byte) (digest string, err error)
	// Get gives the content of a digest, checked against it; an Error of kind
	// NotFound where there is none, of kind Damaged where it does not match.
	Get(digest string) ([]byte, error)
	List() ([]string, error)
}

// Store is one data directory, or what stands in for it.
type Store interface {
	Log() Log
	State() State
	Meta() Meta
	Blob() Blob
	// Vault gives the secrets of subjects, which are no part of the log and of no
	// copy of it; the first call makes a vault. The error is of kind Unavailable,
	// with code vault_missing or vault_other, where the data names a vault that is
	// not there.
	Vault() (*vault.Vault, error)
	// Close flushes what is worth keeping and releases the directory. No other
	// call may be under way, and none may follow but Close itself, which is then
	// without effect.
	Close() error
}
