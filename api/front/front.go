// Package front accepts HTTP connections and answers the plainest of requests by
// itself: a small POST with its length, as they are sent one after another by
// whoever asks for decisions. A connection that brings anything else is net/http's,
// with the bytes that have come, for the rest of its life.
//
// Both have the same handler. What it costs net/http to be ready for everything
// that HTTP has (to notice that a client goes away while its request is answered,
// deadlines for each request, bodies and answers of unknown length) is about as
// much as it costs to decide.
package front

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is an http.Server with a front. Its fields are set before it serves.
type Server struct {
	// HTTP has the handler and the limits in time, which hold in front as they do
	// behind; IdleTimeout and WriteTimeout may be exceeded by an eighth.
	HTTP *http.Server
	// Plain reports whether a request, which has come without its body, may be
	// answered in front. The handler then gets it with a context that does not end,
	// and a writer that sends the whole answer at its end or when it is flushed;
	// neither may be used after the handler has returned.
	Plain func(r *http.Request) bool

	start   sync.Once
	closing atomic.Bool
	handed  handed
	open    atomic.Int64

	mutex     sync.Mutex
	listeners []net.Listener
	conns     map[*conn]struct{}
}

// New makes a server of an http.Server that has all its limits in time.
func New(behind *http.Server, plain func(r *http.Request) bool) *Server {
	s := &Server{HTTP: behind, Plain: plain, conns: map[*conn]struct{}{}}
	s.handed = handed{conns: make(chan net.Conn), closed: make(chan struct{})}
	return s
}

// Connections gives how many connections are open, in front and behind.
func (s *Server) Connections() int64 { return s.open.Load() }

// Serve accepts connections until the listener or the server is closed, and then
// gives an error: http.ErrServerClosed in the second case.
func (s *Server) Serve(l net.Listener) error {
	return s.accept(l, func(accepted net.Conn) {
		c := newConn(s, accepted)
		if s.add(c) {
			defer s.remove(c)
			c.serve()
		}
	}, s.HTTP.Serve)
}

// ServeTLS is Serve for connections in TLS, all of which are net/http's.
func (s *Server) ServeTLS(l net.Listener) error {
	return s.accept(l, func(accepted net.Conn) { s.pass(&passed{Conn: accepted, server: s}) },
		func(l net.Listener) error { return s.HTTP.ServeTLS(l, "", "") })
}

// accept gives each connection to take, and what is handed over to behind.
func (s *Server) accept(l net.Listener, take func(net.Conn), behind func(net.Listener) error) error {
	s.mutex.Lock()
	s.listeners = append(s.listeners, l)
	s.mutex.Unlock()
	s.start.Do(func() {
		s.handed.address = l.Addr()
		go func() { _ = behind(&s.handed) }()
	})
	const patience = time.Second
	for wait := time.Duration(0); ; {
		if s.closing.Load() {
			_ = l.Close()
			return http.ErrServerClosed
		}
		accepted, err := l.Accept()
		var network net.Error
		switch {
		case err == nil:
			wait = 0
			s.open.Add(1)
			go take(accepted)
		case s.closing.Load():
		//lint:ignore SA1019 net/http asks the same: too many open files, which pass.
		case errors.As(err, &network) && network.Temporary():
			wait = min(max(2*wait, 5*time.Millisecond), patience)
			time.Sleep(wait)
		default:
			return err
		}
	}
}

// add notes a connection; it reports false, and closes it, when the server is closing.
func (s *Server) add(c *conn) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closing.Load() {
		_ = c.Conn.Close()
		s.open.Add(-1)
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

// remove forgets a connection that was closed or handed over.
func (s *Server) remove(c *conn) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.conns, c)
}

// Close ends the connection.
func (c *conn) Close() error {
	c.server.open.Add(-1)
	return c.Conn.Close()
}

// pass gives net/http a connection.
func (s *Server) pass(p *passed) {
	select {
	case s.handed.conns <- p:
	case <-s.handed.closed:
		_ = p.Close()
	}
}

// pollEvery is how often Shutdown looks for connections that have become idle.
const pollEvery = 5 * time.Millisecond

// Shutdown closes the listeners, then every connection when its request is
// answered. The error is the context's when that ends first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopListening()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !s.closeConns(false) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return s.HTTP.Shutdown(ctx)
}

// Close closes the listeners and all connections at once.
func (s *Server) Close() error {
	s.stopListening()
	s.closeConns(true)
	return s.HTTP.Close()
}

func (s *Server) stopListening() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closing.Store(true)
	for _, l := range s.listeners {
		_ = l.Close()
	}
}

// closeConns closes the connections in front that are idle, or all of them; their
// goroutines end then. It reports whether there are none any more.
func (s *Server) closeConns(all bool) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for c := range s.conns {
		if c.state.CompareAndSwap(stateIdle, stateClosed) || all {
			_ = c.Conn.Close()
		}
	}
	return len(s.conns) == 0
}

// handed is the listener from which net/http takes the connections that it is to
// have.
type handed struct {
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	address net.Addr
}

// Accept implements net.Listener.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handed) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handed) Addr() net.Addr { return h.address }

// passed is a connection that net/http has. What had come is read first.
type passed struct {
	net.Conn
	server *Server
	come   []byte
	once   sync.Once
}

func (p *passed) Read(b []byte) (int, error) {
	if len(p.come) > 0 && len(b) > 0 {
		n := copy(b, p.come)
		if p.come = p.come[n:]; len(p.come) == 0 {
			p.come = nil
		}
		return n, nil
	}
	return p.Conn.Read(b)
}

// CloseWrite lets net/http end a connection without losing its last answer.
func (p *passed) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (p *passed) Close() error {
	p.once.Do(func() { p.server.open.Add(-1) })
	return p.Conn.Close()
}
