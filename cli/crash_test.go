//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery.dev/orrerytest/crash"
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

// TestKilledServersLoseNothing kills a server under load, again and again; package
// crash says what is checked. go run ./bench/crash does it thousands of times.
func TestKilledServersLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; left out with -short")
	}
	tally, err := crash.Run(crash.Options{
		Command: func(dir string) *exec.Cmd {
			return &exec.Cmd{Path: os.Args[0], Args: []string{"orrery", "up", "../systems/fraud", "--data", dir, "--addr", "127.0.0.1:0"}}
		},
		Dir: filepath.Join(t.TempDir(), "data"), Rounds: 24, Seed: 9, LongestLife: 150 * time.Millisecond, Upgrades: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if tally.Acknowledged == 0 || tally.Conflicts == 0 || tally.Kills == 0 || tally.Rebuilds == 0 {
		t.Errorf("nothing was tested: %v", tally)
	}
	t.Log(tally)
}
