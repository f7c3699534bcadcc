package access

import (
	"testing"
	"time"

	"orrery.dev/store/memory"
)

// TestRefusedRequestsAreRecorded has many requests be refused: so many a minute
// are entries, and the next one counts the others.
func TestRefusedRequestsAreRecorded(t *testing.T) {
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	keys, err := Open(memory.New().Meta(), func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	key, token, err := keys.Create(Local, Request{Name: "sender", Scope: Scope{Systems: []string{"*"}, Verbs: []Verb{Decide}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Revoke(Local, key.ID); err != nil {
		t.Fatal(err)
	}
	_, revoked := keys.Authenticate(token)
	keys.Refused(token, "192.0.2.1:1", revoked)
	_, unknown := keys.Authenticate("nonsense")
	for range 99 {
		keys.Refused("nonsense", "192.0.2.2:2", unknown)
	}
	clock = clock.Add(refusalsEvery)
	keys.Refused("nonsense", "192.0.2.3:3", unknown)
	var got []Entry
	for e, err := range keys.Trail().Entries(0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Act == "authenticate" {
			got = append(got, e)
		}
	}
	if len(got) != refusalsAtMost+1 {
		t.Fatalf("%d entries", len(got))
	}
	if e := got[0]; e.Actor != key.ID || e.Outcome != "key_revoked" || e.From != "192.0.2.1:1" || e.Target != "" {
		t.Errorf("the first is %+v", e)
	}
	if e := got[refusalsAtMost]; e.Actor != Unknown || e.Outcome != "key_invalid" || e.Target != "after 90 more" {
		t.Errorf("the last is %+v", e)
	}
}
