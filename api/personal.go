package api

import (
	"context"
	"net/http"
	"strconv"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/control"
	"orrery.dev/serve"
)

// ForgetRequest names whom to forget.
type ForgetRequest struct {
	Entity string `json:"entity"`
	Key    Key    `json:"key"`
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Forget has an engine forget somebody.
func Forget(ctx context.Context, engine *serve.Engine, request ForgetRequest) (*serve.Forgetting, error) {
	if request.Key == "" {
		return nil, orrery.Errorf(orrery.Invalid, "key_missing_in_request", "nobody is named to be forgotten").WithField("key").
			WithNext(`send {"entity": "customer", "key": "596"}`)
	}
	done, err := engine.Forget(ctx, request.Entity, string(request.Key), control.Note{By: request.By, Reason: request.Reason})
	return &done, err
}

func (s *Server) forget(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	var request ForgetRequest
	if err := readJSON(w, r, &request, `{"entity": "customer", "key": "596"}`); err != nil {
		return nil, err
	}
	request.By = s.by(r, request.By)
	return Forget(ctx, s.engine, request)
}

// personal does work that shows personal values where the request asks for them:
// with personal=true, by right of the verb admin, and recorded in the audit trail.
func (s *Server) personal(r *http.Request, work func(personal bool) error) error {
	text := ""
	if r.URL.RawQuery != "" {
		text = r.URL.Query().Get("personal")
	}
	if text == "" {
		return work(false)
	}
	asked, err := strconv.ParseBool(text)
	if err != nil {
		return orrery.Errorf(orrery.Invalid, "personal_invalid", "%.20q is neither true nor false", text).WithField("personal").WithNext("send personal=true")
	}
	if !asked {
		return work(false)
	}
	if err := s.allow(r, &route{verb: access.Admin}); err != nil {
		return err
	}
	return s.act(r, "personal.read", func() error { return work(true) })
}
