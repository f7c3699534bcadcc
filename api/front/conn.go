package front

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
)

// conn is a connection that has brought plain requests alone so far. One goroutine
// reads from it, calls the handler and writes the answer.
type conn struct {
	net.Conn
	server *Server
	remote string
	// state says whether something of a request has come; Shutdown closes what is idle.
	state atomic.Int32

	// What has come and was not used yet is buffer[from:to].
	buffer   []byte
	from, to int

	head    head
	url     url.URL
	request http.Request
	body    *body
	answer  answer

	// begun is when the first bytes of the request at hand came, zero before.
	begun time.Time
	// idleSet and writeSet are when these deadlines were set last, which is not done
	// for each request; zero has them set anew.
	idleSet, writeSet time.Time
	// used is set when the first request has come, and cut when the handler's side has
	// set a deadline of its own for the reading of the request at hand.
	used bool
	cut  atomic.Bool
}

// The states of a connection.
const (
	stateBusy int32 = iota
	stateIdle
	stateClosed
)

// slack is the part of a limit by which a deadline may be late, so that it need
// not be set for each request.
const slack = 8

func newConn(s *Server, accepted net.Conn) *conn {
	c := &conn{Conn: accepted, server: s, remote: accepted.RemoteAddr().String(), buffer: make([]byte, headSize)}
	c.head.fields = make(http.Header, 8)
	c.answer.conn, c.answer.header = c, make(http.Header, 4)
	return c
}

// serve answers plain requests until another comes or the connection ends.
func (c *conn) serve() {
	for {
		switch said, err := c.next(); {
		case err != nil:
			_ = c.Close()
			return
		case said == other:
			c.handOver()
			return
		}
		if !c.handle() {
			_ = c.Close()
			return
		}
	}
}

// next waits for the head of the next request. The error says that none came.
func (c *conn) next() (verdict, error) {
	c.begun = time.Time{}
	for {
		if c.from < c.to {
			if said := c.head.read(c.buffer[c.from:c.to]); said != more {
				return c.take(said), nil
			}
			if c.from > 0 {
				c.from, c.to = 0, copy(c.buffer, c.buffer[c.from:c.to])
			}
			if c.to == len(c.buffer) {
				return other, nil
			}
		} else {
			c.from, c.to = 0, 0
		}
		if err := c.fill(); err != nil {
			return more, err
		}
	}
}

// take makes the request of the head, if it is one that the server answers here.
func (c *conn) take(said verdict) verdict {
	if said != plain {
		return said
	}
	h := &c.head
	c.url, c.body = url.URL{Path: h.path}, &body{conn: c, left: h.length}
	c.request = http.Request{
		Method: http.MethodPost, URL: &c.url, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h.fields,
		Body: c.body, ContentLength: int64(h.length), Host: h.host, RemoteAddr: c.remote, RequestURI: h.path,
	}
	if !c.server.Plain(&c.request) {
		return other
	}
	c.from += h.size
	c.used = true
	return plain
}

// fill reads what has come, within the time that is allowed.
func (c *conn) fill() error {
	if c.from < c.to {
		if err := c.limitRead(c.server.HTTP.ReadHeaderTimeout); err != nil {
			return err
		}
		return c.read()
	}
	if c.server.closing.Load() || !c.state.CompareAndSwap(stateBusy, stateIdle) {
		return net.ErrClosed
	}
	if err := c.limitIdle(); err != nil {
		return err
	}
	if err := c.read(); err != nil {
		return err
	}
	if !c.state.CompareAndSwap(stateIdle, stateBusy) {
		return net.ErrClosed
	}
	return nil
}

func (c *conn) read() error {
	n, err := c.Read(c.buffer[c.to:])
	if c.to += n; n > 0 {
		return nil
	}
	return err
}

// limitIdle sets the deadline for the beginning of the next request, unless one is
// set that is good enough.
func (c *conn) limitIdle() error {
	limit, now := c.server.HTTP.IdleTimeout, time.Now()
	if !c.used {
		limit = c.server.HTTP.ReadHeaderTimeout
	}
	if c.cut.Load() {
		c.cut.Store(false)
	} else if c.used && now.Sub(c.idleSet) < limit/slack {
		return nil
	}
	if c.used {
		c.idleSet = now
	}
	return c.SetReadDeadline(now.Add(limit + limit/slack))
}

// limitRead sets the deadline for what is still to come of the request at hand,
// from when the first of it came.
func (c *conn) limitRead(limit time.Duration) error {
	if c.begun.IsZero() {
		c.begun = time.Now()
	}
	c.idleSet = time.Time{}
	return c.SetReadDeadline(c.begun.Add(limit))
}

// handle has the handler answer the request, and reports whether the connection
// goes on.
func (c *conn) handle() (goesOn bool) {
	defer func() {
		if fault := recover(); fault != nil {
			goesOn = false
			if log := c.server.HTTP.ErrorLog; log != nil && fault != http.ErrAbortHandler { //nolint // a panic's value
				log.Printf("panic serving %s: %v\n%s", c.remote, fault, debug.Stack())
			}
		}
	}()
	c.answer.reset()
	c.server.HTTP.Handler.ServeHTTP(&c.answer, &c.request)
	err := c.answer.send()
	left, bodyErr := c.body.end()
	switch {
	case err != nil:
		return false
	case c.answer.closing || bodyErr != nil:
		if left > c.to-c.from {
			c.linger()
		}
		return false
	}
	return c.skip(left) == nil
}

// skip passes over what the handler has not read of a body.
func (c *conn) skip(left int) error {
	rest := &body{conn: c, left: left}
	_, err := io.Copy(io.Discard, rest)
	return err
}

// lingerTime is how long a connection is read from that is to be closed while its
// client is still sending: to close it at once could take the answer from it.
const lingerTime = 500 * time.Millisecond

func (c *conn) linger() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if ok && half.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.Copy(io.Discard, c.Conn)
	}
}

// handOver lets net/http have the connection, with what has come.
func (c *conn) handOver() {
	if c.SetDeadline(time.Time{}) != nil {
		_ = c.Close()
		return
	}
	c.server.pass(&passed{Conn: c.Conn, server: c.server, come: slices.Clone(c.buffer[c.from:c.to])})
}
