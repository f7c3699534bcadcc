package api

import (
	"testing"
	"time"
)

// TestRest holds refusals to a bounded rate however many clients ask at once, and
// the time for which one is left alone to its bounds.
func TestRest(t *testing.T) {
	for resting, want := range map[int64]time.Duration{1: restLeast, 50: restLeast, 1000: 200 * time.Millisecond, 5000: time.Second, 100_000: retryAfter} {
		if rest := restOf(resting); rest != want {
			t.Errorf("%d rest for %v each, want %v", resting, rest, want)
		}
	}
}
