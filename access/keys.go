package access

import (
	"cmp"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"orrery.dev"
	"orrery.dev/store"
)

// keyPrefix begins the names of keys in Meta.
const keyPrefix = "key/"

// usedGrain is how exactly a key's last use is kept.
const usedGrain = time.Hour

// Keys are the keys of one store. Looking one up takes no lock.
type Keys struct {
	meta     store.Meta
	trail    *Trail
	refusals refusals
	now      func() time.Time

	// changing is held while a key changes.
	changing sync.Mutex
	byID     atomic.Pointer[map[string]*stored]
}

// Open reads the keys and the audit trail of a store. now is the clock; nil is
// the machine's.
func Open(meta store.Meta, now func() time.Time) (*Keys, error) {
	if now == nil {
		now = time.Now
	}
	trail, err := openTrail(meta, now)
	if err != nil {
		return nil, err
	}
	names, err := meta.List(keyPrefix)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]*stored, len(names))
	for _, name := range names {
		text, ok, err := meta.Get(name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		k, err := decodeKey(name, text)
		if err != nil {
			return nil, err
		}
		keys[k.ID] = k
	}
	k := &Keys{meta: meta, trail: trail, now: now}
	k.byID.Store(&keys)
	return k, nil
}

// Trail gives the audit trail beside the keys.
func (k *Keys) Trail() *Trail { return k.trail }

// Required reports whether clients must have a key. It is so from the first key
// on, and stays so when the last is revoked: no revocation opens a server.
func (k *Keys) Required() bool { return len(*k.byID.Load()) > 0 }

var errUnknown = orrery.Errorf(orrery.Unauthenticated, "key_invalid", "the API key is not one of this server's").
	WithNext("check that it is whole, or make one with: orrery keys create")

// Authenticate gives the key that a token is for. The error is of kind
// Unauthenticated, with code key_invalid, key_revoked or key_expired. Digests are
// compared in constant time.
func (k *Keys) Authenticate(token string) (*Identity, error) {
	id, d, ok := parseToken(token)
	if !ok {
		return nil, errUnknown
	}
	found := (*k.byID.Load())[id]
	if found == nil {
		return nil, errUnknown
	}
	now := k.now()
	present := subtle.ConstantTimeCompare(d[:], found.digest[:])
	before := subtle.ConstantTimeCompare(d[:], found.previous[:])
	if present|before == 0 {
		return nil, errUnknown
	}
	switch {
	case !found.Revoked.IsZero():
		return nil, orrery.Errorf(orrery.Unauthenticated, "key_revoked", "the API key %s was revoked", id).
			WithNext("use another, or make one with: orrery keys create")
	case !found.Expires.IsZero() && !now.Before(found.Expires):
		return nil, orrery.Errorf(orrery.Unauthenticated, "key_expired", "the API key %s expired at %s", id, found.Expires.Format(time.RFC3339)).
			WithNext("make another with: orrery keys create")
	case present == 0 && !now.Before(found.PreviousUntil):
		return nil, orrery.Errorf(orrery.Unauthenticated, "key_rotated", "the API key %s has another token since %s", id, found.Rotated.Format(time.RFC3339)).
			WithNext("use the token that orrery keys rotate gave")
	}
	if hour := now.Unix() - now.Unix()%int64(usedGrain/time.Second); found.used.Load() != hour {
		found.used.Store(hour)
	}
	return &found.Identity, nil
}

// List gives all keys by their time of creation, revoked ones too.
func (k *Keys) List() []Key {
	out := []Key{}
	for _, s := range *k.byID.Load() {
		out = append(out, s.public())
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID)) })
	return out
}

// Request says what key to make.
type Request struct {
	Name string `json:"name"`
	Scope
	// Lifetime is for how long the key works; zero for ever.
	Lifetime time.Duration `json:"-"`
}

// Create makes a key and gives the token that it answers to, which nobody can
// find out again.
func (k *Keys) Create(by Actor, r Request) (Key, string, error) {
	if strings.TrimSpace(r.Name) == "" || len(r.Name) > 100 {
		return Key{}, "", orrery.Errorf(orrery.Invalid, "key_name_invalid", "a key needs a name, of at most 100 bytes").WithField("name").
			WithNext("say who or what will use it")
	}
	if err := r.Scope.Check(); err != nil {
		return Key{}, "", err
	}
	if r.Lifetime < 0 {
		return Key{}, "", orrery.Errorf(orrery.Invalid, "key_lifetime_invalid", "a key cannot have expired before it is made").WithField("expires_in")
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	now := k.now().UTC()
	s := &stored{used: new(atomic.Int64)}
	for s.ID = newID(); (*k.byID.Load())[s.ID] != nil; s.ID = newID() {
	}
	s.Name, s.Scope, s.Created = r.Name, r.Scope, now
	if r.Lifetime > 0 {
		s.Expires = now.Add(r.Lifetime)
	}
	token := newToken(s.ID)
	s.setToken(token)
	if err := k.put(by, "keys.create", s); err != nil {
		return Key{}, "", err
	}
	return s.public(), token, nil
}

// Rotate gives a key a new token; the one before works for the overlap that is left.
func (k *Keys) Rotate(by Actor, id string, overlap time.Duration) (Key, string, error) {
	var token string
	key, err := k.change(by, "keys.rotate", id, func(s *stored, now time.Time) error {
		if overlap < 0 {
			return orrery.Errorf(orrery.Invalid, "key_overlap_invalid", "the overlap cannot be negative").WithField("overlap")
		}
		if state := s.State(now); state == "revoked" || state == "expired" {
			return orrery.Errorf(orrery.Conflict, "key_not_active", "the key %s is %s", id, state).WithNext("make another with: orrery keys create")
		}
		token = newToken(id)
		s.Previous, s.previous = hex.EncodeToString(s.digest[:]), s.digest
		s.Rotated, s.PreviousUntil = now, now.Add(overlap)
		s.setToken(token)
		return nil
	})
	return key, token, err
}

// Revoke ends a key at once. Revoking twice changes nothing.
func (k *Keys) Revoke(by Actor, id string) (Key, error) {
	return k.change(by, "keys.revoke", id, func(s *stored, now time.Time) error {
		if s.Revoked.IsZero() {
			s.Revoked = now
		}
		return nil
	})
}

func (k *Keys) change(by Actor, act, id string, edit func(s *stored, now time.Time) error) (Key, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	found := (*k.byID.Load())[id]
	if found == nil {
		return Key{}, orrery.Errorf(orrery.NotFound, "key_not_found", "there is no key %q", id).WithNext("orrery keys list names them")
	}
	changed := *found
	if err := edit(&changed, k.now().UTC()); err != nil {
		return Key{}, err
	}
	if err := k.put(by, act, &changed); err != nil {
		return Key{}, err
	}
	return changed.public(), nil
}

// put stores a key together with the entry of the audit trail, then lets it act.
func (k *Keys) put(by Actor, act string, s *stored) error {
	_, err := k.trail.append(Entry{Actor: by.Name, From: by.From, Act: act, Target: s.ID, Outcome: Done},
		map[string][]byte{keyPrefix + s.ID: s.encode()})
	if err != nil {
		return err
	}
	keys := maps.Clone(*k.byID.Load())
	keys[s.ID] = s
	k.byID.Store(&keys)
	return nil
}

// Flush stores when keys were last used, where that has changed.
func (k *Keys) Flush() error {
	k.changing.Lock()
	defer k.changing.Unlock()
	values := map[string][]byte{}
	keys := maps.Clone(*k.byID.Load())
	for id, s := range keys {
		if s.used.Load() == s.LastUsed.Unix() || s.used.Load() == 0 {
			continue
		}
		kept := *s
		kept.Key = s.public()
		keys[id], values[keyPrefix+id] = &kept, kept.encode()
	}
	if len(values) == 0 {
		return nil
	}
	if err := k.meta.Put(values); err != nil {
		return err
	}
	k.byID.Store(&keys)
	return nil
}
