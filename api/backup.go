package api

import (
	"context"
	"net/http"
)

// backup sends a copy of the data. A failure after the first byte ends the
// connection, so that nobody takes the half for the whole.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	sent := &firstByte{ResponseWriter: w, ctx: r.Context()}
	w.Header().Set("Content-Type", "application/x-tar")
	err := s.jobs.Backup(r.Context(), sent)
	switch {
	case err == nil:
	case !sent.begun:
		s.fail(w, r, err)
	default:
		s.logger.Error("a backup was cut short", "cause", err)
		panic(http.ErrAbortHandler)
	}
}

// firstByte notes that an answer has begun, and ends it with its request.
type firstByte struct {
	http.ResponseWriter
	ctx   context.Context
	begun bool
}

func (w *firstByte) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	w.begun = true
	return w.ResponseWriter.Write(p)
}
