package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Lines says how to drive an endpoint that answers a stream of lines with a
// line each, in order.
type Lines struct {
	// URL is where the stream is posted, Type its content type.
	URL, Type string
	// Header has what else the request says of itself, such as a key.
	Header http.Header
	// Piece is how many lines are written at once, Window how many may be
	// unanswered.
	Piece, Window int
	// Accepted reports whether a line is an answer rather than a refusal.
	Accepted func(line []byte) bool
}

// Stream keeps one long request a client going for the duration, and counts
// the lines that were answered. Line i of the source ends with a line break.
func Stream(ctx context.Context, o Options, l Lines, source Source) (*Result, int) {
	var next atomic.Int64
	next.Store(int64(o.First))
	begun := time.Now()
	results := make([]Result, o.Clients)
	var running sync.WaitGroup
	for i := range results {
		running.Go(func() {
			if err := results[i].stream(ctx, begun.Add(o.Duration), l, source, &next); err != nil {
				results[i].note(0, err, 0, 0)
			}
		})
	}
	running.Wait()
	total := &Result{Elapsed: time.Since(begun)}
	for i := range results {
		total.add(&results[i])
	}
	return total, int(next.Load())
}

func (r *Result) stream(ctx context.Context, end time.Time, l Lines, source Source, next *atomic.Int64) error {
	body, lines := io.Pipe()
	defer body.Close()
	room := make(chan struct{}, l.Window)
	go writeLines(ctx, end, l.Piece, source, next, lines, room)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL, body)
	if err != nil {
		return err
	}
	for name, values := range l.Header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", l.Type)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the stream was answered with %s", response.Status)
	}
	answers := bufio.NewReaderSize(response.Body, 64<<10)
	for {
		line, err := answers.ReadSlice('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		<-room
		if l.Accepted(line) {
			r.OK++
			continue
		}
		r.note(0, fmt.Errorf("%.200s", line), 0, 0)
	}
}

// writeLines writes pieces of the source until the end, as far ahead of the
// answers as there is room.
func writeLines(ctx context.Context, end time.Time, piece int, source Source, next *atomic.Int64, to *io.PipeWriter, room chan struct{}) {
	defer to.Close()
	var text []byte
	for time.Now().Before(end) && ctx.Err() == nil {
		first := int(next.Add(int64(piece))) - piece
		text = text[:0]
		for i := range piece {
			line, ok := source(first + i)
			if !ok {
				break
			}
			text = append(text, line...)
			room <- struct{}{}
		}
		if len(text) == 0 {
			return
		}
		if _, err := to.Write(text); err != nil {
			return
		}
	}
}
