package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"orrery.dev"
	"orrery.dev/ingest"
)

// Problem is an error as HTTP clients see it: problem details of RFC 9457.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code is stable; programs should look at nothing else.
	Code string `json:"code"`
	// Field names the field at fault, Next says what to do.
	Field string `json:"field,omitempty"`
	Next  string `json:"next,omitempty"`
	// Faults lists everything wrong with an event.
	Faults []ingest.Fault `json:"faults,omitempty"`
}

// kinds is the one place where error kinds become status codes.
var kinds = map[orrery.ErrorKind]struct {
	status int
	title  string
}{
	orrery.Internal:    {http.StatusInternalServerError, "Internal error"},
	orrery.Invalid:     {http.StatusUnprocessableEntity, "Invalid input"},
	orrery.NotFound:    {http.StatusNotFound, "Not found"},
	orrery.Conflict:    {http.StatusConflict, "Conflict with what is recorded"},
	orrery.TooLarge:    {http.StatusRequestEntityTooLarge, "Too large"},
	orrery.Unavailable: {http.StatusServiceUnavailable, "Unavailable"},
	orrery.Damaged:     {http.StatusInternalServerError, "Damaged data"},

	orrery.Unauthenticated: {http.StatusUnauthorized, "Unauthenticated"},
	orrery.Forbidden:       {http.StatusForbidden, "Forbidden"},
	orrery.Overloaded:      {http.StatusTooManyRequests, "Overloaded"},
	orrery.TooSlow:         {http.StatusRequestTimeout, "Too slow"},
	orrery.Gone:            {http.StatusGone, "No longer kept"},
	orrery.NotAllowed:      {http.StatusMethodNotAllowed, "Method not allowed"},
}

// KindOf gives the kind of error that a server answers with a status: Invalid for
// one that it does not use. Of kinds that share a status it is the plainest.
func KindOf(status int) orrery.ErrorKind {
	for kind := orrery.Internal; int(kind) < len(kinds); kind++ {
		if kinds[kind].status == status {
			return kind
		}
	}
	return orrery.Invalid
}

// problemOf describes an error. What an Internal error says stays in the log.
func problemOf(err error) *Problem {
	kind := kinds[orrery.KindOf(err)]
	p := &Problem{Title: kind.title, Status: kind.status, Code: orrery.CodeOf(err), Detail: "the server failed in a way it did not foresee; its log says more"}
	var known *orrery.Error
	if errors.As(err, &known) {
		p.Field, p.Next, p.Detail = known.Field, known.Next, known.Message
		if known.Err != nil && known.Kind != orrery.Internal {
			p.Detail += ": " + known.Err.Error()
		}
	}
	var event *ingest.EventError
	if errors.As(err, &event) {
		p.Faults = event.Faults
	}
	p.Type = "urn:orrery:problem:" + p.Code
	return p
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	fail(s.options.Logger, w, r, err)
}

func fail(logger *slog.Logger, w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	header := w.Header()
	switch p.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		header.Set("Retry-After", retryAfterSeconds)
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="orrery"`)
	}
	if kind := orrery.KindOf(err); kind == orrery.Internal || kind == orrery.Damaged {
		// The pattern, not the path: a path names people.
		logger.Error("request failed", "route", r.Pattern, "code", p.Code, "error", err)
	}
	if inPerspective(r) {
		own := perspectiveError(err, p)
		header.Del("WWW-Authenticate")
		header.Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(own.Code)
		_, _ = w.Write(own.Body())
		return
	}
	header.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	writeJSON(w, p)
}

// writeJSON writes a value that is known to encode; a client that has gone is
// no fault of ours.
func writeJSON(w http.ResponseWriter, value any) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
}
