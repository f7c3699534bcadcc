package pebble

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What Pebble meets over and over does not keep a processor busy.
func TestFaultsInTheBackgroundSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, cause := &engine{fault: newFault("log")}, errors.New("no table")
		begun := time.Now()
		e.background(cause)
		if time.Since(begun) > 0 || !errors.Is(e.err(), cause) {
			t.Errorf("the first was noted after %v as %v", time.Since(begun), e.err())
		}
		n := 1
		for ; time.Since(begun) < 24*time.Hour; n++ {
			e.background(cause)
		}
		if n > 40 {
			t.Errorf("told of %d faults within a day", n)
		}
	})
}
