package front

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// body is the body of one request. It ends with the handler, whatever still holds it.
type body struct {
	conn  *conn
	mutex sync.Mutex
	// left is how many bytes of it were not read yet.
	left int
	err  error
	// limited is set once its deadline is.
	limited bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch {
	case b.err != nil:
		return 0, b.err
	case b.left == 0:
		return 0, io.EOF
	}
	p = p[:min(len(p), b.left)]
	n := 0
	if c := b.conn; c.from < c.to {
		n = copy(p, c.buffer[c.from:c.to])
		c.from += n
	} else if n, b.err = b.wait(p); errors.Is(b.err, io.EOF) {
		b.err = io.ErrUnexpectedEOF
	}
	b.left -= n
	return n, b.err
}

// wait reads what has not come yet, within the time that a request may take.
func (b *body) wait(p []byte) (int, error) {
	if !b.limited && !b.conn.cut.Load() {
		b.limited = true
		if err := b.conn.limitRead(b.conn.server.HTTP.ReadTimeout); err != nil {
			return 0, err
		}
	}
	n, err := b.conn.Conn.Read(p)
	if n > 0 {
		err = nil
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error { return nil }

// end has every later read fail, and gives how much of the body is unread and why
// it could not be read.
func (b *body) end() (left int, err error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	err = b.err
	b.err = http.ErrBodyReadAfterClose
	return b.left, err
}

// failed reports whether the body could not be read.
func (b *body) failed() bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.err != nil
}
