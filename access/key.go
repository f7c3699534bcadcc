package access

import (
	"encoding/hex"
	"encoding/json"
	"sync/atomic"
	"time"

	"orrery.dev"
)

// Identity is who a client is and what it may do.
type Identity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Scope
}

// Key is what is known of a key. It never has the token.
type Key struct {
	Identity
	Created time.Time `json:"created"`
	// Expires is when the key stops working; zero for never.
	Expires time.Time `json:"expires,omitzero"`
	// Revoked is when it was revoked; zero for a key that was not.
	Revoked time.Time `json:"revoked,omitzero"`
	// Rotated is when its present token was made, where it has had another.
	Rotated time.Time `json:"rotated,omitzero"`
	// PreviousUntil is until when the token before the present one works.
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	// LastUsed is when the key was last used, to the hour.
	LastUsed time.Time `json:"last_used,omitzero"`
}

// State says in a word whether a key works: active, rotating, expired, revoked.
func (k *Key) State(now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return "expired"
	case now.Before(k.PreviousUntil):
		return "rotating"
	}
	return "active"
}

// stored is a key as the store has it. What is stored never changes in place: a
// change makes a new one, so that readers need no lock.
type stored struct {
	Key
	// Digest and Previous are hex SHA-256 of tokens.
	Digest   string `json:"digest"`
	Previous string `json:"previous,omitempty"`

	digest, previous digest
	// used is the hour of last use, in Unix seconds, newer than LastUsed between
	// two calls of Flush. All versions of the key share it.
	used *atomic.Int64
}

func decodeKey(name string, text []byte) (*stored, error) {
	k := &stored{used: new(atomic.Int64)}
	err := json.Unmarshal(text, k)
	if err == nil {
		k.digest, err = decodeDigest(k.Digest)
	}
	if err == nil && k.Previous != "" {
		k.previous, err = decodeDigest(k.Previous)
	}
	if err != nil {
		return nil, orrery.Errorf(orrery.Damaged, "key_damaged", "the stored key %s cannot be read", name).Because(err).
			WithNext("restore the data directory from a backup")
	}
	if !k.LastUsed.IsZero() {
		k.used.Store(k.LastUsed.Unix())
	}
	return k, nil
}

func decodeDigest(text string) (d digest, err error) {
	b, err := hex.DecodeString(text)
	if err == nil && len(b) != len(d) {
		err = orrery.Errorf(orrery.Damaged, "key_damaged", "a digest has %d bytes, not %d", len(b), len(d))
	}
	copy(d[:], b)
	return d, err
}

func (k *stored) setToken(token string) {
	_, k.digest, _ = parseToken(token)
	k.Digest = hex.EncodeToString(k.digest[:])
}

// public gives the key as callers see it, with its last use.
func (k *stored) public() Key {
	out := k.Key
	if used := k.used.Load(); used != 0 {
		out.LastUsed = time.Unix(used, 0).UTC()
	}
	return out
}

// encode gives what the store keeps.
func (k *stored) encode() []byte {
	copied := *k
	copied.Key = k.public()
	text, err := json.Marshal(&copied)
	if err != nil {
		panic("access: a key encodes: " + err.Error())
	}
	return text
}
