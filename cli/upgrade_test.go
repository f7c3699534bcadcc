//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// rawClient sends requests on one connection as long as the server keeps it, and
// never sends one twice: whatever goes wrong is seen.
type rawClient struct {
	address    string
	connection net.Conn
	answers    *bufio.Reader
}

func (c *rawClient) post(path, body string) (map[string]any, error) {
	if c.connection == nil {
		connection, err := net.Dial("tcp", c.address)
		if err != nil {
			return nil, err
		}
		c.connection, c.answers = connection, bufio.NewReader(connection)
	}
	if _, err := fmt.Fprintf(c.connection, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if response.Close {
		c.close()
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, text)
	}
	var answer map[string]any
	return answer, json.Unmarshal(text, &answer)
}

func (c *rawClient) close() {
	if c.connection != nil {
		_ = c.connection.Close()
		c.connection = nil
	}
}

// upgradable is a server that tests have hand over, in a directory with a spec
// of its own.
type upgradable struct {
	t         *testing.T
	dir, spec string
	temporary string // for temporary files of its processes
	address   string
	output    *os.File
	first     *exec.Cmd
}

func startUpgradable(t *testing.T) *upgradable {
	t.Helper()
	u := &upgradable{t: t, dir: filepath.Join(t.TempDir(), "data"), spec: filepath.Join(t.TempDir(), "system.yaml"), temporary: t.TempDir()}
	source, err := os.ReadFile("../systems/fraud/system.yaml")
	if err == nil {
		err = os.WriteFile(u.spec, source, 0o644)
	}
	if err == nil {
		u.output, err = os.Create(filepath.Join(t.TempDir(), "output"))
	}
	if err != nil {
		t.Fatal(err)
	}
	// The processes that follow write to a file: nobody may have to wait for them.
	u.first = u.command("up", u.spec, "--data", u.dir, "--addr", "127.0.0.1:0")
	u.first.Stdout, u.first.Stderr = u.output, u.output
	if err := u.first.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = u.first.Wait()
	}()
	t.Cleanup(func() {
		if info := u.info(); info.PID != 0 {
			_ = syscall.Kill(info.PID, syscall.SIGKILL)
		}
		_ = u.first.Process.Kill()
		<-ended
		_ = u.output.Close()
	})
	awaitCondition(t, func() bool { return u.info().Address != "" }, u.log)
	u.address = u.info().Address
	return u
}

func (u *upgradable) command(args ...string) *exec.Cmd {
	return &exec.Cmd{Path: os.Args[0], Args: append([]string{"orrery"}, args...), Env: append(os.Environ(), "TMPDIR="+u.temporary)}
}

type runningInfo struct {
	Address string
	PID     int
	Refused string
}

func (u *upgradable) info() (info runningInfo) {
	if text, err := os.ReadFile(filepath.Join(u.dir, "server.json")); err == nil {
		_ = json.Unmarshal(text, &info)
	}
	return info
}

func (u *upgradable) log() string {
	text, _ := os.ReadFile(u.output.Name())
	return string(text)
}

// upgrade runs orrery upgrade and gives what it printed.
func (u *upgradable) upgrade() (string, error) {
	var output bytes.Buffer
	cmd := u.command("upgrade", u.spec, "--data", u.dir)
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	return output.String(), err
}

func (u *upgradable) editSpec(old, new string) {
	u.t.Helper()
	text, err := os.ReadFile(u.spec)
	if err == nil && !strings.Contains(string(text), old) {
		err = errors.New("the spec does not have " + old)
	}
	if err == nil {
		err = os.WriteFile(u.spec, []byte(strings.Replace(string(text), old, new, 1)), 0o644)
	}
	if err != nil {
		u.t.Fatal(err)
	}
}

func awaitCondition(t *testing.T, holds func() bool, otherwise func() string) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen: ", otherwise())
		}
	}
}

// load has clients ask for decisions until it is stopped.
type load struct {
	stop     chan struct{}
	group    sync.WaitGroup
	next     atomic.Int64
	longest  atomic.Int64
	mutex    sync.Mutex
	answered map[int]string
	failures []error
}

func startLoad(address string, clients int) *load {
	l := &load{stop: make(chan struct{}), answered: map[int]string{}}
	for range clients {
		l.group.Go(func() {
			c := &rawClient{address: address}
			defer c.close()
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				id := int(l.next.Add(1))
				begun := time.Now()
				answer, err := c.post("/v1/systems/fraud/decisions", body(id))
				took := int64(time.Since(begun))
				for old := l.longest.Load(); took > old && !l.longest.CompareAndSwap(old, took); old = l.longest.Load() {
				}
				l.mutex.Lock()
				if err == nil {
					l.answered[id] = answer["decision_id"].(string)
				} else {
					l.failures = append(l.failures, err)
				}
				l.mutex.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	return l
}

// await waits until so many more requests were answered.
func (l *load) await(t *testing.T, more int) {
	t.Helper()
	count := func() int {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		return len(l.answered) + len(l.failures)*1_000_000
	}
	from := count()
	awaitCondition(t, func() bool { return count() >= from+more }, func() string { return "no requests are answered" })
}

func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.group.Wait()
	for _, err := range l.failures {
		t.Errorf("a request failed: %v", err)
	}
	t.Logf("%d requests answered, %d failed, the longest took %v", len(l.answered), len(l.failures), time.Duration(l.longest.Load()).Round(time.Millisecond))
}

// check finds every answer again, in the server that is running now.
func (l *load) check(t *testing.T, address string) {
	t.Helper()
	c := &rawClient{address: address}
	defer c.close()
	for id, decision := range l.answered {
		answer, err := c.post("/v1/systems/fraud/decisions", body(id))
		if err != nil || answer["repeated"] != true || answer["decision_id"] != decision {
			t.Fatalf("transaction %d was answered with %s, and now %v %v", id, decision, answer, err)
		}
	}
	v, err := c.post("/v1/systems/fraud/verify", "{}")
	if err != nil || v["different"] != 0.0 || v["decisions"] != float64(len(l.answered)) {
		t.Fatalf("%d answered; verification: %v %v", len(l.answered), v, err)
	}
}

// TestUpgradeUnderLoad hands over from process to process under load: no request
// fails, and nothing that was answered is lost.
func TestUpgradeUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; left out with -short")
	}
	u := startUpgradable(t)
	l := startLoad(u.address, 6)
	for range 3 {
		l.await(t, 300)
		before := u.info().PID
		output, err := u.upgrade()
		if err != nil || u.info().PID == before {
			t.Fatalf("upgrade: %v %s\n%s", err, output, u.log())
		}
	}
	l.await(t, 300)
	l.end(t)
	l.check(t, u.address)
}

// An old process that is killed after it has handed over leaves no file behind.
func TestUpgradeCleansUpAfterAKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; left out with -short")
	}
	u := startUpgradable(t)
	// The old process lingers for as long as this connection is there.
	client := &rawClient{address: u.address}
	defer client.close()
	if _, err := client.post("/v1/systems/fraud/events", `{}`); err == nil {
		t.Fatal("an empty event was taken")
	}
	if output, err := u.upgrade(); err != nil {
		t.Fatalf("upgrade: %v %s\n%s", err, output, u.log())
	}
	left := func() []os.DirEntry {
		files, err := os.ReadDir(u.temporary)
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	if len(left()) == 0 {
		t.Fatal("the old process did not linger")
	}
	if err := u.first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitCondition(t, func() bool { return len(left()) == 0 }, func() string { return fmt.Sprint(left()) })
}

// TestUpgradeThatFails lets the old process go on when the new one cannot start,
// be it before or after it has the data directory.
func TestUpgradeThatFails(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; left out with -short")
	}
	u := startUpgradable(t)
	l := startLoad(u.address, 4)
	l.await(t, 100)
	before := u.info().PID
	fails := func(old, new, reason string) {
		t.Helper()
		u.editSpec(old, new)
		output, err := u.upgrade()
		if err == nil || !strings.Contains(output, "could not take over") || !strings.Contains(output, reason) {
			t.Errorf("upgrade: %v %s\n%s", err, output, u.log())
		}
		if now := u.info().PID; now != before {
			t.Errorf("process %d serves, before it was %d", now, before)
		}
		u.editSpec(new, old)
		l.await(t, 100)
	}
	fails("scale: 2", "scale: 3", "scale")
	// upgrade itself sees a file with faults; a signal does not.
	u.editSpec("decide_on: transaction", "decide_on: nothing")
	if output, err := u.upgrade(); err == nil || !strings.Contains(output, "unknown_event") {
		t.Errorf("upgrade: %v %s", err, output)
	}
	if err := syscall.Kill(before, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	awaitCondition(t, func() bool { return strings.Contains(u.info().Refused, "faults") }, u.log)
	u.editSpec("decide_on: nothing", "decide_on: transaction")
	l.await(t, 100)
	if output, err := u.upgrade(); err != nil {
		t.Errorf("upgrade after all: %v %s\n%s", err, output, u.log())
	}
	l.await(t, 100)
	l.end(t)
	l.check(t, u.address)
}
