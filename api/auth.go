package api

import (
	"context"
	"net"
	"net/http"
	"strings"

	"orrery.dev"
	"orrery.dev/access"
)

// route is one endpoint: who may call it, and what does the work.
type route struct {
	pattern string
	// verb is what a client's key must allow; open is for all.
	verb access.Verb
	// everywhere demands a key for every system, because what the endpoint does
	// reaches beyond one.
	everywhere bool
	handler    http.HandlerFunc
}

// open is the verb of endpoints that need no key.
const open access.Verb = ""

// guarded gives the handler of a route behind the question who asks.
func (s *Server) guarded(rt route) http.HandlerFunc {
	if rt.verb == open {
		return rt.handler
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.allow(r, &rt); err != nil {
			s.fail(w, r, err)
			return
		}
		rt.handler(w, r)
	}
}

// allow refuses a client without a key for the route. Without keys it refuses
// only what a web page in this machine's browser could have sent.
func (s *Server) allow(r *http.Request, rt *route) error {
	keys := s.options.Keys
	if keys == nil || !keys.Required() {
		return s.fromHere(r)
	}
	key, err := authenticate(keys, r)
	if err != nil {
		keys.Refused(tokenOf(r), r.RemoteAddr, err)
		return err
	}
	system := s.engine.Plan().Spec.System
	if rt.everywhere {
		system = access.Everything
	}
	if key.Allows(system, rt.verb) {
		return nil
	}
	if rt.everywhere {
		return orrery.Errorf(orrery.Forbidden, "key_scope", "the API key %s (%s) is not for %s of every system", key.ID, key.Name, rt.verb).
			WithNext("use a key made with: --verbs %s --systems '*'", rt.verb)
	}
	return orrery.Errorf(orrery.Forbidden, "key_scope", "the API key %s (%s) is not for %s of the system %s", key.ID, key.Name, rt.verb, system).
		WithNext("use a key that is, or make one with: orrery keys create --verbs %s", rt.verb)
}

var errKeyMissing = orrery.Errorf(orrery.Unauthenticated, "key_missing", "this server asks for an API key").
	WithNext("send it as Authorization: Bearer KEY, or as X-API-Key")

// tokenOf gives the token that a request brings, empty where it has none.
func tokenOf(r *http.Request) string {
	token := r.Header.Get("X-Api-Key")
	if header := r.Header.Get("Authorization"); token == "" && header != "" {
		const scheme = "bearer "
		if len(header) > len(scheme) && strings.EqualFold(header[:len(scheme)], scheme) {
			token = strings.TrimSpace(header[len(scheme):])
		}
	}
	return token
}

func authenticate(keys *access.Keys, r *http.Request) (*access.Identity, error) {
	token := tokenOf(r)
	if token == "" {
		token = keyOfProtocol(r)
	}
	if token == "" {
		return nil, errKeyMissing
	}
	return keys.Authenticate(token)
}

var errCrossOrigin = orrery.Errorf(orrery.Forbidden, "cross_origin", "a server without API keys takes nothing from other sites' pages").
	WithNext("make a key with: orrery keys create")

var crossOrigin = http.NewCrossOriginProtection()

// fromHere refuses requests that a foreign web page has made its reader's
// browser send: by their origin, or because they name this server by a name
// that is not one of a loopback address.
func (s *Server) fromHere(r *http.Request) error {
	if !isLoopback(r.Host) {
		return orrery.Errorf(orrery.Forbidden, "host_not_loopback", "a server without API keys answers to localhost only, not to %q", r.Host).
			WithNext("make a key with orrery keys create, or have the proxy in front send its upstream's Host")
	}
	if err := crossOrigin.Check(r); err != nil {
		return errCrossOrigin
	}
	return nil
}

// isLoopback reports whether a host, with or without a port, is this machine by
// a name that only it has.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// actor says who sent a request, for the audit trail.
func (s *Server) actor(r *http.Request) access.Actor {
	who := access.Actor{Name: access.Loopback, From: r.RemoteAddr}
	if keys := s.options.Keys; keys != nil && keys.Required() {
		if key, err := authenticate(keys, r); err == nil {
			who.Name = key.ID
		}
	}
	return who
}

// act is administrative work: it gives what to answer.
type act func(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error)

// audited gives the handler of administrative work that is recorded before it is
// done and after.
func (s *Server) audited(name string, do act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var answer any
		err := s.act(r, name, func() (err error) {
			answer, err = do(r.Context(), w, r)
			return err
		})
		s.reply(w, r, answer, err)
	}
}

// act does administrative work and records it, where a trail is kept.
func (s *Server) act(r *http.Request, name string, work func() error) error {
	if s.options.Keys == nil {
		return work()
	}
	return s.options.Keys.Trail().Act(s.actor(r), name, s.engine.Plan().Spec.System, work)
}

// plain gives the handler of work that is not recorded.
func (s *Server) plain(do act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := do(r.Context(), w, r)
		s.reply(w, r, answer, err)
	}
}

func (s *Server) reply(w http.ResponseWriter, r *http.Request, answer any, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if several, ok := answer.([]any); ok {
		writeAnswers(w, several)
		return
	}
	writeAnswer(w, answer)
}
