package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"orrery.dev/access"
	"orrery.dev/store/memory"
)

// open opens a WebSocket of the system.
func (n *network) open(o *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	conn, response, err := websocket.Dial(n.t.Context(), "ws://"+n.address+"/v1/systems/fraud/stream", o)
	if err == nil {
		n.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, response, err
}

func (n *network) mustOpen(o *websocket.DialOptions) *websocket.Conn {
	n.t.Helper()
	conn, _, err := n.open(o)
	if err != nil {
		n.t.Fatal(err)
	}
	return conn
}

func write(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func readFrame(t *testing.T, conn *websocket.Conn) map[string]any {
	t.Helper()
	kind, text, err := conn.Read(t.Context())
	if err != nil || kind != websocket.MessageText {
		t.Fatal(kind, err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A frame in, a frame out, in order: good ones and bad ones.
func TestWebSocketAnswersInOrder(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Line: 2000}})
	conn := n.mustOpen(nil)
	const events = 1500
	want := func(i int) string {
		switch i % 100 {
		case 7:
			return "event_invalid"
		case 8:
			return "line_too_large"
		}
		return ""
	}
	go func() {
		for i := range events {
			text := event(i)
			switch want(i) {
			case "event_invalid":
				text = "{}"
			case "line_too_large":
				text = strings.Repeat(" ", 5000) + text
			}
			if conn.Write(t.Context(), websocket.MessageText, []byte(text)) != nil {
				return
			}
			if i%50 == 0 { // nothing in it, and no answer
				_ = conn.Write(t.Context(), websocket.MessageText, []byte(" "))
			}
		}
	}()
	for i := range events {
		got := readFrame(t, conn)
		if code := want(i); code != "" && got["code"] != code || code == "" && got["event_id"] != fmt.Sprint("t", i) {
			t.Fatalf("frame %d: %v", i, got)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func TestWebSocketClosesWithACode(t *testing.T) {
	n := listen(t, Options{})
	binary := n.mustOpen(nil)
	if err := binary.Write(t.Context(), websocket.MessageBinary, []byte(event(1))); err != nil {
		t.Fatal(err)
	}
	if got := readFrame(t, binary); got["code"] != "frame_not_text" {
		t.Error(got)
	}
	if _, _, err := binary.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Error(err)
	}
	// What has come when the server begins to stop is answered, and then it says so.
	conn := n.mustOpen(nil)
	write(t, conn, event(2))
	readFrame(t, conn)
	drained := make(chan error, 1)
	go func() { drained <- n.gate.Drain(t.Context(), 0) }()
	if got := readFrame(t, conn); got["code"] != "stopping" {
		t.Error(got)
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Error(err)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// A client that never reads is slowed and then cut off, and nobody waits for it.
func TestWebSocketClientThatNeverReads(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Idle: 2 * time.Second}})
	stuck := n.mustOpen(&websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetReadBuffer(4 << 10)
			}
			return conn, err
		}}}})
	// Each is answered with a hundred faults, so that the answers soon fill what lies
	// between.
	bad := map[string]int{}
	for i := range 100 {
		bad[fmt.Sprint("no_such_field_", i)] = i
	}
	frame, err := json.Marshal(bad)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		sent := 0
		for ; stuck.Write(t.Context(), websocket.MessageText, frame) == nil; sent++ {
		}
		ended <- sent
	}()
	// Others are answered all the while, however long it takes.
	quick := n.mustOpen(nil)
	for i := 0; ; i++ {
		write(t, quick, event(100+i))
		if got := readFrame(t, quick); got["event_id"] != fmt.Sprint("t", 100+i) {
			t.Fatal(got)
		}
		select {
		case sent := <-ended:
			if sent == 0 {
				t.Error("nothing could be sent")
			}
			return
		default:
		}
	}
}

// A client that answers no ping is taken to be gone.
func TestWebSocketClientThatIsGone(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Idle: 100 * time.Millisecond}})
	conn := n.mustOpen(nil)
	until(t, "the stream ends", func() bool { return n.gate.inside.Load() == 0 })
	if got := readFrame(t, conn); got["code"] != "no_pong" {
		t.Error(got)
	}
}

// One that answers them may be silent for as long as it likes.
func TestWebSocketSilenceIsNoEnd(t *testing.T) {
	n := listen(t, Options{Limits: Limits{Idle: 60 * time.Millisecond}})
	pings := make(chan struct{}, 100)
	conn := n.mustOpen(&websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
		pings <- struct{}{}
		return true
	}})
	read := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(t.Context())
		read <- err
	}()
	for range 5 {
		<-pings
	}
	write(t, conn, event(1))
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestWebSocketIsGuarded(t *testing.T) {
	header := func(name, value string) *websocket.DialOptions {
		return &websocket.DialOptions{HTTPHeader: http.Header{name: {value}}}
	}
	refused := func(n *network, o *websocket.DialOptions, status int) {
		t.Helper()
		if _, response, err := n.open(o); err == nil || response == nil || response.StatusCode != status {
			t.Errorf("%v: %v", o, err)
		}
	}
	n := listen(t, Options{})
	refused(n, header("Origin", "https://elsewhere.example"), http.StatusForbidden)
	refused(n, &websocket.DialOptions{Host: "elsewhere.example"}, http.StatusForbidden)
	n.mustOpen(header("Origin", "http://"+n.address))

	keys, err := access.Open(memory.New().Meta(), nil)
	if err != nil {
		t.Fatal(err)
	}
	token := func(verb access.Verb) string {
		_, token, err := keys.Create(access.Actor{Name: "test"}, access.Request{Name: string(verb), Scope: access.Scope{Systems: []string{"*"}, Verbs: []access.Verb{verb}}})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	decide, read := token(access.Decide), token(access.Read)
	n = listen(t, Options{Keys: keys})
	refused(n, nil, http.StatusUnauthorized)
	refused(n, header("X-Api-Key", read), http.StatusForbidden)
	refused(n, &websocket.DialOptions{Subprotocols: []string{protocol, protocolKey + "wrong"}}, http.StatusUnauthorized)
	n.mustOpen(header("Authorization", "Bearer "+decide))
	conn := n.mustOpen(&websocket.DialOptions{Subprotocols: []string{protocol, protocolKey + decide}, HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}}})
	if conn.Subprotocol() != protocol {
		t.Errorf("the subprotocol is %q", conn.Subprotocol())
	}
	write(t, conn, event(1))
	readFrame(t, conn)
	response, err := http.Get("http://" + n.address + "/v1/systems/fraud/stream")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Error(response.Status)
	}
}

// Whatever a frame has in it, it is answered by one frame, and the next is read.
func FuzzWebSocketFrame(f *testing.F) {
	for _, seed := range []string{"{}", event(1), "[]", "\xff", "null", "{\"transaction_id\": \"a\"}\n{}", strings.Repeat("[", 2000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		n := listen(t, Options{Limits: Limits{Line: 1000}})
		conn := n.mustOpen(nil)
		write(t, conn, string(frame))
		write(t, conn, event(7))
		if len(strings.TrimSpace(string(frame))) > 0 || len(frame) > 1000 {
			if got := readFrame(t, conn); got["code"] == nil && got["event_id"] == nil {
				t.Error(got)
			}
		}
		if got := readFrame(t, conn); got["event_id"] != "t7" && !errors.Is(t.Context().Err(), context.Canceled) {
			t.Error(got)
		}
	})
}
