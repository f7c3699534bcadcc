package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery.dev/api/front"
	"orrery.dev/builtin"
	"orrery.dev/orrerytest"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/store"
	"orrery.dev/store/memory"
)

// holdable is a store whose appends can be held back, as by a slow disk.
type holdable struct {
	store.Store
	log heldLog
}

type heldLog struct {
	store.Log
	hold sync.Mutex
}

func (l *heldLog) Append(b *store.Batch, sync bool) error {
	l.hold.Lock()
	defer l.hold.Unlock()
	return l.Log.Append(b, sync)
}

func (l *heldLog) Start(b *store.Batch) (func() error, error) {
	l.hold.Lock()
	defer l.hold.Unlock()
	return l.Log.Start(b)
}

func (h *holdable) Log() store.Log { return &h.log }

// network is a server on a real socket.
type network struct {
	t       *testing.T
	store   *holdable
	server  *Server
	gate    *Gate
	http    *front.Server
	address string
}

type noWork struct{}

func (noWork) Train(context.Context, TrainRequest) (*TrainAnswer, error) {
	return &TrainAnswer{Model: "gbdt"}, nil
}
func (noWork) Backup(context.Context, io.Writer) error { return nil }
func (noWork) Verify(context.Context) (*replay.Verification, error) {
	return &replay.Verification{}, nil
}

func listen(t *testing.T, o Options) *network {
	t.Helper()
	inner := memory.New()
	n := &network{t: t, store: &holdable{Store: inner, log: heldLog{Log: inner.Log()}}}
	engine, err := serve.Open(t.Context(), n.store, orrerytest.FraudSpec(t), serve.Options{Registry: builtin.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.gate = NewGate(o.withDefaults().Logger)
	o.Stopping = n.gate.Stopping()
	n.server = New(engine, noWork{}, o)
	n.gate.Open(n.server, n.server)
	n.http, n.address = o.Limits.Server(n.gate), listener.Addr().String()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = n.http.Serve(listener) }()
	t.Cleanup(func() {
		_ = n.http.Close()
		<-ended
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// until waits for a condition that other goroutines bring about.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatalf("never: %s", what)
		}
	}
}

func event(id int) string {
	return fmt.Sprintf(`{"transaction_id": "t%d", "at": "2018-07-18T09:30:00Z", "customer": "596", "terminal": "3156", "amount": 57.16}`, id)
}

// decide asks for a decision and gives the status, the header and the code of
// the problem, if it is one.
func (n *network) decide(id int) (int, http.Header, string) {
	request, err := http.NewRequest("POST", "http://"+n.address+"/v1/systems/fraud/decisions", strings.NewReader(event(id)))
	if err != nil {
		n.t.Error(err)
		return 0, nil, ""
	}
	// A connection of its own: one whose request was refused is left alone for a while.
	request.Close = true
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Error(err)
		return 0, nil, ""
	}
	defer response.Body.Close()
	var p Problem
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
		n.t.Error(err)
	}
	return response.StatusCode, response.Header, p.Code
}

// dial opens a connection for a client that does not behave.
func (n *network) dial(request string) net.Conn {
	n.t.Helper()
	connection, err := net.Dial("tcp", n.address)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { connection.Close() })
	if _, err := io.WriteString(connection, request); err != nil {
		n.t.Fatal(err)
	}
	return connection
}

func head(contentType string, length int) string {
	text := "POST /v1/systems/fraud/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + contentType + "\r\n"
	if length < 0 {
		return text + "Transfer-Encoding: chunked\r\n\r\n"
	}
	return text + fmt.Sprintf("Content-Length: %d\r\n\r\n", length)
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// TestOverloadIsShed fills the places and the queue while the disk is slow.
func TestOverloadIsShed(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Concurrent: 2, Queue: 3, QueueTime: time.Hour}})
	n.store.log.hold.Lock()
	var answers sync.WaitGroup
	for i := range 5 {
		answers.Go(func() {
			if status, _, _ := n.decide(i); status != http.StatusOK {
				t.Errorf("request %d: %d", i, status)
			}
		})
	}
	until(t, "the queue is full", n.server.admission.full)
	for i := range 10 {
		status, header, code := n.decide(100 + i)
		if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" || code != "overloaded" {
			t.Errorf("%d %v %s", status, header, code)
		}
	}
	n.store.log.hold.Unlock()
	answers.Wait()
	if status, _, _ := n.decide(200); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// TestNobodyWaitsForEver holds the disk until a waiting request is refused.
func TestNobodyWaitsForEver(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Concurrent: 1, Queue: 1, QueueTime: time.Millisecond}})
	n.store.log.hold.Lock()
	var first sync.WaitGroup
	first.Go(func() { n.decide(1) })
	until(t, "the place is taken", func() bool { return len(n.server.admission.places) == 1 })
	if status, _, code := n.decide(2); status != http.StatusTooManyRequests {
		t.Errorf("%d %s", status, code)
	}
	n.store.log.hold.Unlock()
	first.Wait()
}

// TestStalledClientsHoldNoPlace has clients stop at each stage, more of them than
// there are places.
func TestStalledClientsHoldNoPlace(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Concurrent: 1, Queue: 1}})
	body := event(1)
	for range 4 {
		n.dial("POST /v1/systems/fraud/dec")                                   // within the header
		n.dial(head("application/json", len(body)) + body[:20])                // within the body
		n.dial(head("application/x-ndjson", -1))                               // before a stream's first line
		n.dial(head("application/x-ndjson", -1) + chunk(body+"\n"+"{"))        // within a stream's line
		n.dial(head("application/json", -1) + chunk(strings.Repeat(" ", 100))) // within a chunked body
	}
	// Clients that send a stream and never read its answers, until nobody can write.
	for i := range 2 {
		lines := ""
		for j := range 200 {
			lines += event(1000*(i+1)+j) + "\n"
		}
		connection := n.dial(head("application/x-ndjson", -1))
		stuck := false
		for !stuck {
			_ = connection.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			_, err := io.WriteString(connection, chunk(lines))
			stuck = err != nil
		}
	}
	for i := range 20 {
		if status, _, code := n.decide(10_000 + i); status != http.StatusOK {
			t.Fatalf("%d %s", status, code)
		}
	}
}

// TestSlowClientsAreCutOff waits for the server to end what makes no progress.
func TestSlowClientsAreCutOff(t *testing.T) {
	short := 50 * time.Millisecond
	n := listen(t, Options{Limits: Limits{Header: short, Request: short, Idle: short}})
	read := func(name, request, want string) {
		t.Helper()
		text, err := io.ReadAll(n.dial(request))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	body := event(1)
	read("a header", "POST /v1/systems/fraud/dec", "")
	read("a body", head("application/json", len(body))+body[:20], "HTTP/1.1 408")
	read("a body's code", head("application/json", len(body))+body[:20], "body_too_slow")
	read("a stream", head("application/x-ndjson", -1)+chunk(body+"\n"), `"event_id":"t1"`)
	read("a stream's code", head("application/x-ndjson", -1)+chunk(body+"\n"), "body_too_slow")
	read("an idle connection", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "live")
}

// TestAStreamMayTakeItsTime sends a stream that lasts longer than any request may,
// with pauses that the test steers by what it reads.
func TestAStreamMayTakeItsTime(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Request: time.Millisecond, Idle: 20 * time.Second}})
	connection := n.dial(head("application/x-ndjson", -1))
	answers := bufio.NewScanner(connection)
	for i, begun := 0, time.Now(); i < 5 || time.Since(begun) < 5*time.Millisecond; i++ {
		if _, err := io.WriteString(connection, chunk(event(i)+"\n")); err != nil {
			t.Fatal(err)
		}
		for want := fmt.Sprintf(`"event_id":"t%d"`, i); !strings.Contains(answers.Text(), want); {
			if !answers.Scan() {
				t.Fatalf("the stream ended before answer %d: %v", i, answers.Err())
			}
		}
	}
}

// TestWhatBodiesHoldIsBounded has unfinished bodies fill what may be buffered.
func TestWhatBodiesHoldIsBounded(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Buffered: 100_000}})
	stalled := n.dial(head("application/json", 200_000) + strings.Repeat(" ", 99_990))
	until(t, "the body has arrived", func() bool { return n.server.meter.used.Load() == 99_990 })
	if status, _, code := n.decide(1); status != http.StatusTooManyRequests || code != "overloaded" {
		t.Errorf("%d %s", status, code)
	}
	stalled.Close()
	until(t, "it is given back", func() bool { return n.server.meter.used.Load() == 0 })
	if status, _, _ := n.decide(1); status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

func TestWarmingUp(t *testing.T) {
	n := listen(t, Options{})
	n.gate.server.Store(nil)
	n.expect("/livez", http.StatusOK, "")
	n.expect("/readyz", http.StatusServiceUnavailable, "warming_up")
	n.expect("/v1/systems", http.StatusServiceUnavailable, "warming_up")
	n.gate.Open(n.server, n.server)
	n.expect("/readyz", http.StatusOK, "")
}

func (n *network) expect(path string, status int, code string) {
	n.t.Helper()
	response, err := http.Get("http://" + n.address + path)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	var p struct{ Code string }
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
		n.t.Fatal(err)
	}
	retry := response.Header.Get("Retry-After")
	if response.StatusCode != status || p.Code != code || (retry != "") != (status == http.StatusServiceUnavailable) {
		n.t.Errorf("%s: %s %q, Retry-After %q", path, response.Status, p.Code, retry)
	}
}

// TestDraining has a request wait for the disk and a stream for its client while
// the server is asked to stop.
func TestDraining(t *testing.T) {
	n := listen(t, Options{})
	stream := n.dial(head("application/x-ndjson", -1) + chunk(event(1)+"\n"))
	answers := bufio.NewReader(stream)
	for line := ""; !strings.Contains(line, `"event_id":"t1"`); {
		var err error
		if line, err = answers.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	n.store.log.hold.Lock()
	var inFlight sync.WaitGroup
	inFlight.Go(func() {
		if status, _, code := n.decide(2); status != http.StatusOK {
			t.Errorf("a request in flight: %d %s", status, code)
		}
	})
	until(t, "the request is in the engine", func() bool { return len(n.server.admission.places) == 1 })
	drained := make(chan error)
	go func() { drained <- n.gate.Drain(context.Background(), 0) }()
	until(t, "draining has begun", func() bool { return n.gate.stopping.Err() != nil })
	n.expect("/livez", http.StatusOK, "")
	n.expect("/readyz", http.StatusServiceUnavailable, "stopping")
	n.expect("/v1/systems", http.StatusServiceUnavailable, "stopping")
	for line := ""; !strings.Contains(line, `"code":"stopping"`); {
		var err error
		if line, err = answers.ReadString('\n'); err != nil {
			t.Fatalf("the stream ends with %q, %v", line, err)
		}
	}
	select {
	case err := <-drained:
		t.Errorf("drained with a request in flight: %v", err)
	default:
	}
	n.store.log.hold.Unlock()
	inFlight.Wait()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestDrainingEndsInTime(t *testing.T) {
	n := listen(t, Options{})
	n.store.log.hold.Lock()
	var inFlight sync.WaitGroup
	inFlight.Go(func() { n.decide(2) })
	until(t, "the request is in the engine", func() bool { return len(n.server.admission.places) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := n.gate.Drain(ctx, 0); err == nil {
		t.Error("drained with a request in flight")
	}
	n.store.log.hold.Unlock()
	inFlight.Wait()
}

// TestNotReadyBeforeNotServing looks at the delay between the two.
func TestNotReadyBeforeNotServing(t *testing.T) {
	n := listen(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan error)
	go func() { drained <- n.gate.Drain(ctx, time.Hour) }()
	until(t, "draining has begun", n.gate.closing.Load)
	n.expect("/readyz", http.StatusServiceUnavailable, "stopping")
	if status, _, code := n.decide(1); status != http.StatusOK {
		t.Errorf("%d %s", status, code)
	}
	cancel()
	<-drained
}
