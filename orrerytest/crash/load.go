//go:build unix

package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The sample's entities.
const (
	customers = 11
	terminals = 7
)

// body is the event of an id. Its variants differ in the amount alone.
func body(id, variant int) string {
	at := time.Date(2018, 4, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(id) * 17 * time.Second).Format(time.RFC3339)
	return fmt.Sprintf(`{"transaction_id": "%d", "at": "%s", "customer": "c%d", "terminal": "t%d", "amount": %d.%02d}`,
		id, at, id%customers, id%terminals, id%300+variant, id%100)
}

// load has clients send new ids, ids again, and ids with another body, until the
// server is gone.
func (r *runner) load(address string) (stop func()) {
	r.recent = r.recent[:0]
	done := make(chan struct{})
	var group sync.WaitGroup
	for range r.Clients {
		random := rand.New(rand.NewPCG(r.random.Uint64(), 1))
		group.Go(func() {
			c := &client{address: address}
			defer c.close()
			for {
				select {
				case <-done:
					return
				default:
				}
				id, variant := r.next(random)
				if err := r.ask(c, id, variant); errors.Is(err, errGone) {
					return
				} else if err != nil {
					r.fail(err)
					return
				}
			}
		})
	}
	return func() {
		close(done)
		group.Wait()
	}
}

// next chooses what to send. Clients meet on the newest ids, with either body.
func (r *runner) next(random *rand.Rand) (id, variant int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	variant = random.IntN(2)
	if n := len(r.known); n > 0 && random.IntN(3) == 0 {
		return max(0, n-1-random.IntN(8)), variant
	}
	r.known = append(r.known, &fact{})
	return len(r.known) - 1, variant
}

func (r *runner) fail(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.wrong == nil {
		r.wrong = err
	}
}

// ask sends an id with a body, and holds the answer against what is known.
func (r *runner) ask(c *client, id, variant int) error {
	a, problem, err := c.decide(body(id, variant))
	if err != nil {
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	f := r.known[id]
	switch {
	case problem != nil:
		if problem.Code != "event_conflict" || problem.Field != "amount" || !strings.Contains(problem.Detail, "amount") {
			return fmt.Errorf("id %d was refused: %+v", id, *problem)
		}
		if f.decision != "" && f.variant == variant {
			return fmt.Errorf("id %d was answered with %s, and is now in conflict", id, f.decision)
		}
		// The other body is the one that was recorded.
		if f.decision == "" {
			f.variant = 1 - variant
		}
		r.tally.Conflicts++
		return nil
	case f.decision == "":
		f.decision, f.variant, f.answer = a.DecisionID, variant, *a
		f.answer.Repeated = false
		r.tally.Acknowledged++
		r.recent = append(r.recent, id)
		return nil
	case f.variant != variant:
		return fmt.Errorf("id %d was answered with %s, and another body got %s", id, f.decision, a.DecisionID)
	}
	r.tally.Repeats++
	return f.same(id, a)
}

func (f *fact) same(id int, a *answer) error {
	got := *a
	got.Repeated = false
	if got != f.answer {
		return fmt.Errorf("id %d was answered with %+v, and now with %+v", id, f.answer, got)
	}
	return nil
}

// checkedOld is how many answers of earlier lives are asked for after a restart,
// beside all of the last.
const checkedOld = 100

// recognised is how many of the newest ids a repeat can be of: events are 17 s apart,
// and a server recognises them for 30 days.
const recognised = 150_000

// check asks again for what was acknowledged, with the same body and another.
func (r *runner) check(s *server) error {
	c := &client{address: s.address}
	defer c.close()
	ids := append([]int(nil), r.recent...)
	for range min(checkedOld, len(r.known)) {
		ids = append(ids, len(r.known)-1-r.random.IntN(min(recognised, len(r.known))))
	}
	for i, id := range ids {
		f := r.known[id]
		if f.decision == "" {
			continue
		}
		r.tally.Checked++
		if err := r.ask(c, id, f.variant); err != nil {
			return err
		}
		if i%5 == 0 {
			if err := r.ask(c, id, 1-f.variant); err != nil {
				return err
			}
		}
	}
	if r.tally.Rounds%20 == 0 {
		v, err := c.verify()
		if err != nil || v.Different != 0 {
			return fmt.Errorf("verification: %+v %w", v, err)
		}
		r.tally.Verifications++
	}
	return nil
}

// rebuild compares the state as it was kept with one that is made from the log
// alone.
func (r *runner) rebuild() error {
	kept, err := r.states()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(r.Dir, "state")); err != nil {
		return err
	}
	rebuilt, err := r.states()
	if err != nil {
		return err
	}
	r.tally.Rebuilds++
	for i := range kept {
		if kept[i] != rebuilt[i] {
			return fmt.Errorf("state was kept as\n%s\nand is rebuilt from the log as\n%s", kept[i], rebuilt[i])
		}
	}
	return nil
}

// states gives what a server knows of every entity.
func (r *runner) states() ([]string, error) {
	s, err := start(r.Command(r.Dir), r.Dir)
	if err != nil {
		return nil, err
	}
	defer s.kill()
	if err := s.await(); err != nil {
		return nil, err
	}
	c := &client{address: s.address}
	defer c.close()
	var all []string
	for i := range customers {
		all = append(all, fmt.Sprintf("customer/c%d", i))
	}
	for i := range terminals {
		all = append(all, fmt.Sprintf("terminal/t%d", i))
	}
	for i, entity := range all {
		text, err := c.get("/v1/systems/fraud/entities/" + entity + "/features")
		if err != nil {
			return nil, err
		}
		all[i] = text
	}
	return all, nil
}
