package serve

import (
	"sync"

	"orrery.dev/feature"
	"orrery.dev/plan"
)

// aside is a job's trip to the disk: the sequencer, which must not wait, found
// that state was missing from memory and put the job aside; the job's own
// goroutine reads the state and submits the job again, which takes its place
// then.
type aside struct {
	state  *feature.State
	absent []feature.Absent
	trips  int
}

// maxTrips is how often a job is put aside. What it read may be evicted before
// the last of it has come, so after that the sequencer reads the rest itself.
const maxTrips = 2

// putAside reports whether the job waits for state to be read. A job that comes
// back brings what it has read.
func (e *Engine) putAside(j *job) (bool, error) {
	a := &j.aside
	if a.state == e.state.Features {
		a.state.Admit(a.absent)
	}
	a.absent = a.absent[:0]
	if a.trips == maxTrips {
		return false, nil
	}
	e.bringNear(j)
	for i := range j.items {
		if j.items[i].earlier != 0 {
			continue
		}
		var err error
		if a.absent, err = j.runtime.plan.Absent(e.state, &j.items[i].event, a.absent); err != nil {
			return false, err
		}
	}
	if len(a.absent) == 0 {
		return false, nil
	}
	a.state, a.trips = e.state.Features, a.trips+1
	j.steps <- stepRead
	return true, nil
}

// bringNear brings near to the processor what a job of several events will touch.
func (e *Engine) bringNear(j *job) {
	if len(j.items) == 1 {
		return
	}
	for first := 0; first < len(j.items); first += plan.PrefetchEvents {
		ahead := e.ahead[:0]
		for i := first; i < min(first+plan.PrefetchEvents, len(j.items)); i++ {
			ahead = append(ahead, &j.items[i].event)
		}
		j.runtime.plan.PrefetchAll(e.state, ahead)
		e.ahead = ahead
	}
	clear(e.ahead)
}

// readsEach is how many series are worth a goroutine of their own, of which
// there are at most maxReaders.
const (
	readsEach  = 64
	maxReaders = 8
)

// read reads what is absent, in parallel where it is much.
func (a *aside) read() error {
	parts := min(maxReaders, 1+len(a.absent)/readsEach)
	if parts == 1 {
		return a.state.Read(a.absent)
	}
	errs := make([]error, parts)
	var reading sync.WaitGroup
	for i := range parts {
		part := a.absent[len(a.absent)*i/parts : len(a.absent)*(i+1)/parts]
		reading.Go(func() { errs[i] = a.state.Read(part) })
	}
	reading.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
