package front

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// served is a server whose handler tells the test how it was asked.
type served struct {
	*Server
	t       *testing.T
	address string
	ended   chan error
	log     lockedBuffer
}

type lockedBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(p)
}

// inFront is in the answer of a request that did not go through net/http, and
// behind in that of one that did.
const (
	inFront = "in front"
	behind  = "behind"
)

func start(t *testing.T, handler http.HandlerFunc, change func(*http.Server)) *served {
	t.Helper()
	s := &served{t: t, ended: make(chan error, 1)}
	server := &http.Server{ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, IdleTimeout: time.Minute, WriteTimeout: time.Minute,
		ErrorLog: log.New(&s.log, "", 0)}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Where", behind)
		if _, ok := w.(*answer); ok {
			w.Header().Set("X-Where", inFront)
		}
		handler(w, r)
	})
	if change != nil {
		change(server)
	}
	s.Server = New(server, func(r *http.Request) bool { return r.URL.Path != "/behind" })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	go func() { s.ended <- s.Serve(listener) }()
	t.Cleanup(func() {
		_ = s.Close()
		s.until("all connections are closed", func() bool { return s.Connections() == 0 })
	})
	return s
}

func (s *served) until(what string, condition func() bool) {
	s.t.Helper()
	for limit := time.Now().Add(30 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(limit) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

// client is one connection to it.
type client struct {
	t *testing.T
	net.Conn
	reader *bufio.Reader
}

func (s *served) dial() *client {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return &client{s.t, c, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads an answer and gives what is in it.
func (c *client) answer() (*http.Response, string) {
	c.t.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, string(content)
}

func (c *client) expect(status int, where, content string) *http.Response {
	c.t.Helper()
	response, got := c.answer()
	if response.StatusCode != status || response.Header.Get("X-Where") != where || got != content {
		c.t.Fatalf("%d %q %q, want %d %q %q", response.StatusCode, response.Header.Get("X-Where"), got, status, where, content)
	}
	return response
}

func (c *client) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.reader); len(rest) > 0 || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("%q, %v", rest, err)
	}
}

func post(path, body string, fields ...string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n" + body
}

// echo says what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s %s %s", r.URL.Path, r.Host, r.Header.Get("X-Api-Key"), body)
}

func TestPlainRequestsAreAnsweredInFront(t *testing.T) {
	s := start(t, echo, nil)
	c := s.dial()
	for i := range 3 {
		c.send(post("/a", fmt.Sprint("body", i), "x-API-key: k"))
		r := c.expect(200, inFront, fmt.Sprint("/a localhost k body", i))
		if r.ContentLength != 20 || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || r.Header.Get("Date") == "" || r.Close {
			t.Fatalf("%+v", r)
		}
	}
}

func TestRequestsMayFollowEachOtherAtOnce(t *testing.T) {
	s := start(t, echo, nil)
	c := s.dial()
	c.send(post("/a", "1") + post("/b", "22") + post("/behind", "3") + post("/c", "4"))
	c.expect(200, inFront, "/a localhost  1")
	c.expect(200, inFront, "/b localhost  22")
	c.expect(200, behind, "/behind localhost  3")
	c.expect(200, behind, "/c localhost  4")
}

// TestARequestMayComeInPieces sends one byte after another, of requests that are
// longer than the buffer.
func TestARequestMayComeInPieces(t *testing.T) {
	s := start(t, echo, nil)
	c := s.dial()
	text := post("/a", "short") + post("/b", strings.Repeat("long", headSize))
	go func() {
		for i := range min(len(text), 500) {
			c.send(text[i : i+1])
		}
		c.send(text[500:])
	}()
	c.expect(200, inFront, "/a localhost  short")
	c.expect(200, inFront, "/b localhost  "+strings.Repeat("long", headSize))
}

func TestOthersAreAnsweredBehind(t *testing.T) {
	s := start(t, echo, nil)
	for name, text := range map[string]string{
		"GET":         "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"chunks":      "POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"line breaks": "POST /a HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n",
		"a long head": "POST /a HTTP/1.1\r\nHost: localhost\r\nA: " + strings.Repeat("a", 2*headSize) + "\r\nContent-Length: 0\r\n\r\n",
	} {
		c := s.dial()
		c.send(post("/a", "before"))
		c.expect(200, inFront, "/a localhost  before")
		c.send(text)
		response, content := c.answer()
		if response.Header.Get("X-Where") != behind || content != "/a localhost  " {
			t.Errorf("%s: %+v %q", name, response, content)
		}
	}
	c := s.dial()
	c.send("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n")
	if response, _ := c.answer(); response.StatusCode != http.StatusBadRequest {
		t.Errorf("two lengths: %d", response.StatusCode)
	}
}

func TestWhatTheHandlerLeavesIsPassedOver(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		w.WriteHeader(http.StatusOK) // too late
		_, _ = io.WriteString(w, "no")
	}, nil)
	c := s.dial()
	for range 2 {
		c.send(post("/a", strings.Repeat("b", bodyMost)))
		c.expect(429, inFront, "no")
	}
}

// TestAFlushSendsAWholeAnswer reads an answer while its handler still runs.
func TestAFlushSendsAWholeAnswer(t *testing.T) {
	release := make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		w.Header().Set("Content-Length", "4")
		_, _ = io.WriteString(w, "wh")
		if err := control.Flush(); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "ol")
		if err := control.Flush(); err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(w, "e"); err == nil {
			t.Error("more was taken than the answer has")
		}
		<-release
	}, nil)
	c := s.dial()
	c.send(post("/a", ""))
	c.expect(200, inFront, "whol")
	close(release)
	c.send(post("/a", ""))
	c.expect(200, inFront, "whol")
}

func TestAPanicEndsTheConnection(t *testing.T) {
	s := start(t, func(http.ResponseWriter, *http.Request) { panic("on purpose") }, nil)
	c := s.dial()
	c.send(post("/a", ""))
	c.expectEnd()
	s.log.mutex.Lock()
	defer s.log.mutex.Unlock()
	if !strings.Contains(s.log.String(), "on purpose") {
		t.Errorf("the log says %q", s.log.String())
	}
}

// TestLimitsInTime has clients that stop at each stage.
func TestLimitsInTime(t *testing.T) {
	short := 20 * time.Millisecond
	s := start(t, echo, func(h *http.Server) { h.ReadHeaderTimeout, h.ReadTimeout, h.IdleTimeout = short, short, short })
	s.dial().expectEnd()
	c := s.dial()
	c.send("POST /a HTTP/1.1\r\nHo")
	c.expectEnd()
	c = s.dial()
	c.send(post("/a", "body"))
	c.expect(200, inFront, "/a localhost  body")
	c.expectEnd()
	c = s.dial()
	text := post("/a", "body")
	c.send(text[:len(text)-1])
	if response, content := c.answer(); response.StatusCode != 400 || !response.Close || !strings.Contains(content, "timeout") {
		t.Errorf("%+v %q", response, content)
	}
	c.expectEnd()
}

// TestAClientThatDoesNotRead is cut off when it has taken nothing for as long as
// it may.
func TestAClientThatDoesNotRead(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
		func(h *http.Server) { h.WriteTimeout = 20 * time.Millisecond })
	c := s.dial()
	go func() {
		for err := error(nil); err == nil; {
			_, err = io.WriteString(c, post("/a", "body"))
		}
	}()
	s.until("the connection is closed", func() bool { return s.Connections() == 0 })
}

// TestShutdown has a request in flight, an idle connection and one behind.
func TestShutdown(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(entered)
			<-release
		}
		echo(w, r)
	}, nil)
	idle, busy, back := s.dial(), s.dial(), s.dial()
	idle.send(post("/a", "1"))
	idle.expect(200, inFront, "/a localhost  1")
	back.send(post("/behind", "1"))
	back.expect(200, behind, "/behind localhost  1")
	busy.send(post("/wait", "1") + post("/a", "2"))
	<-entered
	ended := make(chan error)
	go func() { ended <- s.Shutdown(context.Background()) }()
	idle.expectEnd()
	close(release)
	if r := busy.expect(200, inFront, "/wait localhost  1"); !r.Close {
		t.Error("the client is not told that the connection ends")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	back.expectEnd()
	if err := <-s.ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestShutdownEndsInTime(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, func(http.ResponseWriter, *http.Request) { close(entered); <-release }, nil)
	s.dial().send(post("/a", ""))
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("shut down with a request in flight")
	}
	close(release)
}

// TestABodyEndsWithItsHandler keeps the body of one request and reads from it
// while the next is handled, which must not miss a byte.
func TestABodyEndsWithItsHandler(t *testing.T) {
	kept := make(chan io.ReadCloser, 2)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case before := <-kept:
			if n, err := before.Read(make([]byte, 8)); n > 0 || err == nil {
				t.Errorf("%d bytes of another request, %v", n, err)
			}
		default:
		}
		if r.URL.Path == "/keep" {
			kept <- r.Body
			return
		}
		echo(w, r)
	}, nil)
	c := s.dial()
	c.send(post("/keep", "first") + post("/a", "second"))
	c.expect(200, inFront, "")
	c.expect(200, inFront, "/a localhost  second")
}

// TestReadingCanBeCutShort ends the wait for a body from another goroutine.
func TestReadingCanBeCutShort(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			go func() { _ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) }()
		}
		echo(w, r)
	}, nil)
	c := s.dial()
	c.send(post("/a", "1"))
	c.expect(200, inFront, "/a localhost  1")
	c.send("POST /cut HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nbody")
	if response, _ := c.answer(); response.StatusCode != 400 || !response.Close {
		t.Errorf("%+v", response)
	}
}
