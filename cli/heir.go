package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"orrery.dev"
)

// A server hands over to a new process in this order:
//
//	old: starts the new binary, which inherits the listening socket
//	new: reads and checks the spec, says "prepared", waits
//	old: writes its state out, holds requests back until none is in flight,
//	     closes the data directory, says "go"
//	new: opens the data directory, answers requests, says "serving"
//	old: passes on what it held, and what still comes on its connections
//
// Until the new one says "serving" the old one can go on: when the new one
// fails, it opens the data directory again and answers what it held.

// heirVariable tells a process that it is to take over; its files then are
// these.
const (
	heirVariable = "ORRERY_TAKES_OVER"

	listenerFile = 3 // the socket that clients connect to
	passedFile   = 4 // the socket for requests that the old process passes on
	fromOldFile  = 5
	toOldFile    = 6
)

// passedName is the name of the socket for requests that are passed on, in a
// directory of its own.
const passedName = "passed"

// The words of a new process to the old one.
const (
	wordPrepared = "prepared"
	wordServing  = "serving"
	wordFailed   = "failed"
)

type heirMessage struct {
	Word string `json:"word"`
	// Reason is why it failed.
	Reason string `json:"reason,omitempty"`
}

// heir is the new process, as the old one sees it.
type heir struct {
	cmd    *exec.Cmd
	goFile *os.File
	words  *json.Decoder
	ended  chan struct{}
	// socket is where it takes the requests that are passed on.
	socket string
	// told is what it has said, in order, closed with its end.
	told chan heirMessage
}

// startHeir starts the binary anew with this process's arguments.
func startHeir(binary string, listener net.Listener) (*heir, error) {
	dir, err := os.MkdirTemp("", "orrery-")
	if err != nil {
		return nil, err
	}
	h := &heir{socket: filepath.Join(dir, passedName), ended: make(chan struct{}), told: make(chan heirMessage, 4)}
	err = h.start(binary, listener)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return h, nil
}

func (h *heir) start(binary string, listener net.Listener) error {
	passed, err := net.Listen("unix", h.socket)
	if err != nil {
		return err
	}
	// Closing ours must not remove the name that the new process listens on.
	passed.(*net.UnixListener).SetUnlinkOnClose(false)
	defer passed.Close()
	var given []*os.File
	defer func() {
		for _, f := range given {
			_ = f.Close()
		}
	}()
	for _, l := range []net.Listener{listener, passed} {
		file, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			return err
		}
		given = append(given, file)
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	given = append(given, theirs)
	words, theirWords, err := os.Pipe()
	if err != nil {
		_ = ours.Close()
		return err
	}
	given = append(given, theirWords)
	h.goFile, h.words = ours, json.NewDecoder(words)
	h.cmd = &exec.Cmd{Path: binary, Args: os.Args, Stdout: os.Stdout, Stderr: os.Stderr, ExtraFiles: given,
		Env: append(os.Environ(), heirVariable+"=1")}
	if err := h.cmd.Start(); err != nil {
		return errors.Join(err, ours.Close(), words.Close())
	}
	go h.listen(words)
	return nil
}

// listen passes on what the new process says, and sees its end.
func (h *heir) listen(words io.Closer) {
	defer close(h.told)
	for {
		var m heirMessage
		if err := h.words.Decode(&m); err != nil {
			break
		}
		h.told <- m
		if m.Word != wordPrepared {
			break
		}
	}
	_ = words.Close()
	go func() {
		_ = h.cmd.Wait()
		close(h.ended)
	}()
}

// hear gives why the new process is not where word says.
func (h *heir) hear(ctx context.Context, word string) error {
	select {
	case m, open := <-h.told:
		switch {
		case !open:
			return errors.New("it ended")
		case m.Word != word:
			return errors.New(m.Reason)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// takeOver lets the new process have the data directory, and waits until it
// answers requests.
func (h *heir) takeOver(ctx context.Context) error {
	if _, err := io.WriteString(h.goFile, "go\n"); err != nil {
		return err
	}
	return h.hear(ctx, wordServing)
}

// end makes sure that the new process is gone, and with it its hold on the data
// directory.
func (h *heir) end() {
	_ = h.cmd.Process.Kill()
	_ = h.goFile.Close()
	for range h.told { //nolint // what it still said does not matter
	}
	<-h.ended
	h.clean()
}

func (h *heir) clean() { _ = os.RemoveAll(filepath.Dir(h.socket)) }

// binaryPath is the binary to start for a handover: the one that this process
// was started as, by name, so that a link that points elsewhere now is followed.
func binaryPath() (string, error) {
	if strings.ContainsRune(os.Args[0], os.PathSeparator) {
		return filepath.Abs(os.Args[0])
	}
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		return filepath.Abs(path)
	}
	return os.Executable()
}

// ancestor is the old process, as the new one sees it.
type ancestor struct {
	listener, passed net.Listener
	from, to         *os.File
}

// inherited gives the old process, nil for a process that takes over from none.
func inherited() (*ancestor, error) {
	if os.Getenv(heirVariable) == "" {
		return nil, nil
	}
	if err := os.Unsetenv(heirVariable); err != nil {
		return nil, err
	}
	a := &ancestor{from: os.NewFile(fromOldFile, "from"), to: os.NewFile(toOldFile, "to")}
	var err error
	if a.listener, err = inheritedListener(listenerFile); err == nil {
		a.passed, err = inheritedListener(passedFile)
	}
	if err != nil {
		return nil, orrery.Errorf(orrery.Internal, "handover_failed", "cannot take over the sockets of the running server").Because(err)
	}
	return a, nil
}

func inheritedListener(fd uintptr) (net.Listener, error) {
	file := os.NewFile(fd, "listener")
	if file == nil {
		return nil, fmt.Errorf("there is no file %d", fd)
	}
	defer file.Close()
	return net.FileListener(file)
}

func (a *ancestor) say(m heirMessage) {
	// When the old process has gone there is nobody to tell.
	_ = json.NewEncoder(a.to).Encode(m)
}

// awaitGo waits until the old process has let the data directory go: it says
// so, or it ends.
func (a *ancestor) awaitGo() {
	a.say(heirMessage{Word: wordPrepared})
	_, _ = a.from.Read(make([]byte, 8))
}

// clean removes what the old process would have, had it not been killed.
func (a *ancestor) clean() {
	if socket := a.passed.Addr().String(); filepath.Base(socket) == passedName {
		_ = os.RemoveAll(filepath.Dir(socket))
	}
}

// gone is closed when the old process has ended.
func (a *ancestor) gone() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, a.from)
	}()
	return gone
}
