package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// child is a server in a process of its own.
type child struct {
	cmd     *exec.Cmd
	address string
	output  bytes.Buffer
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	// The server's address file of a process that was killed is stale.
	_ = os.Remove(filepath.Join(dir, "server.json"))
	c := &child{cmd: &exec.Cmd{Path: os.Args[0], Args: []string{"orrery", "up", "../systems/fraud", "--data", dir, "--addr", "127.0.0.1:0"}}}
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline, tick := time.After(patience), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		var info struct{ Address string }
		if text, err := os.ReadFile(filepath.Join(dir, "server.json")); err == nil && json.Unmarshal(text, &info) == nil && info.Address != "" {
			c.address = info.Address
			return c
		}
		select {
		case <-tick.C:
		case <-deadline:
			c.kill()
			t.Fatalf("the server did not start: %s", c.output.String())
		}
	}
}

// kill ends the process at once, as a power cut would.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *child) post(path, body string) (map[string]any, error) {
	response, err := http.Post("http://"+c.address+path, "application/json", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, text)
	}
	return answer, nil
}

func body(id int) string {
	at := time.Date(2018, 4, 1, 0, 0, id, 0, time.UTC).Format(time.RFC3339)
	return fmt.Sprintf(`{"transaction_id": "%d", "at": "%s", "customer": "c%d", "terminal": "t%d", "amount": %d.%02d}`, id, at, id%7, id%5, id%300, id%100)
}

// TestKilledServersLoseNothing kills a server under load, again and again:
// every decision that was acknowledged is there with the same answer, none is
// there twice, and all recompute.
func TestKilledServersLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; left out with -short")
	}
	dir := filepath.Join(t.TempDir(), "data")
	random := rand.New(rand.NewPCG(9, 9))
	acknowledged := map[int]string{}
	var mutex sync.Mutex
	next := 0
	for range 6 {
		c := startChild(t, dir)
		for id, decision := range acknowledged {
			answer, err := c.post("/v1/systems/fraud/decisions", body(id))
			if err != nil || answer["repeated"] != true || answer["decision_id"] != decision {
				t.Fatalf("transaction %d was acknowledged as %s, and now %v %v", id, decision, answer, err)
			}
		}
		var senders sync.WaitGroup
		for range 4 {
			senders.Go(func() {
				for {
					mutex.Lock()
					id := next
					next++
					mutex.Unlock()
					answer, err := c.post("/v1/systems/fraud/decisions", body(id))
					if err != nil {
						return // killed
					}
					mutex.Lock()
					acknowledged[id] = answer["decision_id"].(string)
					mutex.Unlock()
				}
			})
		}
		timer := time.NewTimer(time.Duration(20+random.IntN(200)) * time.Millisecond)
		<-timer.C
		c.kill()
		senders.Wait()
	}
	c := startChild(t, dir)
	defer c.kill()
	seen := map[string]int{}
	for id, decision := range acknowledged {
		if other, twice := seen[decision]; twice {
			t.Fatalf("transactions %d and %d share decision %s", id, other, decision)
		}
		seen[decision] = id
	}
	v, err := c.post("/v1/systems/fraud/verify", "{}")
	if err != nil || v["different"] != 0.0 || v["decisions"].(float64) < float64(len(acknowledged)) {
		t.Fatalf("%d acknowledged; verification: %v %v", len(acknowledged), v, err)
	}
	t.Logf("%d decisions acknowledged over six kills", len(acknowledged))
}
