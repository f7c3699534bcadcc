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
	lines := newLineReader(source, s.options.Limits.Line)
	for {
		batch, err := lines.next(streamBatch)
		if len(batch) > 0 {
			keep.at(lines.numbers)
			answers, failure := s.streamed(r.Context(), batch, in, keep)
			_ = control.SetWriteDeadline(time.Now().Add(s.options.Limits.Idle))
			if failure != nil {
				writeJSON(w, problemOf(failure))
				return
			}
			for _, a := range answers {
				writeAnswer(w, a)
			}
			if control.Flush() != nil {
				return
			}
		}
		if err != nil {
			_ = control.SetWriteDeadline(time.Now().Add(s.options.Limits.Idle))
			switch {
			case errors.Is(err, io.EOF):
			case s.options.Stopping.Err() != nil:
				writeJSON(w, problemOf(errDraining))
			default:
				writeJSON(w, problemOf(bodyError(err)))
			}
			return
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
