// Package vault keeps the secrets of subjects, those whom personal fields are of:
// for each a random pseudonym and a random key. It is one file of slots that are
// overwritten in place: a destroyed key leaves no older copy in the file, as it
// would in a log or a tree of sorted files. For the same reason the file is no
// part of a backup of the data; whoever copies it replaces the copy before.
//
// Without the vault's file nothing that is personal can be read, and with it all
// can: it is to be protected as the secret that it is.
package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"sync"

	"orrery.dev"
)

// MaxKey bounds the key of a subject, in bytes: it has to fit in a slot.
const MaxKey = 320

// File is what a vault is kept in.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Sync returns when what was written is durable.
	Sync() error
	io.Closer
}

// Vault is an open vault. It is safe for concurrent use.
type Vault struct {
	id, secret [32]byte

	mutex sync.RWMutex
	file  File
	// byTag and byPseudonym give the slots of subjects whose keys are there; free
	// are those of none, below next.
	byTag       map[[16]byte]int64
	byPseudonym map[orrery.Pseudonym]int64
	free        []int64
	next        int64
	unfinished  map[orrery.Pseudonym]Forgotten
	// written counts the writes. After a failure no more are made.
	written int64
	failed  error

	// syncing is held during a sync; synced is how many writes are durable.
	syncing sync.Mutex
	synced  int64
}

// Forgotten is a subject whose key has been destroyed, until all else is done
// that forgetting asks for.
type Forgotten struct {
	Pseudonym orrery.Pseudonym
	Entity    string
	// Key is the entity's key in all that is kept: the pseudonym's text where
	// keys are personal.
	Key string
}

// New gives the content of a new vault's file, with secrets of its own.
func New() []byte {
	head := make([]byte, slotSize)
	copy(head, magic)
	randomInto(head[idAt : secretAt+secretSize])
	return seal(head)
}

// Open reads a vault's file of a size in bytes, and keeps it to be written to.
// The error is of kind Damaged with code vault_damaged, or the file's.
func Open(file File, size int64) (*Vault, error) {
	v := &Vault{file: file, next: slotSize, byTag: map[[16]byte]int64{}, byPseudonym: map[orrery.Pseudonym]int64{}, unfinished: map[orrery.Pseudonym]Forgotten{}}
	block := make([]byte, 256*slotSize)
	for at := int64(0); at+slotSize <= size; at += int64(len(block)) {
		// A last slot that is not whole was never synced.
		block = block[:min(int64(len(block)), (size-at)/slotSize*slotSize)]
		if _, err := file.ReadAt(block, at); err != nil && err != io.EOF {
			return nil, failed(err)
		}
		for i := int64(0); i < int64(len(block)); i += slotSize {
			if err := v.adopt(block[i:i+slotSize], at+i); err != nil {
				return nil, err
			}
		}
	}
	if v.secret == [32]byte{} {
		return nil, damaged("it has no beginning")
	}
	return v, nil
}

// adopt takes in the slot at a place, or the head.
func (v *Vault) adopt(slot []byte, at int64) error {
	if at == 0 {
		if string(slot[:len(magic)]) != magic {
			return damaged("it is none, or of another version")
		}
		copy(v.id[:], slot[idAt:])
		copy(v.secret[:], slot[secretAt:])
		return check(slot, at)
	}
	v.next = at + slotSize
	state := slot[stateAt]
	if state == stateFree {
		v.free = append(v.free, at)
		return nil
	}
	if err := check(slot, at); err != nil {
		return err
	}
	p := orrery.Pseudonym(slot[pseudonymAt:])
	switch state {
	case stateLive:
		v.byTag[[16]byte(slot[tagAt:])], v.byPseudonym[p] = at, at
	case stateForgotten:
		text := textOf(slot)
		if len(text) == 0 || len(text) <= int(text[0]) {
			return damaged("its slot at %d cannot be read", at)
		}
		end := 1 + int(text[0])
		v.unfinished[p] = Forgotten{Pseudonym: p, Entity: string(text[1:end]), Key: string(text[end:])}
		v.byPseudonym[p] = at
	default:
		return damaged("its slot at %d is in state %d", at, state)
	}
	return nil
}

// ID names the vault: data names the vault that its keys are in.
func (v *Vault) ID() string { return orrery.Pseudonym(v.id[:16]).String() }

// tag is what a key is found by, which says nothing of it without the secret.
func (v *Vault) tag(entity, key string) [16]byte {
	mac := hmac.New(sha256.New, v.secret[:])
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(entity)))
	mac.Write(length[:])
	mac.Write([]byte(entity))
	mac.Write([]byte(key))
	return [16]byte(mac.Sum(nil))
}

// Find gives the pseudonym of a key, if it has one.
func (v *Vault) Find(entity, key string) (orrery.Pseudonym, bool, error) {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	at, ok := v.byTag[v.tag(entity, key)]
	if !ok {
		return orrery.Pseudonym{}, false, nil
	}
	slot, err := v.read(at)
	if err != nil {
		return orrery.Pseudonym{}, false, err
	}
	return orrery.Pseudonym(slot[pseudonymAt:]), true, nil
}

// Subject gives the subject of a key, a new one where it has none. What is sealed
// with it must not be kept before Sync has returned. With named, Name gives the
// key back. The error is of kind Invalid with code subject_key_too_long, or of
// kind Unavailable with code vault_failed.
func (v *Vault) Subject(entity, key string, named bool) (*Subject, error) {
	if len(key) > MaxKey || len(entity) > maxEntity {
		return nil, orrery.Errorf(orrery.Invalid, "subject_key_too_long", "the key of a %s whose fields are personal has %d bytes; at most %d are taken", entity, len(key), MaxKey).
			WithNext("shorten it")
	}
	tag := v.tag(entity, key)
	v.mutex.RLock()
	at, ok := v.byTag[tag]
	if ok {
		defer v.mutex.RUnlock()
		slot, err := v.read(at)
		if err != nil {
			return nil, err
		}
		return subjectOf(slot), nil
	}
	v.mutex.RUnlock()
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if at, ok := v.byTag[tag]; ok {
		slot, err := v.read(at)
		if err != nil {
			return nil, err
		}
		return subjectOf(slot), nil
	}
	return v.add(tag, key, named)
}

// add fills a free slot, or one at the end.
func (v *Vault) add(tag [16]byte, key string, named bool) (*Subject, error) {
	slot := make([]byte, slotSize)
	slot[stateAt] = stateLive
	copy(slot[tagAt:], tag[:])
	randomInto(slot[pseudonymAt : keyAt+keySize])
	s := subjectOf(slot)
	if named {
		putText(slot, s.Seal(nil, []byte(key), nameBound))
	}
	at := v.next
	if n := len(v.free); n > 0 {
		at, v.free = v.free[n-1], v.free[:n-1]
	} else {
		v.next += slotSize
	}
	if err := v.write(seal(slot), at); err != nil {
		return nil, err
	}
	v.byTag[tag], v.byPseudonym[s.pseudonym] = at, at
	return s, nil
}

// Name gives the key that a pseudonym stands for; ok is false where it stands for
// none that is known.
func (v *Vault) Name(p orrery.Pseudonym) (key string, ok bool, err error) {
	slot, ok, err := v.slot(p)
	if err != nil || !ok || len(textOf(slot)) == 0 {
		return "", false, err
	}
	plain, err := subjectOf(slot).open(textOf(slot), nameBound)
	return string(plain), err == nil, err
}

// Unseal implements orrery.Opener.
func (v *Vault) Unseal(p orrery.Pseudonym, sealed, bound []byte) ([]byte, bool, error) {
	slot, ok, err := v.slot(p)
	if err != nil || !ok {
		return nil, false, err
	}
	plain, err := subjectOf(slot).open(sealed, bound)
	return plain, err == nil, err
}

// Has reports whether the key of a pseudonym is there.
func (v *Vault) Has(p orrery.Pseudonym) bool {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	_, found := v.byPseudonym[p]
	_, destroyed := v.unfinished[p]
	return found && !destroyed
}

// slot reads the slot of a subject whose key is there.
func (v *Vault) slot(p orrery.Pseudonym) (slot []byte, ok bool, err error) {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	at, ok := v.byPseudonym[p]
	if !ok {
		return nil, false, nil
	}
	slot, err = v.read(at)
	return slot, err == nil && slot[stateAt] == stateLive, err
}

// Forget destroys the key of a subject, durably, and notes that the rest of what
// forgetting asks for is to be done: see Unfinished. personal says that the
// entity's keys are personal. ok is false where the key has no subject.
func (v *Vault) Forget(entity, key string, personal bool) (f Forgotten, ok bool, err error) {
	tag := v.tag(entity, key)
	v.mutex.Lock()
	at, ok := v.byTag[tag]
	if !ok {
		v.mutex.Unlock()
		return Forgotten{}, false, nil
	}
	f, err = v.destroy(at, entity, key, personal)
	if err == nil {
		delete(v.byTag, tag)
		v.unfinished[f.Pseudonym] = f
	}
	v.mutex.Unlock()
	if err == nil {
		err = v.Sync()
	}
	return f, true, err
}

func (v *Vault) destroy(at int64, entity, key string, personal bool) (Forgotten, error) {
	was, err := v.read(at)
	if err != nil {
		return Forgotten{}, err
	}
	f := Forgotten{Pseudonym: orrery.Pseudonym(was[pseudonymAt:]), Entity: entity, Key: key}
	if personal {
		f.Key = f.Pseudonym.String()
	}
	slot := make([]byte, slotSize)
	slot[stateAt] = stateForgotten
	copy(slot[pseudonymAt:], f.Pseudonym[:])
	putText(slot, append(append([]byte{byte(len(entity))}, entity...), f.Key...))
	return f, v.write(seal(slot), at)
}

// Unfinished gives the subjects whose keys were destroyed and of which Finish
// has not been told.
func (v *Vault) Unfinished() []Forgotten {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	out := make([]Forgotten, 0, len(v.unfinished))
	for _, f := range v.unfinished {
		out = append(out, f)
	}
	return out
}

// Finish says that all that forgetting a subject asks for has been done. Its slot
// is free from then on.
func (v *Vault) Finish(p orrery.Pseudonym) error {
	v.mutex.Lock()
	if _, ok := v.unfinished[p]; !ok {
		v.mutex.Unlock()
		return nil
	}
	at := v.byPseudonym[p]
	err := v.write(make([]byte, slotSize), at)
	if err == nil {
		delete(v.unfinished, p)
		delete(v.byPseudonym, p)
		v.free = append(v.free, at)
	}
	v.mutex.Unlock()
	if err == nil {
		err = v.Sync()
	}
	return err
}

// Sync returns when all that had been written when it was called is durable. It
// costs nothing when it is already, and one sync serves all who wait.
func (v *Vault) Sync() error {
	v.mutex.RLock()
	through, err := v.written, v.failed
	v.mutex.RUnlock()
	if err != nil {
		return err
	}
	v.syncing.Lock()
	defer v.syncing.Unlock()
	if v.synced >= through {
		return nil
	}
	v.mutex.RLock()
	through = v.written
	v.mutex.RUnlock()
	if err := v.file.Sync(); err != nil {
		v.mutex.Lock()
		defer v.mutex.Unlock()
		return v.fail(err)
	}
	v.synced = through
	return nil
}

// Close closes the file.
func (v *Vault) Close() error { return v.file.Close() }

func (v *Vault) read(at int64) ([]byte, error) {
	slot := make([]byte, slotSize)
	if _, err := v.file.ReadAt(slot, at); err != nil && err != io.EOF {
		return nil, failed(err)
	}
	return slot, check(slot, at)
}

func (v *Vault) write(slot []byte, at int64) error {
	if v.failed != nil {
		return v.failed
	}
	if _, err := v.file.WriteAt(slot, at); err != nil {
		return v.fail(err)
	}
	v.written++
	return nil
}

// fail remembers that what is in the file is not known any more.
func (v *Vault) fail(err error) error {
	if v.failed == nil {
		v.failed = failed(err)
	}
	return v.failed
}

func randomInto(b []byte) {
	if _, err := rand.Read(b); err != nil {
		panic("vault: the machine has no randomness: " + err.Error())
	}
}
