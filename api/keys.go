package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/spec"
)

// KeyList are all keys of a server.
type KeyList struct {
	Keys []access.Key `json:"keys"`
}

// KeyRequest asks for a key.
type KeyRequest struct {
	Name    string        `json:"name"`
	Systems []string      `json:"systems"`
	Verbs   []access.Verb `json:"verbs"`
	// ExpiresIn is for how long the key works, as in 90d; empty for ever.
	ExpiresIn string `json:"expires_in,omitempty"`
}

// KeyRotation asks for another token.
type KeyRotation struct {
	// Overlap is for how long the token before works too, as in 24h.
	Overlap string `json:"overlap,omitempty"`
}

// NewKey is a key and its token, which is shown this once.
type NewKey struct {
	Key   access.Key `json:"key"`
	Token string     `json:"token"`
}

// CreateKey makes a key.
func CreateKey(keys *access.Keys, by access.Actor, r KeyRequest) (*NewKey, error) {
	lifetime, err := durationOf("expires_in", r.ExpiresIn)
	if err != nil {
		return nil, err
	}
	key, token, err := keys.Create(by, access.Request{Name: r.Name, Scope: access.Scope{Systems: r.Systems, Verbs: r.Verbs}, Lifetime: lifetime})
	if err != nil {
		return nil, err
	}
	return &NewKey{key, token}, nil
}

// RotateKey gives a key another token.
func RotateKey(keys *access.Keys, by access.Actor, id string, r KeyRotation) (*NewKey, error) {
	overlap, err := durationOf("overlap", r.Overlap)
	if err != nil {
		return nil, err
	}
	key, token, err := keys.Rotate(by, id, overlap)
	if err != nil {
		return nil, err
	}
	return &NewKey{key, token}, nil
}

func durationOf(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, ok := spec.ParseDuration(text)
	if !ok {
		return 0, orrery.Errorf(orrery.Invalid, "duration_invalid", "%q is not a duration", text).WithField(field).WithNext("write it as in 24h or 90d")
	}
	return d.Std(), nil
}

func (s *Server) keyRoutes() []route {
	return []route{
		{"GET /v1/keys", access.Admin, true, s.plain(func(context.Context, http.ResponseWriter, *http.Request) (any, error) {
			keys, err := s.keys()
			if err != nil {
				return nil, err
			}
			return KeyList{keys.List()}, nil
		})},
		{"POST /v1/keys", access.Admin, true, s.plain(func(_ context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
			var request KeyRequest
			keys, err := s.keysAnd(w, r, &request, `{"name": "checkout", "systems": ["*"], "verbs": ["decide"]}`)
			if err != nil {
				return nil, err
			}
			return CreateKey(keys, s.actor(r), request)
		})},
		{"POST /v1/keys/{id}/rotate", access.Admin, true, s.plain(func(_ context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
			var request KeyRotation
			keys, err := s.keysAnd(w, r, &request, `{} or {"overlap": "24h"}`)
			if err != nil {
				return nil, err
			}
			return RotateKey(keys, s.actor(r), r.PathValue("id"), request)
		})},
		{"POST /v1/keys/{id}/revoke", access.Admin, true, s.plain(func(_ context.Context, _ http.ResponseWriter, r *http.Request) (any, error) {
			keys, err := s.keys()
			if err != nil {
				return nil, err
			}
			return keys.Revoke(s.actor(r), r.PathValue("id"))
		})},
		{"GET /v1/audit", access.Admin, true, s.plain(s.audit)},
	}
}

func (s *Server) keys() (*access.Keys, error) {
	if s.options.Keys == nil {
		return nil, orrery.Errorf(orrery.NotFound, "keys_not_kept", "this server keeps no keys")
	}
	return s.options.Keys, nil
}

// keysAnd gives the keys and reads a request's body.
func (s *Server) keysAnd(w http.ResponseWriter, r *http.Request, into any, example string) (*access.Keys, error) {
	keys, err := s.keys()
	if err != nil {
		return nil, err
	}
	return keys, readJSON(w, r, into, example)
}

// AuditPage is a piece of the audit trail.
type AuditPage struct {
	Entries []access.Entry `json:"entries"`
	// Next is the after of the next page, 0 when there is none yet.
	Next uint64 `json:"next,omitempty"`
}

// auditPage bounds the entries of one page.
const auditPage = 1000

func (s *Server) audit(_ context.Context, _ http.ResponseWriter, r *http.Request) (any, error) {
	keys, err := s.keys()
	if err != nil {
		return nil, err
	}
	after := uint64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, orrery.Errorf(orrery.Invalid, "number_invalid", "%q is not the number of an entry", text).WithField("after").WithNext("send the next of the page before")
		}
	}
	page := AuditPage{Entries: []access.Entry{}}
	for e, err := range keys.Trail().Entries(after) {
		if err != nil {
			return nil, err
		}
		if len(page.Entries) == auditPage {
			page.Next = page.Entries[auditPage-1].Seq
			break
		}
		page.Entries = append(page.Entries, e)
	}
	return page, nil
}
