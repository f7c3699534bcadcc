package serve

import (
	"testing"

	"orrery.dev"
)

// TestUnsent follows what a checkpoint notes: nothing from before that offset waits.
func TestUnsent(t *testing.T) {
	e := &Engine{}
	m := newEmissions(e)
	at := func(offset orrery.Offset) []emission { return []emission{{decided: orrery.Event{Offset: offset}}} }
	check := func(when string, want orrery.Offset) {
		t.Helper()
		if got := m.unsent(); got != want {
			t.Errorf("%s: %d, want %d", when, got, want)
		}
	}
	check("at first", 1)
	e.committed.Store(10)
	check("when nothing was called for", 11)
	m.arrive(at(11))
	check("when it has come and is not committed yet", 11)
	e.committed.Store(20)
	m.arrive(at(15))
	check("with two that wait", 11)
	m.done(1)
	check("with one", 15)
	m.done(1)
	check("with none", 21)
}
