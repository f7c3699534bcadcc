package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"orrery.dev/store"
)

// Machine is a computer with a disk, to run an engine on.
type Machine interface {
	// Open opens the store on the machine's disk, or makes it.
	Open() (store.Store, error)
	// OnWrite has f called before every operation that changes the disk, syncs
	// among them, from whatever goroutine; an error of f is that operation's. It
	// is called once, before Open.
	OnWrite(f func() error)
	// Crash gives a machine with the disk as it could be had the power gone now:
	// what was synced is there, and each other part with a chance of keep
	// percent, drawn from seed.
	Crash(seed uint64, keep int) Machine
}

var errDisk = errors.New("the disk is broken")

// RunCrash checks what a store promises when the power goes at any moment, or
// the disk fails: what was acknowledged is there, whole; what was not is there
// whole or not at all; and after an error nothing more is accepted.
func RunCrash(t *testing.T, machine func() Machine) {
	t.Run("crash", func(t *testing.T) { crashes(t, machine) })
	t.Run("crash while opening", func(t *testing.T) { crashesOpening(t, machine) })
	t.Run("broken disk", func(t *testing.T) { faults(t, machine, errDisk, true) })
	t.Run("one broken write", func(t *testing.T) { faults(t, machine, errDisk, false) })
	t.Run("full disk", func(t *testing.T) { faults(t, machine, syscall.ENOSPC, true) })
}

// keeps are the shares of unsynced data that survive in the tests.
var keeps = []int{0, 50, 100}

// writesIn counts the disk operations of the first part of a fixed history, so
// that the tests can choose among them.
func writesIn(t *testing.T, machine func() Machine) int {
	var n atomic.Int64
	m := machine()
	m.OnWrite(func() error { n.Add(1); return nil })
	p := &progress{}
	if err := p.live(m); err != nil {
		t.Fatal(err)
	}
	return int(n.Load())
}

// steps gives about count moments spread over the first n.
func steps(n, count int) []int {
	var at []int
	for i := range count {
		if moment := 1 + i*n/count; len(at) == 0 || moment != at[len(at)-1] {
			at = append(at, moment)
		}
	}
	return at
}

// crashes runs one life on a machine for each of many moments, takes the power
// away at that moment, and looks at what is left.
func crashes(t *testing.T, machine func() Machine) {
	for i, moment := range steps(writesIn(t, machine), moments(t)) {
		m, p := machine(), &progress{}
		keep := keeps[i%len(keeps)]
		var n atomic.Int64
		var left Machine
		var acknowledged snapshot
		m.OnWrite(func() error {
			if n.Add(1) == int64(moment) {
				acknowledged = p.snapshot()
				left = m.Crash(uint64(moment), keep)
			}
			return nil
		})
		if err := p.live(m); err != nil {
			t.Fatal(err)
		}
		if left == nil {
			continue // Background work took another turn, with fewer writes.
		}
		acknowledged.check(t, left, p)
		if t.Failed() {
			t.Fatalf("crash at write %d, keeping %d%% of what was not synced", moment, keep)
		}
	}
}

// crashesOpening takes the power away again at each of many moments of the
// start that follows a crash.
func crashesOpening(t *testing.T, machine func() Machine) {
	m, p := machine(), &progress{}
	if err := p.live(m); err != nil {
		t.Fatal(err)
	}
	acknowledged := p.snapshot()
	for moment := 1; ; moment++ {
		again := m.Crash(uint64(moment), keeps[moment%len(keeps)])
		var n atomic.Int64
		var left Machine
		again.OnWrite(func() error {
			if n.Add(1) == int64(moment) {
				left = again.Crash(uint64(moment), keeps[moment/3%len(keeps)])
			}
			return nil
		})
		s, err := again.Open()
		if err != nil {
			t.Fatal(err)
		}
		must(t, s.Close())
		if left == nil {
			return
		}
		acknowledged.check(t, left, p)
		if t.Failed() {
			t.Fatalf("second crash at write %d", moment)
		}
	}
}

// faults has the disk fail from a moment on, or once, and looks at the store
// that goes on living, then at what is left on the disk.
func faults(t *testing.T, machine func() Machine, fault error, lasting bool) {
	for i, moment := range steps(writesIn(t, machine), moments(t)) {
		m, p := machine(), &progress{}
		var n atomic.Int64
		m.OnWrite(func() error {
			if at := n.Add(1); at == int64(moment) || lasting && at > int64(moment) {
				return fault
			}
			return nil
		})
		_ = p.live(m)
		p.checkRefusals(t)
		p.snapshot().check(t, m.Crash(uint64(moment), keeps[i%len(keeps)]), p)
		if t.Failed() {
			t.Fatalf("%v from write %d on", fault, moment)
		}
	}
}

// moments is how many of a life's moments a test tries.
func moments(t *testing.T) int {
	if testing.Short() {
		return 15
	}
	return 60
}

// locked is a value that many goroutines use.
type locked[T any] struct {
	mutex sync.Mutex
	value T
}

func (l *locked[T]) do(f func(*T)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	f(&l.value)
}
