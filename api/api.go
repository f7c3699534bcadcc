// Package api is the HTTP interface: it decodes requests, hands them to the
// engine and maps the kinds of error to status codes in one place.
package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"orrery.dev"
	"orrery.dev/access"
	"orrery.dev/ingest"
	"orrery.dev/perspective"
	"orrery.dev/replay"
	"orrery.dev/serve"
	"orrery.dev/spec"
)

// streamBatch is how many lines of an NDJSON stream are decided on together.
const streamBatch = 256

// Jobs are the long works that a server can be asked for.
type Jobs interface {
	// Train fits a model on the log, saves the release and puts it in force.
	Train(ctx context.Context, request TrainRequest) (*TrainAnswer, error)
	// Verify recomputes the log.
	Verify(ctx context.Context) (*replay.Verification, error)
	// Backup writes a copy of the data, as of one moment, in the form of package
	// backup's streams.
	Backup(ctx context.Context, w io.Writer) error
}

// TrainRequest says what to train on; the zero value is what the spec says.
type TrainRequest struct {
	// Kind overrides the spec's model kind.
	Kind string `json:"model,omitempty"`
	// Range overrides the spec's: "2018-07-04..2018-07-11".
	Range string `json:"range,omitempty"`
}

// TrainAnswer says what was trained.
type TrainAnswer struct {
	Release   orrery.ReleaseID `json:"release"`
	Model     string           `json:"model"`
	Range     string           `json:"range"`
	Rows      int              `json:"rows"`
	Positives int              `json:"positives"`
	// Unknown rows had no label yet, can have none, or are stood for by others,
	// and were left out.
	Unknown int `json:"unknown"`
	// Explored rows were let through by chance and stand for others.
	Explored int `json:"explored"`
	// Reviewed rows are known by reviewers alone, who were asked about a share of
	// their kind, and stand for the rest.
	Reviewed int `json:"reviewed,omitempty"`
	// Outcomes counts those in the log.
	Outcomes replay.Outcomes `json:"outcomes"`
	Seconds  float64         `json:"seconds"`
	// InForce says that the running server has switched to the release.
	InForce bool `json:"in_force"`
}

// Server answers HTTP requests for one system.
type Server struct {
	engine  *serve.Engine
	jobs    Jobs
	options Options
	// decoders are those of the contract in force, which a release may extend.
	decoders  atomic.Pointer[decoders]
	admission *admission
	meter     *meter
	mux       *http.ServeMux
}

type decoders struct {
	contract *orrery.Contract
	byName   map[string]*ingest.Decoder
}

// known gives the decoder of each event type by name.
func (s *Server) known() map[string]*ingest.Decoder {
	known, contract := s.decoders.Load(), s.engine.Plan().Spec.Contract
	if known == nil || known.contract != contract {
		known = &decoders{contract: contract, byName: map[string]*ingest.Decoder{}}
		for _, t := range contract.Events {
			known.byName[t.Name] = ingest.NewDecoder(t)
		}
		s.decoders.Store(known)
	}
	return known.byName
}

// New makes a server on an engine.
func New(engine *serve.Engine, jobs Jobs, o Options) *Server {
	o = o.withDefaults()
	s := &Server{engine: engine, jobs: jobs, options: o, mux: http.NewServeMux(),
		admission: newAdmission(o.Limits), meter: &meter{limit: o.Limits.Buffered}}
	s.gauges()
	for _, rt := range slices.Concat(s.routes(), s.keyRoutes()) {
		s.mux.HandleFunc(rt.pattern, s.observed(rt.pattern, s.guarded(rt)))
	}
	return s
}

// routes lists the endpoints, each with the verb that a key must allow for it.
func (s *Server) routes() []route {
	return []route{
		{"GET /livez", open, false, live},
		{"GET /readyz", open, false, s.ready},
		{"GET /docs", open, false, s.docs},
		{"GET /metrics", access.Read, false, s.metrics},
		{"GET /openapi.json", access.Read, false, s.openapi},
		{"GET /v1/systems", access.Read, false, s.systems},
		{"POST /v1/systems/{system}/decisions", access.Decide, false, s.here(s.decide)},
		{"GET /v1/systems/{system}/stream", access.Decide, false, s.here(s.webSocket)},
		{"GET /v1/systems/{system}/decisions/{id}", access.Read, false, s.here(s.decision)},
		{"POST /v1/systems/{system}/events", access.Ingest, false, s.here(s.cloudEventsOfAnyType)},
		{"GET /v1/systems/{system}/quarantine", access.Read, false, s.here(s.listQuarantine)},
		{"GET /v1/systems/{system}/quarantine/{id}", access.Read, false, s.here(s.showQuarantine)},
		{"POST /v1/systems/{system}/quarantine", access.Ingest, false, s.here(s.plain(s.putQuarantine))},
		{"POST /v1/systems/{system}/quarantine/resubmit", access.Admin, false, s.here(s.audited("quarantine.resubmit", s.resubmitQuarantine))},
		{"POST /v1/systems/{system}/quarantine/drop", access.Admin, false, s.here(s.audited("quarantine.drop", s.dropQuarantine))},
		{"GET /v1/systems/{system}/imports/{import}", access.Ingest, false, s.here(s.imported)},
		{"PUT /v1/systems/{system}/imports/{import}", access.Ingest, false, s.here(s.plain(s.setImported))},
		{"POST /v1/systems/{system}/events/{event}", access.Ingest, false, s.here(s.events)},
		{"GET /v1/systems/{system}/entities/{entity}/{key}/features", access.Read, false, s.here(s.features)},
		{"GET /v1/systems/{system}/release", access.Read, false, s.here(s.release)},
		{"GET /v1/systems/{system}/lists", access.Read, false, s.here(s.lists)},
		{"GET /v1/systems/{system}/lists/{list}", access.Read, false, s.here(s.list)},
		{"POST /v1/systems/{system}/lists/{list}", access.Admin, false, s.here(s.audited("list.change", s.changeList))},
		{"GET /v1/systems/{system}/reviews", access.Review, false, s.here(s.listReviews)},
		{"POST /v1/systems/{system}/reviews/claim", access.Review, false, s.here(s.claimReview)},
		{"GET /v1/systems/{system}/reviews/agreement", access.Read, false, s.here(s.plain(s.agreement))},
		{"GET /v1/systems/{system}/reviews/stats", access.Read, false, s.here(s.plain(s.reviewStats))},
		{"GET /v1/systems/{system}/reviews/{id}", access.Review, false, s.here(s.showReview)},
		{"POST /v1/systems/{system}/reviews/{id}/verdict", access.Review, false, s.here(s.plain(s.giveVerdict))},
		{"POST /v1/systems/{system}/reviews/{id}/skip", access.Review, false, s.here(s.plain(s.reviewAct(SkipReview)))},
		{"POST /v1/systems/{system}/reviews/{id}/second", access.Review, false, s.here(s.plain(s.reviewAct(AskSecond)))},
		{"POST /v1/systems/{system}/reviews/{id}/appeal", access.Ingest, false, s.here(s.plain(s.reviewAct(AppealDecision)))},
		{"GET /v1/systems/{system}/pause", access.Read, false, s.here(s.paused)},
		{"POST /v1/systems/{system}/forget", access.Admin, false, s.here(s.audited("forget", s.forget))},
		{"POST /v1/systems/{system}/pause", access.Admin, false, s.here(s.audited("pause", s.pause))},
		{"POST /v1/systems/{system}/resume", access.Admin, false, s.here(s.audited("resume", s.resume))},
		{"POST /v1/systems/{system}/train", access.Admin, false, s.here(s.audited("train", s.train))},
		{"POST /v1/systems/{system}/check", access.Admin, false, s.here(s.plain(s.check))},
		{"POST /v1/systems/{system}/verify", access.Admin, false, s.here(s.plain(s.verify))},
		{"GET /v1/systems/{system}/backup", access.Admin, false, s.here(s.backup)},
		{"GET " + perspective.Discovery, open, false, s.discover},
		{"POST " + perspective.Prefix + "comments:analyze", access.Decide, false, s.commented(s.analyze)},
		{"POST " + perspective.Prefix + "comments:suggestscore", access.Ingest, false, s.commented(s.suggest)},
		{"GET /{$}", open, false, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/docs", http.StatusFound) }},
		{"/", access.Read, false, s.nothing},
	}
}

// nothing answers a request that no endpoint is for, and says which methods the
// path takes where it takes others.
func (s *Server) nothing(w http.ResponseWriter, r *http.Request) {
	kind, code, next := orrery.NotFound, "no_such_endpoint", "POST an event to /v1/systems/"+s.engine.Plan().Spec.System+"/decisions; what else there is stands at /docs"
	if allowed := s.allowed(r); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		kind, code, next = orrery.NotAllowed, "method_not_allowed", "use "+strings.Join(allowed, " or ")
	}
	s.fail(w, r, orrery.Errorf(kind, code, "there is no %s %s", r.Method, r.URL.Path).WithNext("%s", next))
}

// allowed lists the methods that the path of a request takes.
func (s *Server) allowed(r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		other := http.Request{Method: method, Host: r.Host, URL: r.URL}
		if _, pattern := s.mux.Handler(&other); strings.HasPrefix(pattern, method+" ") {
			methods = append(methods, method)
		}
	}
	return methods
}

// here gives a handler that refuses systems which do not run here.
func (s *Server) here(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if name := r.PathValue("system"); name != s.engine.Plan().Spec.System {
			s.fail(w, r, orrery.Errorf(orrery.NotFound, "system_not_found", "this server does not run the system %q", name).
				WithNext("it runs %q", s.engine.Plan().Spec.System))
			return
		}
		handler(w, r)
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hideKey(r)
	s.mux.ServeHTTP(w, r)
}

func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, map[string]string{"status": "live"})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.engine.Err(); err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, map[string]string{"status": "ready"})
}

// System describes a running system.
type System struct {
	Name     string           `json:"name"`
	About    string           `json:"about,omitempty"`
	DecideOn string           `json:"decide_on"`
	Release  orrery.ReleaseID `json:"release"`
	// Model is false until the release in force has a trained model.
	Model bool `json:"model"`
	// Events is the number of records acknowledged.
	Events orrery.Offset `json:"log_offset"`
}

func (s *Server) describe() System {
	p := s.engine.Plan()
	return System{Name: p.Spec.System, About: p.Spec.About, DecideOn: p.Spec.DecideOn.Name, Release: p.Release, Model: p.HasModel(), Events: s.engine.Last()}
}

func (s *Server) systems(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string][]System{"systems": {s.describe()}})
}

func (s *Server) release(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.describe()) }

func (s *Server) decision(w http.ResponseWriter, r *http.Request) {
	record, err := s.record(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, record)
}

func (s *Server) record(r *http.Request) (record *Record, err error) {
	offset, err := serve.ParseDecisionID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	err = s.personal(r, func(personal bool) error {
		record, err = ReadRecord(s.engine.Reader(), offset, personal)
		return err
	})
	return record, err
}

func (s *Server) features(w http.ResponseWriter, r *http.Request) {
	entity, key := r.PathValue("entity"), r.PathValue("key")
	var at orrery.Instant
	if text := r.URL.Query().Get("at"); text != "" {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			s.fail(w, r, orrery.Errorf(orrery.Invalid, "instant_invalid", "%q is not an instant", text).WithField("at").
				WithNext("write it as in 2018-07-18T09:30:00Z"))
			return
		}
		at = orrery.InstantOf(t)
	}
	if !s.engine.Plan().Spec.Contract.HasEntity(entity) {
		s.fail(w, r, orrery.Errorf(orrery.NotFound, "entity_not_found", "the system has no entity %q", entity).
			WithNext("it has %v", s.engine.Plan().Spec.Contract.Entities))
		return
	}
	answer, err := Known(r.Context(), s.engine, entity, key, at)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, answer)
}

func (s *Server) train(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	var request TrainRequest
	if err := readJSON(w, r, &request, `{} or {"model": "gbdt", "range": "2018-07-04..2018-07-11"}`); err != nil {
		return nil, err
	}
	takeTime(w)
	return s.jobs.Train(ctx, request)
}

// check says what the spec in the body would mean for the data.
func (s *Server) check(ctx context.Context, w http.ResponseWriter, r *http.Request) (any, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, spec.MaxSize))
	if err != nil {
		return nil, orrery.Errorf(orrery.TooLarge, "spec_too_large", "a spec has at most %d bytes", spec.MaxSize)
	}
	takeTime(w)
	return s.engine.Against(ctx, text)
}

func (s *Server) verify(ctx context.Context, w http.ResponseWriter, _ *http.Request) (any, error) {
	takeTime(w)
	return s.jobs.Verify(ctx)
}
