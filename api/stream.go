package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"orrery.dev/ingest"
)

// stream answers NDJSON line by line, in order, while it is still being sent: as
// many lines as have arrived are decided on together.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, decoder *ingest.Decoder, submit submission, answer reply) {
	control := http.NewResponseController(w)
	// The answers begin before the request has ended.
	_ = control.EnableFullDuplex()
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := newLineReader(r.Body)
	for {
		begun := time.Now()
		batch, err := lines.next(streamBatch)
		if len(batch) > 0 {
			answers, failure := s.answers(decoder, batch, begun, submit, answer)
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
			if !errors.Is(err, io.EOF) {
				writeJSON(w, problemOf(bodyError(err)))
			}
			return
		}
	}
}

// lineReader reads lines of bounded length.
type lineReader struct{ buffered *bufio.Reader }

func newLineReader(r io.Reader) *lineReader { return &lineReader{bufio.NewReaderSize(r, MaxLine)} }

// next waits for one line, then takes whatever else has arrived, up to most. A
// line over the limit is given as nil and read past.
func (l *lineReader) next(most int) ([][]byte, error) {
	var out [][]byte
	for len(out) < most {
		line, err := l.buffered.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			err = l.skipLine()
			out = append(out, nil)
		} else if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
			out = append(out, bytes.Clone(trimmed))
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

func (l *lineReader) skipLine() error {
	for {
		if _, err := l.buffered.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// lineWaiting reports whether a whole line is there to be read without waiting.
func (l *lineReader) lineWaiting() bool {
	waiting, _ := l.buffered.Peek(l.buffered.Buffered())
	return bytes.IndexByte(waiting, '\n') >= 0
}
