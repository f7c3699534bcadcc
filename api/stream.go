package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// stream answers NDJSON line by line, in order, while it is still being sent: as
// many lines as have arrived are decided on together.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, in intake) {
	keep := s.keeper(r, in, nil, true)
	control := http.NewResponseController(w)
	// The answers begin before the request has ended.
	_ = control.EnableFullDuplex()
	w.Header().Set("Content-Type", "application/x-ndjson")
	source := &paced{r: r.Body, control: control, idle: s.options.Limits.Idle, stopping: s.options.Stopping}
	defer context.AfterFunc(s.options.Stopping, source.interrupt)()
	send := func(answers []any) error {
		_ = control.SetWriteDeadline(time.Now().Add(s.options.Limits.Idle))
		for _, a := range answers {
			writeAnswer(w, a)
		}
		return control.Flush()
	}
	if err := s.pump(r.Context(), newLineReader(source, s.options.Limits.Line), send, in, keep); err != nil && !errors.Is(err, errGone) {
		_ = send([]any{problemOf(err)})
	}
}

// arriving is what comes of a stream: next waits for one event, then gives
// whatever else has come, up to most, nil for one that was too long; lines gives
// their numbers in the stream, from 1. The error is io.EOF where the stream ends.
type arriving interface {
	next(most int) ([][]byte, error)
	lines() []int64
}

// errGone says that a client does not take its answers.
var errGone = errors.New("the client has gone")

// pump decides on what arrives, in order, as much as there is at a time, and sends
// the answers, before it takes more. It gives nil when the stream has ended, errGone
// when nobody can be told, and else the error to tell.
func (s *Server) pump(ctx context.Context, in arriving, send func(answers []any) error, take intake, keep *keeper) error {
	for {
		batch, err := in.next(streamBatch)
		if len(batch) > 0 {
			keep.at(in.lines())
			answers, failure := s.streamed(ctx, batch, take, keep)
			if failure != nil {
				return failure
			}
			if send(answers) != nil {
				return errGone
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		case s.options.Stopping.Err() != nil:
			return errDraining
		default:
			return bodyError(err)
		}
	}
}

// streamed decides on lines that have arrived. Only this is done within the
// bound on concurrent requests, not the waiting for lines or for a reader.
func (s *Server) streamed(ctx context.Context, lines [][]byte, in intake, keep *keeper) ([]any, error) {
	if err := s.admission.wait(ctx); err != nil {
		return nil, err
	}
	defer s.admission.leave()
	return s.answers(in.decoder, lines, time.Now(), in, keep)
}

// paced reads a stream that may last for ever, as long as it goes on.
type paced struct {
	r        io.Reader
	control  *http.ResponseController
	idle     time.Duration
	stopping context.Context
}

func (p *paced) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(p.idle))
	if p.stopping.Err() != nil {
		return 0, errDraining
	}
	return p.r.Read(b)
}

// interrupt ends a Read that waits.
func (p *paced) interrupt() { _ = p.control.SetReadDeadline(time.Unix(1, 0)) }

// takeTime lets a request take longer than the server's limits on reading and
// writing: its work is long.
func takeTime(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}

// lineReader reads lines of bounded length.
type lineReader struct {
	buffered *bufio.Reader
	longest  int
	// read counts the lines; numbers are those of the lines given last, from 1.
	read    int64
	numbers []int64
}

// streamBuffer is what a stream has in memory while it waits, in bytes. A longer
// line takes more for as long as it is read.
const streamBuffer = 32 << 10

func (l *lineReader) lines() []int64 { return l.numbers }

func newLineReader(r io.Reader, longest int) *lineReader {
	return &lineReader{buffered: bufio.NewReaderSize(r, streamBuffer), longest: longest}
}

// next waits for one line, then takes whatever else has arrived, up to most. A
// line over the limit is given as nil and read past.
func (l *lineReader) next(most int) ([][]byte, error) {
	var out [][]byte
	l.numbers = l.numbers[:0]
	for len(out) < most {
		line, long, err := l.line()
		l.read++
		if trimmed := bytes.TrimSpace(line); long {
			out = append(out, nil)
		} else if len(trimmed) > 0 {
			out = append(out, trimmed)
		}
		if len(out) > len(l.numbers) {
			l.numbers = append(l.numbers, l.read)
		}
		if err != nil {
			return out, err
		}
		if !l.lineWaiting() {
			return out, nil
		}
	}
	return out, nil
}

// line reads one line, which the caller owns, or past one that is too long.
func (l *lineReader) line() (line []byte, long bool, err error) {
	for {
		piece, err := l.buffered.ReadSlice('\n')
		if long = long || len(line)+len(piece) > l.longest; long {
			line = nil
		} else {
			line = append(line, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// lineWaiting reports whether a whole line is there to be read without waiting.
func (l *lineReader) lineWaiting() bool {
	waiting, _ := l.buffered.Peek(l.buffered.Buffered())
	return bytes.IndexByte(waiting, '\n') >= 0
}
