package api

import (
	"testing"

	"orrery.dev"
)

// TestKindOfIsTheInverse takes each kind to its status and back.
func TestKindOfIsTheInverse(t *testing.T) {
	for kind, how := range kinds {
		want := kind
		if kind == orrery.Damaged {
			want = orrery.Internal // they share a status
		}
		if got := KindOf(how.status); got != want {
			t.Errorf("status %d is of kind %d, want %d", how.status, got, want)
		}
	}
	if got := KindOf(418); got != orrery.Invalid {
		t.Errorf("a status that is not used is of kind %d", got)
	}
}
