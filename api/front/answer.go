package front

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// bufferKept is the largest buffer that a connection keeps for its next answer.
const bufferKept = 16 << 10

// answer is the http.ResponseWriter of a request. It gathers the whole answer and
// sends it at the end; or when it is flushed, where all of it is there by then.
type answer struct {
	conn    *conn
	header  http.Header
	status  int
	content []byte
	out     []byte
	sent    bool
	// closing is set where the connection ends with this answer.
	closing bool
}

func (a *answer) reset() {
	clear(a.header)
	a.status, a.sent, a.closing = 0, false, false
	if cap(a.content) > bufferKept {
		a.content, a.out = nil, nil
	}
	a.content = a.content[:0]
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. Answers that only tell of another
// to come are not sent.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.sent {
		return 0, http.ErrContentLength
	}
	a.WriteHeader(http.StatusOK)
	if !hasContent(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	a.content = append(a.content, p...)
	return len(p), nil
}

// FlushError is for http.ResponseController. It sends an answer that is as long
// as its header says.
func (a *answer) FlushError() error {
	if length, err := strconv.Atoi(a.header.Get("Content-Length")); err != nil || length != len(a.content) {
		return nil
	}
	return a.send()
}

// SetReadDeadline is for http.ResponseController: it ends the reading of the
// request at hand.
func (a *answer) SetReadDeadline(deadline time.Time) error {
	a.conn.cut.Store(true)
	return a.conn.SetReadDeadline(deadline)
}

func hasContent(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// send writes the answer, once.
func (a *answer) send() error {
	if a.sent {
		return nil
	}
	a.sent = true
	a.WriteHeader(http.StatusOK)
	now := time.Now()
	c := a.conn
	a.closing = c.body.failed() || c.server.closing.Load() || strings.EqualFold(a.header.Get("Connection"), "close")
	a.out = append(a.appendHead(a.out[:0], now), a.content...)
	if limit := c.server.HTTP.WriteTimeout; now.Sub(c.writeSet) >= limit/slack {
		if err := c.Conn.SetWriteDeadline(now.Add(limit + limit/slack)); err != nil {
			return err
		}
		c.writeSet = now
	}
	_, err := c.Conn.Write(a.out)
	return err
}

// appendHead writes status and header. The length is that of the content,
// whatever the handler says.
func (a *answer) appendHead(b []byte, now time.Time) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	b = append(append(append(b, ' '), http.StatusText(a.status)...), "\r\n"...)
	if len(a.content) > 0 && a.header["Content-Type"] == nil {
		a.header.Set("Content-Type", http.DetectContentType(a.content))
	}
	var room [8]string
	names := room[:0]
	for name := range a.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch name {
		case "Connection", "Content-Length", "Date", "Transfer-Encoding":
			continue
		}
		for _, value := range a.header[name] {
			b = append(append(append(b, name...), ": "...), oneLine.Replace(value)...)
			b = append(b, "\r\n"...)
		}
	}
	b = append(appendDate(b, now), "\r\n"...)
	if a.closing {
		b = append(b, "Connection: close\r\n"...)
	}
	if hasContent(a.status) {
		b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(a.content)), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// oneLine keeps a value from ending its line.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// dated is the field Date of one second.
type dated struct {
	second int64
	field  string
}

var lastDate atomic.Pointer[dated]

// appendDate writes the field Date, without the end of its line.
func appendDate(b []byte, now time.Time) []byte {
	d := lastDate.Load()
	if d == nil || d.second != now.Unix() {
		d = &dated{now.Unix(), "Date: " + now.UTC().Format(http.TimeFormat)}
		lastDate.Store(d)
	}
	return append(b, d.field...)
}
