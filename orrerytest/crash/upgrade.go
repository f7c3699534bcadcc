//go:build unix

package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Handovers is what upgrading a server under load came to.
type Handovers struct {
	Upgrades, Answered int
	// Failed counts requests that got no answer, or another than a decision.
	Failed int
	// Longest is the longest that a client waited for an answer; LongestUsual the
	// same before the first upgrade.
	Longest, LongestUsual time.Duration
}

func (h Handovers) String() string {
	return fmt.Sprintf("%d upgrades: %d requests answered, %d failed; the longest wait %v, and %v before the first upgrade",
		h.Upgrades, h.Answered, h.Failed, h.Longest.Round(100*time.Microsecond), h.LongestUsual.Round(100*time.Microsecond))
}

// Upgrade has a server under load hand over, Rounds times. Each client keeps a
// connection as long as the server lets it, and sends no request twice.
func Upgrade(o Options) (Handovers, error) {
	s, err := start(o.Command(o.Dir), o.Dir)
	if err != nil {
		return Handovers{}, err
	}
	defer s.kill()
	if err := s.await(); err != nil {
		return Handovers{}, err
	}
	var next, answered, failed, longest atomic.Int64
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range o.Clients {
		group.Go(func() {
			c := &client{address: s.address}
			defer c.close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				begun := time.Now()
				_, problem, err := c.decide(body(int(next.Add(1)), 0))
				took := int64(time.Since(begun))
				for was := longest.Load(); took > was && !longest.CompareAndSwap(was, took); was = longest.Load() {
				}
				if err != nil || problem != nil {
					failed.Add(1)
					c.close()
					continue
				}
				answered.Add(1)
			}
		})
	}
	wait(o.LongestLife)
	h := Handovers{LongestUsual: time.Duration(longest.Swap(0))}
	for ; h.Upgrades < o.Rounds && err == nil; h.Upgrades++ {
		err = s.handOver()
		wait(o.LongestLife)
	}
	close(stop)
	group.Wait()
	h.Answered, h.Failed, h.Longest = int(answered.Load()), int(failed.Load()), time.Duration(longest.Load())
	return h, err
}

// pid gives the process that serves now, 0 between two.
func (s *server) pid() (pid int) {
	var info struct{ PID int }
	if text, err := os.ReadFile(filepath.Join(s.dir, "server.json")); err == nil && json.Unmarshal(text, &info) == nil {
		pid = info.PID
	}
	return pid
}

// handOver has the process that serves hand over, and waits until another does.
func (s *server) handOver() error {
	from := s.pid()
	if err := signalUpgrade(from); err != nil {
		return err
	}
	limit, tick := time.NewTimer(patience), time.NewTicker(2*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for {
		if now := s.pid(); now != 0 && now != from {
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return errors.New("no other process took over: " + s.log())
		}
	}
}
