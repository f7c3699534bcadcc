package api

import (
	"context"
	"net/http"
	"time"
)

// backup sends a copy of the data. A failure after the first byte ends the
// connection, so that nobody takes the half for the whole.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	takeTime(w)
	sent := &firstByte{ResponseWriter: w, ctx: r.Context(), control: http.NewResponseController(w), idle: s.options.Limits.Idle}
	w.Header().Set("Content-Type", "application/x-tar")
	err := s.act(r, "backup", func() error { return s.jobs.Backup(r.Context(), sent) })
	switch {
	case err == nil:
	case !sent.begun:
		s.fail(w, r, err)
	default:
		s.options.Logger.Error("a backup was cut short", "cause", err)
		panic(http.ErrAbortHandler)
	}
}

// firstByte notes that an answer has begun, and ends it with its request.
type firstByte struct {
	http.ResponseWriter
	ctx   context.Context
	begun bool
	// A client that reads nothing for longer than idle is cut off.
	control *http.ResponseController
	idle    time.Duration
}

func (w *firstByte) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	w.begun = true
	_ = w.control.SetWriteDeadline(time.Now().Add(w.idle))
	return w.ResponseWriter.Write(p)
}
