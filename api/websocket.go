package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"orrery.dev"
)

// A client may send its key as a subprotocol, since a browser lets it set no
// header: "orrery, orrery.key.KEY". The answer names the first alone.
const (
	protocol    = "orrery"
	protocolKey = protocol + ".key."
)

// keyOfProtocol gives the key among the subprotocols that a request asks for.
func keyOfProtocol(r *http.Request) string {
	for _, header := range r.Header["Sec-Websocket-Protocol"] {
		for name := range strings.SplitSeq(header, ",") {
			if key, ok := strings.CutPrefix(strings.TrimSpace(name), protocolKey); ok {
				return key
			}
		}
	}
	return ""
}

// webSocket answers the events of a WebSocket, one a text frame, in order, each
// with a text frame: what an NDJSON stream does with lines.
func (s *Server) webSocket(w http.ResponseWriter, r *http.Request) {
	if keys := s.options.Keys; (keys == nil || !keys.Required()) && !sameOrigin(r) {
		s.fail(w, r, errCrossOrigin)
		return
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.fail(w, r, orrery.Errorf(orrery.Invalid, "not_a_websocket", "this is the address of a WebSocket").
			WithNext("open it with a WebSocket client, or POST lines to the decisions endpoint as application/x-ndjson"))
		return
	}
	// With keys it does not matter whose page it is: no browser sends one by itself.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}, InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered.
	}
	defer func() { _ = conn.CloseNow() }()
	in := s.deciding(r.Context())
	keep := s.keeper(r, in, nil, true)
	// A request that is cut short ends the stream by a closing frame, not the connection.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	f := newFrames(conn, s.options.Limits)
	defer f.running.Wait()
	defer cancel()
	defer context.AfterFunc(s.options.Stopping, func() { f.end(errDraining) })()
	defer context.AfterFunc(r.Context(), func() { f.end(context.Cause(r.Context())) })()
	f.running.Go(func() { f.read(ctx) })
	f.running.Go(func() { f.ping(ctx) })
	err = s.pump(r.Context(), f, func(answers []any) error { return f.send(ctx, answers) }, in, keep)
	if err != nil && !errors.Is(err, errGone) {
		_ = f.send(ctx, []any{problemOf(err)})
	}
	code, reason := closing(err)
	_ = conn.Close(code, reason)
}

// sameOrigin reports whether a request comes from no web page, or from one of this
// server: what a browser sends to open a WebSocket is a GET, which no other check
// holds back.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// The ends of a WebSocket that are its client's doing.
var (
	errNotText = orrery.Errorf(orrery.Invalid, "frame_not_text", "a frame is not text").WithNext("send each event as JSON in a text frame")
	errSilent  = orrery.Errorf(orrery.TooSlow, "no_pong", "the client answered no ping in time").WithNext("read what the server sends, and answer its pings")
)

// closing gives the code with which a WebSocket is closed, by why it ended, and the
// reason's code.
func closing(err error) (websocket.StatusCode, string) {
	switch kind := orrery.KindOf(err); {
	case err == nil:
		return websocket.StatusNormalClosure, ""
	case errors.Is(err, errNotText):
		return websocket.StatusUnsupportedData, errNotText.Code
	case orrery.CodeOf(err) == errDraining.Code:
		return websocket.StatusServiceRestart, errDraining.Code
	case kind == orrery.Overloaded || kind == orrery.Unavailable:
		return websocket.StatusTryAgainLater, orrery.CodeOf(err)
	case kind == orrery.Internal || kind == orrery.Damaged:
		return websocket.StatusInternalError, orrery.CodeOf(err)
	default:
		return websocket.StatusPolicyViolation, orrery.CodeOf(err)
	}
}

// frames are the text frames of a connection. What has come and is not decided on
// is held up to streamBuffer bytes and one frame: beyond that nothing is read, and
// the client's sending waits.
type frames struct {
	conn    *websocket.Conn
	longest int
	idle    time.Duration
	running sync.WaitGroup

	mutex   sync.Mutex
	changed *sync.Cond
	waiting [][]byte
	places  []int64
	held    int
	err     error

	// came counts the frames, ended says that no more is read.
	came    atomic.Int64
	numbers []int64
}

func newFrames(conn *websocket.Conn, l Limits) *frames {
	f := &frames{conn: conn, longest: l.Line, idle: l.Idle}
	f.changed = sync.NewCond(&f.mutex)
	conn.SetReadLimit(-1) // take reads past what is too long
	return f
}

// end says that no more comes, and why; the first reason counts.
func (f *frames) end(err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.changed.Broadcast()
}

// read takes frames until the connection ends or the stream does.
func (f *frames) read(ctx context.Context) {
	for f.room() {
		frame, err := f.take(ctx)
		if err != nil {
			f.end(err)
			break
		}
		number := f.came.Add(1)
		f.mutex.Lock()
		if frame == nil || len(frame) > 0 {
			f.waiting, f.places, f.held = append(f.waiting, frame), append(f.places, number), f.held+len(frame)
			f.changed.Broadcast()
		}
		f.mutex.Unlock()
	}
	// The client's answer to a closing frame comes behind what it had sent before.
	for {
		_, r, err := f.conn.Reader(ctx)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			return
		}
	}
}

// room waits until there is room for a frame; it is false when the stream has
// ended.
func (f *frames) room() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for f.err == nil && f.held >= streamBuffer {
		f.changed.Wait()
	}
	return f.err == nil
}

// take reads one frame, nil for one that is too long, empty for one with nothing
// in it. The error is io.EOF when the client has closed.
func (f *frames) take(ctx context.Context) ([]byte, error) {
	kind, r, err := f.conn.Reader(ctx)
	if err == nil && kind != websocket.MessageText {
		_, _ = io.Copy(io.Discard, r)
		return nil, errNotText
	}
	var frame []byte
	if err == nil {
		frame, err = io.ReadAll(io.LimitReader(r, int64(f.longest)+1))
	}
	if err == nil && len(frame) > f.longest {
		frame = nil
		_, err = io.Copy(io.Discard, r)
		return nil, err
	}
	if websocket.CloseStatus(err) >= 0 {
		err = io.EOF
	}
	return append([]byte{}, bytes.TrimSpace(frame)...), err
}

// next waits for a frame, then gives whatever else has come, up to most.
func (f *frames) next(most int) ([][]byte, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for len(f.waiting) == 0 && f.err == nil {
		f.changed.Wait()
	}
	n := min(most, len(f.waiting))
	out := f.waiting[:n:n]
	f.numbers = f.places[:n:n]
	f.waiting, f.places = f.waiting[n:], f.places[n:]
	for _, frame := range out {
		f.held -= len(frame)
	}
	f.changed.Broadcast()
	if len(f.waiting) > 0 {
		return out, nil
	}
	return out, f.err
}

func (f *frames) lines() []int64 { return f.numbers }

// send writes answers, a frame each. A client that does not read them is waited for
// as long as a stream may stand still.
func (f *frames) send(ctx context.Context, answers []any) error {
	ctx, cancel := context.WithTimeout(ctx, f.idle)
	defer cancel()
	buffer := buffers.Get().(*[]byte)
	defer giveBack(buffer)
	for _, a := range answers {
		*buffer = appendAnswer((*buffer)[:0], a)
		if err := f.conn.Write(ctx, websocket.MessageText, *buffer); err != nil {
			return err
		}
	}
	return nil
}

// ping asks from time to time whether a client is still there that sends nothing.
func (f *frames) ping(ctx context.Context) {
	ticker := time.NewTicker(f.idle / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		before := f.came.Load()
		waited, cancel := context.WithTimeout(ctx, f.idle/2)
		err := f.conn.Ping(waited)
		cancel()
		f.mutex.Lock()
		full := f.held >= streamBuffer
		f.mutex.Unlock()
		// Where frames come, or wait for room, the pong may be behind them.
		if err != nil && ctx.Err() == nil && !full && f.came.Load() == before {
			f.end(errSilent)
			return
		}
	}
}
