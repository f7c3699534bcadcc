//go:build unix

package crash

import (
	"bufio"
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
	"syscall"
	"time"
)

// patience is how long a server may take to come up, or to stop.
const patience = time.Minute

// server is a server in a process group of its own.
type server struct {
	dir     string
	cmd     *exec.Cmd
	output  *os.File
	address string
	done    chan struct{}
}

func start(cmd *exec.Cmd, dir string) (*server, error) {
	// The file of a process that was killed is stale.
	if err := os.Remove(filepath.Join(dir, "server.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	output, err := os.CreateTemp("", "orrery-crash-*")
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = output, output
	// With it go the processes that it hands over to.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{dir: dir, cmd: cmd, output: output, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(s.done)
	}()
	return s, nil
}

// await waits until the server tells its address.
func (s *server) await() error {
	limit, tick := time.NewTimer(patience), time.NewTicker(2*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for {
		var info struct{ Address string }
		if text, err := os.ReadFile(filepath.Join(s.dir, "server.json")); err == nil && json.Unmarshal(text, &info) == nil && info.Address != "" {
			s.address = info.Address
			return nil
		}
		select {
		case <-tick.C:
		case <-s.done:
			return fmt.Errorf("the server ended: %s", s.log())
		case <-limit.C:
			return fmt.Errorf("the server does not come up: %s", s.log())
		}
	}
}

func (s *server) log() string {
	text, _ := os.ReadFile(s.output.Name())
	return string(text)
}

// kill ends the whole group at once.
func (s *server) kill() {
	if s.output == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.done
	_ = s.output.Close()
	_ = os.Remove(s.output.Name())
	s.output = nil
	s.awaitLock()
}

// awaitLock waits until the data directory is free: of a group, only the first
// process is waited for.
func (s *server) awaitLock() {
	file, err := os.OpenFile(filepath.Join(s.dir, "LOCK"), os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer file.Close()
	for range int(patience / time.Millisecond) {
		lock := syscall.Flock_t{Type: syscall.F_WRLCK}
		if syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock) != nil || lock.Type == syscall.F_UNLCK {
			return
		}
		wait(time.Millisecond)
	}
}

func (s *server) interrupt() { _ = syscall.Kill(s.cmd.Process.Pid, syscall.SIGTERM) }
func (s *server) upgrade()   { _ = signalUpgrade(s.cmd.Process.Pid) }

func signalUpgrade(pid int) error { return syscall.Kill(pid, syscall.SIGUSR2) }

// ended waits for a clean end.
func (s *server) ended() error {
	select {
	case <-s.done:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("the server stopped with status %d: %s", code, s.log())
		}
		return nil
	case <-time.After(patience):
		return errors.New("the server does not stop")
	}
}

// errGone says that the server did not answer: it was killed, or is stopping.
var errGone = errors.New("the server has gone")

// client sends requests on one connection, none of them twice.
type client struct {
	address    string
	connection net.Conn
	answers    *bufio.Reader
}

// answer is what an id gets for good.
type answer struct {
	DecisionID string      `json:"decision_id"`
	EventID    string      `json:"event_id"`
	Score      json.Number `json:"score"`
	Action     string      `json:"action"`
	Release    string      `json:"release"`
	Fallback   string      `json:"fallback"`
	Repeated   bool        `json:"repeated"`
}

type problem struct {
	Code, Field, Detail string
}

type verification struct{ Events, Decisions, Different int }

func (c *client) decide(body string) (*answer, *problem, error) {
	status, text, err := c.do("POST", "/v1/systems/fraud/decisions", body)
	if err != nil {
		return nil, nil, err
	}
	if status == http.StatusServiceUnavailable {
		return nil, nil, errGone
	}
	if status != http.StatusOK {
		p := &problem{}
		if err := json.Unmarshal(text, p); err != nil {
			return nil, nil, fmt.Errorf("status %d: %s", status, text)
		}
		if status != http.StatusConflict {
			return nil, nil, fmt.Errorf("status %d: %+v", status, *p)
		}
		return nil, p, nil
	}
	a := &answer{}
	return a, nil, json.Unmarshal(text, a)
}

func (c *client) verify() (v verification, err error) {
	status, text, err := c.do("POST", "/v1/systems/fraud/verify", "{}")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, text)
	}
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return v, err
}

func (c *client) get(path string) (string, error) {
	status, text, err := c.do("GET", path, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, text)
	}
	return string(text), err
}

func (c *client) do(method, path, body string) (int, []byte, error) {
	if c.connection == nil {
		connection, err := net.Dial("tcp", c.address)
		if err != nil {
			return 0, nil, errGone
		}
		c.connection, c.answers = connection, bufio.NewReader(connection)
	}
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	if _, err := io.Copy(c.connection, strings.NewReader(request)); err != nil {
		return 0, nil, errGone
	}
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return 0, nil, errGone
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, errGone
	}
	if response.Close {
		c.close()
	}
	return response.StatusCode, text, nil
}

func (c *client) close() {
	if c.connection != nil {
		_ = c.connection.Close()
		c.connection = nil
	}
}
