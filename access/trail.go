package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
	"time"

	"orrery.dev"
	"orrery.dev/store"
)

// The names of the audit trail in Meta.
const (
	entryPrefix = "audit/"
	headName    = "audit-head"
)

// Outcomes that are not the code of an error.
const (
	// Begun is the outcome of an entry that another will end.
	Begun = "begun"
	// Done is the outcome of an act that succeeded.
	Done = "done"
)

// Entry says who did what, when, from where and how it ended.
type Entry struct {
	// Seq counts the entries from 1.
	Seq uint64    `json:"seq"`
	At  time.Time `json:"at"`
	// Actor and From are those of an Actor.
	Actor string `json:"actor"`
	From  string `json:"from,omitempty"`
	// Act names what was done: "keys.create", "train".
	Act string `json:"act"`
	// Target is what it was done to: a key's id, a system's name.
	Target string `json:"target,omitempty"`
	// Outcome is Begun, Done or the code of the error that ended the act.
	Outcome string `json:"outcome"`
	// Begun is the Seq of the entry that began the act, where it has two.
	Begun uint64 `json:"begun,omitempty"`
	// Hash is the hex SHA-256 of the Hash before and of this entry without it, so
	// that no entry can be changed, taken out or put in without all after it.
	Hash string `json:"hash"`
}

// hash gives the Hash of an entry that follows one with the hash before.
func (e *Entry) hash(before string) string {
	plain := *e
	plain.Hash = ""
	text, err := json.Marshal(&plain)
	if err != nil {
		panic("access: an entry encodes: " + err.Error())
	}
	sum := sha256.Sum256(append([]byte(before), text...))
	return hex.EncodeToString(sum[:])
}

// Trail is the audit trail of a store: entries that are only ever appended.
type Trail struct {
	meta store.Meta
	now  func() time.Time
	mu   sync.Mutex
	head head
}

// head is the end of the chain. It is stored beside the entries, so that a trail
// that was cut short does not pass for whole.
type head struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

func openTrail(meta store.Meta, now func() time.Time) (*Trail, error) {
	t := &Trail{meta: meta, now: now}
	text, ok, err := meta.Get(headName)
	if err == nil && ok {
		if err = json.Unmarshal(text, &t.head); err != nil {
			err = orrery.Errorf(orrery.Damaged, "audit_damaged", "the end of the audit trail cannot be read").Because(err).
				WithNext("restore the data directory from a backup")
		}
	}
	return t, err
}

func entryName(seq uint64) string { return fmt.Sprintf("%s%016x", entryPrefix, seq) }

// append makes an entry durable, together with other values of Meta.
func (t *Trail) append(e Entry, values map[string][]byte) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Seq, e.At = t.head.Seq+1, t.now().UTC()
	e.Hash = e.hash(t.head.Hash)
	next := head{e.Seq, e.Hash}
	text, err := json.Marshal(&e)
	if err != nil {
		return 0, err
	}
	end, err := json.Marshal(next)
	if err != nil {
		return 0, err
	}
	all := map[string][]byte{entryName(e.Seq): text, headName: end}
	for name, value := range values {
		all[name] = value
	}
	if err := t.meta.Put(all); err != nil {
		return 0, orrery.Errorf(orrery.Unavailable, "audit_failed", "nothing was done, because it could not be recorded").Because(err).
			WithNext("mend the disk and try again")
	}
	t.head = next
	return e.Seq, nil
}

// Act records that an act begins, does it, and records how it ended. An act that
// cannot be recorded is not done.
func (t *Trail) Act(by Actor, act, target string, do func() error) error {
	e := Entry{Actor: by.Name, From: by.From, Act: act, Target: target, Outcome: Begun}
	seq, err := t.append(e, nil)
	if err != nil {
		return err
	}
	result := do()
	e.Outcome, e.Begun = Done, seq
	if result != nil {
		e.Outcome = orrery.CodeOf(result)
	}
	if _, err := t.append(e, nil); err != nil && result == nil {
		return err
	}
	return result
}

// Entries yields the entries after one, each checked against the one before. The
// error that ends it, of kind Damaged and code audit_broken, says where the trail
// is not as it was written.
func (t *Trail) Entries(after uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		t.mu.Lock()
		end := t.head
		t.mu.Unlock()
		before := head{Seq: min(after, end.Seq)}
		if before.Seq > 0 {
			e, err := t.read(before.Seq)
			if err != nil {
				yield(e, err)
				return
			}
			before.Hash = e.Hash
		}
		for before.Seq < end.Seq {
			e, err := t.read(before.Seq + 1)
			if err == nil && e.hash(before.Hash) != e.Hash {
				err = broken(e.Seq, nil)
			}
			if !yield(e, err) || err != nil {
				return
			}
			before = head{e.Seq, e.Hash}
		}
		if before.Hash != end.Hash {
			yield(Entry{}, broken(end.Seq, nil))
		}
	}
}

func (t *Trail) read(seq uint64) (e Entry, err error) {
	text, ok, err := t.meta.Get(entryName(seq))
	if err != nil {
		return e, err
	}
	if !ok {
		return e, broken(seq, nil)
	}
	if err := json.Unmarshal(text, &e); err != nil || e.Seq != seq {
		return e, broken(seq, err)
	}
	return e, nil
}

func broken(seq uint64, cause error) error {
	e := orrery.Errorf(orrery.Damaged, "audit_broken", "entry %d of the audit trail is not as it was written", seq).
		WithNext("what comes before it is whole; compare with a backup")
	if cause != nil {
		e = e.Because(cause)
	}
	return e
}
