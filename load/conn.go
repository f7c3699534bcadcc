package load

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// answerTime is how long an answer may take before the connection is given up, or
// an eighth longer.
const answerTime = 30 * time.Second

// conn is one keep-alive connection, made when first needed and again after it
// broke.
type conn struct {
	address string
	// index is its place among the connections of a run.
	index  int
	socket net.Conn
	reader *bufio.Reader
	// limited is when the deadline was set last, which is not done for each request.
	limited time.Time
	// due is when the request under way was to be sent, and sent when that began, or
	// when the connection was made.
	due, sent time.Time
}

// connect makes the connection where there is none.
func (c *conn) connect() error {
	if c.socket != nil {
		return nil
	}
	socket, err := net.Dial("tcp", c.address)
	if err != nil {
		return err
	}
	c.socket, c.limited, c.sent = socket, time.Time{}, time.Now()
	if c.reader == nil {
		c.reader = bufio.NewReaderSize(socket, 4096)
	} else {
		c.reader.Reset(socket)
	}
	return nil
}

func (c *conn) send(request []byte) error {
	if err := c.connect(); err != nil {
		return err
	}
	c.sent = time.Now()
	if c.sent.Sub(c.limited) > answerTime/8 {
		if err := c.socket.SetDeadline(c.sent.Add(answerTime + answerTime/8)); err != nil {
			return err
		}
		c.limited = c.sent
	}
	_, err := c.socket.Write(request)
	return err
}

func (c *conn) close() {
	if c.socket != nil {
		_ = c.socket.Close()
		c.socket = nil
	}
}

// interrupt ends the wait for an answer to a request that was not sent.
func (c *conn) interrupt() {
	if c.socket != nil {
		_ = c.socket.SetReadDeadline(time.Now())
		c.limited = time.Time{}
	}
}

// answer reads one response and gives its status. Of the body it keeps nothing.
func (c *conn) answer() (status int, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("an answer begins with %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("an answer begins with %q", line)
	}
	length, closing := int64(-1), false
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = -2
		case bytes.EqualFold(name, []byte("Connection")):
			closing = bytes.EqualFold(value, []byte("close"))
		}
	}
	if err := c.skipBody(length); err != nil {
		return 0, err
	}
	if closing {
		c.close()
	}
	return status, nil
}

// skipBody reads past a body of a length, or of chunks where that is -2.
func (c *conn) skipBody(length int64) error {
	switch {
	case length >= 0:
		_, err := c.reader.Discard(int(length))
		return err
	case length == -1:
		return fmt.Errorf("an answer has no length")
	}
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return fmt.Errorf("a chunk begins with %q", line)
		}
		// The chunk's line break, or the empty line at the end.
		if _, err := io.CopyN(io.Discard, c.reader, size+2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

// note counts one answer, or the fault in its place: how long it took from when its
// request was due, and served from when that was sent.
func (r *Result) note(status int, err error, took, served time.Duration) {
	switch {
	case err == nil && status/100 == 2:
		r.OK++
		r.latencies = append(r.latencies, took)
		r.served = append(r.served, served)
	case err == nil && (status == 429 || status == 503):
		r.Refused++
	default:
		r.Failed++
		if r.Failure == "" {
			r.Failure = fmt.Sprintf("status %d, %v", status, err)
		}
	}
}
