package serve_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/record"
	"orrery.dev/review"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
)

// TestNoVerdictIsLostInACrash cuts the power while decisions are made and reviewers
// are at work, again and again. Every verdict that had been answered is there, each
// outcome with the act that says whose it is, and what is kept of the queue is what
// the log makes of it.
func TestNoVerdictIsLostInACrash(t *testing.T) {
	spec := orrerytest.Spec(t, reviewedFraud(t, "{of: [approve], second: 0.3}"))
	events := decided(t, spec, 2)
	random := rand.New(rand.NewPCG(9, 9))
	disk := vfs.NewCrashableMem()
	answered := map[string]bool{}
	const rounds, decisions = 8, 20
	for round := range rounds {
		s := &system{t: t, spec: spec}
		s.openOn(disk)
		given := s.verdicts()
		for key := range answered {
			if !given[key] {
				t.Fatalf("round %d: the verdict of %s was answered, and is lost", round, key)
			}
		}
		s.sameFromTheLog(disk)
		answered = given
		var mutex sync.Mutex
		var all sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		made, said := make(chan struct{}, decisions), make(chan struct{}, decisions)
		all.Go(func() {
			for _, e := range events[round*decisions : (round+1)*decisions] {
				if _, err := s.engine.Decide(ctx, []orrery.Event{e}, 0); err != nil {
					return
				}
				made <- struct{}{}
			}
		})
		for i := range 3 {
			name := fmt.Sprint("reviewer ", round, i)
			all.Go(func() {
				for {
					select {
					case <-made:
					case <-ctx.Done():
						return
					}
					c, err := s.engine.ClaimReview(ctx, review.Claim{Reviewer: name}, "")
					if err == nil {
						_, err = s.engine.GiveVerdict(ctx, serve.Verdict{Ruling: review.Ruling{Decision: c.Offset, Reviewer: name, Verdict: "true"}})
					}
					if err != nil {
						return
					}
					mutex.Lock()
					answered[fmt.Sprintf("d%d by %s", c.Offset, name)] = true
					mutex.Unlock()
					said <- struct{}{}
				}
			})
		}
		for range 1 + random.IntN(decisions/2) {
			<-said
		}
		mutex.Lock()
		known := maps.Clone(answered)
		clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
		mutex.Unlock()
		cancel()
		all.Wait()
		s.close()
		disk, answered = clone, known
	}
}

// openOn opens the system on a disk in memory.
func (s *system) openOn(disk vfs.FS) {
	s.t.Helper()
	var err error
	if s.store, err = pebble.Open("/data", pebble.Options{FS: disk}); err != nil {
		s.t.Fatal(err)
	}
	if s.engine, err = serve.Open(s.t.Context(), s.store, s.spec, serve.Options{Registry: builtin.Registry(), CheckpointEvery: 5 * time.Millisecond}); err != nil {
		s.t.Fatal(err)
	}
}

// verdicts reads from the log who judged what, and looks for the act of each outcome
// and for the outcome of each act.
func (s *system) verdicts() map[string]bool {
	s.t.Helper()
	given, reports, acts := map[string]bool{}, map[orrery.Offset]bool{}, map[orrery.Offset]bool{}
	for r, err := range s.store.Log().Scan(1) {
		if err != nil {
			s.t.Fatal(err)
		}
		switch r.Kind {
		case store.EventRecord:
			e, err := record.DecodeEvent(r.Data, s.engine.Reader().Contract)
			if err != nil {
				s.t.Fatal(err)
			}
			if e.Type.Is(s.spec.Label.Event) {
				reports[r.Offset] = true
			}
		case store.ControlRecord:
			c, err := record.DecodeControl(r.Data)
			if err != nil {
				s.t.Fatal(err)
			}
			a, ok, err := review.ReadAct(r.Offset, &c)
			if err != nil {
				s.t.Fatal(err)
			}
			if !ok || a.Do != review.DoVerdict {
				continue
			}
			given[fmt.Sprintf("d%d by %s", a.Decision, a.By)] = true
			if a.Outcome != 0 {
				acts[a.Outcome] = true
			}
		}
	}
	if !maps.Equal(reports, acts) {
		s.t.Fatalf("the log has the outcomes %v, and acts of %v", reports, acts)
	}
	return given
}

// sameFromTheLog compares the queue with one that is built from the log alone.
func (s *system) sameFromTheLog(disk vfs.FS) {
	s.t.Helper()
	describe := func() (out []string) {
		for _, c := range s.waiting() {
			out = append(out, fmt.Sprintf("%d %s %+v %d", c.Offset, c.Stage(), c.Lease, len(c.Opinions)))
		}
		return out
	}
	kept := describe()
	s.close()
	st, err := pebble.Open("/data", pebble.Options{FS: disk})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(st.State().Drop(review.OpenTable), st.State().Drop(review.EndedTable), st.Close()); err != nil {
		s.t.Fatal(err)
	}
	s.openOn(disk)
	if built := describe(); !slices.Equal(kept, built) {
		s.t.Fatalf("kept is\n%v\nand the log makes it\n%v", kept, built)
	}
}
