package access

import (
	"fmt"
	"sync"
	"time"

	"orrery.dev"
)

// Unknown is the actor of a request whose key is none of the server's.
const Unknown = "unknown"

// Of refused requests so many are entries of the audit trail in a minute: a client
// that guesses must not fill the disk. The others are counted by the next entry.
const (
	refusalsEvery  = time.Minute
	refusalsAtMost = 10
)

// refusals bounds what is recorded of refused requests.
type refusals struct {
	mu     sync.Mutex
	since  time.Time
	left   int
	passed int64
}

// take reports whether one more is recorded, and how many before it were not.
func (r *refusals) take(now time.Time) (record bool, passed int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := now.Sub(r.since); age >= refusalsEvery || age < 0 {
		r.since, r.left = now, refusalsAtMost
	}
	if r.left == 0 {
		r.passed++
		return false, 0
	}
	r.left--
	passed, r.passed = r.passed, 0
	return true, passed
}

// Refused records that a request was refused for want of a key that holds: who it
// said it was, from where and the code of the reason. Of many in a minute the first
// are recorded. One that cannot be recorded is refused all the same.
func (k *Keys) Refused(token, from string, reason error) {
	record, passed := k.refusals.take(k.now())
	if !record {
		return
	}
	e := Entry{Actor: Unknown, From: from, Act: "authenticate", Outcome: orrery.CodeOf(reason)}
	if id, _, ok := parseToken(token); ok && (*k.byID.Load())[id] != nil {
		e.Actor = id
	}
	if passed > 0 {
		e.Target = fmt.Sprintf("after %d more", passed)
	}
	_, _ = k.trail.append(e, nil)
}
