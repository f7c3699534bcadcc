//go:build unix

// Package crash kills a server of the fraud system under load, again and again,
// and holds what it has on disk against what its clients were told: every
// acknowledged decision is there as it was, none is there twice, an id belongs to
// one body for good, state equals a rebuild from the log, and all decisions
// recompute.
package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"time"
)

// Options say what to run. Command, Dir and Rounds are needed.
type Options struct {
	// Command gives the command that serves the fraud system on a data directory
	// and a free port of the loopback address; its path and arguments are used.
	Command func(dir string) *exec.Cmd
	// Dir is the data directory.
	Dir     string
	Rounds  int
	Clients int
	Seed    uint64
	// LongestLife bounds how long a server lives before it is killed.
	LongestLife time.Duration
	// RebuildEvery is after how many rounds state is compared with a rebuild; 0 is
	// at the end alone.
	RebuildEvery int
	// Upgrades has some servers killed while they hand over to another process.
	Upgrades bool
	// Report, which may be nil, hears the tally after each round.
	Report func(Tally)
}

// Tally counts what was done, and what was found wrong.
type Tally struct {
	Rounds int
	// How the rounds ended.
	Kills, KillsAtStart, KillsInUpgrade, CleanStops int
	// What clients were told.
	Acknowledged, Repeats, Conflicts int
	// Checked counts acknowledged answers that were asked for again after a restart.
	Checked, Verifications, Rebuilds int
	// Events is how many the log has at the end.
	Events int
}

func (t Tally) String() string {
	return fmt.Sprintf("%d rounds: %d kills under load, %d at start, %d in an upgrade, %d clean stops; %d decisions acknowledged, %d repeats, %d conflicts; "+
		"%d answers asked for again, %d verifications, %d rebuilds of state, %d events in the log",
		t.Rounds, t.Kills, t.KillsAtStart, t.KillsInUpgrade, t.CleanStops, t.Acknowledged, t.Repeats, t.Conflicts, t.Checked, t.Verifications, t.Rebuilds, t.Events)
}

// runner is one run.
type runner struct {
	Options
	random *rand.Rand
	tally  Tally

	mutex sync.Mutex
	// known has what is known of each id that was ever sent, by number.
	known []*fact
	// recent has the ids that were acknowledged in this life.
	recent []int
	wrong  error
}

// fact is what clients know of an id.
type fact struct {
	// decision is the answer, "" while none has come.
	decision string
	variant  int
	answer   answer
}

// Run kills servers for so many rounds. The error is the first thing that was
// not as it has to be.
func Run(o Options) (Tally, error) {
	r := &runner{Options: o, random: rand.New(rand.NewPCG(o.Seed, 7))}
	if r.Clients == 0 {
		r.Clients = 4
	}
	if r.LongestLife == 0 {
		r.LongestLife = 200 * time.Millisecond
	}
	for r.tally.Rounds = 1; r.tally.Rounds <= r.Rounds; r.tally.Rounds++ {
		if err := r.round(); err != nil {
			return r.tally, fmt.Errorf("round %d: %w", r.tally.Rounds, err)
		}
		if r.Report != nil {
			r.Report(r.tally)
		}
	}
	r.tally.Rounds--
	return r.tally, r.finish()
}

// life is a random part of the longest life.
func (r *runner) life() time.Duration {
	return time.Duration(r.random.Int64N(int64(r.LongestLife)) + 1)
}

func (r *runner) round() error {
	s, err := start(r.Command(r.Dir), r.Dir)
	if err != nil {
		return err
	}
	defer s.kill()
	if r.random.IntN(6) == 0 {
		// It may not even have opened its data yet.
		wait(r.life() / 4)
		r.tally.KillsAtStart++
		return nil
	}
	if err := s.await(); err != nil {
		return err
	}
	if err := r.check(s); err != nil {
		return err
	}
	stop := r.load(s.address)
	wait(r.life())
	switch n := r.random.IntN(10); {
	case n == 0:
		s.interrupt()
		err = s.ended()
		r.tally.CleanStops++
	case n < 3 && r.Upgrades:
		s.upgrade()
		wait(r.life())
		s.kill()
		r.tally.KillsInUpgrade++
	default:
		s.kill()
		r.tally.Kills++
	}
	stop()
	if err = errors.Join(err, r.wrong); err != nil {
		return err
	}
	if r.RebuildEvery > 0 && r.tally.Rounds%r.RebuildEvery == 0 {
		return r.rebuild()
	}
	return nil
}

// wait lets time pass: the instant of a kill is what is random here.
func wait(d time.Duration) { <-time.After(d) }

// finish finds out what became of every id, and compares the whole log.
func (r *runner) finish() error {
	s, err := start(r.Command(r.Dir), r.Dir)
	if err != nil {
		return err
	}
	defer s.kill()
	if err := s.await(); err != nil {
		return err
	}
	c := &client{address: s.address}
	defer c.close()
	seen := map[string]int{}
	for id, f := range r.known {
		// One that was never answered may have been recorded with the other body.
		for n := 0; n < 2 && (n == 0 || f.decision == ""); n++ {
			if err := r.ask(c, id, f.variant); err != nil {
				return err
			}
		}
		if other, twice := seen[f.decision]; twice {
			return fmt.Errorf("ids %d and %d share decision %s", other, id, f.decision)
		}
		seen[f.decision] = id
	}
	v, err := c.verify()
	if err != nil {
		return err
	}
	r.tally.Verifications++
	r.tally.Events = v.Events
	if v.Different != 0 || v.Events != len(r.known) || v.Decisions != len(r.known) {
		return fmt.Errorf("%d ids were sent; verification: %+v", len(r.known), v)
	}
	s.kill()
	return r.rebuild()
}
